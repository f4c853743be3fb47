"""Say of kinds whose controller is not built that nothing acts on them. Pure."""

from datetime import datetime

from alphatrade_operator.core.plan import Condition, Plan

# Which part of the plan (N of 9) brings the controller, and what to do until then.
COMES_WITH = {
    "GovernanceProposal": ("5/9", "nothing is decided on it; change the Strategy's spec instead"),
    "Replay": ("5/9", "nothing runs it; use `alphatrade run` in one process"),
    "Evolution": ("after 5/9", "no generation is bred"),
    "Reflection": ("after 4/9", "no nightly job is made"),
}


def decide(kind: str, now: datetime) -> Plan:
    """Return the plan of a resource of a kind in COMES_WITH: a condition, and no child."""
    part, meanwhile = COMES_WITH[kind]
    text = f"this version has no controller of {kind}: {meanwhile}. It comes with part {part}"
    return Plan(conditions=(Condition("Ready", False, "ControllerNotBuilt", text),))
