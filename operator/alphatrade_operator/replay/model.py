"""Replay: run policies over tapes, to verify a session or to ask what would have been."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, Strict, StringConstraints, model_validator
from pydantic.fields import FieldInfo

from alphatrade_operator.core.artifact import Artifact, CostLevels, Tapes
from alphatrade_operator.core.definition import AGE, Column, Definition
from alphatrade_operator.core.model import Model, OutOfOrder, Resource, Rule, yaml_name
from alphatrade_operator.core.quantities import DAY, HOUR, Amount, Deadline, Hash, Name, Retention, Seed, Switch, Time
from alphatrade_operator.core.status import AS_SET, BY_NAME, Message, Status, StatusPart, Tally
from alphatrade_operator.strategy.pod import Resources

_ONE_SOURCE = "give exactly one of candidates, policyRefs"
_PARALLELISM = "is above parallelism; lower minParallelism or raise parallelism"
_UNCHANGED = "spec cannot change but for suspend and ttl; make another Replay"
_CHANGEABLE = ("suspend", "ttl_ns")
_Shards = Annotated[int, Strict(), Field(ge=1, le=10_000)]


class Candidate(Model):
    """A policy that is no Strategy's."""

    name: Name = Field(description="Name in the results.")
    policy: Artifact = Field(description="Its policy document, RFC 8785 JSON.")


class PolicyReference(Model):
    """A policy of a Strategy in the same namespace."""

    name: Name = Field(description="Name of the Strategy, and name in the results.")
    policy_hash: Hash | None = Field(None, description="One of its policies in the ledger; the active one when absent.")


class ReplaySpec(Model):
    """What runs over what, and with how much of the cluster."""

    mode: Literal["Verify", "WhatIf"] = Field(
        description="Verify: recorded reports, the digests must agree. WhatIf: the simulated exchange."
    )
    tapes: Tapes = Field(description="The tapes.")
    candidates: (
        Annotated[tuple[Candidate, ...], Field(min_length=1, max_length=1_024, json_schema_extra=BY_NAME)] | None
    ) = Field(None, description="Policies out of the artifact store.")
    policy_refs: (
        Annotated[tuple[PolicyReference, ...], Field(min_length=1, max_length=64, json_schema_extra=BY_NAME)] | None
    ) = Field(None, description="Policies of strategies.")
    baseline: PolicyReference | None = Field(None, description="The policy that the others are compared with.")
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1, max_length=1_024, json_schema_extra=AS_SET)] = Field(
        (1,), description="Seeds; every policy runs once with each."
    )
    cost_levels: CostLevels = Field(("1x",), description='Multiples of the fees and spreads, such as "1x" and "2x".')
    shards: _Shards = Field(1, description="Pieces into which the work is cut.")
    min_parallelism: _Shards = Field(1, description="Fewest pods that are worth starting.")
    parallelism: _Shards = Field(1, description="Most pods at a time.")
    queue_name: Name | None = Field(None, description="Kueue's LocalQueue; without one it starts at once, in turn.")
    resources: Resources | None = Field(None, description="CPU and memory of each pod; the operator's when absent.")
    active_deadline_ns: Deadline = Field(HOUR, description="Longest that it may run; then its verdict is Error.")
    suspend: Switch = Field(False, description="True stops its pods; false goes on with it.")
    ttl_ns: Retention = Field(DAY, description="How long it is kept when it has ended.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        findings = []
        if (self.candidates is None) == (self.policy_refs is None):
            findings.append(("candidates", _ONE_SOURCE))
        if self.min_parallelism > self.parallelism:
            findings.append(("minParallelism", _PARALLELISM))
        if findings:
            raise OutOfOrder(findings)
        return self


def _rules(fields: dict[str, FieldInfo]) -> tuple[Rule, ...]:
    """Return the rules of a Replay: each field keeps its value, and those that may be absent their presence."""
    fixed = {name: field for name, field in fields.items() if name not in _CHANGEABLE}
    absent = [yaml_name(name) for name, field in fixed.items() if not field.is_required() and field.default is None]
    same = " && ".join(f"has(self.{name}) == has(oldSelf.{name})" for name in absent)
    return (
        Rule("[has(self.candidates), has(self.policyRefs)].exists_one(x, x)", _ONE_SOURCE),
        Rule("self.minParallelism <= self.parallelism", f"minParallelism {_PARALLELISM}"),
        Rule(same, _UNCHANGED),
        *(Rule("self == oldSelf", _UNCHANGED, at=name) for name in fixed),
    )


ReplaySpec.rules = _rules(ReplaySpec.model_fields)


class ResultRow(StatusPart):
    """How one policy did at one cost level, all seeds and tapes together."""

    name: Annotated[str, Strict(), StringConstraints(max_length=128)] = Field(description="The policy.")
    cost_level: Annotated[str, Strict(), StringConstraints(max_length=3)] = Field(description="Multiple of the costs.")
    net_bps: Amount = Field(description="Net bps per unit turnover.")
    lcb_bps: Amount | None = Field(None, description="One-sided lower 95% bound of it.")
    max_drawdown_bps: Tally = Field(description="Largest loss since the highest NAV, in bps of it.")
    actions: Tally = Field(description="Decisions that sent an order or were denied one.")
    violations: Tally = Field(description="Breaches that the auditor found.")


class ReplayStatus(Status):
    """What came of it. Failed is measured and bad; Error is not measured."""

    verdict: Literal["Passed", "Failed", "Error", "Inconclusive"] | None = Field(
        None, description="Failed: measured, and bad. Error: it could not be measured. Inconclusive: it cannot be told."
    )
    message: Message | None = Field(None, description="The verdict in words, with what to do about it.")
    start_time: Time | None = Field(None, description="When its first pod started.")
    completion_time: Time | None = Field(None, description="When it ended.")
    shards_done: Tally | None = Field(None, description="Shards that have ended well.")
    shards_failed: Tally | None = Field(None, description="Shards that have not.")
    results: Annotated[tuple[ResultRow, ...], Field(max_length=256)] = Field((), description="The best 256 rows.")
    artifact: Artifact | None = Field(None, description="The whole table.")
    determinism_digest: Hash | None = Field(None, description="SHA-256 over the digests of all runs, in order.")


class Replay(Resource[ReplaySpec]):
    """A run of policies over tapes."""

    definition: ClassVar[Definition] = Definition(
        plural="replays",
        short="rp",
        status=ReplayStatus,
        columns=(
            Column("Mode", ".spec.mode", "What is asked."),
            Column("Shards", ".spec.shards", "Pieces of work.", type="integer"),
            Column("Done", ".status.shardsDone", "Pieces that have ended well.", type="integer"),
            Column("Verdict", ".status.verdict", "What came of it."),
            Column("Complete", '.status.conditions[?(@.type=="Complete")].status', "Whether it has ended."),
            Column("Stalled", '.status.conditions[?(@.type=="Stalled")].reason', "Why it does not go on."),
            Column("Message", ".status.message", "The verdict in words.", priority=1),
            AGE,
        ),
    )

    kind: Literal["Replay"] = Field(description="Kind of the resource.")
