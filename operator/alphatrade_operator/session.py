"""What one session is made of: a Strategy and all that it refers to, and whether it may start in one process."""

from typing import NamedTuple

from alphatrade_operator.broker.model import BrokerConnection
from alphatrade_operator.core.explain import nearest, shown
from alphatrade_operator.feed.model import Instrument, MarketDataFeed
from alphatrade_operator.resources import Loaded, ResourceError, Resources
from alphatrade_operator.resources.load import ResourceT
from alphatrade_operator.risk_template.model import RiskTemplate
from alphatrade_operator.strategy.model import Strategy, StrategySpec

Location = tuple[str | int, ...]
Finding = tuple[Location, str]


class Parts(NamedTuple):
    """A Strategy with everything that it refers to."""

    strategy: Loaded[Strategy]
    feed: Loaded[MarketDataFeed]
    broker: Loaded[BrokerConnection]
    template: Loaded[RiskTemplate]

    @property
    def spec(self) -> StrategySpec:
        """What the Strategy wants."""
        return self.strategy.resource.spec

    def instruments(self) -> list[Instrument]:
        """Return the instruments traded, in the feed's order."""
        wanted = self.spec.instruments
        return [facts for facts in self.feed.resource.spec.instruments if not wanted or facts.symbol in wanted]


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


def gather(resources: Resources, strategy: Loaded[Strategy]) -> Parts:
    """Return the parts of a Strategy's session. Raises ResourceError when a reference is not met."""
    spec, namespace = strategy.resource.spec, strategy.resource.metadata.namespace

    def found(kind: type[ResourceT], name: str) -> Loaded[ResourceT]:
        loaded = resources.find(kind, namespace, name)
        if loaded is None:
            raise ResourceError([strategy.line(("spec",), f"no {kind.__name__} {shown(name)} in {namespace}; add it")])
        return loaded

    return Parts(
        strategy,
        found(MarketDataFeed, spec.market_data_feed_ref.name),
        found(BrokerConnection, spec.broker_connection_ref.name),
        found(RiskTemplate, spec.risk_template_ref.name),
    )


def live_adapter_missing(parts: Parts) -> list[Finding]:
    """A live mode whose real adapter is missing refuses to start."""
    if parts.spec.mode in ("Sim", "Paper"):
        return []
    return [(("spec", "mode"), f"'{parts.spec.mode}' refused: there is no adapter to a venue; use Sim or Paper")]


def suspended(parts: Parts) -> list[Finding]:
    """A suspended Strategy does not run."""
    return [(("spec", "suspend"), "true: the Strategy is not to run; set it to false")] if parts.spec.suspend else []


def flags_not_allowed(parts: Parts) -> list[Finding]:
    """A feature that is not built is refused when asked for, never ignored."""
    text = "FlagNotAllowed: this feature is not built in this version; set it to false or remove it"
    return [(("spec", "featureFlags", name), text) for name in parts.spec.feature_flags.on()]


def plugin_needs_cluster(parts: Parts) -> list[Finding]:
    """One process can load a plug-in from a file only."""
    text = "needs a cluster; in one process use file"
    return [
        (("spec", "plugins", index, "image" if plugin.image else "configMapRef"), text)
        for index, plugin in enumerate(parts.spec.plugins)
        if plugin.file is None
    ]


def instrument_unknown(parts: Parts) -> list[Finding]:
    """Every instrument named must be one of the feed."""
    known = [facts.symbol for facts in parts.feed.resource.spec.instruments]
    named: list[tuple[Location, str]] = [(("spec", "instruments", i), s) for i, s in enumerate(parts.spec.instruments)]
    for i, policy in enumerate(parts.spec.genotype.policies):
        named += [(("spec", "genotype", "policies", i, "instruments", j), s) for j, s in enumerate(policy.instruments)]
    where = f"is not in MarketDataFeed/{parts.feed.resource.metadata.name}"
    return [(path, f"{symbol!r} {where}; {nearest(symbol, known)}") for path, symbol in named if symbol not in known]


def limits_missing(parts: Parts) -> list[Finding]:
    """Position and order limits of every instrument traded must be given."""
    template = parts.template.resource
    missing = [facts.symbol for facts in parts.instruments() if template.spec.entry(facts.symbol) is None]
    name = template.metadata.name
    text = f"RiskTemplate/{name} has no entry for {', '.join(missing)}; add one with maxPositionLots and maxOrderLots"
    return [(("spec", "riskTemplateRef"), text)] if missing else []


def nothing_traded(parts: Parts) -> list[Finding]:
    """Each instrument must be listed by some policy."""
    policies = parts.spec.genotype.policies
    idle = [
        facts.symbol
        for facts in parts.instruments()
        if all(policy.instruments and facts.symbol not in policy.instruments for policy in policies)
    ]
    text = f"no policy trades {', '.join(idle)}; list it in a policy's instruments, or leave it out of spec.instruments"
    return [(("spec", "genotype", "policies"), text)] if idle else []


def account_law_differs(parts: Parts) -> list[Finding]:
    """One process has one law: the account's template must be the Strategy's."""
    account = parts.broker.resource.spec.risk_template_ref
    own = parts.spec.risk_template_ref.name
    if account is None or account.name == own:
        return []
    text = f"{own!r} is not the account's {account.name!r}; in one process both must be the same RiskTemplate"
    return [(("spec", "riskTemplateRef", "name"), text)]


CHECKS = (
    live_adapter_missing,
    suspended,
    flags_not_allowed,
    plugin_needs_cluster,
    instrument_unknown,
    limits_missing,
    nothing_traded,
    account_law_differs,
)


def check(parts: Parts) -> None:
    """Raise ResourceError listing all that keeps the session from starting."""
    problems = [parts.strategy.line(path, text) for find in CHECKS for path, text in find(parts)]
    if problems:
        raise ResourceError(problems)
