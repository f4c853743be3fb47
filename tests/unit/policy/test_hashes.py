"""The three hashes: golden values, what they name, and what they do not."""

import copy
import json
import os
import re
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alphatrade_runtime.policy import hashes
from alphatrade_runtime.policy.canonical import CanonicalError
from alphatrade_runtime.policy.document import parse_session
from alphatrade_runtime.policy.hashes import CodeFacts, ResolvedParams

GOLDEN_POLICY = "dbc6ad1de7217d0a2394edcf0c3478c0fff8dd940fe99beb5f3866d9f6389bad"
GOLDEN_ENVELOPE = "c1523ff605cac2a459d2e1387d0332cfea7f1e99ac0c020359af7da5ea4074ea"
GOLDEN_CODE = "1245a2d5cf248706457a2c405698665452204f0dd430ba591467c9a9e92493f8"
RESOLVED = {
    "trend": ResolvedParams(
        {"fast": 20.0, "slow": 50.0},
        {"protection_bps": 10, "timeout_ns": 5_000_000_000, "offset_ticks": 0, "repeg_ns": 100_000_000},
    ),
    "mine": ResolvedParams({"gain": 0.1, "big": 2.0**60}, {"protection_bps": 10}),
}
PLUGINS = {"my_signal": "sha256:" + "1" * 64}
CODE = CodeFacts("ab" * 32, "0.65.1", "0.47.0", "2.4.6", "x86-64-v3")


def policy_hash(document, resolved=RESOLVED, plugins=PLUGINS, models=None):
    return hashes.policy_hash(parse_session(document).policy, resolved, plugins, models or {})


def envelope_hash(document):
    return hashes.envelope_hash(parse_session(document).policy.envelope)


def test_golden_values(document):
    """A change here breaks every recorded hash: add a new policy schema in place of editing these."""
    assert policy_hash(document) == GOLDEN_POLICY
    assert envelope_hash(document) == GOLDEN_ENVELOPE
    assert hashes.code_hash(CODE) == GOLDEN_CODE


def test_golden_values_of_a_document_that_does_not_name_the_understanding_loop(document):
    genotype = document["policy"]["genotype"]
    for name in ("belief", "regime", "probes", "drift", "fast_weights", "router"):
        del genotype[name]
    for gene in genotype["policies"]:
        del gene["regimes"]
    del document["policy"]["envelope"]["exploration"]
    assert policy_hash(document) == GOLDEN_POLICY
    assert envelope_hash(document) == GOLDEN_ENVELOPE


def test_the_bytes_under_the_policy_hash(document):
    policy = parse_session(document).policy
    data = hashes.canonical_policy(policy, RESOLVED, PLUGINS, {})
    assert json.loads(data) == {
        "schema": 1,
        "genotype": {
            "policies": [
                {
                    "name": "trend",
                    "signal": {"ref": "ema_cross"},
                    "params": {"fast": 20, "slow": 50},
                    "execution_topology": "pegged",
                    "topology_params": {
                        "protection_bps": 10,
                        "timeout_ns": 5_000_000_000,
                        "offset_ticks": 0,
                        "repeg_ns": 100_000_000,
                    },
                    "instruments": ["AAA"],
                    "weight_bps": 9_000,
                },
                {
                    "name": "mine",
                    "signal": {"ref": "my_signal", "digest": "sha256:" + "1" * 64},
                    "params": {"gain": 0.1, "big": 1_152_921_504_606_847_000},
                    "execution_topology": "market",
                    "topology_params": {"protection_bps": 10},
                },
            ]
        },
        "plugins": PLUGINS,
    }


def test_the_bytes_under_the_envelope_hash(document):
    envelope = json.loads(hashes.canonical_envelope(parse_session(document).policy.envelope))
    assert envelope["limits"] == {
        "max_notional_bps": 400,
        "day_drawdown_bps": None,
        "max_drawdown_bps": None,
        "symbols": ["AAA", "BBB"],
    }
    assert envelope["instruments"][0] == {
        "symbol": "BBB",
        "tick_size": "0.1",
        "lot_size": "0.001",
        "maker_fee_e7": -100,
        "taker_fee_e7": 500,
        "max_position_lots": 2**48 - 1,
        "max_order_lots": 10,
    }
    assert (envelope["seed"], envelope["schema"]) == (7, 1)
    assert "flags" not in envelope
    assert "calendar" not in envelope


