"""GovernanceProposal: a change that asks to become policy, with the evidence for it.

The schema has no defaults: the API server fills them in when it reads, which would change hashes.
"""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from alphatrade_operator.core.artifact import Artifact
from alphatrade_operator.core.definition import AGE, Column, Definition
from alphatrade_operator.core.model import IMMUTABLE, Model, OutOfOrder, Reference, Resource, Rule
from alphatrade_operator.core.quantities import Amount, Hash, ProposalTtl, Prose, ShareOrNoneBps, UserName
from alphatrade_operator.core.regime import Regimes
from alphatrade_operator.proposal.change import Change
from alphatrade_operator.proposal.status import GovernanceProposalStatus

_DECIDED = "['Approved', 'Denied']"
_UNTRACED = "trace: missing; a proposal of Reflection or Evolution says what it was made from"


class Uplift(Model):
    """What the change is expected to earn."""

    mean: Amount = Field(description='Mean, a decimal in quotes such as "0.4".')
    lcb: Amount = Field(description="One-sided lower 95% bound of the mean.")
    unit: Literal["BpsPerTurnover"] = Field(description="BpsPerTurnover: net bps per unit turnover.")


class Trace(Model):
    """What a machine made the proposal from; enough to make it again."""

    input_hash: Hash = Field(description="SHA-256 of the inputs, as RFC 8785 JSON of their digests.")
    model_hash: Hash = Field(description="SHA-256 of the model.")
    config_hash: Hash = Field(description="SHA-256 of the run's settings.")
    code_hash: Hash = Field(description="Digest of the code.")


class GovernanceProposalSpec(Model):
    """Who asks for what, on which grounds."""

    rules: ClassVar[tuple[Rule, ...]] = (Rule("self.source == 'Human' || has(self.trace)", _UNTRACED),)

    author: UserName = Field(description="Who proposes: the name by which the API server knows the requester.")
    source: Literal["Human", "Reflection", "Evolution"] = Field(description="What kind of author it is.")
    strategy_ref: Reference = Field(description="The Strategy that it is about.")
    base_policy_hash: Hash = Field(
        description="The active policy that it was made for; when another becomes active, the proposal is Stale."
    )
    change: Change = Field(description="What is to change: a type, and the field of that name.")
    confidence_bps: ShareOrNoneBps = Field(description="How sure the author is, 10000 being certain.")
    rationale: Prose = Field(description="Why, in words.")
    affected_regimes: Regimes | None = Field(
        None, description="Market regimes in which it makes a difference; all when absent."
    )
    expected_uplift: Uplift | None = Field(None, description="What it is expected to earn.")
    evidence: Annotated[tuple[Artifact, ...], Field(max_length=32)] | None = Field(
        None, description="Files that speak for it, by digest."
    )
    trace: Trace | None = Field(None, description="What it was made from; needed unless a person made it.")
    ttl_ns: ProposalTtl = Field(description="How long it waits for a decision; then it is Expired.")

    @model_validator(mode="after")
    def _traced(self) -> Self:
        if self.source != "Human" and self.trace is None:
            raise OutOfOrder([("trace", _UNTRACED.removeprefix("trace: "))])
        return self


class GovernanceProposal(Resource[GovernanceProposalSpec]):
    """A change that asks to become policy. Once decided it stays decided."""

    root_rules: ClassVar[tuple[Rule, ...]] = (
        IMMUTABLE,
        Rule(
            f"!has(self.conditions) || self.conditions.all(c, !(c.type in {_DECIDED}) || c.status == 'True')",
            "conditions: Approved and Denied are True or absent",
            at="status",
        ),
        Rule(
            "!has(self.conditions) || "
            "!(self.conditions.exists(c, c.type == 'Approved') && self.conditions.exists(c, c.type == 'Denied'))",
            "conditions: a proposal is Approved or Denied, never both",
            at="status",
        ),
        Rule(
            f"!has(oldSelf.conditions) || oldSelf.conditions.all(o, !(o.type in {_DECIDED}) || "
            "(has(self.conditions) && self.conditions.exists(c, c.type == o.type)))",
            "conditions: a decided proposal stays decided",
            at="status",
        ),
        Rule(
            "!has(oldSelf.status) || !has(oldSelf.status.conditions) || has(self.status) || "
            f"!oldSelf.status.conditions.exists(o, o.type in {_DECIDED})",
            "status: a decided proposal stays decided; its status cannot be removed",
        ),
    )
    definition: ClassVar[Definition] = Definition(
        plural="governanceproposals",
        short="gp",
        status=GovernanceProposalStatus,
        columns=(
            Column("Strategy", ".spec.strategyRef.name", "The Strategy that it is about."),
            Column("Change", ".spec.change.type", "What is to change."),
            Column("Source", ".spec.source", "What kind of author it has."),
            Column("Phase", ".status.phase", "How far it has come."),
            Column("Signed", ".status.signOffs", "Sign-offs that count.", type="integer"),
            Column("Needed", ".status.signOffsNeeded", "Sign-offs that are needed.", type="integer"),
            Column("Why", ".status.reason", "Why it is where it is."),
            Column("Author", ".spec.author", "Who proposes.", priority=1),
            AGE,
        ),
    )

    kind: Literal["GovernanceProposal"] = Field(description="Kind of the resource.")
