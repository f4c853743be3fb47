"""What a GovernanceProposal's status tells: its checks, its decision, what became of it."""

from typing import Annotated, Literal

from pydantic import Field, Strict, StringConstraints

from alphatrade_operator.core.artifact import Uri
from alphatrade_operator.core.quantities import Hash, Time
from alphatrade_operator.core.status import BY_NAME, Message, Reason, Status, StatusPart, Tally

Phase = Literal[
    "Evaluating",
    "AwaitingSignOff",
    "Applied",
    "Probation",
    "Confirmed",
    "RolledBack",
    "Denied",
    "Stale",
    "Expired",
]
_Value = Annotated[str, Strict(), StringConstraints(max_length=128)]


class Check(StatusPart):
    """One gate: what was asked, what was seen."""

    name: Reason = Field(description="Name of the check.")
    state: Literal["Pending", "Passed", "Failed", "Inconclusive"] = Field(
        description="Failed: measured, and bad. Inconclusive: it could not be told; a person decides."
    )
    observed: _Value | None = Field(None, description="What was seen.")
    threshold: _Value | None = Field(None, description="What was needed.")
    evidence: Uri | None = Field(None, description="Where the measurement lies.")


class GovernanceProposalStatus(Status):
    """How far it has come. Conditions Approved and Denied are final."""

    phase: Phase | None = Field(None, description="How far it has come.")
    reason: Reason | None = Field(None, description="Why it is there, in one PascalCase word.")
    message: Message | None = Field(None, description="The same for people, with what to do about it.")
    checks: Annotated[tuple[Check, ...], Field(max_length=32, json_schema_extra=BY_NAME)] = Field(
        (), description="The gates, in the order in which they are looked at."
    )
    evaluation_digest: Hash | None = Field(None, description="SHA-256 of the evaluation; sign-offs are for it alone.")
    evaluated_at: Time | None = Field(None, description="When it was evaluated; sign-offs made before do not count.")
    sign_offs: Tally | None = Field(None, description="Sign-offs that count.")
    sign_offs_needed: Tally | None = Field(None, description="Sign-offs that are needed.")
    ledger_sequence: Tally | None = Field(None, description="Number of the ledger entry that it led to.")
