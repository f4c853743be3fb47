"""Turn what a strategy runtime says into the Strategy's status. Pure."""

from datetime import datetime
from typing import Any, get_args

from alphatrade.v1.control_pb2 import Acknowledgement
from alphatrade.v1.control_pb2 import StrategyStatus as Said
from alphatrade_operator.core.status import KillAcknowledgement, Position
from alphatrade_operator.strategy.mind_report import drift_of, mind_of, regime_of
from alphatrade_operator.strategy.status import Digests, Latency, Phase, StrategyStatus
from alphatrade_operator.workload.report import amount, latch, share_bps, time_of

MOVING = (
    "session_time",
    "regime",
    "mind",
    "positions",
    "working_orders",
    "nav",
    "pnl",
    "drawdown_bps",
    "exploration_share_bps",
    "decisions",
    "orders",
    "fills",
    "denied",
    "near_misses",
    "breaks",
    "latency",
    "kill_list_age_ns",
)
_MILLISECOND = 1_000_000
_COUNTS = ("decisions", "orders", "fills", "near_misses", "violations", "breaks")
_DENIED = "denied_"  # and the law's code
AT_REST = ("Ended", "Drained")
_ORDERED = ("Reduce", "Halt", "Flatten")
_SHOWN = 64


def with_report(before: StrategyStatus, spoken: Said, desired: bool, now: datetime) -> StrategyStatus:
    """Return the status that a report makes. desired: whether what trades is what the spec asks for."""
    active = spoken.policy_hash or before.active_policy_hash
    steady = {
        "phase": spoken.phase if spoken.phase in get_args(Phase) else "Starting",
        "active_policy_hash": active,
        "desired_policy_hash": active if desired else before.desired_policy_hash,
        "stage": "Experiment",
        "pace": spoken.pace or before.pace,
        "kill_switches": tuple(_acknowledged(one) for one in spoken.acknowledged if _is_of_an_object(one))[:_SHOWN],
        "kill_list_age_ns": _list_age_ns(spoken),
        "latched": latch(_latched_by(spoken), before.latched, now),
        "digests": _digests(spoken) or before.digests,
    }
    return before.model_copy(update=steady | _session(spoken))


def _list_age_ns(spoken: Said) -> int | None:
    """Return the age of the last list; none where nothing trades: it would change for ever and tell nothing."""
    if spoken.kill_list_age_ms < 0 or spoken.phase in AT_REST:
        return None
    return spoken.kill_list_age_ms * _MILLISECOND


def _session(spoken: Said) -> dict[str, Any]:
    """Return what is told of a session; nothing where none is on, so that what was known of the last one stays."""
    if not spoken.session_id:
        return {"positions": (), "working_orders": 0} if spoken.phase == "Drained" else {}
    return {
        "session_time": time_of(spoken.session_ns),
        "positions": tuple(Position(symbol=name, lots=lots) for name, lots in sorted(spoken.positions.items()) if lots),
        "working_orders": spoken.working,
        "nav": amount(spoken.nav),
        "pnl": amount(spoken.pnl),
        "drawdown_bps": spoken.drawdown_bps,
        "exploration_share_bps": share_bps([spoken.exploration]) if spoken.HasField("exploration") else None,
        "latency": _latency(spoken),
        "digests": _digests(spoken),
        **_mind(spoken),
        **_counts(spoken),
    }


def _mind(spoken: Said) -> dict[str, Any]:
    mind = mind_of(spoken.mind)[:_SHOWN]
    return {"regime": regime_of(mind), "drift": drift_of(mind), "mind": mind}


def _counts(spoken: Said) -> dict[str, int]:
    given = spoken.counts
    denied = sum(count for name, count in given.items() if name.startswith(_DENIED))
    return {name: given[name] for name in _COUNTS if name in given} | {"denied": denied}


def _latched_by(spoken: Said) -> str:
    """Return what latched it: a kill switch, else what the runtime gives as its reason."""
    if spoken.latched_by or spoken.phase != "Latched":
        return spoken.latched_by
    return f"{spoken.reason or 'Latched'}: {spoken.message}"


def _latency(spoken: Said) -> Latency | None:
    given = spoken.latency_ns
    if not all(name in given for name in ("p50", "p99", "p999")):
        return None
    return Latency(p50_ns=given["p50"], p99_ns=given["p99"], p999_ns=given["p999"])


def _is_of_an_object(one: Acknowledgement) -> bool:
    """Whether it is of a KillSwitch: the account's word, or a latch that could not be read, has no name."""
    return one.mode in _ORDERED and bool(one.namespace and one.name)


def _acknowledged(one: Acknowledgement) -> KillAcknowledgement:
    return KillAcknowledgement(
        namespace=one.namespace,
        name=one.name,
        generation=one.generation,
        mode=one.mode,
        latency_ms=max(0, one.latency_ms),
        at=time_of(one.at_ns),
        last_command=max(0, one.last_command),
    )


def _digests(spoken: Said) -> Digests | None:
    given = spoken.digests
    if not all(name in given for name in ("diary", "fills", "pnl")):
        return None
    return Digests(diary=given["diary"], fills=given["fills"], pnl=given["pnl"])
