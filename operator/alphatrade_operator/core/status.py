"""What every status has in common: conditions, and models that the operator writes and people read.

A status is a snapshot, not telemetry; what changes faster than once a minute is a metric.
"""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, Strict, StringConstraints

from alphatrade_operator.core.model import Model, yaml_name
from alphatrade_operator.core.quantities import MAX_SAFE_INTEGER, Name, Symbol, Time

AS_SET = {"x-kubernetes-list-type": "set"}
BY_NAME = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}
BY_TYPE = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]}
BY_SYMBOL = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["symbol"]}

Reason = Annotated[str, Strict(), StringConstraints(pattern=r"^[A-Z][A-Za-z0-9]*$", max_length=63)]
Message = Annotated[str, Strict(), StringConstraints(max_length=4_096)]
Tally = Annotated[int, Strict(), Field(ge=0, le=MAX_SAFE_INTEGER)]
Uid = Annotated[str, Strict(), StringConstraints(min_length=1, max_length=64)]
SignedLots = Annotated[int, Strict(), Field(ge=-MAX_SAFE_INTEGER, le=MAX_SAFE_INTEGER)]


class StatusPart(Model):
    """A part of a status: written by name, read leniently, so that an older operator reads a newer one's."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=yaml_name, validate_by_name=True, validate_by_alias=True
    )


class Condition(StatusPart):
    """One answer about a resource: yes, no or not known, since when, and why."""

    type: Reason = Field(description="What is asked, such as Ready.")
    status: Literal["True", "False", "Unknown"] = Field(description="The answer.")
    observed_generation: Tally = Field(description="Generation of the spec that the answer is about.")
    last_transition_time: Time = Field(description="When the answer last changed.")
    reason: Reason = Field(description="Why, in one PascalCase word.")
    message: Message = Field(description="Why, for people, with what to do about it.")


Conditions = Annotated[tuple[Condition, ...], Field(max_length=16, json_schema_extra=BY_TYPE)]


class Status(StatusPart):
    """What the operator saw and did."""

    observed_generation: Tally | None = Field(None, description="Generation of the spec that this status is about.")
    conditions: Conditions = Field((), description="Answers about the resource; Ready first of all.")


class Latch(StatusPart):
    """A halt that does not release itself."""

    by: Annotated[str, Strict(), StringConstraints(min_length=1, max_length=256)] = Field(
        description="What latched it, such as KillSwitch/halt-all or Drawdown."
    )
    reason: Message = Field(description="Why, in the words of who or what latched it.")
    since: Time | None = Field(None, description="When it was latched.")


class Position(StatusPart):
    """What is held of one instrument."""

    symbol: Symbol = Field(description="Symbol as the feed names it.")
    lots: SignedLots = Field(description="Lots held; negative is short.")


class KillAcknowledgement(StatusPart):
    """A kill switch that has had its effect."""

    namespace: Name = Field(description="Namespace of the KillSwitch.")
    name: Name = Field(description="Name of the KillSwitch.")
    generation: Tally = Field(description="Generation of the KillSwitch that had its effect.")
    mode: Literal["Reduce", "Halt", "Flatten"] = Field(description="What it ordered.")
    latency_ms: Tally = Field(description="Milliseconds from its arrival until nothing forbidden could leave.")
    at: Time | None = Field(None, description="When it had its effect.")
    last_command: Tally | None = Field(
        None,
        description="Number, in its order session, of the last order command that had left by then: behind it the "
        "broker's journal holds nothing but what the mode allows.",
    )
