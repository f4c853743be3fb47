"""Render a Strategy into the genotype, flags and plug-ins of a session: pure."""

import re
from typing import Any

from alphatrade_operator.core.quantities import MILLISECOND
from alphatrade_operator.strategy.genotype import Genotype, Policy
from alphatrade_operator.strategy.model import DecisionClock, FeatureFlags, Plugin

_SIGNAL_API = 1
_QUOTE_CHANGE_NS = 100 * MILLISECOND


def snake(name: str) -> str:
    """Turn an enum value of the YAML into the runtime's: PassiveQuote → passive_quote."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def render_genotype(genotype: Genotype, clock: DecisionClock) -> dict[str, Any]:
    """Return `policy.genotype`."""
    return {
        "policies": [_render_policy(policy) for policy in genotype.policies],
        "decision_clock": _render_clock(clock),
    }


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
    }


def _render_clock(clock: DecisionClock) -> dict[str, Any]:
    default_ns = _QUOTE_CHANGE_NS if clock.type == "QuoteChange" else 0
    return {"type": snake(clock.type), "interval_ns": clock.interval_ns or default_ns}
