"""The three hashes that name what runs: the policy, its envelope, the code. 64 hexadecimal digits each.

Each is the SHA-256 of canonical JSON. A field equal to the default it was introduced with is left
out, so that a later version with more optional fields gives an old document its old hash; the
introduction defaults below are therefore never edited, only added to.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

from alphatrade_runtime.numerics import pins
from alphatrade_runtime.policy.canonical import canonical, read_canonical
from alphatrade_runtime.policy.document import Envelope, Policy

Path = tuple[str, ...]

POLICY_DEFAULTS: dict[Path, dict[str, Any]] = {
    (): {"models": {}, "plugins": {}},
    ("genotype",): {
        "decision_clock": {},
        "belief": None,
        "regime": None,
        "probes": None,
        "drift": None,
        "fast_weights": {},
        "router": {},
    },
    ("genotype", "decision_clock"): {"type": "quote_change", "interval_ns": 100_000_000},
    ("genotype", "belief"): {"active_bps": 500, "half_life": 2_000, "seed": 1},
    ("genotype", "regime"): {
        "type": "rules",
        "fast_half_life": 50,
        "slow_half_life": 1_000,
        "dwell": 5,
        "persist": 3,
    },
    ("genotype", "drift"): {
        "reference": 1_000,
        "min_observations": 30,
        "page_hinkley": {},
        "cusum": {},
        "shock": "12",
    },
    ("genotype", "drift", "page_hinkley"): {"delta": "0.25", "warn": "12", "alert": "20"},
    ("genotype", "drift", "cusum"): {"slack": "0.5", "warn": "6", "alert": "10"},
    ("genotype", "fast_weights"): {"rule": "hebb", "half_life": 700},
    ("genotype", "router"): {"switching_cost_bps": "1", "horizon": 10, "half_life": 2_000},
    ("genotype", "policies", "*"): {
        "instruments": [],
        "regimes": [],
        "weight_bps": 10_000,
        "topology_params": {},
        "params": {},
    },
    ("genotype", "policies", "*", "signal"): {"api": 1, "digest": None},
}
ENVELOPE_DEFAULTS: dict[Path, dict[str, Any]] = {
    (): {"limits": {}, "flags": {}, "exploration": None, "calendar": "24/7", "seed": 1},
    ("limits",): {
        "stream_stale_ns": 2_000_000_000,
        "max_notional_bps": 500,
        "band_limit_bps": 50,
        "band_marketable_bps": 20,
        "max_net_exposure_bps": 5_000,
        "max_leverage_bps": 10_000,
        "day_drawdown_bps": 500,
        "max_drawdown_bps": 1_500,
        "max_orders_per_s": 50,
        "max_orders_per_min": 1_200,
        "max_open_orders": 64,
        "max_turnover_min_bps": 20_000,
        "max_turnover_hour_bps": 100_000,
        "risk_per_trade_bps": 200,
        "stop_bps": 100,
        "max_flatten_slippage_bps": 50,
        "flatten_blind": False,
        "near_miss_bps": 8_000,
        "mark_jump_bps": 500,
        "kill_max_staleness_ns": 10_000_000_000,
    },
    ("flags",): {
        "fast_weights": False,
        "linear_attention": False,
        "exploration": False,
        "auto_governed_feedback": False,
    },
    ("exploration",): {
        "share_bps": 500,
        "cadence": 50,
        "window": 1_000,
        "freeze_on_warning": True,
        "freeze_drawdown_bps": None,
        "freeze_near_miss_bps": None,
        "quiet_decisions": 1_000,
        "by_permit": False,
    },
    ("instruments", "*"): {
        "multiplier": "1",
        "fee_per_fill": "0",
        "initial_margin_bps": 1_000,
        "max_quote_age_ns": 5_000_000_000,
        "min_order_lots": 1,
    },
}


@dataclass(frozen=True, slots=True)
class ResolvedParams:
    """Every parameter's value of one policy: the given one, else the default of its signal or topology."""

    signal: Mapping[str, float]
    topology: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class CodeFacts:
    """What turns a policy into bits: sources, compiler, library, target."""

    runtime_digest: str
    numba: str
    llvmlite: str
    numpy: str
    target: str


