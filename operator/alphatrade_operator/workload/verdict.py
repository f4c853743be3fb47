"""Whether a resource works, and if not why: one verdict, written as Ready, Reconciling and Stalled. Pure."""

from dataclasses import dataclass
from typing import Literal

from alphatrade_operator.core.plan import Condition, Finding

Outlook = Literal["Done", "Moving", "Stuck"]
MAX_MESSAGE = 4_096


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer. ready: None is Unknown.

    outlook: Done asks for nothing, Moving changes by itself (Reconciling), Stuck waits for somebody (Stalled).
    """

    ready: bool | None
    reason: str
    message: str
    outlook: Outlook = "Done"


def stuck(finding: Finding) -> Verdict:
    """Return the verdict on a fault that somebody has to mend."""
    return Verdict(False, finding.reason, finding.message, "Stuck")


def moving(reason: str, message: str) -> Verdict:
    """Return the verdict on something that goes on by itself."""
    return Verdict(False, reason, message, "Moving")


def conditions(verdict: Verdict) -> tuple[Condition, ...]:
    """Return Ready, and Reconciling or Stalled while they hold: absent means no, as kstatus reads them."""
    message = verdict.message[:MAX_MESSAGE]
    ready = Condition("Ready", verdict.ready, verdict.reason, message)
    extra = {"Moving": "Reconciling", "Stuck": "Stalled"}.get(verdict.outlook)
    return (ready, Condition(extra, True, verdict.reason, message)) if extra else (ready,)
