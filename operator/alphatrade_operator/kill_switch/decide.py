"""Decide what a KillSwitch's status says. Pure. Nothing here stops anything: runtimes read kill switches themselves."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from alphatrade_operator.core.plan import Condition, Finding, Plan
from alphatrade_operator.core.quantities import MILLISECOND, format_duration
from alphatrade_operator.kill_switch.facts import Facts, Runtime
from alphatrade_operator.kill_switch.model import MAX_SILENT, KillSwitch

_SHOWN = 3


def decide(facts: Facts, now: datetime) -> Plan:
    """Return the plan of a KillSwitch."""
    if isinstance(facts.switch, Finding):
        return Plan(conditions=(Condition("Ready", False, facts.switch.reason, facts.switch.message),))
    if facts.switch.spec.mode == "Armed":
        return Plan(status={"matched": len(facts.runtimes)}, conditions=(_armed(facts, facts.switch),))
    return Plan(status=_engaged(facts), conditions=(_obeyed(facts, facts.switch),))


def _engaged(facts: Facts) -> dict[str, Any]:
    silent, latencies = _silent(facts), _latencies(facts)
    slowest = {"slowestAcknowledgement": format_duration(max(latencies) * MILLISECOND)} if latencies else {}
    return {
        "engagement": f"{facts.meta.uid}.{facts.meta.generation}",
        "matched": len(facts.runtimes),
        "acknowledged": len(latencies),
        "silent": [_name(runtime) for runtime in silent[:MAX_SILENT]],
        **slowest,
    }


def _armed(facts: Facts, switch: KillSwitch) -> Condition:
    misplaced = _misplaced(facts, switch)
    if misplaced is not None:
        return Condition("Ready", False, misplaced.reason, misplaced.message)
    return Condition("Ready", True, "Armed", f"engages nothing; would mean {_strategies(len(facts.runtimes))}")


def _obeyed(facts: Facts, switch: KillSwitch) -> Condition:
    misplaced = _misplaced(facts, switch)
    if misplaced is not None:
        return Condition("Ready", False, misplaced.reason, misplaced.message)
    silent, mode = _silent(facts), switch.spec.mode
    if not facts.runtimes:
        return Condition("Ready", True, "NobodyMatches", f"{mode} means no strategy; check spec.selector and scope")
    if not silent:
        return Condition("Ready", True, "Acknowledged", f"{mode} acknowledged by {_strategies(len(facts.runtimes))}")
    shown = ", ".join(_name(runtime) for runtime in silent[:_SHOWN])
    more = f" and {len(silent) - _SHOWN} more" if len(silent) > _SHOWN else ""
    text = (
        f"{mode} not acknowledged by {len(silent)} of {_strategies(len(facts.runtimes))}: {shown}{more}; see their pods"
    )
    return Condition("Ready", False, "NotAcknowledged", text)


def _misplaced(facts: Facts, switch: KillSwitch) -> Finding | None:
    """Find a wish for the whole cluster where it is not heard; in its own namespace the switch acts all the same."""
    if switch.spec.scope != "Cluster" or facts.meta.namespace == facts.operator_namespace:
        return None
    text = (
        f"spec.scope: Cluster counts in namespace {facts.operator_namespace} only; here it means the strategies of "
        f"{facts.meta.namespace}: apply it there, or write scope: Namespace"
    )
    return Finding("ScopeNotAllowed", text)


def _silent(facts: Facts) -> Sequence[Runtime]:
    return [runtime for runtime in facts.runtimes if runtime.latency_ms is None]


def _latencies(facts: Facts) -> Sequence[int]:
    return [runtime.latency_ms for runtime in facts.runtimes if runtime.latency_ms is not None]


def _name(runtime: Runtime) -> str:
    return f"{runtime.namespace}/{runtime.name}"


def _strategies(count: int) -> str:
    return "1 strategy" if count == 1 else f"{count} strategies"
