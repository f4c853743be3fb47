"""A market in which a strategy's edge is there and then is not, and a session by the wall clock that meets it.

As a program: fork a session for each point to kill it at, and print what was left of each as JSON.
"""

import json
import os
import signal
import sys
from pathlib import Path

import numpy as np

from alphatrade_runtime.loop import recovery
from alphatrade_runtime.loop.identity import identify
from alphatrade_runtime.loop.journal import Journal
from alphatrade_runtime.loop.live_clock import ClockFacts
from alphatrade_runtime.loop.live_rows import report_rows
from alphatrade_runtime.loop.live_session import LiveFacts
from alphatrade_runtime.loop.mind import host
from alphatrade_runtime.loop.mind_link import mind_of
from alphatrade_runtime.market.orders import REPORT_DTYPE, Report
from alphatrade_runtime.market.schema import Flag, Kind, rows_from_columns
from alphatrade_runtime.policy.document import parse_session
from alphatrade_runtime.reflection.drift import packet as drift_packet
from unit.loop.made_tapes import START_NS
from unit.loop.mind_sessions import exploring
from unit.risk.law_session import policy

HALF = 30  # quotes that the price runs one way while there is something to earn
STEEP = 4  # ticks a quote
SHORT = 5  # quotes that it runs one way afterwards: an average that follows is always late
LENGTH, DECAYS_AT = 6_000, 3_000
WATCHED = {
    "reference": 60, "min_observations": 10, "page_hinkley": {"delta": "0.25", "warn": "12", "alert": "20"},
    "cusum": {"slack": "0.5", "warn": "6", "alert": "14"}, "shock": "900",
}  # fmt: skip


def wave(decays, length=LENGTH, seed=5):
    """Quotes of one instrument that run up and down, 100 ms apart. decays: from DECAYS_AT on too fast to follow."""
    draw = np.random.default_rng(seed)
    moves: list[int] = []
    way = 1
    while len(moves) < length:
        late = decays and len(moves) >= DECAYS_AT
        run = SHORT if late or draw.random() < 0.15 else HALF + int(draw.integers(-8, 9))
        moves += [way * STEEP] * run
        way = -way
    mid = 10_000 + np.cumsum(moves[:length]) + draw.integers(-1, 2, length)
    return quotes(mid)


def quotes(mid):
    """Rows of quotes around prices in ticks."""
    length = len(mid)
    ts = START_NS + np.arange(length) * 100_000_000
    size = np.full(length, 1_000)
    return rows_from_columns(
        {
            "seq": np.arange(1, length + 1), "ts_event_ns": ts, "ts_init_ns": ts, "instrument": np.zeros(length, int),
            "kind": np.full(length, int(Kind.QUOTE)), "bid": mid - 1, "ask": mid + 1, "bid_size": size,
            "ask_size": size, "flags": np.full(length, int(Flag.LAST)),
        }
    )  # fmt: skip


def shocked(seed):
    """The wave without a decay, and the row at which its price jumps back a tenth, against who followed it."""
    rows = wave(False, seed=seed)
    mid = rows.bid + 1
    run = mid[12:] - mid[:-12]
    at = 12 + DECAYS_AT + int(np.argmax(run[DECAYS_AT:] > 10 * STEEP))
    return quotes(np.where(np.arange(len(mid)) >= at, mid - 1_000, mid)), at


def document(drift=WATCHED, **budget):
    """A session of two policies that follow the price, the slower one on trial now and then."""
    policies = [
        policy("ema_cross", {"fast": fast, "slow": slow}, "market", name=f"{slow}") for fast, slow in ((2, 5), (3, 12))
    ]
    settings = {"cadence": 25, "freeze_on_warning": False, "quiet_decisions": 1_000_000, **budget}
    return exploring(n=1, policies=policies, drift=drift, budget=settings)


DOCUMENT = document()
# where a session is killed once it writes its first packet, in the order in which it comes there
POINTS = (
    "packet before", "fsync 1 before", "fsync 1 after", "fsync 2 after", "fsync 3 after", "fsync 4 after",
    "rename 1 before", "rename 1 after", "fsync 5 after", "packet after", "flush before", "flush after",
    "send before", "send after",
)  # fmt: skip


def reached(here, point):
    """Kill this process at its point."""
    if here == point:
        os.kill(os.getpid(), signal.SIGKILL)


