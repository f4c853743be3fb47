"""Pods of one code after another at a real gateway: one order session, nothing twice, nothing lost."""

import numpy as np
import pytest

from alphatrade_runtime.execution.broker.exchange_log import read_commands
from alphatrade_runtime.loop import identity
from alphatrade_runtime.loop.carry import read_closed
from alphatrade_runtime.loop.live_options import LiveOptions
from alphatrade_runtime.loop.recovery import JOURNAL
from alphatrade_runtime.loop.stream import Stream, run_stream
from alphatrade_runtime.loop.stream_loop import StreamLoop
from alphatrade_runtime.market.orders import Command
from unit.loop.made_tapes import made_rows, with_events
from unit.loop.mixed_sessions import mixed
from unit.loop.stream_doubles import RowsFeed
from unit.service.broker.desk import DIGEST, paper, serving

ROWS = with_events(made_rows(2_000, 7), 1)
DOCUMENT = paper(mixed())


def after(turns):
    left = iter(range(10**9))
    return lambda: next(left) >= turns


@pytest.mark.parametrize("gateway_too", [False, True])
def test_every_code_goes_on_with_the_same_order_session(tmp_path, issue, monkeypatch, gateway_too):
    stream = Stream(
        DIGEST, int(ROWS.ts_init_ns[0]), int(ROWS.ts_init_ns[-1]), 0, lambda seq: RowsFeed(ROWS, seq, 40)
    )  # fmt: skip
    done, before, parts, held = None, None, 0, []
    with serving(tmp_path / "data", issue, DOCUMENT, ROWS) as desk:
        while done is None:
            parts += 1
            monkeypatch.setattr(identity, "code_hash", lambda facts, code="abc"[parts % 3]: code * 64)
            loops: list[StreamLoop] = []
            options = LiveOptions(signals=False, idle=lambda _: None, stop=after(6 if parts < 9 else 10**9))
            folder = tmp_path / f"{parts}"
            done = run_stream(DOCUMENT, folder, stream, desk.stepped(), options, loops.append, before)
            if done is None:
                before = read_closed(folder / JOURNAL)
                held.append(sum(abs(one.position) for one in before.carry.instruments))
            if gateway_too:
                desk.restart()
        totals = desk.gateway.account.totals()
    assert parts > 4
    assert any(held)
    live = loops[0].live
    assert not [note for note in loops[0].notes if "disagree" in note]
    assert (done.run.violations, done.run.counts["breaks"], done.run.counts["events"]) == ([], 0, len(ROWS.seq))
    symbols = [one["symbol"] for one in DOCUMENT["policy"]["envelope"]["instruments"]]
    assert dict(zip(symbols, live.positions(), strict=True)) == totals.positions
    (folder,) = (tmp_path / "data" / "sessions").glob("*/*")
    commands = read_commands(folder)
    new = commands["order_id"][commands["command"] == int(Command.NEW)]
    assert len(np.unique(new)) == len(new) > 50
