"""Decide in this process, event by event, beside a replay of the same rows."""

from itertools import pairwise

from alphatrade.v1.decision_pb2 import DecideRequest, DecideResponse
from alphatrade.v1.market_pb2 import MarketEvent
from alphatrade_runtime.loop import engine
from alphatrade_runtime.loop.core import OUT_DECISIONS, part
from alphatrade_runtime.loop.engine import Engine
from alphatrade_runtime.loop.recorder import Recorder
from alphatrade_runtime.market.schema import Flag, Rows
from alphatrade_runtime.policy.document import parse_session
from alphatrade_runtime.service.decide.session import DecideSession

LAST = int(Flag.LAST)


def events(rows: Rows):
    """Return the rows as events, of those with one arrival time only the final one LAST."""
    columns = [column.tolist() for column in rows]
    columns[-1] = flags_of(columns[2], columns[-1])
    return [MarketEvent(**dict(zip(Rows._fields, row, strict=True))) for row in zip(*columns, strict=True)]


def flags_of(times, flags):
    """Let LAST stand on the final row of an arrival time if any row of it has it: a replay steps once, at its end."""
    flags, open_last = list(flags), False
    for k, (now, after) in enumerate(pairwise([*times, None])):
        open_last = open_last or bool(flags[k] & LAST)
        flags[k] = flags[k] & ~LAST | (LAST if open_last and now != after else 0)
        open_last = open_last and now == after
    return flags


def requests(rows: Rows, depth=False):
    """Return what a client sends."""
    return [DecideRequest(event=event, depth=depth) for event in events(rows)]


def decided(document, rows: Rows, depth=False):
    """Return (records, how many rows were overtaken, the answers)."""
    run = DecideSession(parse_session(document), int(rows.ts_init_ns[0]), depth)
    answers: list[DecideResponse] = []
    for event in events(rows):
        if run.events.add(event):
            answers += run.step(event)
    answers += run.finish(int(rows.seq[-1]))
    return records_of(answers), run.overtaken, answers


def records_of(answers) -> bytes:
    """Return the diary's bytes of answers."""
    return b"".join(row.record for answer in answers for row in answer.rows)


def replayed(document, rows: Rows, monkeypatch) -> bytes:
    """Return the diary's bytes of a replay."""
    parts: list[bytes] = []

    class Keeps(Recorder):
        def drain(self, core):
            n = int(part(core, "out_n")[OUT_DECISIONS])
            parts.append(part(core, "out_decisions")[:n].tobytes())
            super().drain(core)

    with monkeypatch.context() as patch:
        patch.setattr(engine, "Recorder", Keeps)
        Engine(document).replay(rows)
    return b"".join(parts)