def test_rebuilding_gives_full_facts_and_the_same_bytes(document):
    policy = parse_session(document).policy
    data = hashes.canonical_policy(policy, RESOLVED, PLUGINS, {"belief": "sha256:" + "2" * 64})
    facts = hashes.rebuild_policy(data)
    assert facts["genotype"]["decision_clock"] == {"type": "quote_change", "interval_ns": 100_000_000}
    assert facts["genotype"]["policies"][1]["weight_bps"] == 10_000
    assert hashes.policy_bytes(facts) == data
    data = hashes.canonical_envelope(policy.envelope)
    facts = hashes.rebuild_envelope(data)
    assert facts["limits"]["max_open_orders"] == 64
    assert facts["flags"]["exploration"] is False
    assert hashes.envelope_bytes(facts) == data


def test_changed_bytes_are_not_rebuilt(document):
    data = hashes.canonical_envelope(parse_session(document).policy.envelope)
    with pytest.raises(CanonicalError, match="not canonical"):
        hashes.rebuild_envelope(data + b" ")


def changed(document, where, value):
    result = copy.deepcopy(document)
    *parents, last = [int(part) if part.isdigit() else part for part in where.split(".")]
    target = result
    for part in parents:
        target = target[part]
    target[last] = value
    return result


@pytest.mark.parametrize(
    ("where", "value"),
    [
        ("policy.genotype.policies.0.weight_bps", 8_000),
        ("policy.genotype.policies.0.instruments", []),
        ("policy.genotype.policies.0.execution_topology.type", "market"),
        ("policy.genotype.policies.0.signal.ref", "breakout"),
        ("policy.genotype.policies.1.signal.digest", "sha256:" + "2" * 64),
        ("policy.genotype.decision_clock.type", "every_quote"),
        ("policy.genotype.decision_clock.interval_ns", 200_000_000),
        ("policy.genotype.probes", {}),
        ("policy.genotype.fast_weights.rule", "delta"),
        ("policy.genotype.fast_weights.half_life", 701),
        ("policy.genotype.router.switching_cost_bps", "2"),
        ("policy.genotype.router.horizon", 11),
        ("policy.genotype.router.half_life", 2_001),
    ],
)
def test_what_decides_is_in_the_policy_hash_alone(document, where, value):
    other = changed(document, where, value)
    assert policy_hash(other) != policy_hash(document)
    assert envelope_hash(other) == envelope_hash(document)


def test_every_limit_flag_and_fact_is_in_the_envelope_hash_alone(document):
    envelope = document["policy"]["envelope"]
    changes: dict[str, object] = {f"limits.{name}": 7 for name in envelope["limits"]}
    changes |= {f"limits.{name}": 1_000 + i for i, name in enumerate(("max_orders_per_min", "max_leverage_bps"))}
    changes |= {"limits.flatten_blind": True, "limits.symbols": ["AAA"], "limits.band_limit_bps": 60}
    changes |= {"limits.max_turnover_hour_bps": 20_001}
    changes |= {f"instruments.0.{name}": 5 for name in envelope["instruments"][0]}
    changes |= {f"instruments.0.{name}": "0.2" for name in ("tick_size", "lot_size", "multiplier", "fee_per_fill")}
    changes |= {"instruments.0.symbol": "BBB2", "instruments.0.max_position_lots": 50, "calendar": "XNYS", "seed": 8}
    for where, value in changes.items():
        other = changed(document, f"policy.envelope.{where}", value)
        if where == "instruments.0.symbol":
            other["policy"]["envelope"]["limits"]["symbols"] = ["AAA", "BBB2"]
        assert envelope_hash(other) != envelope_hash(document), where
        assert policy_hash(other) == policy_hash(document), where