def armed(point):
    """Count calls on the way from an alert to the next order that leaves; return what to call around a send."""
    calls = {"fsync": 0, "rename": 0}
    writing, written = [False], [False]

    def inside(name, honest):
        def counted(*arguments):
            if not writing[0]:
                return honest(*arguments)
            calls[name] += 1
            reached(f"{name} {calls[name]} before", point)
            result = honest(*arguments)
            reached(f"{name} {calls[name]} after", point)
            return result

        return counted

    def afterwards(name, honest):
        def counted(*arguments):
            if written[0]:
                reached(f"{name} before", point)
            result = honest(*arguments)
            if written[0]:
                reached(f"{name} after", point)
            return result

        return counted

    write = drift_packet.write_packet

    def packet(*arguments):
        reached("packet before", point)
        writing[0] = True
        folder = write(*arguments)
        writing[0], written[0] = False, True
        reached("packet after", point)
        return folder

    setattr(host, "write_packet", packet)  # noqa: B010 (the name that it is called by)
    os.fsync, os.rename = inside("fsync", os.fsync), inside("rename", os.rename)
    Journal.flush = afterwards("flush", Journal.flush)  # type: ignore[method-assign]
    return lambda send: afterwards("send", send)


def filled(commands, rows, at, fills):
    """Reports of market orders filled at the touch."""
    reports = np.zeros(len(commands), REPORT_DTYPE)
    for report, command in zip(reports, commands, strict=True):
        fills[0] += 1
        report["type"], report["order_id"], report["exec_id"] = int(Report.FILL), command["order_id"], fills[0]
        report["side"], report["qty"] = command["side"], command["qty"]
        report["price"] = rows.ask[at] if command["side"] > 0 else rows.bid[at]
    return reports


def drive(live, rows, first, end, send):
    """Hand in quotes, send what is decided, and fill it."""
    fills = [0]
    for at in range(first, end):
        now_ns = int(rows.ts_init_ns[at])
        commands = live.take([rows.slice(at, at + 1)], now_ns)
        while len(commands):
            send(commands)
            commands = live.take([report_rows(filled(commands, rows, at, fills))], now_ns)


def facts(rows, session):
    clock = ClockFacts(int(rows.ts_init_ns[0]), 0, 1)
    return LiveFacts("decay", DOCUMENT, {}, identify(session, {}).code_hash, clock, "sha256:x", False)


def trade(folder, point, rows, end):
    """Run a session in this process to its end, or to the point where it dies."""
    session = parse_session(DOCUMENT)
    folder.mkdir()
    live = recovery.start(folder, facts(rows, session), session, identify(session, {}), True)
    left = os.open(folder / "left", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    send = armed(point)(lambda commands: os.write(left, commands["decision_id"].astype("<i8").tobytes()))
    drive(live, rows, 0, end, send)
    live.drain()
    live.recorder.abandon()


def packets(folder):
    """The packets that are whole."""
    found = sorted((folder / host.PACKETS).glob("[!.]*"))
    return [drift_packet.read_packet(each) for each in found]


def left_of(folder, rows):
    """What a dead session left behind, and what the next one knows of it after one quote more."""
    session = parse_session(DOCUMENT)
    found = {
        "left": np.fromfile(folder / "left", "<i8").tolist(),
        "packets": [[one["packet_id"], one["fired"]["decision_id"]] for one in packets(folder)],
    }
    live = recovery.recover(folder, facts(rows, session), session, identify(session, {}), True)
    at = int(np.searchsorted(rows.ts_init_ns, live.now_ns, side="right"))
    live.take([rows.slice(at, at + 1)], int(rows.ts_init_ns[at]))
    mind = mind_of(live.core)
    assert isinstance(mind, host.Mind)
    sentry = mind.symbols[0].sentry[0]
    after = [[one["packet_id"], one["fired"]["decision_id"]] for one in packets(folder)]
    live.recorder.abandon()
    assert live.journal is not None
    live.journal.abandon()
    return {**found, "after": after, "factor": float(sentry.size_factor), "frozen": int(sentry.frozen)}


def main(folder, end):
    rows = wave(True)
    result = {}
    for point in ("none", *POINTS):
        own = folder / point.replace(" ", "-")
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                trade(own, point, rows, end)
                code = 0
            finally:
                os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        result[point] = {"code": code, **left_of(own, rows)}
    print(json.dumps(result))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
