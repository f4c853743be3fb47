"""What a pod tells of its understanding loop: on the wire, in metrics, in the file that a session leaves."""

import json

import pytest
from prometheus_client.parser import text_string_to_metric_families

from alphatrade.metrics import LABELS
from alphatrade.telemetry import Registry
from alphatrade.v1.control_pb2 import StrategyStatus
from alphatrade_runtime.loop.build import build
from alphatrade_runtime.loop.mind.outlook import STREAM_NAMES
from alphatrade_runtime.loop.mind_outlook import (
    DriftOutlook,
    FastWeightsOutlook,
    InstrumentOutlook,
    ProbesOutlook,
    RegimeOutlook,
    RouterOutlook,
)
from alphatrade_runtime.policy.document import parse_session
from alphatrade_runtime.service.strategy.exports import export_mind
from alphatrade_runtime.service.strategy.mind import kept, mind_told, read_kept, told
from unit.loop.mind_sessions import everything, minded

DRIFT = DriftOutlook("Alert", "HitRate", "CusumDown", 0.5, True, True, 2, (("HitRate", 0.1), ("Psi", 0.7)))
ALL = InstrumentOutlook(
    "AAA",
    RegimeOutlook("BullCalm", 1_767_614_400 * 10**9, 0.1 + 0.2),
    DRIFT,
    FastWeightsOutlook(1.5, 6.0, 3, 1, True),
    RouterOutlook("trend", (("trend", 2 / 3), ("revert", 1 / 3))),
    ProbesOutlook(5, ("SweepRisk", "Toxicity")),
)
OFF = InstrumentOutlook("BBB", None, None, None, None, None)
PARTS = ("regime", "drift", "fast_weights", "router", "probes")


def samples(registry):
    found = {}
    for family in text_string_to_metric_families(registry.text().decode()):
        for sample in family.samples:
            if sample.name.startswith(("alphatrade_drift", "alphatrade_fast")):
                labels = [value for name, value in sorted(sample.labels.items()) if name != "strategy"]
                found[(sample.name.removeprefix("alphatrade_"), *labels)] = sample.value
    return found


def test_all_of_it_goes_over_the_wire():
    said = StrategyStatus.FromString(StrategyStatus(mind=[told(ALL)]).SerializeToString()).mind[0]
    assert (said.symbol, said.regime.label, said.regime.confidence) == ("AAA", "BullCalm", 0.1 + 0.2)
    assert (said.drift.state, said.drift.stream, said.drift.detector) == ("Alert", "HitRate", "CusumDown")
    assert (said.drift.size_factor, said.drift.reduce_only, said.drift.exploration_frozen) == (0.5, True, True)
    assert (said.fast_weights.norm, said.fast_weights.bound, said.fast_weights.frozen) == (1.5, 6.0, True)
    assert dict(said.router.shares) == {"trend": 2 / 3, "revert": 1 / 3}
    assert (said.router.policy, said.probes.available, list(said.probes.fired)) == (
        "trend", 5, ["SweepRisk", "Toxicity"],
    )  # fmt: skip


@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_is_off_is_absent(part):
    values = {name: getattr(ALL if name == part else OFF, name) for name in PARTS}
    said = told(InstrumentOutlook("BBB", **values))
    assert [field.name for field, _ in said.ListFields()] == ["symbol", part]


def test_a_session_that_ended_keeps_it_to_the_last_bit():
    said = [told(ALL), told(OFF)]
    assert read_kept(json.loads(json.dumps(kept(said)))) == said


def test_what_a_later_version_left_behind_is_read():
    (plain,) = kept([told(ALL)])
    assert read_kept([plain | {"mood": "sunny"}]) == [told(ALL)]


def test_metrics_of_what_is_on():
    registry = Registry("strategy", "a")
    export_mind(registry, told(ALL))
    export_mind(registry, told(OFF))
    assert samples(registry) == {
        ("fast_weights_norm_ratio", "AAA"): 0.25,
        ("fast_weights_clamps_total", "AAA"): 3,
        ("fast_weights_faults_total", "AAA"): 1,
        ("drift_alert_state", "AAA"): 1,
        ("drift_alerts_total", "AAA"): 2,
        ("drift_size_ratio", "AAA"): 0.5,
        ("drift_strain_ratio", "AAA", "HitRate"): 0.1,
        ("drift_strain_ratio", "AAA", "Psi"): 0.7,
    }


def test_an_alert_that_was_released_is_over():
    registry = Registry("strategy", "a")
    export_mind(registry, told(ALL))
    quiet = DriftOutlook("Quiet", "", "", 1.0, False, False, 2, ())
    export_mind(registry, told(InstrumentOutlook("AAA", None, quiet, None, None, None)))
    assert samples(registry)[("drift_alert_state", "AAA")] == 0
    assert samples(registry)[("drift_alerts_total", "AAA")] == 2


@pytest.mark.parametrize("on", [True, False], ids=["everything", "nothing"])
def test_a_session_tells_what_it_has_on(on):
    session = parse_session(everything() if on else minded())
    core = build(session, None, bar_mode=False)
    said = mind_told(core)
    assert [one.symbol for one in said] == (["SIM-0", "SIM-1"] if on else [])
    for one in said:
        assert [field.name for field, _ in one.ListFields()] == ["symbol", *PARTS]
        assert (one.regime.label, one.drift.state, one.router.policy) == ("Uncertain", "Learning", "trend")


def test_every_stream_has_a_label():
    assert LABELS["stream"].values == STREAM_NAMES
