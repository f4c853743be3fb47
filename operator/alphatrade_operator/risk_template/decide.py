"""Decide on a RiskTemplate: which law is in force, what of its spec waits, who needs it. Pure."""

import hashlib
from datetime import datetime
from typing import Any

import rfc8785

from alphatrade_operator.core.plan import Condition, Finding, Plan
from alphatrade_operator.risk_template.effective import Effective
from alphatrade_operator.risk_template.facts import Facts
from alphatrade_operator.risk_template.loosening import LOOSENED
from alphatrade_operator.risk_template.model import RiskTemplateSpec

IN_USE = "alphatrade.io/in-use"
_MAX_USERS, _MAX_PENDING, _SHOWN = 64, 64, 3


def decide(facts: Facts, now: datetime) -> Plan:
    """Return the plan of a RiskTemplate."""
    if isinstance(facts.law, Finding):
        # The status keeps the law as it was written: without it a later spec would be in force unchecked.
        conditions = (Condition("Ready", False, facts.law.reason, facts.law.message),)
        return Plan(conditions=conditions, finalizers=_finalizers(facts))
    return Plan(
        status=_users(facts) | _law(facts.law),
        conditions=(_ready(facts), _awaits(facts.law)),
        finalizers=_finalizers(facts),
    )


def law_document(spec: RiskTemplateSpec) -> dict[str, Any]:
    """Return a law as a status holds it."""
    return spec.model_dump(mode="json", by_alias=True, exclude_none=True)


def _law(law: Effective) -> dict[str, Any]:
    document = law_document(law.spec)
    pending = [loosening.model_dump(mode="json", by_alias=True) for loosening in law.pending[:_MAX_PENDING]]
    digest = hashlib.sha256(rfc8785.dumps(document)).hexdigest()
    return {"effective": document, "effectiveHash": digest, "pending": pending}


def _users(facts: Facts) -> dict[str, Any]:
    return {"userCount": len(facts.users), "users": list(facts.users[:_MAX_USERS])}


def _ready(facts: Facts) -> Condition:
    count = len(facts.users)
    if facts.meta.deleting and count:
        text = f"still used by {', '.join(facts.users[:_SHOWN])}; delete them or let them refer to another template"
        return Condition("Ready", False, "InUse", text)
    return Condition("Ready", True, "InForce", f"in force for {count} user{'' if count == 1 else 's'}")


def _awaits(law: Effective) -> Condition:
    if not law.pending:
        return Condition("AwaitsProposal", False, "NothingWaits", "the spec is in force as it is")
    shown = [f"{one.field} stays {one.effective}, {one.wanted} waits" for one in law.pending[:_SHOWN]]
    more = f"; and {len(law.pending) - _SHOWN} more" if len(law.pending) > _SHOWN else ""
    text = f"looser limits wait for a LoosenRisk proposal, which this version cannot decide: {'; '.join(shown)}{more}"
    return Condition("AwaitsProposal", True, LOOSENED, text)


def _finalizers(facts: Facts) -> tuple[str, ...]:
    """Keep the template while it is used: a strategy whose law is gone could not be shown to keep it.

    One that nobody uses keeps its finalizer against the moment at which somebody comes; where nobody can come any more
    it goes, since the operator may be gone when the namespace is deleted.
    """
    return (IN_USE,) if facts.users or not (facts.meta.deleting or facts.decommissioned) else ()
