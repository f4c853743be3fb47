"""Reflection: read the diaries by night, propose what to change, look at the health of the belief graph."""

from decimal import Decimal
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, Strict, StringConstraints, model_validator

from alphatrade_operator.core.artifact import Artifact
from alphatrade_operator.core.definition import AGE, MESSAGE, READY, WHY, Column, Definition
from alphatrade_operator.core.model import Model, OutOfOrder, Resource, Rule
from alphatrade_operator.core.quantities import (
    DAY,
    HOUR,
    Amount,
    Deadline,
    Name,
    ShareBps,
    ShareOrNoneBps,
    Switch,
    Time,
    Window,
)
from alphatrade_operator.core.selector import LabelSelector
from alphatrade_operator.core.status import Message, Reason, Status, StatusPart, Tally

BY_METRIC = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["metric"]}
_CRON = r"^(@(yearly|monthly|weekly|daily|hourly)|[-0-9A-Za-z*/,?]+( [-0-9A-Za-z*/,?]+){4})$"
_BAND = "min is above max; lower min or raise max"

Metric = Literal[
    "Modularity",
    "ModularityZ",
    "DegreeExponent",
    "Gini",
    "CoreShare",
    "DeadNeurons",
    "CodeCosine",
    "EffectiveRank",
]


class AutoApply(Model):
    """When a proposal may apply itself, in Sim and Paper only, and only with the Strategy's own flag."""

    enabled: Switch = Field(False, description="True lets proposals apply themselves within these gates.")
    min_uplift_bps: Amount = Field(
        "0.2", description="Least lower 95% bound of the uplift outside the window, in bps per unit turnover."
    )
    max_weight_change_bps: ShareBps = Field(1_000, description="Largest change of a weight, in bps.")
    probation_actions: Annotated[int, Strict(), Field(ge=1, le=1_000_000)] = Field(
        500, description="Actions after which a change that has not been rolled back is confirmed."
    )


class Band(Model):
    """The healthy range of one measure of the belief graph."""

    rules: ClassVar[tuple[Rule, ...]] = (Rule("quantity(self.min).compareTo(quantity(self.max)) <= 0", _BAND),)

    metric: Metric = Field(description="The measure.")
    min: Amount = Field(description='Lowest healthy value, a decimal in quotes such as "0.15".')
    max: Amount = Field(description="Highest healthy value.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if Decimal(self.min) > Decimal(self.max):
            raise OutOfOrder([("min", _BAND)])
        return self


class ReflectionSpec(Model):
    """When it runs, what it reads, what it may propose."""

    schedule: Annotated[str, Strict(), StringConstraints(pattern=_CRON, max_length=64)] = Field(
        description='When it runs, as cron writes it, such as "15 2 * * *".'
    )
    time_zone: Annotated[str, Strict(), StringConstraints(pattern=r"^[A-Za-z0-9_+/-]+$", max_length=64)] = Field(
        "Etc/UTC", description="Time zone of the schedule."
    )
    selector: LabelSelector = Field(LabelSelector(), description="Strategies by their labels; empty means all.")
    window_ns: Window = Field(DAY, description="How far back it reads diaries.")
    deadline_ns: Deadline = Field(HOUR, description="Longest that a run may take.")
    model: Artifact | None = Field(None, description="The recursive model; without one only diagnostics are made.")
    min_confidence_bps: ShareOrNoneBps = Field(6_500, description="Least confidence of a proposal; 10000 is certain.")
    max_proposals: Annotated[int, Strict(), Field(ge=0, le=10)] = Field(10, description="Most proposals a run.")
    auto_apply: AutoApply = Field(AutoApply(), description="When a proposal may apply itself.")
    graph_bands: Annotated[tuple[Band, ...], Field(max_length=8, json_schema_extra=BY_METRIC)] = Field(
        (), description="Healthy ranges of the belief graph; those absent have the initial ones."
    )
    suspend: Switch = Field(False, description="True runs nothing and applies nothing, whatever else is said.")


class GraphHealth(StatusPart):
    """One measure of the belief graph."""

    metric: Metric = Field(description="The measure.")
    value: Amount = Field(description="What it was.")
    healthy: Switch = Field(description="Whether it lies in its band.")


class LastRun(StatusPart):
    """The last run that ended."""

    time: Time = Field(description="When it started.")
    result: Literal["Passed", "Failed", "Error", "Inconclusive"] = Field(
        description="Error: it could not run. Inconclusive: the window held too little."
    )
    reason: Reason = Field(description="Why, in one PascalCase word.")
    message: Message = Field(description="Why, for people.")


class ReflectionStatus(Status):
    """What the last run brought."""

    last_run: LastRun | None = Field(None, description="The last run that ended.")
    proposal_count: Tally | None = Field(None, description="Proposals made so far.")
    proposals: Annotated[tuple[Name, ...], Field(max_length=10)] = Field((), description="Proposals of the last run.")
    graph_health: Annotated[tuple[GraphHealth, ...], Field(max_length=8, json_schema_extra=BY_METRIC)] = Field(
        (), description="The belief graph by measure."
    )


class Reflection(Resource[ReflectionSpec]):
    """A nightly look at what strategies did, and proposals of what to change."""

    definition: ClassVar[Definition] = Definition(
        plural="reflections",
        short="rfl",
        status=ReflectionStatus,
        columns=(
            Column("Schedule", ".spec.schedule", "When it runs."),
            Column("Suspend", ".spec.suspend", "Whether it is held.", type="boolean"),
            Column("LastRun", ".status.lastRun.time", "Since the last run.", type="date"),
            Column("Result", ".status.lastRun.result", "What the last run came to."),
            Column("Proposals", ".status.proposalCount", "Proposals made so far.", type="integer"),
            READY,
            WHY,
            MESSAGE,
            AGE,
        ),
    )

    kind: Literal["Reflection"] = Field(description="Kind of the resource.")