def test_every_number_of_the_exploration_budget_is_in_the_envelope_hash_alone(document):
    block = {
        "share_bps": 500, "cadence": 50, "window": 1_000, "freeze_on_warning": True, "freeze_drawdown_bps": None,
        "freeze_near_miss_bps": None, "quiet_decisions": 1_000, "by_permit": False,
    }  # fmt: skip
    whole = changed(document, "policy.envelope.exploration", block)
    envelope = parse_session(whole).policy.envelope
    assert json.loads(hashes.canonical_envelope(envelope))["exploration"] == {}
    assert hashes.rebuild_envelope(hashes.canonical_envelope(envelope))["exploration"] == block
    seen = {envelope_hash(document), envelope_hash(whole)}
    for name in block:
        flipped = not block[name] if isinstance(block[name], bool) else 7
        other = changed(whole, f"policy.envelope.exploration.{name}", flipped)
        seen.add(envelope_hash(other))
        assert policy_hash(other) == policy_hash(whole)
    assert len(seen) == 2 + len(block)


def thinking(document):
    """Return a document with the whole understanding loop, each number as it is by default."""
    result = copy.deepcopy(document)
    result["policy"]["genotype"] |= {
        "belief": {"features": ["b", "a"], "active_bps": 500, "half_life": 2_000, "seed": 1, "weights": None},
        "regime": {"type": "rules", "fast_half_life": 50, "slow_half_life": 1_000, "dwell": 5, "persist": 3},
        "probes": {},
        "drift": {
            "reference": 1_000,
            "min_observations": 30,
            "page_hinkley": {"delta": "0.250", "warn": "12", "alert": "20"},
            "cusum": {"slack": "0.5", "warn": "6", "alert": "10"},
            "shock": "12",
        },
    }
    result["policy"]["genotype"]["policies"][0]["regimes"] = ["BullCalm", "BearCalm"]
    return result


def test_of_the_understanding_loop_the_hash_holds_what_is_not_its_default(document):
    policy = parse_session(thinking(document)).policy
    data = hashes.canonical_policy(policy, RESOLVED, PLUGINS, hashes.model_digests_of(policy))
    genotype = json.loads(data)["genotype"]
    assert genotype["policies"][0].pop("regimes") == ["BearCalm", "BullCalm"]
    del genotype["policies"]
    assert genotype == {"belief": {"features": ["b", "a"]}, "regime": {}, "probes": {}, "drift": {}}
    facts = hashes.rebuild_policy(data)
    assert facts["genotype"]["drift"]["cusum"] == {"slack": "0.5", "warn": "6", "alert": "10"}
    assert facts["genotype"]["router"]["horizon"] == 10
    assert hashes.policy_bytes(facts) == data


