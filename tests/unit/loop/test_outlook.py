"""What an understanding loop shows of itself: out of records filled by hand, and against what a run recorded."""

import numpy as np
import pytest

from alphatrade_runtime.loop import engine as engines
from alphatrade_runtime.loop.engine import Engine
from alphatrade_runtime.loop.mind.host import Mind
from alphatrade_runtime.loop.mind.state import (
    HAS_ATTENTION,
    HAS_BELIEF,
    HAS_CHOICE,
    HAS_DRIFT,
    HAS_FAST,
    HAS_PROBES,
    HAS_REGIME,
)
from alphatrade_runtime.loop.mind_link import mind_of
from alphatrade_runtime.perception.regime.labels import Regime, title
from alphatrade_runtime.reflection.drift.detectors import ALERT, SUMS, WARN, Detector
from alphatrade_runtime.reflection.drift.sentry import Stream, prepare, reset
from alphatrade_runtime.reflection.probes.state import Probe
from unit.loop.mind_sessions import everything, rows

EVERY = HAS_BELIEF | HAS_REGIME | HAS_PROBES | HAS_DRIFT | HAS_FAST | HAS_ATTENTION | HAS_CHOICE
WATCHED = (Stream.EDGE, Stream.HIT_RATE, Stream.SLIPPAGE, Stream.SURPRISE, Stream.PSI)


def made(parts=EVERY, instruments=("AAA", "BBB"), policies=("trend", "revert")):
    mind = Mind(instruments, (), (), policies)
    shared = mind.shared[0]
    shared.parts = parts
    shared.trades[: len(policies), : len(instruments)] = 1
    shared.fast[0].bound = 4.0
    prepare(shared.sentry[0], used=WATCHED)
    for symbol in mind.symbols:
        reset(symbol.sentry[0], shared.sentry[0])
        symbol.current = -1
    return mind


@pytest.mark.parametrize(
    ("part", "shown"),
    [
        (HAS_REGIME, "regime"),
        (HAS_DRIFT, "drift"),
        (HAS_FAST, "fast_weights"),
        (HAS_CHOICE, "router"),
        (HAS_PROBES, "probes"),
    ],
)
def test_only_what_is_on_is_shown(part, shown):
    (one,) = made(HAS_BELIEF | part, ["AAA"]).outlook()
    for name in ("regime", "drift", "fast_weights", "router", "probes"):
        assert (getattr(one, name) is not None) == (name == shown)


def test_a_regime_with_its_time_and_confidence_by_instrument():
    mind = made()
    regime = mind.symbols[1].regime[0]
    regime.label, regime.confidence = Regime.BEAR_STORM, 0.75
    mind.symbols[1].regime_since = 42
    first, second = mind.outlook()
    assert (first.symbol, first.regime.since_ns) == ("AAA", 0)
    assert (second.regime.label, second.regime.since_ns, second.regime.confidence) == ("BearStorm", 42, 0.75)


def test_the_shares_of_policies_are_of_all_decisions_and_of_those_that_trade_the_instrument():
    mind = made(policies=("trend", "revert", "other"))
    mind.shared[0].trades[2, 0] = 0
    symbol = mind.symbols[0]
    symbol.decisions, symbol.current = 10, 1
    symbol.chosen[:2] = 2, 5
    first, second = (one.router for one in mind.outlook())
    assert (first.policy, first.shares) == ("revert", (("trend", 0.2), ("revert", 0.5)))
    assert (second.policy, second.shares) == ("", (("trend", 0.0), ("revert", 0.0), ("other", 0.0)))


def test_fast_weights_and_probes():
    mind = made(instruments=["AAA"])
    symbol = mind.symbols[0]
    fast = symbol.fast[0]
    fast.norm, fast.clamps, fast.faults, fast.frozen = 1.5, 2, 1, 1
    symbol.probes[0].available[:4] = 1
    symbol.probes[0].fired[Probe.SWEEP_RISK] = 1
    (one,) = mind.outlook()
    shown = one.fast_weights
    assert (shown.norm, shown.bound, shown.clamps, shown.faults, shown.frozen) == (1.5, 4.0, 2, 1, True)
    assert (one.probes.available, one.probes.fired) == (4, ("SweepRisk",))


