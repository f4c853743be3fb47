"""The probes inside the step: market rows go in, and what was planted in them fires. Tapes as without a step."""

import numpy as np
import pytest

from alphatrade_runtime.loop import recovery
from alphatrade_runtime.loop.identity import identify
from alphatrade_runtime.loop.live_clock import ClockFacts
from alphatrade_runtime.loop.live_session import LiveFacts
from alphatrade_runtime.loop.mind.host import Mind
from alphatrade_runtime.loop.mind_link import mind_of
from alphatrade_runtime.market.schema import Flag, rows_from_columns
from alphatrade_runtime.policy.document import parse_session
from alphatrade_runtime.reflection.probes.state import PROBES, Probe
from unit.loop.mind_sessions import minded
from unit.reflection import probe_tapes as tapes
from unit.risk.law_session import targets

SEEDS = range(3)
MINUTES = 20
CLOCK = {"type": "quote_change", "interval_ns": tapes.DECIDE_NS}


def rows_of(events):
    """Tape rows of events, a step each."""
    same = {"instrument": "i", "kind": "kind", "side": "side", "price": "price", "size": "lots", "bid": "bid",
            "ask": "ask", "bid_size": "bid_size", "ask_size": "ask_size"}  # fmt: skip
    ts = events["ts"].astype(np.int64)
    return rows_from_columns(
        {
            "seq": np.arange(len(events)), "ts_event_ns": ts, "ts_init_ns": ts,
            "flags": np.full(len(events), int(Flag.LAST)), **{name: events[field] for name, field in same.items()},
        }
    )  # fmt: skip


def seen(events, calendar="24/7"):
    """Return (time, probes fired, available) after each row, of a session that never trades."""
    document = minded(policies=[targets((1, 0.0))], probes={})
    document["policy"]["genotype"]["decision_clock"] = CLOCK
    document["policy"]["envelope"]["calendar"] = calendar
    session = parse_session(document)
    identity = identify(session, {})
    rows = rows_of(events)
    clock = ClockFacts(int(rows.ts_init_ns[0]), 0, 1)
    facts = LiveFacts("probes", document, {}, identity.code_hash, clock, "sha256:x", False)
    live = recovery._start(None, facts, session, identity, False)
    mind = mind_of(live.core)
    assert isinstance(mind, Mind)
    state = mind.symbols[0].probes[0]
    fired, available = np.zeros((len(events), PROBES), bool), np.zeros((len(events), PROBES), bool)
    for at in range(len(events)):
        live.take([rows.slice(at, at + 1)], int(rows.ts_init_ns[at]))
        fired[at], available[at] = state.fired[:PROBES], state.available[:PROBES]
    return events["ts"], fired, available


@pytest.fixture(scope="module", params=SEEDS)
def market(request):
    return tapes.calm_market(request.param, MINUTES)


@pytest.fixture(scope="module")
def control(market):
    return seen(market)


PLANTED = {
    Probe.SWEEP_RISK: tapes.plant_sweep, Probe.IMBALANCE_SURGE: tapes.plant_surge,
    Probe.LIQUIDITY_GAP: tapes.plant_gap, Probe.MOMENTUM_RESIDUAL: tapes.plant_momentum,
    Probe.TOXICITY: tapes.plant_toxicity,
}  # fmt: skip


@pytest.mark.parametrize("which", PLANTED, ids=lambda which: which.name.lower())
def test_what_is_planted_in_market_rows_fires_in_the_step(which, market):
    events, first, last = PLANTED[which](market)
    ts, fired, _ = seen(events)
    within = (ts >= first) & (ts <= last + 10 * tapes.SECOND)
    assert fired[within, which].any()


def test_without_a_plant_a_probe_hardly_ever_fires(control):
    _, fired, available = control
    assert available[-1, list(PLANTED)].all()
    assert not available[:, Probe.OPENING_AUCTION].any(), "a market that is always open has no opening"
    assert (fired[:, list(PLANTED)].mean(axis=0) <= 0.01).all()


def openings(seed, times):
    """Five calm openings at New York, and a sixth that trades so many times as much."""
    draw = np.random.default_rng(seed)
    events = []
    for day in OPENINGS:
        opens = int(np.datetime64(day + "T14:30", "ns").astype(np.int64))
        for k in range(36):  # six minutes
            ts, mid = opens + k * 10 * tapes.SECOND, 10_000 + k % 2
            lots = int(draw.integers(50, 150)) * (times if day == OPENINGS[-1] else 1)
            events.append((ts, tapes.QUOTE, 0, 0, 0, 0, mid - 1, mid + 1, 100, 100))
            events.append((ts + 1, tapes.TRADE, 0, 1, mid + 1, lots, 0, 0, 0, 0))
    return np.array(events, tapes.EVENT)


OPENINGS = ("2023-11-15", "2023-11-16", "2023-11-17", "2023-11-20", "2023-11-21", "2023-11-22")


@pytest.mark.parametrize("times", [1, 8])
def test_an_opening_that_trades_more_than_openings_do_fires_in_the_step(times):
    for seed in range(20):
        events = openings(seed, times)
        ts, fired, available = seen(events, "XNYS")
        last = ts >= int(np.datetime64(OPENINGS[-1], "ns").astype(np.int64))
        assert available[last, Probe.OPENING_AUCTION].any()
        assert fired[last, Probe.OPENING_AUCTION].any() == (times > 1), seed