def canonical_policy(
    policy: Policy,
    resolved: Mapping[str, ResolvedParams],
    plugin_digests: Mapping[str, str],
    model_digests: Mapping[str, str],
) -> bytes:
    """Return the bytes under `policy_hash`. Resolved parameters, by policy name, stand for those given.

    plugin_digests: by signal name.  model_digests: by model name.  Raises KeyError when a policy has no
    resolved parameters, CanonicalError when a value is not finite.
    """
    genotype = asdict(policy.genotype)
    for gene in genotype["policies"]:
        values = resolved[gene["name"]]
        gene["params"], gene["topology_params"] = dict(values.signal), dict(values.topology)
        gene["execution_topology"] = gene["execution_topology"]["type"]
        gene["regimes"] = set(gene["regimes"])
        del gene["signal"]["params"]
    if genotype["belief"] is not None:
        del genotype["belief"]["weights"]  # named by their digest, in models
    full = {
        "schema": policy.policySchema,
        "genotype": genotype,
        "models": dict(model_digests),
        "plugins": dict(plugin_digests),
    }
    return policy_bytes(full)


def model_digests_of(policy: Policy) -> dict[str, str]:
    """Return the digests of the model files that a policy names, by what they are for."""
    belief = policy.genotype.belief
    return {} if belief is None or belief.weights is None else {"belief": belief.weights.digest}


def canonical_envelope(envelope: Envelope) -> bytes:
    """Return the bytes under `envelope_hash`. The allow-list is a set, instruments keep their order."""
    full = asdict(envelope)
    full["limits"]["symbols"] = set(envelope.limits.symbols)
    return envelope_bytes({"schema": 1, **full})


def policy_bytes(facts: Mapping[str, Any]) -> bytes:
    """Write full facts of a policy, as `rebuild_policy` returns them, in canonical form."""
    return _compact(facts, POLICY_DEFAULTS)


def envelope_bytes(facts: Mapping[str, Any]) -> bytes:
    """Write full facts of an envelope, as `rebuild_envelope` returns them, in canonical form."""
    return _compact(facts, ENVELOPE_DEFAULTS)


def rebuild_policy(data: bytes) -> dict[str, Any]:
    """Return the full facts under canonical policy bytes. Raises CanonicalError when they are not canonical."""
    return _restored(read_canonical(data), POLICY_DEFAULTS)


def rebuild_envelope(data: bytes) -> dict[str, Any]:
    """Return the full facts under canonical envelope bytes. Raises CanonicalError when they are not canonical."""
    return _restored(read_canonical(data), ENVELOPE_DEFAULTS)


def policy_hash(
    policy: Policy,
    resolved: Mapping[str, ResolvedParams],
    plugin_digests: Mapping[str, str],
    model_digests: Mapping[str, str],
) -> str:
    """Name what decides: schema, genotype, resolved parameters, digests of models and plug-ins."""
    return _sha256(canonical_policy(policy, resolved, plugin_digests, model_digests))


def envelope_hash(envelope: Envelope) -> str:
    """Name what is allowed: limits, flags, instruments, calendar, seed."""
    return _sha256(canonical_envelope(envelope))


def code_hash(facts: CodeFacts) -> str:
    """Name what computes."""
    return _sha256(canonical(asdict(facts)))


def installed_code() -> CodeFacts:
    """Read the facts of this process's code."""
    versions = {name: version(name) for name in ("numba", "llvmlite", "numpy")}
    return CodeFacts(runtime_digest=pins.source_digest(), target=pins.TARGET_CPU, **versions)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _compact(full: Mapping[str, Any], defaults: dict[Path, dict[str, Any]]) -> bytes:
    plain = read_canonical(canonical(full))
    return canonical(_walk(plain, (), defaults, inner_first=True, change=_left_out))


def _restored(compact: Any, defaults: dict[Path, dict[str, Any]]) -> dict[str, Any]:
    return dict(_walk(compact, (), defaults, inner_first=False, change=_put_back))


Change = Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]


def _left_out(value: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in value.items() if key not in defaults or item != defaults[key]}


def _put_back(value: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    return {**defaults, **value}


def _walk(value: Any, path: Path, defaults: dict[Path, dict[str, Any]], *, inner_first: bool, change: Change) -> Any:
    if isinstance(value, list):
        return [_walk(item, (*path, "*"), defaults, inner_first=inner_first, change=change) for item in value]
    if not isinstance(value, dict):
        return value
    known = defaults.get(path, {})
    value = value if inner_first else change(value, known)
    walked = {
        key: _walk(item, (*path, key), defaults, inner_first=inner_first, change=change) for key, item in value.items()
    }
    return change(walked, known) if inner_first else walked
