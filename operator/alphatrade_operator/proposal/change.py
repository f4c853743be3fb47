"""The change that a proposal asks for: a typed union, exactly the field that its type names."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, Strict, StringConstraints, model_validator

from alphatrade_operator.core.model import Model, OutOfOrder, Reference, Rule, yaml_name
from alphatrade_operator.core.quantities import (
    MAX_SAFE_INTEGER,
    Amount,
    Hash,
    Identifier,
    Name,
    ProposalTtl,
    ShareBps,
    Switch,
)

LimitPath = Annotated[
    str, Strict(), StringConstraints(pattern=r"^[a-z][A-Za-z]*(\.[A-Za-z0-9*._/:-]+){0,3}$", max_length=128)
]
_LimitValue = Annotated[int, Strict(), Field(ge=0, le=MAX_SAFE_INTEGER)]


class WeightAdjust(Model):
    """Another weight for one policy of the strategy."""

    policy: Name = Field(description="Name of the policy.")
    delta_bps: Annotated[int, Strict(), Field(ge=-10_000, le=10_000)] = Field(description="What is added, in bps.")


class StrategyFlag(Model):
    """A feature flag on or off."""

    flag: Literal["FastWeights", "LinearAttention", "Exploration", "AutoGovernedFeedback"] = Field(
        description="The flag."
    )
    value: Switch = Field(description="True is on.")


class ParamAdjust(Model):
    """Another value for a parameter of a policy's signal."""

    policy: Name = Field(description="Name of the policy.")
    param: Identifier = Field(description="Name of the parameter.")
    value: Amount = Field(description='The new value, a decimal in quotes such as "21".')


class ThresholdAdjust(Model):
    """A tighter limit for this strategy alone; what loosens is LoosenRisk."""

    limit: LimitPath = Field(description="Path of the limit in the RiskTemplate, such as limits.maxNotionalBps.")
    value: _LimitValue = Field(description="The new limit in the unit of its name.")


class Experiment(Model):
    """A candidate that gets a share of the exploration budget."""

    candidate_hash: Hash = Field(description="Policy hash of the candidate.")
    share_bps: ShareBps = Field(description="Share of the strategy's flow, in bps.")


class Promote(Model):
    """One stage up for a policy."""

    policy_hash: Hash = Field(description="The policy.")
    to_stage: Literal["Paper", "Pilot", "LimitedLive"] = Field(description="The stage above its own.")


class Demote(Model):
    """Some stages down for a policy."""

    policy_hash: Hash = Field(description="The policy.")
    to_stage: Literal["Experiment", "Paper", "Pilot"] = Field(description="The stage that it falls to.")


class LimitedLive(Model):
    """Live trading within a ceiling, for a time."""

    policy_hash: Hash = Field(description="The policy.")
    max_notional_bps: ShareBps = Field(description="Ceiling of one order, in bps of net asset value.")
    duration_ns: ProposalTtl = Field(description="How long it holds.")


class LimitChange(Model):
    """One limit, before and after."""

    limit: LimitPath = Field(description="Path of the limit, such as limits.maxNotionalBps.")
    effective: _LimitValue = Field(description="The limit in force, in the unit of its name.")
    wanted: _LimitValue = Field(description="The limit asked for.")


class LoosenRisk(Model):
    """Looser limits of a RiskTemplate, as its spec asks for."""

    risk_template_ref: Reference = Field(description="The RiskTemplate.")
    limits: Annotated[
        tuple[LimitChange, ...],
        Field(
            min_length=1,
            max_length=64,
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["limit"]},
        ),
    ] = Field(description="The limits that become looser.")


class Rearm(Model):
    """Trading again after a latch."""

    target: Literal["Strategy", "Account"] = Field(description="What is latched.")
    latched_by: Annotated[str, Strict(), StringConstraints(min_length=1, max_length=256)] = Field(
        description="What latched it, as the status says."
    )


class Rollback(Model):
    """Back to a policy that was active before."""

    to_policy_hash: Hash = Field(description="The policy.")


_PARTS: dict[str, type[Model]] = {
    part.__name__: part
    for part in (
        WeightAdjust,
        StrategyFlag,
        ParamAdjust,
        ThresholdAdjust,
        Experiment,
        Promote,
        Demote,
        LimitedLive,
        LoosenRisk,
        Rearm,
        Rollback,
    )
}


def _field(type_: str) -> str:
    return type_[0].lower() + type_[1:]


class Change(Model):
    """What is to change: a type, and exactly the field of that name."""

    rules: ClassVar[tuple[Rule, ...]] = tuple(
        Rule(f"(self.type == '{type_}') == has(self.{_field(type_)})", f"{_field(type_)}: give it for {type_} only")
        for type_ in _PARTS
    )

    type: Literal[
        "WeightAdjust",
        "StrategyFlag",
        "ParamAdjust",
        "ThresholdAdjust",
        "Experiment",
        "Promote",
        "Demote",
        "LimitedLive",
        "LoosenRisk",
        "Rearm",
        "Rollback",
    ] = Field(description="Which of the fields beside is given.")
    weight_adjust: WeightAdjust | None = Field(None, description="Another weight for one policy.")
    strategy_flag: StrategyFlag | None = Field(None, description="A feature flag on or off.")
    param_adjust: ParamAdjust | None = Field(None, description="Another value for a parameter.")
    threshold_adjust: ThresholdAdjust | None = Field(None, description="A tighter limit for this strategy alone.")
    experiment: Experiment | None = Field(None, description="A candidate that explores.")
    promote: Promote | None = Field(None, description="One stage up for a policy.")
    demote: Demote | None = Field(None, description="Some stages down for a policy.")
    limited_live: LimitedLive | None = Field(None, description="Live within a ceiling, for a time.")
    loosen_risk: LoosenRisk | None = Field(None, description="Looser limits of a RiskTemplate.")
    rearm: Rearm | None = Field(None, description="Trading again after a latch.")
    rollback: Rollback | None = Field(None, description="Back to an earlier policy.")

    @model_validator(mode="after")
    def _one_part(self) -> Self:
        given = {yaml_name(name): getattr(self, name) for name in type(self).model_fields if name != "type"}
        findings = [
            (field, f"give it for {type_} only")
            for type_ in _PARTS
            if (self.type == type_) != (given[field := _field(type_)] is not None)
        ]
        if findings:
            raise OutOfOrder(findings)
        return self
