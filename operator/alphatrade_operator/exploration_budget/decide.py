"""Decide on an ExplorationBudget: who spends it, how much, and what takes it away. Pure."""

from datetime import datetime
from typing import Any

from alphatrade_operator.core.clock import rfc3339
from alphatrade_operator.core.plan import Condition, Finding, Plan
from alphatrade_operator.exploration_budget.facts import Facts
from alphatrade_operator.workload.report import share_bps

IN_USE = "alphatrade.io/in-use"
_MAX_USERS, _MAX_FROZEN, _SHOWN = 64, 16, 3
_BY_PEOPLE = "NoShare"


def decide(facts: Facts, now: datetime) -> Plan:
    """Return the plan of an ExplorationBudget."""
    told = [user.said for user in facts.users if user.said is not None]
    names = [user.name for user in facts.users]
    return Plan(
        status={"userCount": len(names), "users": names[:_MAX_USERS], **_frozen(facts, now)},
        snapshot={"shareBps": share_bps(told)} if told else {},
        conditions=(_ready(facts),),
        finalizers=_finalizers(facts),
        look_again_s=facts.look_again_s if told else None,
    )


def _ready(facts: Facts) -> Condition:
    if isinstance(facts.budget, Finding):
        return Condition("Ready", False, facts.budget.reason, facts.budget.message)
    count = len(facts.users)
    if facts.meta.deleting and count:
        shown = ", ".join(f"Strategy/{user.name}" for user in facts.users[:_SHOWN])
        text = f"still used by {shown}; delete them or let them refer to another budget; nothing explores on it"
        return Condition("Ready", False, "InUse", text)
    return Condition("Ready", True, "InForce", f"in force for {count} user{'' if count == 1 else 's'}")


def _frozen(facts: Facts, now: datetime) -> dict[str, Any]:
    """Return why permits are not renewed, by cause, each with whom it concerns."""
    since = {one.reason: one.since for one in facts.before.frozen}
    found = [
        {"reason": cause, "message": _concerned(names, len(facts.users)), "since": since.get(cause) or rfc3339(now)}
        for cause, names in sorted(_causes(facts).items())
    ]
    return {"frozen": found[:_MAX_FROZEN]} if found else {}


def _causes(facts: Facts) -> dict[str, list[str]]:
    causes: dict[str, list[str]] = {}
    for user in facts.users:
        own = list(user.said.frozen) if user.said is not None else []
        for cause in [*own, *([_BY_PEOPLE] if user.permit.reason == _BY_PEOPLE else [])]:
            causes.setdefault(cause, []).append(user.name)
    return causes


def _concerned(names: list[str], users: int) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{len(names)} of {users} users: {', '.join(names[:_SHOWN])}{more}"


def _finalizers(facts: Facts) -> tuple[str, ...]:
    """Keep a budget while it is used, as a RiskTemplate is kept."""
    return (IN_USE,) if facts.users or not (facts.meta.deleting or facts.decommissioned) else ()
