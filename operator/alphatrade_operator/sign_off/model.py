"""SignOff: one person's word on one evaluated proposal. Who made the object is the proof of identity.

The schema has no defaults: the API server fills them in when it reads, which would change hashes.
"""

from typing import ClassVar, Literal

from pydantic import Field

from alphatrade_operator.core.definition import AGE, Column, Definition
from alphatrade_operator.core.model import IMMUTABLE, Model, Resource, Rule
from alphatrade_operator.core.quantities import Hash, Name, Prose, UserName
from alphatrade_operator.core.status import Status, Uid


class ProposalReference(Model):
    """A GovernanceProposal in the same namespace: that very object, never a later one of the same name."""

    name: Name = Field(description="Name of the GovernanceProposal.")
    uid: Uid = Field(description="Its UID.")


class SignOffSpec(Model):
    """Who says what about which evaluation."""

    proposal_ref: ProposalReference = Field(description="The GovernanceProposal that is signed.")
    subject_hash: Hash = Field(
        description="SHA-256 of the proposal's spec and evaluation digest; `alphatrade sign` works it out."
    )
    decision: Literal["Approve", "Reject"] = Field(description="The word that is given.")
    user: UserName = Field(description="Who signs: the name by which the API server knows the requester.")
    comment: Prose | None = Field(None, description="Why, in words.")


class SignOffStatus(Status):
    """Whether the sign-off counts: condition Counted, with the reason where it does not."""


class SignOff(Resource[SignOffSpec]):
    """A person's word on a proposal. It never changes; to take it back, reject before the decision."""

    root_rules: ClassVar[tuple[Rule, ...]] = (IMMUTABLE,)
    definition: ClassVar[Definition] = Definition(
        plural="signoffs",
        short="so",
        status=SignOffStatus,
        columns=(
            Column("Proposal", ".spec.proposalRef.name", "The proposal that is signed."),
            Column("Decision", ".spec.decision", "The word that is given."),
            Column("User", ".spec.user", "Who signs."),
            Column("Counted", '.status.conditions[?(@.type=="Counted")].status', "Whether it counts."),
            Column("Why", '.status.conditions[?(@.type=="Counted")].reason', "Why it counts, or not."),
            AGE,
        ),
    )

    kind: Literal["SignOff"] = Field(description="Kind of the resource.")
