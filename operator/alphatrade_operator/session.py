"""What one session is made of: a Strategy and all that it refers to, and what keeps it from starting, where."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from alphatrade_operator.broker.model import BrokerConnection
from alphatrade_operator.core.explain import Problem, nearest, shown
from alphatrade_operator.exploration_budget.model import MOST_BPS, ExplorationBudget
from alphatrade_operator.feed.model import Instrument, MarketDataFeed
from alphatrade_operator.resources import Loaded, ResourceError, Resources
from alphatrade_operator.resources.load import ResourceT
from alphatrade_operator.risk_template.model import RiskTemplate
from alphatrade_operator.strategy.model import Strategy, StrategySpec

NOT_BUILT = ("autoGovernedFeedback",)  # flags that nothing acts on yet
_EXPLORING = ("spec", "featureFlags", "exploration")


class Parts(NamedTuple):
    """A Strategy with everything that it refers to. by_permit: it explores by permit, as on a cluster."""

    strategy: Strategy
    feed: MarketDataFeed
    broker: BrokerConnection
    template: RiskTemplate
    budget: ExplorationBudget | None = None
    by_permit: bool = False

    @property
    def spec(self) -> StrategySpec:
        """What the Strategy wants."""
        return self.strategy.spec

    def instruments(self) -> list[Instrument]:
        """Return the instruments traded, in the feed's order."""
        wanted = self.spec.instruments
        return [facts for facts in self.feed.spec.instruments if not wanted or facts.symbol in wanted]


class LoadedParts(NamedTuple):
    """Parts as read from files: problems are told by the Strategy's line, tapes start at the feed's folder."""

    parts: Parts
    strategy: Loaded[Strategy]
    feed_folder: Path


def choose_strategy(resources: Resources, name: str | None) -> Loaded[Strategy]:
    """Return the Strategy of that name, or the only one. Raises ResourceError when there is no one answer."""
    strategies = resources.of_kind(Strategy)
    names = [loaded.resource.metadata.name for loaded in strategies]
    if not strategies:
        raise ResourceError(["no Strategy was found; add one"])
    matching = strategies if name is None else [s for s in strategies if s.resource.metadata.name == name]
    if not matching:
        raise ResourceError([f"no Strategy {shown(name)}; {nearest(str(name), names)}"])
    if len(matching) > 1:
        raise ResourceError([f"{len(matching)} Strategies ({', '.join(names)}); name one, in one namespace"])
    return matching[0]


def gather(resources: Resources, strategy: Loaded[Strategy]) -> LoadedParts:
    """Return the parts of a Strategy's session. Raises ResourceError when a reference is not met."""
    spec, namespace = strategy.resource.spec, strategy.resource.metadata.namespace

    def found(kind: type[ResourceT], name: str) -> Loaded[ResourceT]:
        loaded = resources.find(kind, namespace, name)
        if loaded is None:
            raise ResourceError([strategy.line(("spec",), f"no {kind.__name__} {shown(name)} in {namespace}; add it")])
        return loaded

    feed = found(MarketDataFeed, spec.market_data_feed_ref.name)
    broker = found(BrokerConnection, spec.broker_connection_ref.name)
    template = found(RiskTemplate, spec.risk_template_ref.name)
    named = spec.exploration_budget_ref
    budget = None if named is None else found(ExplorationBudget, named.name).resource
    parts = Parts(strategy.resource, feed.resource, broker.resource, template.resource, budget)
    return LoadedParts(parts, strategy, feed.folder)


def live_adapter_missing(parts: Parts) -> list[Problem]:
    """A live mode whose real adapter is missing refuses to start."""
    return no_adapter_for(parts.strategy)


def no_adapter_for(strategy: Strategy) -> list[Problem]:
    """Say that a Strategy's mode needs an adapter that there is not."""
    mode = strategy.spec.mode
    if mode in ("Sim", "Paper"):
        return []
    return [Problem(("spec", "mode"), f"'{mode}' refused: there is no adapter to a venue; use Sim or Paper")]


def suspended(parts: Parts) -> list[Problem]:
    """A suspended Strategy does not run."""
    text = "true: the Strategy is not to run; set it to false"
    return [Problem(("spec", "suspend"), text)] if parts.spec.suspend else []


def flags_not_allowed(parts: Parts) -> list[Problem]:
    """A feature that is not built is refused when asked for, never ignored."""
    text = "FlagNotAllowed: this feature is not built in this version; set it to false or remove it"
    on = parts.spec.feature_flags.on()
    return [Problem(("spec", "featureFlags", name), text) for name in on if name in NOT_BUILT]


def budget_missing(parts: Parts) -> list[Problem]:
    """What explores spends a budget, and tries another policy than the one that trades."""
    if not parts.spec.feature_flags.exploration:
        return []
    if parts.budget is None:
        return [Problem(_EXPLORING, "it spends a budget; add explorationBudgetRef, or set it to false")]
    if len(parts.spec.genotype.policies) < 2:
        return [Problem(_EXPLORING, "it tries the second best policy; list another one, or set it to false")]
    return []


