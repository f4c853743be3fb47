"""What a replay's own exchange was sent and reported, and the same commands through an exchange on a stream's clock."""

import numpy as np

from alphatrade_runtime.execution.broker.memory_log import MemoryLog
from alphatrade_runtime.execution.broker.stepped_exchange import SteppedExchange
from alphatrade_runtime.execution.venue_state import DEPTH_TICKS, RING
from alphatrade_runtime.loop import replay
from alphatrade_runtime.loop.build import build
from alphatrade_runtime.loop.recorder import Recorder
from alphatrade_runtime.loop.window import RowWindow
from alphatrade_runtime.market.orders import COMMAND_DTYPE, REPORT_DTYPE
from alphatrade_runtime.market.schema import Kind
from alphatrade_runtime.policy.document import parse_session

NEVER = (1 << 62) + 1


def has_depth(rows):
    return bool((rows.kind == int(Kind.DEPTH)).any())


def replayed(document, rows, calendar=None):
    """Return (commands, reports, core) of a replay, taken out of its rings after every few rows."""
    session = parse_session(document)
    core = build(session, calendar, bar_mode=False)
    n = len(session.policy.envelope.instruments)
    depth = np.zeros((n, 2, DEPTH_TICKS if has_depth(rows) else 0), np.int64)
    window = RowWindow(iter(rows.slice(k, min(k + 5, len(rows.seq))) for k in range(0, len(rows.seq), 5)), None)
    recorder = Recorder.create(None, {}, False, None)
    taken: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    sent = told = 0
    loop, venue = core["loop"][0][0], core["venue"][0][0]
    while True:
        state = replay.run(core, window.rows, len(window), window.final, depth)
        recorder.drain(core)
        at = np.arange(sent, int(loop["commands_tail"])) & (RING - 1)
        taken[0].append(np.asarray(core["commands"][0])[at].copy())
        at = np.arange(told, int(venue["head"])) & (RING - 1)
        taken[1].append(np.asarray(core["reports"][0])[at].copy())
        sent, told = int(loop["commands_tail"]), int(venue["head"])
        if state == replay.DONE:
            break
        if state == replay.NEED_ROWS:
            used = int(min(loop["local_row"], loop["venue_row"], len(window)))
            window.advance(used)
            loop["local_row"] -= used
            loop["venue_row"] -= used
    recorder.abandon()
    return (
        np.concatenate((np.zeros(0, COMMAND_DTYPE), *taken[0])),
        np.concatenate((np.zeros(0, REPORT_DTYPE), *taken[1])),
        core,
    )


class TapeMarket:
    """Rows in batches of a size, in the order of the tape."""

    def __init__(self, rows, size=1 << 20):
        self.rows, self.size, self.at = rows, size, 0
        self.times = np.maximum.accumulate(rows.ts_event_ns)

    def take(self):
        n = len(self.times)
        if self.at >= n:
            return None
        stop = min(self.at + self.size, n)
        span, self.at = self.rows.slice(self.at, stop), stop
        complete = int(self.times[stop] - 1) if stop < n else int(self.times[-1])
        return span, complete

    def close(self):
        pass


def exchange_of(document, rows, log=None, *, seat=None, size=1 << 20):
    session = parse_session(document)
    n = len(session.policy.envelope.instruments)
    market = TapeMarket(rows, size)
    return SteppedExchange(session.exchange, n, market, log or MemoryLog(), depth=has_depth(rows), seat=seat)


def stepped(exchange, commands, cuts):
    """Send each command before time passes it, stop at every cut; return all reports."""
    reports, sent = [], exchange.commands
    for cut in [*cuts, NEVER]:
        upto = sent + int(np.searchsorted(commands["ts_ns"][sent:], cut, side="right"))
        if upto > sent:
            exchange.submit(commands[sent:upto])
            sent = upto
        reports.append(exchange.advance(cut))
    return np.concatenate(reports)
