"""The understanding loop from YAML to the session: what is off, what is on, with which numbers; and who agrees."""

from collections.abc import Callable
from typing import Any, get_args

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from alphatrade_operator.core.regime import Label
from alphatrade_operator.render import render_session
from alphatrade_operator.resources import load_folder
from alphatrade_operator.session import ON_A_CLUSTER, gather, problems_of
from alphatrade_operator.strategy.mind import Belief, Cusum, Drift, PageHinkley, RegimeClassifier, Router
from alphatrade_operator.strategy.model import Strategy
from alphatrade_operator.strategy.render import BAR_DEFAULTS, DEFAULTS
from alphatrade_runtime.adaptation.router.attention import ROUTER_PARAMS_DTYPE, prepare_router
from alphatrade_runtime.adaptation.router.shadow import MAX_HORIZON, SHADOW_DTYPE, reset_shadow
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.policy import document
from alphatrade_runtime.policy.document import RegimeLabel, parse_session
from alphatrade_runtime.policy.hashes import POLICY_DEFAULTS

BLOCKS = ("belief", "regime", "probes", "drift")
GENOTYPE = "Strategy/spec/genotype/"
LEAST = {"belief": {"features": ["spread_ticks", "return_ticks"]}, "regime": {}, "probes": {}, "drift": {}}
DIGEST = "sha256:" + "7" * 64


def rendered(folder, **blocks):
    for name, block in blocks.items():
        folder.put(GENOTYPE + name, block)
    return render_session(load_folder(folder.write()))["policy"]["genotype"]


def test_nothing_is_on_by_itself_and_what_is_off_is_not_rendered(folder):
    genotype = rendered(folder)
    assert set(genotype) == {"policies", "decision_clock"}
    assert all("regimes" not in policy for policy in genotype["policies"])


@pytest.mark.parametrize("name", BLOCKS)
def test_a_block_switches_its_part_alone(folder, name):
    genotype = rendered(folder, **{name: LEAST[name]})
    assert set(genotype) == {"policies", "decision_clock", name}


@pytest.mark.parametrize(
    ("flag", "block", "set_to"),
    [("fastWeights", "fast_weights", {"halfLife": 9}), ("linearAttention", "router", {"horizon": 9})],
)
def test_settings_of_a_flag_are_rendered_when_it_is_on_or_they_are_given(folder, flag, block, set_to):
    name = {"fast_weights": "fastWeights"}.get(block, block)
    assert block not in rendered(folder, **LEAST, **{name: {}})
    assert block in rendered(folder, **{name: set_to})
    folder.put("Strategy/spec/featureFlags", {flag: True})
    genotype = rendered(folder, **{name: {}})
    assert genotype[block] == POLICY_DEFAULTS["genotype", block]
    assert ({"fast_weights", "router"} & set(genotype)) == {block}


def test_an_empty_block_has_the_numbers_that_its_hash_leaves_out(folder):
    folder.put("Strategy/spec/featureFlags", {"fastWeights": True, "linearAttention": True})
    genotype = rendered(folder, **LEAST)
    introduced = {path[1:]: values for path, values in POLICY_DEFAULTS.items() if path[:1] == ("genotype",)}
    assert {**genotype["belief"], "features": None} == {**introduced["belief",], "features": None, "weights": None}
    assert genotype["regime"] == introduced["regime",]
    assert genotype["drift"] == {
        **introduced["drift",],
        "page_hinkley": introduced["drift", "page_hinkley"],
        "cusum": introduced["drift", "cusum"],
    }
    assert genotype["fast_weights"] == introduced["fast_weights",]
    assert genotype["router"] == introduced["router",]


def test_every_number_given_reaches_the_session(folder):
    folder.put(GENOTYPE + "policies/0/regimes", ["BullStorm", "Dislocated"])
    genotype = rendered(
        folder,
        belief={"features": ["a"], "activeBps": 100, "halfLife": 7, "seed": 5},
        regime={"type": "Hmm", "fastHalfLife": 3, "slowHalfLife": 4, "dwell": 1, "persist": 2},
        drift={
            "reference": 99,
            "minObservations": 31,
            "pageHinkley": {"delta": "0.10", "warn": "1", "alert": "2.5"},
            "cusum": {"slack": "0.2", "warn": "3", "alert": "4"},
            "shock": "8",
        },
        fastWeights={"rule": "Delta", "halfLife": 11},
        router={"switchingCostBps": "0.25", "horizon": 12, "halfLife": 13},
    )
    assert genotype["policies"][0]["regimes"] == ["BullStorm", "Dislocated"]
    assert genotype["belief"] == {"features": ["a"], "active_bps": 100, "half_life": 7, "seed": 5, "weights": None}
    assert genotype["regime"] == {"type": "hmm", "fast_half_life": 3, "slow_half_life": 4, "dwell": 1, "persist": 2}
    assert genotype["drift"] == {
        "reference": 99,
        "min_observations": 31,
        "page_hinkley": {"delta": "0.1", "warn": "1", "alert": "2.5"},
        "cusum": {"slack": "0.2", "warn": "3", "alert": "4"},
        "shock": "8",
    }
    assert genotype["fast_weights"] == {"rule": "delta", "half_life": 11}
    assert genotype["router"] == {"switching_cost_bps": "0.25", "horizon": 12, "half_life": 13}