@pytest.mark.parametrize(
    ("ready", "levels", "state", "stream"),
    [
        ([], {}, "Learning", ""),
        ([Stream.EDGE], {}, "Quiet", ""),
        ([Stream.EDGE], {Stream.EDGE: WARN}, "Warn", "Edge"),
        ([Stream.EDGE, Stream.PSI], {Stream.EDGE: WARN, Stream.PSI: ALERT}, "Alert", "Psi"),
        ([Stream.HIT_RATE, Stream.PSI], {Stream.HIT_RATE: ALERT, Stream.PSI: ALERT}, "Alert", "HitRate"),
    ],
)
def test_drift_is_the_highest_level_of_a_stream(ready, levels, state, stream):
    mind = made(instruments=["AAA"])
    sentry = mind.symbols[0].sentry[0]
    for one in ready:
        sentry.ready[one] = 1
    for one, level in levels.items():
        sentry.level[one] = level
        sentry.detectors[one].detector = Detector.PH_DOWN
    sentry.size_factor, sentry.frozen, sentry.alerts = 0.5, 1, 3
    (shown,) = (one.drift for one in mind.outlook())
    assert (shown.state, shown.stream) == (state, stream)
    assert shown.detector == ("PageHinkleyDown" if levels else "")
    assert (shown.size_factor, shown.exploration_frozen, shown.reduce_only, shown.alerts) == (0.5, True, False, 3)
    assert [name for name, _ in shown.strains] == [one.name.title().replace("_", "") for one in ready]


def test_the_strain_of_a_stream_is_of_the_detectors_that_may_alert():
    """An edge is watched both ways, slippage only where it grows: a sum of less slippage alerts nobody."""
    mind = made(instruments=["AAA"])
    sentry = mind.symbols[0].sentry[0]
    up, down = np.arange(SUMS) % 2 == 0, np.arange(SUMS) % 2 == 1
    for stream in (Stream.EDGE, Stream.SLIPPAGE):
        sentry.ready[stream] = 1
        sentry.detectors[stream].g[down] = 5.0
        sentry.detectors[stream].g[up] = 1.0
    (shown,) = (one.drift for one in mind.outlook())
    assert dict(shown.strains) == {"Edge": 0.5, "Slippage": 0.1}


def test_what_is_shown_is_of_now():
    mind = made(instruments=["AAA"])
    before = mind.outlook()
    mind.symbols[0].regime[0].label = Regime.BULL_CALM
    mind.symbols[0].fast[0].norm = 3.0
    (after,) = mind.outlook()
    assert before[0].regime.label == "BearCalm"
    assert (after.regime.label, after.fast_weights.norm) == ("BullCalm", 3.0)


def test_it_is_shown_after_a_restart_as_before():
    mind, other = made(), made()
    mind.symbols[0].chosen[0] = mind.symbols[0].decisions = 7
    mind.symbols[1].regime[0].label = Regime.DISLOCATED
    other.outlook()
    other.restore(mind.state())
    assert other.outlook() == mind.outlook()


@pytest.fixture(scope="module")
def shown_and_recorded():
    engine = Engine(everything())
    run = engines._Run(engine, engines._source(rows(6_000), engine.session), None, False)
    run.loop(None, None)
    mind = mind_of(run.core)
    assert mind is not None
    return mind.outlook(), run.finish()


def test_a_run_shows_what_it_recorded(shown_and_recorded):
    shown, result = shown_and_recorded
    moves, routes = (result.tables[stream].to_pylist() for stream in ("regimes", "routes"))
    for i, one in enumerate(shown):
        last = [move for move in moves if move["instrument"] == i][-1]
        assert (one.regime.label, one.regime.since_ns) == (title(last["after"]), last["event_ts_ns"])
        assert sum(share for _, share in one.router.shares) <= 1.0 + 1e-12
        traded = {route["chosen"] for route in routes if route["instrument"] == i} - {255}
        names = ("trend", "revert", "breakout")
        assert {names[j] for j in traded} <= {name for name, share in one.router.shares if share > 0.0}
        assert 0.0 < one.fast_weights.norm < one.fast_weights.bound
        assert one.drift.state in ("Learning", "Quiet", "Warn", "Alert")
        assert one.probes.available >= 3


def test_a_session_without_it_has_none():
    from unit.loop.mind_sessions import minded

    engine = Engine(minded())
    run = engines._Run(engine, engines._source(rows(100), engine.session), None, False)
    assert mind_of(run.core) is None
