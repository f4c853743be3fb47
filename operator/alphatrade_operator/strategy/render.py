"""Render a Strategy into the genotype, flags and plug-ins of a session: pure."""

import re
from decimal import Decimal
from typing import Any

from alphatrade_operator.core.quantities import MILLISECOND, plain
from alphatrade_operator.strategy.genotype import Genotype, Policy
from alphatrade_operator.strategy.mind import (
    CUSUM_ALERT,
    PAGE_HINKLEY_ALERT,
    Belief,
    Drift,
    FastWeights,
    RegimeClassifier,
    Router,
)
from alphatrade_operator.strategy.model import DecisionClock, FeatureFlags, Plugin

_SIGNAL_API = 1
_QUOTE_CHANGE_NS = 100 * MILLISECOND
Defaults = dict[str, int]
DEFAULTS: Defaults = {
    "belief": 2_000,
    "regime_fast": 50,
    "regime_slow": 1_000,
    "drift_reference": 1_000,
    "page_hinkley_alert": int(PAGE_HINKLEY_ALERT),
    "cusum_alert": int(CUSUM_ALERT),
}
# Measured on Student's t with 4 degrees of freedom: with a reference of 250 and these alerts the first tenth of alerts
# by chance comes no sooner than with 1,000 and those above: 11,000 observations of CUSUM, 60,000 of Page-Hinkley.
BAR_DEFAULTS: Defaults = {
    "belief": 250,
    "regime_fast": 10,
    "regime_slow": 120,
    "drift_reference": 250,
    "page_hinkley_alert": 22,
    "cusum_alert": 11,
}


def snake(name: str) -> str:
    """Turn an enum value of the YAML into the runtime's: PassiveQuote → passive_quote."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def render_genotype(
    genotype: Genotype, clock: DecisionClock, flags: FeatureFlags, weights_path: str | None
) -> dict[str, Any]:
    """Return `policy.genotype`. weights_path: where the file of trained weights lies where the session runs."""
    return {
        "policies": [_render_policy(policy) for policy in genotype.policies],
        "decision_clock": _render_clock(clock),
        **_render_mind(genotype, BAR_DEFAULTS if clock.type == "Bar" else DEFAULTS, flags, weights_path),
    }


def _render_mind(
    genotype: Genotype, defaults: Defaults, flags: FeatureFlags, weights_path: str | None
) -> dict[str, Any]:
    """Return the parts of the understanding loop that are on or set.

    What is neither is left out: a runtime of before it refuses fields that it does not know, and a configuration that
    an upgrade leaves as it is, byte for byte, restarts nobody.
    """
    belief, regime, drift = genotype.belief, genotype.regime, genotype.drift
    rendered: dict[str, Any] = {}
    if belief is not None:
        rendered["belief"] = _render_belief(belief, defaults, weights_path)
    if regime is not None:
        rendered["regime"] = _render_regime(regime, defaults)
    if genotype.probes is not None:
        rendered["probes"] = {}
    if drift is not None:
        rendered["drift"] = _render_drift(drift, defaults)
    if flags.fast_weights or genotype.fast_weights != FastWeights():
        rendered["fast_weights"] = _render_fast_weights(genotype.fast_weights)
    if flags.linear_attention or genotype.router != Router():
        rendered["router"] = _render_router(genotype.router)
    return rendered


def render_flags(flags: FeatureFlags) -> dict[str, bool]:
    """Return `envelope.flags`."""
    return dict(flags.model_dump())


def render_plugin(plugin: Plugin, path: str) -> dict[str, Any]:
    """Return an item of `plugins`, whose file lies at `path` where the session runs."""
    return {"path": path, "digest": plugin.digest}


def _render_policy(policy: Policy) -> dict[str, Any]:
    signal, topology = policy.signal, policy.execution_topology
    return {
        "name": policy.name,
        "signal": {"ref": signal.ref, "api": _SIGNAL_API, "digest": None, "params": dict(signal.params)},
        "execution_topology": {"type": snake(topology.type), "params": topology.given()},
        "instruments": list(policy.instruments),
        "weight_bps": policy.weight_bps,
        **({"regimes": list(policy.regimes)} if policy.regimes else {}),
    }


def _render_belief(belief: Belief, defaults: Defaults, weights_path: str | None) -> dict[str, Any]:
    weights = belief.weights
    return {
        "features": list(belief.features),
        "active_bps": belief.active_bps,
        "half_life": belief.half_life or defaults["belief"],
        "seed": belief.seed,
        "weights": None if weights is None else {"path": weights_path, "digest": weights.digest},
    }


def _render_regime(regime: RegimeClassifier, defaults: Defaults) -> dict[str, Any]:
    return {
        "type": snake(regime.type),
        "fast_half_life": regime.fast_half_life or defaults["regime_fast"],
        "slow_half_life": regime.slow_half_life or defaults["regime_slow"],
        "dwell": regime.dwell,
        "persist": regime.persist,
    }


def _render_drift(drift: Drift, defaults: Defaults) -> dict[str, Any]:
    page_hinkley, cusum = drift.page_hinkley, drift.cusum
    return {
        "reference": drift.reference or defaults["drift_reference"],
        "min_observations": drift.min_observations,
        "page_hinkley": {
            "delta": plain(page_hinkley.delta),
            "warn": plain(page_hinkley.warn),
            "alert": plain(page_hinkley.alert or Decimal(defaults["page_hinkley_alert"])),
        },
        "cusum": {
            "slack": plain(cusum.slack),
            "warn": plain(cusum.warn),
            "alert": plain(cusum.alert or Decimal(defaults["cusum_alert"])),
        },
        "shock": plain(drift.shock),
    }


def _render_fast_weights(fast_weights: FastWeights) -> dict[str, Any]:
    return {"rule": snake(fast_weights.rule), "half_life": fast_weights.half_life}


def _render_router(router: Router) -> dict[str, Any]:
    return {
        "switching_cost_bps": plain(router.switching_cost_bps),
        "horizon": router.horizon,
        "half_life": router.half_life,
    }


def _render_clock(clock: DecisionClock) -> dict[str, Any]:
    default_ns = _QUOTE_CHANGE_NS if clock.type == "QuoteChange" else 0
    return {"type": snake(clock.type), "interval_ns": clock.interval_ns or default_ns}