def test_a_bar_clock_has_spans_of_its_own(folder):
    folder.put("Strategy/spec/decisionClock", {"type": "Bar", "interval": "24h"})
    genotype = rendered(folder, **LEAST)
    spans = (genotype["belief"]["half_life"], genotype["drift"]["reference"])
    assert spans == (BAR_DEFAULTS["belief"], BAR_DEFAULTS["drift_reference"])
    alerts = (genotype["drift"]["page_hinkley"]["alert"], genotype["drift"]["cusum"]["alert"])
    assert alerts == (str(BAR_DEFAULTS["page_hinkley_alert"]), str(BAR_DEFAULTS["cusum_alert"]))
    assert genotype["regime"]["fast_half_life"] == BAR_DEFAULTS["regime_fast"] < genotype["regime"]["slow_half_life"]
    assert not {"fast_weights", "router"} & set(genotype)  # their settings are the same on every clock


@pytest.mark.parametrize(
    ("model", "field", "span"),
    [
        (Belief, "half_life", "belief"),
        (RegimeClassifier, "fast_half_life", "regime_fast"),
        (RegimeClassifier, "slow_half_life", "regime_slow"),
        (Drift, "reference", "drift_reference"),
        (PageHinkley, "alert", "page_hinkley_alert"),
        (Cusum, "alert", "cusum_alert"),
    ],
)
def test_the_manual_says_what_is_rendered(model, field, span):
    text = model.model_fields[field].description
    assert f"default {DEFAULTS[span]}, {BAR_DEFAULTS[span]} on a bar clock" in text


def test_the_runtime_reads_what_is_rendered(folder):
    for name, block in LEAST.items():
        folder.put(GENOTYPE + name, block)
    folder.put(GENOTYPE + "policies/0/regimes", list(get_args(Label)))
    genotype = parse_session(render_session(load_folder(folder.write()))).policy.genotype
    assert genotype.policies[0].regimes == get_args(Label)


def records(dtype):
    return np.zeros(1, dtype).view(np.recarray)[0]


READS_HORIZON = {
    "manual": lambda horizon: Router.model_validate({"horizon": horizon}),
    "session": lambda horizon: TypeAdapter(document.Router).validate_python(
        {"switching_cost_bps": "1", "horizon": horizon, "half_life": 2_000}
    ),
    "shadows": lambda horizon: reset_shadow(records(SHADOW_DTYPE), horizon),
    "router": lambda horizon: prepare_router(records(ROUTER_PARAMS_DTYPE), [1, 1], seed=1, horizon=horizon),
}


@pytest.mark.parametrize("reader", READS_HORIZON)
def test_manual_session_and_kernels_agree_on_the_routers_horizon(reader):
    for horizon in (1, MAX_HORIZON):
        READS_HORIZON[reader](horizon)
    for horizon in (0, MAX_HORIZON + 1):
        with pytest.raises((ValidationError, InputError)):
            READS_HORIZON[reader](horizon)


READS_REFERENCE: dict[str, Callable[[int], Any]] = {
    "manual": lambda reference: Drift.model_validate({"reference": reference}),
    "session": lambda reference: TypeAdapter(document.Drift).validate_python(
        {
            "reference": reference,
            "min_observations": 30,
            "page_hinkley": {"delta": "0.25", "warn": "12", "alert": "20"},
            "cusum": {"slack": "0.5", "warn": "6", "alert": "10"},
            "shock": "12",
        }
    ),
}


@pytest.mark.parametrize("reader", READS_REFERENCE)
def test_manual_and_session_ask_for_a_reference_that_has_a_deviation(reader):
    for reference in (2, 1_000_000):
        assert READS_REFERENCE[reader](reference).reference == reference
    for reference in (1, 0, 1_000_001):
        with pytest.raises(ValidationError, match="reference"):
            READS_REFERENCE[reader](reference)


def test_both_know_the_same_regimes():
    assert get_args(Label) == get_args(RegimeLabel)


def test_trained_weights_lie_beside_the_yaml_and_are_for_one_process(folder):
    belief = {"features": ["a"], "weights": {"file": "trained/w.npz", "digest": DIGEST}}
    weights = rendered(folder, belief=belief)["belief"]["weights"]
    assert weights == {"path": str(folder.path / "trained/w.npz"), "digest": DIGEST}
    resources = load_folder(folder.path)
    parts = gather(resources, resources.of_kind(Strategy)[0]).parts
    (problem,) = problems_of(parts, ON_A_CLUSTER)
    assert problem.location == ("spec", "genotype", "belief", "weights")
    assert problem.text == "'trained/w.npz' is for one process; on a cluster the weights come from seed"
