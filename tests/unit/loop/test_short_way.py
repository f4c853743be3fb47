"""The loop's short way through quiet rows gives what asking for the earliest event each time gives."""

import numpy as np
import pytest

from alphatrade_runtime.loop import replay
from alphatrade_runtime.loop.engine import Engine
from unit.loop.made_tapes import made_rows, with_events
from unit.loop.mixed_sessions import LATENCY, mixed

pytestmark = pytest.mark.twin


def at_once(rows):
    """The same rows without feed latency: exchange and local time fall together."""
    same = {**rows._asdict(), "ts_event_ns": rows.ts_init_ns}
    return type(rows)(**same)


@pytest.mark.parametrize("shape", ["late", "at_once", "one_instrument"])
@pytest.mark.parametrize("exchange", [LATENCY, {"entry_latency_ns": 0, "response_latency_ns": 0}])
def test_the_short_way_changes_nothing(shape, exchange, monkeypatch):
    rows = with_events(made_rows(700, 7, seed=len(shape)))
    if shape == "at_once":
        rows = at_once(rows)
    if shape == "one_instrument":
        rows = at_once(rows)._replace(instrument=np.zeros(len(rows.seq), np.uint16))
    engine = Engine(mixed(exchange=exchange))
    short = engine.replay(rows)
    monkeypatch.setattr(replay, "_is_quiet", lambda c: False)
    long = engine.replay(rows)
    assert (short.digests, short.counts, short.money) == (long.digests, long.counts, long.money)
    assert short.counts["orders"] > 0
