"""Strategy: what is traded, by which signals, how orders are worked, on which data, under which law."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from alphatrade_operator.core.definition import AGE, MESSAGE, READY, WHY, Column, Definition
from alphatrade_operator.core.model import Model, OutOfOrder, Reference, Resource, Rule
from alphatrade_operator.core.quantities import (
    Digest,
    FilePath,
    Interval,
    Name,
    Seed,
    Switch,
)
from alphatrade_operator.core.settings import Finding
from alphatrade_operator.strategy.genotype import Genotype, Symbols
from alphatrade_operator.strategy.pod import Image, Resources, Scheduling
from alphatrade_operator.strategy.status import StrategyStatus

Mode = Literal["Sim", "Paper", "LiveShadow", "Live"]


class FeatureFlags(Model):
    """Switches of parts that learn or act by themselves. All are off unless said."""

    fast_weights: Switch = Field(False, description="Weights that adapt within a session.")
    linear_attention: Switch = Field(False, description="Routing among policies by linear attention.")
    exploration: Switch = Field(False, description="A bounded share of orders that explore.")
    auto_governed_feedback: Switch = Field(False, description="Proposals that apply themselves within their gates.")

    def on(self) -> list[str]:
        """Return the YAML names of the flags set."""
        return [field.alias or name for name, field in type(self).model_fields.items() if getattr(self, name)]


class DecisionClock(Model):
    """When the strategy decides."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "!(self.type in ['Bar', 'Timer']) || has(self.interval)",
            "interval: missing; Bar and Timer need one, such as 1m",
        ),
        Rule("self.type != 'EveryQuote' || !has(self.interval)", "interval: EveryQuote has none; remove it"),
    )

    type: Literal["QuoteChange", "EveryQuote", "Bar", "Timer"] = Field(
        "QuoteChange",
        description="QuoteChange: the best price moved, or interval has passed. EveryQuote: at each quote. "
        "Bar: at the close of each bar of interval. Timer: every interval.",
    )
    interval_ns: Interval | None = Field(
        None, description="Event time between decisions; 100ms for QuoteChange, required for Bar and Timer."
    )

    @model_validator(mode="after")
    def _interval_fits(self) -> Self:
        if self.type in ("Bar", "Timer") and self.interval_ns is None:
            raise OutOfOrder([("interval", f"missing; {self.type} needs one, such as 1m")])
        if self.type == "EveryQuote" and self.interval_ns is not None:
            raise OutOfOrder([("interval", "EveryQuote has none; remove it")])
        return self


class ConfigMapKey(Model):
    """A file kept in a ConfigMap."""

    name: Name = Field(description="Name of the ConfigMap.")
    key: Annotated[str, Field(pattern=r"^[-._a-zA-Z0-9]+$", max_length=253)] = Field(description="Key of the file.")


