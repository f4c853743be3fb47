"""PolicyLedgerEntry: one link of the chain of decisions of a namespace. Created once, never changed.

The schema has no defaults: the API server fills them in when it reads, which would change hashes.
"""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, Strict, StringConstraints, model_validator

from alphatrade_operator.core.definition import AGE, Column, Definition
from alphatrade_operator.core.model import IMMUTABLE, Model, OutOfOrder, Resource, Rule
from alphatrade_operator.core.quantities import Hash, Name
from alphatrade_operator.core.status import Tally

NO_HASH = "0" * 64
EntryType = Literal[
    "Promote",
    "Demote",
    "Apply",
    "RejectFinal",
    "Rollback",
    "Halt",
    "Rearm",
    "LimitedLive",
    "LoosenRisk",
    "Checkpoint",
]
_GENESIS = "prevHash: 64 zeros in entry 0, the hash of the entry before in every other"


class PolicyLedgerEntrySpec(Model):
    """One decision, linked to the one before."""

    rules: ClassVar[tuple[Rule, ...]] = (Rule(f"(self.sequence == 0) == (self.prevHash == '{NO_HASH}')", _GENESIS),)

    sequence: Tally = Field(description="Number of the entry in the namespace, from 0 without a gap; the name has it.")
    prev_hash: Hash = Field(description="entryHash of the entry before; 64 zeros in entry 0.")
    record: Annotated[str, Strict(), StringConstraints(min_length=2, max_length=16_384)] = Field(
        description="The decision as RFC 8785 JSON, at most 16 KiB."
    )
    entry_hash: Hash = Field(description="SHA-256 of the record's bytes.")
    type: EntryType = Field(description="Kind of decision, as in the record.")
    policy_hash: Hash | None = Field(None, description="The policy that it is about, as in the record.")
    strategy: Name | None = Field(None, description="The Strategy that it is about, as in the record.")

    @model_validator(mode="after")
    def _linked(self) -> Self:
        if (self.sequence == 0) != (self.prev_hash == NO_HASH):
            raise OutOfOrder([("prevHash", _GENESIS.removeprefix("prevHash: "))])
        return self


class PolicyLedgerEntry(Resource[PolicyLedgerEntrySpec]):
    """A decision of record. Only the operator makes them."""

    root_rules: ClassVar[tuple[Rule, ...]] = (
        IMMUTABLE,
        Rule(
            "self.metadata.name == 'ple-%d'.format([self.spec.sequence])",
            "metadata.name: must be ple- and spec.sequence, such as ple-7",
        ),
    )
    definition: ClassVar[Definition] = Definition(
        plural="policyledgerentries",
        short="ple",
        status=None,
        columns=(
            Column("Type", ".spec.type", "Kind of decision."),
            Column("Strategy", ".spec.strategy", "The Strategy that it is about."),
            Column("Policy", ".spec.policyHash", "The policy that it is about."),
            Column("Hash", ".spec.entryHash", "SHA-256 of the record.", priority=1),
            AGE,
        ),
    )

    kind: Literal["PolicyLedgerEntry"] = Field(description="Kind of the resource.")
