"""The genotype of a Strategy: its policies, each a signal worked by an execution topology."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, Strict, model_validator

from alphatrade_operator.core.model import Model, OutOfOrder, Rule, yaml_name
from alphatrade_operator.core.quantities import (
    Identifier,
    Name,
    Parameters,
    RepegAge,
    ShareBps,
    SliceSpan,
    Symbol,
    Timeout,
)
from alphatrade_operator.core.regime import Labels
from alphatrade_operator.core.settings import Finding
from alphatrade_operator.core.status import AS_SET, BY_NAME
from alphatrade_operator.strategy.mind import Belief, Drift, FastWeights, Probes, RegimeClassifier, Router

Symbols = Annotated[tuple[Symbol, ...], Field(max_length=128, json_schema_extra=AS_SET)]


class Signal(Model):
    """The function that says what position or quote is wanted."""

    ref: Identifier = Field(description="Name of the signal: a built-in one, or one that a plug-in declares.")
    params: Parameters = Field({}, description="Parameters by name; the signal's defaults hold for those absent.")


class TopologyParams(Model):
    """Settings of an execution topology; each type takes some of them, `TAKEN` says which."""

    protection_bps: Annotated[int, Strict(), Field(ge=0, le=1_000)] | None = Field(
        None, description="All: how far beyond the far touch a taking order may fill, in bps; default 10."
    )
    timeout_ns: Timeout | None = Field(
        None, description="PassiveQuote, Pegged: cross the spread after resting this long; default 0s, never."
    )
    offset_ticks: Annotated[int, Strict(), Field(ge=0, le=10_000)] | None = Field(
        None, description="Pegged: ticks behind the own best price; default 0."
    )
    repeg_ns: RepegAge | None = Field(None, description="Pegged: least time between two amendments; default 100ms.")
    duration_ns: SliceSpan | None = Field(None, description="Twap: time over which slices go out; default 10s.")
    slices: Annotated[int, Strict(), Field(ge=1, le=1_000)] | None = Field(
        None, description="Twap: number of equal slices; default 5."
    )


TAKEN: dict[str, tuple[str, ...]] = {
    "Market": ("protection_bps",),
    "PassiveQuote": ("protection_bps", "timeout_ns"),
    "Pegged": ("protection_bps", "timeout_ns", "offset_ticks", "repeg_ns"),
    "Twap": ("protection_bps", "duration_ns", "slices"),
}


def _params_rules() -> tuple[Rule, ...]:
    """Say for each setting which types take it, as rules."""
    names = [name for name in TopologyParams.model_fields if any(name not in taken for taken in TAKEN.values())]
    return tuple(_taken_by(name, [type_ for type_, taken in TAKEN.items() if name in taken]) for name in names)


def _taken_by(name: str, types: list[str]) -> Rule:
    field, listed = yaml_name(name), ", ".join(f"'{type_}'" for type_ in types)
    rule = f"!has(self.params.{field}) || self.type in [{listed}]"
    return Rule(rule, f"params.{field}: only for {' and '.join(types)}; remove it")


class ExecutionTopology(Model):
    """How a wanted position becomes orders."""

    rules: ClassVar[tuple[Rule, ...]] = _params_rules()

    type: Literal["Market", "PassiveQuote", "Pegged", "Twap"] = Field(
        description="Market takes at once; PassiveQuote rests in the book; Pegged follows it; Twap slices over time."
    )
    params: TopologyParams = Field(TopologyParams(), description="Settings of the topology.")

    @model_validator(mode="after")
    def _params_fit(self) -> Self:
        taken = TAKEN[self.type]
        text = f"{self.type} does not take it; it takes {', '.join(yaml_name(name) for name in taken)}"
        given = self.params.model_dump(exclude_none=True)
        findings = [(f"params.{yaml_name(name)}", text) for name in given if name not in taken]
        if findings:
            raise OutOfOrder(findings)
        return self

    def given(self) -> dict[str, int]:
        """Return the settings given, durations in ns."""
        values = {name: getattr(self.params, name) for name in TAKEN[self.type]}
        return {name: value for name, value in values.items() if value is not None}


class Policy(Model):
    """One signal worked by one topology on some instruments."""

    name: Name = Field(description="Name, unique in the Strategy.")
    signal: Signal = Field(description="The function that says what is wanted.")
    execution_topology: ExecutionTopology = Field(description="How that becomes orders.")
    instruments: Symbols = Field((), description="Instruments it trades; empty means all of the Strategy.")
    regimes: Labels = Field(
        (),
        description="Market regimes in which it may be chosen, by the genotype's regime block; empty means all. "
        "An instrument that no policy may trade now gets flat.",
    )
    weight_bps: ShareBps = Field(
        10_000,
        description="Where several policies may trade an instrument, the highest weight does, then the first.",
    )


class Genotype(Model):
    """What a strategy is made of."""

    unavailable: ClassVar[dict[str, str]] = {"features": "use belief.features", "ensemble": "remove it"}
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "has(self.regime) || self.policies.all(p, p.regimes.size() == 0)",
            "policies: one lists regimes although nothing classifies them; add regime or remove them",
        ),
    )

    policies: Annotated[tuple[Policy, ...], Field(min_length=1, max_length=64, json_schema_extra=BY_NAME)] = Field(
        description="The policies of the strategy."
    )
    belief: Belief | None = Field(None, description="The belief state; off when absent.")
    regime: RegimeClassifier | None = Field(
        None, description="The classifier of market regimes; off when absent. Without the router it narrows the choice."
    )
    probes: Probes | None = Field(None, description="The probes, {} for all of them; off when absent.")
    drift: Drift | None = Field(None, description="The drift sentry; off when absent.")
    fast_weights: FastWeights = Field(FastWeights(), description="Settings of the flag fastWeights.")
    router: Router = Field(Router(), description="Settings of the flag linearAttention.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        findings = _named_twice(self) + _unclassified(self) + _regimes_twice(self)
        if findings:
            raise OutOfOrder(findings)
        return self


def _named_twice(genotype: Genotype) -> list[Finding]:
    names = [policy.name for policy in genotype.policies]
    return [
        (f"policies.{index}.name", f"{name!r} is used twice; rename one")
        for index, name in enumerate(names)
        if name in names[:index]
    ]


def _unclassified(genotype: Genotype) -> list[Finding]:
    if genotype.regime is not None:
        return []
    return [
        (f"policies.{index}.regimes", "given although nothing classifies them; add genotype.regime or remove them")
        for index, policy in enumerate(genotype.policies)
        if policy.regimes
    ]


def _regimes_twice(genotype: Genotype) -> list[Finding]:
    return [
        (f"policies.{i}.regimes.{j}", f"{label!r} is listed twice; keep one")
        for i, policy in enumerate(genotype.policies)
        for j, label in enumerate(policy.regimes)
        if label in policy.regimes[:j]
    ]
