"""Evolution: look for better policies of a strategy, generation by generation, within a budget."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, Strict, model_validator

from alphatrade_operator.core.artifact import CostLevels, Tapes
from alphatrade_operator.core.definition import AGE, Column, Definition
from alphatrade_operator.core.model import Model, OutOfOrder, Reference, Resource, Rule
from alphatrade_operator.core.quantities import Amount, Count, Elapsed, Hash, Name, Seed, ShareOrNoneBps, Switch
from alphatrade_operator.core.regime import Regimes
from alphatrade_operator.core.status import AS_SET, Status, StatusPart, Tally
from alphatrade_operator.strategy.genotype import Symbols

Operator = Literal[
    "AddFeature",
    "DropFeature",
    "SwapExecutionTopology",
    "TightenRisk",
    "PerturbTunable",
    "CrossoverUniform",
    "ChangeSignalFamily",
]
_BOTH = "allowedRegimes and deniedRegimes: give at most one of them"


class Constraints(Model):
    """What no candidate may be. Nothing ever loosens risk."""

    rules: ClassVar[tuple[Rule, ...]] = (Rule("!has(self.allowedRegimes) || !has(self.deniedRegimes)", _BOTH),)

    max_stage: Literal["Experiment", "Paper"] = Field(
        "Paper", description="Highest stage that winners are proposed for."
    )
    allowed_regimes: Regimes | None = Field(None, description="Market regimes that may be traded; all when absent.")
    denied_regimes: Regimes | None = Field(None, description="Market regimes that may not.")
    min_confidence_bps: ShareOrNoneBps = Field(6_500, description="Least confidence of a proposal; 10000 is certain.")
    max_features: Annotated[int, Strict(), Field(ge=1, le=12)] = Field(12, description="Most features of a candidate.")

    @model_validator(mode="after")
    def _one_list(self) -> Self:
        if self.allowed_regimes is not None and self.denied_regimes is not None:
            raise OutOfOrder([("deniedRegimes", "given besides allowedRegimes; keep one of them")])
        return self


class RegimeGrid(Model):
    """The cells in which a candidate is scored."""

    regimes: Regimes | None = Field(None, description="Market regimes; all when absent.")
    instruments: Symbols = Field((), description="Instruments; empty means all of the Strategy.")
    cost_levels: CostLevels = Field(("1x", "2x"), description="Multiples of the fees and spreads.")


class Budget(Model):
    """When it ends at the latest."""

    core_seconds: Annotated[int, Strict(), Field(ge=1, le=10**9)] = Field(description="CPU time of all replays in s.")
    replays: Count = Field(description="Number of replays.")


class EvolutionSpec(Model):
    """What is looked for, how, and with how much."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule("self.elite < self.population", "elite: must be below population; lower elite or raise population"),
    )

    strategy_ref: Reference = Field(description="The Strategy that the search starts from.")
    mode: Literal["Tournament", "MuPlusLambda"] = Field(
        "Tournament", description="Tournament: parents win small rounds. MuPlusLambda: the best of old and new go on."
    )
    tapes: Tapes = Field(description="Tapes that candidates are scored on.")
    population: Annotated[int, Strict(), Field(ge=2, le=1_024)] = Field(32, description="Candidates a generation.")
    generations: Annotated[int, Strict(), Field(ge=1, le=1_000)] = Field(10, description="Generations at most.")
    elite: Annotated[int, Strict(), Field(ge=0, le=64)] = Field(2, description="Best candidates that go on unchanged.")
    operators: Annotated[tuple[Operator, ...], Field(min_length=1, max_length=7, json_schema_extra=AS_SET)] = Field(
        ("PerturbTunable", "CrossoverUniform", "SwapExecutionTopology", "TightenRisk"),
        description="Ways in which a candidate comes from its parents.",
    )
    constraints: Constraints = Field(Constraints(), description="What no candidate may be.")
    regime_grid: RegimeGrid = Field(RegimeGrid(), description="The cells in which a candidate is scored.")
    budget: Budget = Field(description="When it ends at the latest.")
    novelty_weight_bps: ShareOrNoneBps = Field(1_000, description="Weight of being different in the fitness, bps.")
    seed: Seed = Field(1, description="Seed of every random choice; the same seed gives the same search.")
    suspend: Switch = Field(False, description="True starts no further replay.")

    @model_validator(mode="after")
    def _some_new(self) -> Self:
        if self.elite >= self.population:
            raise OutOfOrder([("elite", "must be below population; lower elite or raise population")])
        return self


class Best(StatusPart):
    """The best candidate so far."""

    name: Name = Field(description="Name of the candidate.")
    policy_hash: Hash = Field(description="Its policy hash.")
    fitness: Amount = Field(description="Its fitness.")


class EvolutionStatus(Status):
    """How far the search has come."""

    generation: Tally | None = Field(None, description="Generation that is being scored, from 0.")
    best: Best | None = Field(None, description="The best candidate so far.")
    archive_size: Tally | None = Field(None, description="Candidates in the novelty archive.")
    time_to_candidate_ns: Elapsed | None = Field(None, description="From the start to the first proposal.")
    promotion_rate_bps: ShareOrNoneBps | None = Field(None, description="Promoted of evaluated in 30 days, in bps.")
    core_seconds_used: Tally | None = Field(None, description="CPU time used, seconds.")
    replays_used: Tally | None = Field(None, description="Replays run.")
    rollback_latency_ns: Elapsed | None = Field(None, description="Longest from a trigger to the demotion in force.")
    proposals: Annotated[tuple[Name, ...], Field(max_length=64)] = Field((), description="Proposals made, newest last.")


class Evolution(Resource[EvolutionSpec]):
    """A search for better policies."""

    definition: ClassVar[Definition] = Definition(
        plural="evolutions",
        short="evo",
        status=EvolutionStatus,
        columns=(
            Column("Strategy", ".spec.strategyRef.name", "Where the search starts."),
            Column("Generation", ".status.generation", "Generation that is being scored.", type="integer"),
            Column("Best", ".status.best.fitness", "Fitness of the best candidate."),
            Column("Replays", ".status.replaysUsed", "Replays run.", type="integer"),
            Column("Complete", '.status.conditions[?(@.type=="Complete")].status', "Whether it has ended."),
            Column("Stalled", '.status.conditions[?(@.type=="Stalled")].reason', "Why it does not go on."),
            AGE,
        ),
    )

    kind: Literal["Evolution"] = Field(description="Kind of the resource.")
