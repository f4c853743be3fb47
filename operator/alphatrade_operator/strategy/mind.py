"""The understanding loop of a genotype: what is believed, in which regime, what fires, what drifts, who is chosen.

Belief, regime, probes and drift are on when their block is given; fast weights and router by their feature flags, and
their blocks only set them. Spans count decisions; on a bar clock some defaults are those of bars.
"""

from decimal import Decimal
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, Strict, StringConstraints, model_validator

from alphatrade_operator.core.model import Model, OutOfOrder, Rule
from alphatrade_operator.core.quantities import CostBps, Count, Deviations, Digest, FilePath, Seed, ShareBps, plain
from alphatrade_operator.core.status import AS_SET

Few = Annotated[int, Strict(), Field(ge=1, le=1_000)]
FeatureName = Annotated[str, Strict(), StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=63)]
FeatureNames = Annotated[tuple[FeatureName, ...], Field(min_length=1, max_length=64, json_schema_extra=AS_SET)]

_BOTH = "fastHalfLife and slowHalfLife: give both or neither"
_FASTER = "fastHalfLife is not below slowHalfLife; lower fastHalfLife or raise slowHalfLife"
_LATER = "warn is not below alert; lower warn or raise alert"
PAGE_HINKLEY_ALERT, CUSUM_ALERT = Decimal(20), Decimal(10)


def _warns_first(alert: Decimal) -> Rule:
    """Say that warn lies below alert, which is this much where it is not given."""
    given = f"has(self.alert) ? self.alert : '{plain(alert)}'"
    return Rule(f"quantity(self.warn).compareTo(quantity({given})) < 0", _LATER)


class Weights(Model):
    """Slow weights that were trained offline."""

    file: FilePath = Field(description="Path of the npz file, from the folder of this YAML file.")
    digest: Digest = Field(
        description="Digest of the weights in it, as their export prints it; with others the runtime does not start."
    )


class Belief(Model):
    """A sparse code of the features, the state that flows downstream."""

    process_only: ClassVar[tuple[str, ...]] = ("weights",)

    features: FeatureNames = Field(description="Features that it reads, by the runtime's names, such as spread_ticks.")
    active_bps: ShareBps = Field(500, description="Share of neurons that are active, in bps; at least one is.")
    half_life: Count | None = Field(
        None, description="Half-life of each feature's mean and scale in decisions; default 2000, 250 on a bar clock."
    )
    seed: Seed = Field(1, description="Seed of the slow weights.")
    weights: Weights | None = Field(None, description="Trained slow weights; those of the seed when absent.")

    @model_validator(mode="after")
    def _features_once(self) -> Self:
        findings = [
            (f"features.{index}", f"{name!r} is listed twice; keep one")
            for index, name in enumerate(self.features)
            if name in self.features[:index]
        ]
        if findings:
            raise OutOfOrder(findings)
        return self


class RegimeClassifier(Model):
    """Direction and volatility of the market as one label."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule("has(self.fastHalfLife) == has(self.slowHalfLife)", _BOTH),
        Rule(
            "!has(self.fastHalfLife) || !has(self.slowHalfLife) || self.fastHalfLife < self.slowHalfLife",
            _FASTER,
        ),
    )

    type: Literal["Rules", "Hmm"] = Field(
        "Rules", description="Rules: thresholds with hysteresis. Hmm: a hidden Markov model of four states."
    )
    fast_half_life: Count | None = Field(
        None, description="Half-life of the fast mean and volatility in decisions; default 50, 10 on a bar clock."
    )
    slow_half_life: Count | None = Field(
        None, description="Half-life of the slow volatility in decisions; default 1000, 120 on a bar clock."
    )
    dwell: Few = Field(5, description="Decisions that a regime lasts at least; Dislocated comes at once.")
    persist: Few = Field(3, description="Decisions in a row that ask for another regime before it comes.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        fast, slow = self.fast_half_life, self.slow_half_life
        if (fast is None) != (slow is None):
            raise OutOfOrder([("fastHalfLife" if fast is None else "slowHalfLife", f"missing; {_BOTH}")])
        if fast is not None and slow is not None and fast >= slow:
            raise OutOfOrder([("fastHalfLife", f"{fast}: {_FASTER}")])
        return self


class Probes(Model):
    """Six detectors of single events, each with its score."""


class PageHinkley(Model):
    """The Page-Hinkley test of each stream, both ways."""

    rules: ClassVar[tuple[Rule, ...]] = (_warns_first(PAGE_HINKLEY_ALERT),)

    delta: Deviations = Field(
        Decimal("0.25"), description='Drift that is let pass, in standard deviations, such as "0.25".'
    )
    warn: Deviations = Field(Decimal(12), description="Sum of excesses that warns.")
    alert: Deviations | None = Field(
        None, description="Sum of excesses that alerts; default 20, 22 on a bar clock for its shorter reference."
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        _check_warns_first(self.warn, self.alert or PAGE_HINKLEY_ALERT)
        return self


class Cusum(Model):
    """The cumulative sums of each stream, both ways."""

    rules: ClassVar[tuple[Rule, ...]] = (_warns_first(CUSUM_ALERT),)

    slack: Deviations = Field(
        Decimal("0.5"), description='What is taken off each observation, in standard deviations, such as "0.5".'
    )
    warn: Deviations = Field(Decimal(6), description="Sum that warns.")
    alert: Deviations | None = Field(
        None,
        description="Sum that alerts; default 10, 11 on a bar clock for its shorter reference. "
        "`alphatrade drift calibrate` prints how often it does by chance.",
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        _check_warns_first(self.warn, self.alert or CUSUM_ALERT)
        return self


def _check_warns_first(warn: Decimal, alert: Decimal) -> None:
    if warn >= alert:
        raise OutOfOrder([("warn", f"{plain(warn)}: {_LATER}")])


class Drift(Model):
    """Watch whether the strategy still does what it did: an alert halves sizes and freezes exploration."""

    reference: Annotated[int, Strict(), Field(ge=2, le=1_000_000)] | None = Field(
        None,
        description="Observations of a stream that its frozen reference is made of; default 1000, 250 on a bar clock. "
        "The fewer, the sooner a test alerts by chance.",
    )
    min_observations: Few = Field(30, description="Observations behind the reference before a test may fire.")
    page_hinkley: PageHinkley = Field(PageHinkley(), description="The Page-Hinkley test.")
    cusum: Cusum = Field(Cusum(), description="The cumulative sums.")
    shock: Deviations = Field(
        Decimal(12), description="One adverse observation that alerts at once, in standard deviations."
    )


class FastWeights(Model):
    """Weights that learn within a session; the flag fastWeights switches them."""

    rule: Literal["Hebb", "Delta"] = Field("Hebb", description="Hebb: bounded as it is. Delta: corrects what it read.")
    half_life: Count = Field(700, description="Half-life of what was learned, in decisions.")


class Router(Model):
    """The choice among policies by attention; the flag linearAttention switches it."""

    switching_cost_bps: CostBps = Field(
        Decimal(1), description='What a switch must gain beyond, in bps of the position, such as "0.5".'
    )
    horizon: Annotated[int, Strict(), Field(ge=1, le=100)] = Field(
        10, description="Decisions after which a policy's reward is counted."
    )
    half_life: Count = Field(2_000, description="Half-life of the rewards, in decisions.")