class Plugin(Model):
    """A user's own strategy code: exactly one of configMapRef, image; in one process file."""

    process_only: ClassVar[tuple[str, ...]] = ("file",)
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule("[has(self.configMapRef), has(self.image)].exists_one(x, x)", "give exactly one of configMapRef, image"),
        Rule("has(self.digest)", "digest: missing; give what `alphatrade plugin pin` prints"),
    )

    file: FilePath | None = Field(None, description="Path of a Python file, from the folder of this YAML file.")
    config_map_ref: ConfigMapKey | None = Field(None, description="A Python file in a ConfigMap.")
    image: Annotated[str, Field(pattern=r"^[^@\s]+@sha256:[0-9a-f]{64}$", max_length=512)] | None = Field(
        None, description="An image that holds the code, by digest."
    )
    digest: Digest | None = Field(
        None, description="What `alphatrade plugin pin` prints; another digest and the runtime does not start."
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        sources = {"file": self.file, "configMapRef": self.config_map_ref, "image": self.image}
        given = [name for name, source in sources.items() if source is not None]
        if not given:
            raise OutOfOrder([("file", "missing; give exactly one of file, configMapRef, image")])
        if len(given) > 1:
            raise OutOfOrder([(given[1], f"given besides {given[0]}; keep exactly one of {', '.join(sources)}")])
        if self.digest is None and self.file is None:
            raise OutOfOrder([("digest", f"missing; {given[0]} needs what `alphatrade plugin pin` prints")])
        return self


_MOST_ROUTED = 16
_LEARNS = "it learns on the belief; add genotype.belief or set it to false"
_ATTENDS = "it reads belief and regime; add genotype.belief and genotype.regime or set it to false"
_CHOICE = f"linearAttention chooses among 2 to {_MOST_ROUTED}; list so many or set the flag to false"


class StrategySpec(Model):
    """One strategy in one mode."""

    unavailable: ClassVar[dict[str, str]] = dict.fromkeys(("slos", "colocated"), "remove it")
    cluster_only: ClassVar[tuple[str, ...]] = ("runtime_image", "resources", "scheduling")
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "self.mode != 'Live' || !self.featureFlags.exploration",
            "featureFlags.exploration: Live does not explore; set it to false",
        ),
        Rule(
            "self.mode != 'Live' || !self.featureFlags.autoGovernedFeedback",
            "featureFlags.autoGovernedFeedback: in Live people decide; set it to false",
        ),
        Rule(
            "self.mode != 'Live' || !has(self.runtimeImage) || self.runtimeImage.contains('@sha256:')",
            "runtimeImage: Live needs it by digest; write repository@sha256:...",
        ),
        Rule(
            "self.instruments.size() == 0 || "
            "self.genotype.policies.all(p, p.instruments.all(i, i in self.instruments))",
            "genotype.policies: one lists an instrument that is not in spec.instruments; add it there or remove it",
        ),
        Rule(
            "!self.featureFlags.fastWeights || has(self.genotype.belief)",
            f"featureFlags.fastWeights: {_LEARNS}",
        ),
        Rule(
            "!self.featureFlags.linearAttention || (has(self.genotype.belief) && has(self.genotype.regime))",
            f"featureFlags.linearAttention: {_ATTENDS}",
        ),
        Rule(
            "!self.featureFlags.linearAttention || "
            f"(self.genotype.policies.size() >= 2 && self.genotype.policies.size() <= {_MOST_ROUTED})",
            f"genotype.policies: {_CHOICE}",
        ),
    )

    mode: Mode = Field(
        "Sim", description="Sim replays or simulates; Paper trades a paper account, at the pace of its feed."
    )
    instruments: Symbols = Field((), description="Instruments traded; empty means all of the feed.")
    market_data_feed_ref: Reference = Field(description="MarketDataFeed that the strategy reads.")
    broker_connection_ref: Reference = Field(description="BrokerConnection that takes its orders.")
    risk_template_ref: Reference = Field(description="RiskTemplate that it obeys.")
    exploration_budget_ref: Reference | None = Field(
        None, description="ExplorationBudget that the flag exploration spends; without the flag it has no effect."
    )
    feature_flags: FeatureFlags = Field(FeatureFlags(), description="Parts that learn or act by themselves; all off.")
    genotype: Genotype = Field(description="What the strategy is made of.")
    plugins: Annotated[tuple[Plugin, ...], Field(max_length=16)] = Field(
        (), description="Code of the user's own that declares signals."
    )
    decision_clock: DecisionClock = Field(DecisionClock(), description="When decisions are made.")
    durability: Literal["Group", "Fsync"] = Field(
        "Group", description="Group: the journal is committed in groups, at most 5 ms behind. Fsync: before each order."
    )
    seed: Seed = Field(1, description="Seed of the strategy's own random choices.")
    runtime_image: Image | None = Field(
        None, description="Image of the runtime's pod; the operator's own when absent. Live takes one by digest only."
    )
    resources: Resources | None = Field(
        None, description="CPU and memory of the runtime's pod; the operator's defaults when absent."
    )
    scheduling: Scheduling = Field(Scheduling(), description="On which nodes the runtime's pod may run.")
    suspend: Switch = Field(False, description="True: get orderly flat, then do not run.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        findings = _unlisted(self) + _twice(self.instruments) + _unpinned(self) + _not_for_live(self) + _unfounded(self)
        if findings:
            raise OutOfOrder(findings)
        return self


def _unlisted(spec: StrategySpec) -> list[Finding]:
    if not spec.instruments:
        return []
    known = ", ".join(spec.instruments)
    return [
        (f"genotype.policies.{i}.instruments.{j}", f"{symbol!r} is not in spec.instruments; there are {known}")
        for i, policy in enumerate(spec.genotype.policies)
        for j, symbol in enumerate(policy.instruments)
        if symbol not in spec.instruments
    ]


def _twice(symbols: tuple[str, ...]) -> list[Finding]:
    return [
        (f"instruments.{index}", f"{symbol!r} is listed twice; keep one")
        for index, symbol in enumerate(symbols)
        if symbol in symbols[:index]
    ]


def _unpinned(spec: StrategySpec) -> list[Finding]:
    if spec.mode == "Sim":
        return []
    return [
        (f"plugins.{index}.digest", f"missing; mode {spec.mode} needs what `alphatrade plugin pin` prints")
        for index, plugin in enumerate(spec.plugins)
        if plugin.digest is None
    ]


def _not_for_live(spec: StrategySpec) -> list[Finding]:
    if spec.mode != "Live":
        return []
    findings = []
    if spec.feature_flags.exploration:
        findings.append(("featureFlags.exploration", "Live does not explore; set it to false"))
    if spec.feature_flags.auto_governed_feedback:
        findings.append(("featureFlags.autoGovernedFeedback", "in Live people decide; set it to false"))
    if spec.runtime_image and "@sha256:" not in spec.runtime_image:
        findings.append(("runtimeImage", "Live needs it by digest; write repository@sha256:..."))
    return findings


def _unfounded(spec: StrategySpec) -> list[Finding]:
    """A flag needs the blocks that its part works on."""
    flags, genotype = spec.feature_flags, spec.genotype
    findings = []
    if flags.fast_weights and genotype.belief is None:
        findings.append(("featureFlags.fastWeights", _LEARNS))
    if flags.linear_attention and (genotype.belief is None or genotype.regime is None):
        findings.append(("featureFlags.linearAttention", _ATTENDS))
    if flags.linear_attention and not 2 <= len(genotype.policies) <= _MOST_ROUTED:
        findings.append(("genotype.policies", f"{len(genotype.policies)} of them: {_CHOICE}"))
    return findings


class Strategy(Resource[StrategySpec]):
    """A strategy under the law."""

    definition: ClassVar[Definition] = Definition(
        plural="strategies",
        short="st",
        status=StrategyStatus,
        columns=(
            Column("Mode", ".spec.mode", "What it is meant to do."),
            Column("Phase", ".status.phase", "What it does."),
            Column("Stage", ".status.stage", "Stage of the policy that trades.", priority=1),
            Column("Regime", ".status.regime", "Market regime as classified."),
            Column("Drift", ".status.drift", "Whether the strategy still does what it did."),
            Column("PnL", ".status.pnl", "Profit since the session began."),
            Column("Drawdown", ".status.drawdownBps", "Loss since the highest NAV, bps.", type="integer"),
            Column("Orders", ".status.orders", "Orders sent.", type="integer"),
            Column("Fills", ".status.fills", "Fills received.", type="integer"),
            Column("Violations", ".status.violations", "Breaches that the auditor found.", "integer", 1),
            Column("Pace", ".status.pace", "What drives the clock.", priority=1),
            Column("Policy", ".status.activePolicyHash", "Hash of the policy that trades.", priority=1),
            Column("Latched", ".status.latched.by", "What holds it.", priority=1),
            READY,
            WHY,
            MESSAGE,
            AGE,
        ),
    )

    kind: Literal["Strategy"] = Field(description="Kind of the resource.")
