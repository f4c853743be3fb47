"""The plan of a simulated market: regimes cover the time, scripted storms lie over them, the manifest tells it."""

from collections import Counter
from itertools import pairwise

import pytest

from alphatrade_runtime.market.simulator import prepare
from alphatrade_runtime.market.simulator.config import REGIMES
from alphatrade_runtime.market.simulator.plan import STORM, Do

SECOND = 10**9


def regime_spans(simulation):
    """(start s, stop s, regime) of each span."""
    actions = [one for one in simulation.plan.actions[:-1] if one.do == Do.REGIME]
    starts = [(int(one.ts_ns) - simulation.config.start_ns) / SECOND for one in actions]
    stops = [*starts[1:], (simulation.end_ns - simulation.config.start_ns) / SECOND]
    return [(a, b, int(one.value)) for a, b, one in zip(starts, stops, actions, strict=True)]


def test_regimes_cover_the_time_and_change_at_each_span():
    spans = regime_spans(prepare({"duration": "300h"}))
    assert spans[0][0] == 0
    assert all(a[1] == b[0] and a[2] != b[2] for a, b in pairwise(spans))
    assert {span[2] for span in spans} == set(range(len(REGIMES)))


def test_regimes_come_by_weight_and_last_their_mean():
    spans = regime_spans(prepare({"duration": "3000h"}))
    counts = Counter(regime for _, _, regime in spans)
    assert counts[REGIMES.index("calm")] > 1.5 * counts[REGIMES.index("trend_up")]
    assert counts[REGIMES.index("trend_up")] > 2 * counts[STORM]
    for name, mean_s in (("storm", 180), ("calm", 600)):
        lengths = [b - a for a, b, regime in spans if regime == REGIMES.index(name)]
        assert sum(lengths) / len(lengths) == pytest.approx(mean_s, rel=0.15)


def test_a_scripted_storm_lies_over_the_chain():
    quiet = {"regimes": {"storm": {"weight": 0}}, "duration": "2h"}
    beneath = regime_spans(prepare(quiet))
    events = [
        {"type": "storm", "at": "1000s", "duration": "500s"},
        {"type": "storm", "at": "1400s", "duration": "300s"},
    ]
    spans = regime_spans(prepare({**quiet, "events": events}))
    assert [span for span in spans if span[2] == STORM] == [(1000.0, 1700.0, STORM)]

    def regime_at(spans, second):
        return next(regime for a, b, regime in spans if a <= second < b)

    for second in (0, 500, 999, 1701, 3000, 7199):
        assert regime_at(spans, second) == regime_at(beneath, second)


def test_actions_are_in_order_and_end_with_a_guard():
    simulation = prepare({"halts_per_day": 200, "gaps_per_day": 200, "funding": {"interval": "1h"}})
    times = simulation.plan.actions.ts_ns.tolist()
    assert times == sorted(times)
    assert times[-1] > simulation.end_ns
    kinds = Counter(int(one.do) for one in simulation.plan.actions[:-1])
    assert kinds[Do.HALT] > 10
    assert kinds[Do.SILENCE] > 10
    assert kinds[Do.FUNDING] == 3


def test_the_truth_is_told():
    planted = prepare(
        {
            "events": [
                {"type": "crash", "at": "60s", "duration": "30s", "size": -0.05},
                {"type": "halt", "at": "10s", "duration": "5s", "instrument": "SIM-A"},
                {"type": "halt", "at": "9h", "duration": "5s"},
            ],
            "edge": {"type": "momentum", "strength": 0.1},
        }
    ).plan.planted
    assert planted["crashes"][0]["from"] == "2026-01-05T00:01:00.000000000Z"
    assert planted["crashes"][0]["instrument"] == "all"
    assert [one["instrument"] for one in planted["halts"]] == ["SIM-A"], "the halt after the end is not planted"
    assert planted["edges"] == [{"type": "momentum", "strength": 0.1}]
    assert planted["regimes"][0]["from"] == "2026-01-05T00:00:00.000000000Z"
    assert planted["regimes"][-1]["to"] == "2026-01-05T04:00:00.000000000Z"