def numbers(value, path):
    """Yield (path, another value) of every number and word below a value."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from numbers(item, f"{path}.{key}")
    elif isinstance(value, int):
        yield path, value + 1
    elif isinstance(value, str):
        yield path, "hmm" if value == "rules" else f"{value}1" if "." in value else f"{value}.01"
    elif isinstance(value, list):
        yield path, value[::-1]


def test_every_number_of_the_understanding_loop_is_in_the_policy_hash_alone(document):
    whole = thinking(document)
    seen = {policy_hash(whole)}
    blocks = {name: whole["policy"]["genotype"][name] for name in ("belief", "regime", "drift")}
    changes = list(numbers(blocks, "policy.genotype"))
    changes.append(("policy.genotype.policies.0.regimes", ["BullCalm"]))
    for where, value in changes:
        other = changed(whole, where, value)
        seen.add(policy_hash(other))
        assert envelope_hash(other) == envelope_hash(whole)
    assert len(seen) == len(changes) + 1 == 4 + 5 + 9 + 2


def test_trained_weights_are_named_by_their_digest_alone(document):
    def named(path, digit):
        weights = {"path": path, "digest": "sha256:" + digit * 64}
        policy = parse_session(changed(thinking(document), "policy.genotype.belief.weights", weights)).policy
        return hashes.canonical_policy(policy, RESOLVED, PLUGINS, hashes.model_digests_of(policy))

    assert json.loads(named("a.npz", "4"))["models"] == {"belief": "sha256:" + "4" * 64}
    assert named("a.npz", "4") == named("b/c.npz", "4") != named("a.npz", "5")
    assert hashes.model_digests_of(parse_session(document).policy) == {}


@pytest.mark.parametrize(
    ("where", "value"),
    [
        ("policy.strategy_id", "other"),
        ("policy.mode", "Paper"),
        ("policy.stage", "Paper"),
        ("policy.risk_template", "other"),
        ("policy.initial_cash", "5"),
        ("policy.plugins.0.path", "elsewhere/mine.py"),
        ("policy.envelope.limits.symbols", ["AAA", "BBB"]),
        ("policy.envelope.instruments.0.tick_size", "0.1"),
        ("policy.genotype.policies.0.signal.params", {}),
        ("policy.genotype.router.switching_cost_bps", "1.0"),
        ("exchange.partial_fills", False),
        ("feed.config", {"seed": 2}),
    ],
)
def test_names_paths_and_spellings_are_in_no_hash(document, where, value):
    other = changed(document, where, value)
    assert (policy_hash(other), envelope_hash(other)) == (policy_hash(document), envelope_hash(document))


def test_resolved_parameters_models_and_plugins_are_in_the_policy_hash(document):
    other = {**RESOLVED, "mine": ResolvedParams({"gain": 0.2, "big": 2.0**60}, {"protection_bps": 10})}
    slower = {**RESOLVED, "mine": ResolvedParams(RESOLVED["mine"].signal, {"protection_bps": 11})}
    seen = {
        policy_hash(document),
        policy_hash(document, resolved=other),
        policy_hash(document, resolved=slower),
        policy_hash(document, plugins={"my_signal": "sha256:" + "3" * 64}),
        policy_hash(document, models={"belief": "sha256:" + "3" * 64}),
    }
    assert len(seen) == 5


def test_a_policy_without_resolved_parameters_is_refused(document):
    with pytest.raises(KeyError, match="mine"):
        policy_hash(document, resolved={"trend": RESOLVED["trend"]})


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_parameter_that_is_not_finite_is_refused(document, value):
    with pytest.raises(CanonicalError, match=r"gain: (nan|inf) is not finite"):
        policy_hash(document, resolved={**RESOLVED, "mine": ResolvedParams({"gain": value}, {})})


@given(random_source=st.randoms())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_order_of_keys_changes_nothing(document, random_source):
    def shuffled(value):
        if isinstance(value, dict):
            keys = list(value)
            random_source.shuffle(keys)
            return {key: shuffled(value[key]) for key in keys}
        return [shuffled(item) for item in value] if isinstance(value, list) else value

    other = shuffled(document)
    assert (policy_hash(other), envelope_hash(other)) == (GOLDEN_POLICY, GOLDEN_ENVELOPE)


def test_each_fact_of_the_code_is_in_its_hash():
    seen = {hashes.code_hash(CodeFacts(*(f"x{v}" if i == j else v for j, v in enumerate(_facts())))) for i in range(5)}
    assert len(seen | {hashes.code_hash(CODE)}) == 6


def _facts():
    return [CODE.runtime_digest, CODE.numba, CODE.llvmlite, CODE.numpy, CODE.target]


def test_the_code_of_this_process_has_a_hash():
    facts = hashes.installed_code()
    assert re.fullmatch(r"[0-9a-f]{64}", hashes.code_hash(facts))
    assert facts.target == "x86-64-v3"


PROGRAM = """
import json, locale, sys
locale.setlocale(locale.LC_ALL, "")
from alphatrade_runtime.policy import hashes
from alphatrade_runtime.policy.document import parse_session
from alphatrade_runtime.policy.hashes import ResolvedParams
given = json.load(sys.stdin)
policy = parse_session(given["session"]).policy
resolved = {name: ResolvedParams(*values) for name, values in given["resolved"].items()}
print(hashes.policy_hash(policy, resolved, given["plugins"], {}), hashes.envelope_hash(policy.envelope))
"""


@pytest.mark.parametrize(("seed", "zone", "language"), [("0", "UTC", "C"), ("4711", "Asia/Tokyo", "C.UTF-8")])
def test_hash_seed_time_zone_locale_and_folder_change_nothing(document, tmp_path, seed, zone, language):
    given = {
        "session": document,
        "resolved": {name: [dict(p.signal), dict(p.topology)] for name, p in RESOLVED.items()},
        "plugins": PLUGINS,
    }
    environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": language}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=json.dumps(given),
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [GOLDEN_POLICY, GOLDEN_ENVELOPE]