def budget_above_mode(parts: Parts) -> list[Problem]:
    """A budget may not give more than its mode explores at most; live modes explore nothing, whatever it gives."""
    most = MOST_BPS.get(parts.spec.mode)
    if not parts.spec.feature_flags.exploration or parts.budget is None or most is None:
        return []
    share = parts.budget.spec.max_flow_share_bps
    if share <= most:
        return []
    text = (
        f"ExplorationBudget/{parts.budget.metadata.name} gives {share} bps, and {parts.spec.mode} explores {most} bps"
    )
    return [Problem(("spec", "explorationBudgetRef"), f"{text} at most; lower its maxFlowShareBps, or use another")]


def plugin_needs_cluster(parts: Parts) -> list[Problem]:
    """One process can load a plug-in from a file only."""
    text = "needs a cluster; in one process use file"
    return [
        Problem(("spec", "plugins", index, "image" if plugin.image else "configMapRef"), text)
        for index, plugin in enumerate(parts.spec.plugins)
        if plugin.file is None
    ]


def plugin_needs_one_process(parts: Parts) -> list[Problem]:
    """A pod does not see the files beside the YAML."""
    text = "is for one process; on a cluster use configMapRef or image"
    return [
        Problem(("spec", "plugins", index, "file"), f"{shown(plugin.file)} {text}")
        for index, plugin in enumerate(parts.spec.plugins)
        if plugin.file is not None
    ]


def weights_need_one_process(parts: Parts) -> list[Problem]:
    """A pod does not see the trained weights beside the YAML."""
    belief = parts.spec.genotype.belief
    if belief is None or belief.weights is None:
        return []
    text = f"{shown(belief.weights.file)} is for one process; on a cluster the weights come from seed"
    return [Problem(("spec", "genotype", "belief", "weights"), text)]


def instrument_unknown(parts: Parts) -> list[Problem]:
    """Every instrument named must be one of the feed."""
    known = [facts.symbol for facts in parts.feed.spec.instruments]
    named: list[tuple[tuple[str | int, ...], str]] = [
        (("spec", "instruments", index), symbol) for index, symbol in enumerate(parts.spec.instruments)
    ]
    for i, policy in enumerate(parts.spec.genotype.policies):
        named += [(("spec", "genotype", "policies", i, "instruments", j), s) for j, s in enumerate(policy.instruments)]
    where = f"is not in MarketDataFeed/{parts.feed.metadata.name}"
    return [
        Problem(path, f"{symbol!r} {where}; {nearest(symbol, known)}") for path, symbol in named if symbol not in known
    ]


def limits_missing(parts: Parts) -> list[Problem]:
    """Position and order limits of every instrument traded must be given."""
    missing = [facts.symbol for facts in parts.instruments() if parts.template.spec.entry(facts.symbol) is None]
    name = parts.template.metadata.name
    text = f"RiskTemplate/{name} has no entry for {', '.join(missing)}; add one with maxPositionLots and maxOrderLots"
    return [Problem(("spec", "riskTemplateRef"), text)] if missing else []


def nothing_traded(parts: Parts) -> list[Problem]:
    """Each instrument must be listed by some policy."""
    policies = parts.spec.genotype.policies
    idle = [
        facts.symbol
        for facts in parts.instruments()
        if all(policy.instruments and facts.symbol not in policy.instruments for policy in policies)
    ]
    text = f"no policy trades {', '.join(idle)}; list it in a policy's instruments, or leave it out of spec.instruments"
    return [Problem(("spec", "genotype", "policies"), text)] if idle else []


def account_law_differs(parts: Parts) -> list[Problem]:
    """One process has one law: the account's template must be the Strategy's."""
    account = parts.broker.spec.risk_template_ref
    own = parts.spec.risk_template_ref.name
    if account is None or account.name == own:
        return []
    text = f"{own!r} is not the account's {account.name!r}; in one process both must be the same RiskTemplate"
    return [Problem(("spec", "riskTemplateRef", "name"), text)]


Check = Callable[[Parts], list[Problem]]

EVERYWHERE: tuple[Check, ...] = (instrument_unknown, limits_missing, nothing_traded)
IN_ONE_PROCESS: tuple[Check, ...] = (
    live_adapter_missing,
    suspended,
    flags_not_allowed,
    budget_missing,
    plugin_needs_cluster,
    *EVERYWHERE,
    account_law_differs,
)
ON_A_CLUSTER: tuple[Check, ...] = (
    budget_missing,
    budget_above_mode,
    plugin_needs_one_process,
    weights_need_one_process,
    *EVERYWHERE,
)


def problems_of(parts: Parts, checks: tuple[Check, ...]) -> list[Problem]:
    """Return all that keeps a session from starting, in the order of the checks."""
    return [problem for find in checks for problem in find(parts)]


def check(found: LoadedParts, checks: tuple[Check, ...]) -> None:
    """Raise ResourceError listing all that keeps the session from starting."""
    problems = [found.strategy.line(p.location, p.text) for p in problems_of(found.parts, checks)]
    if problems:
        raise ResourceError(problems)
