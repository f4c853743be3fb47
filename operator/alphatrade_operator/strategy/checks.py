"""What keeps a Strategy from trading. The first finding wins; each check is named for the fault that it finds. Pure."""

from collections.abc import Callable

from alphatrade_operator.artifact_store import not_shared
from alphatrade_operator.core.explain import dotted
from alphatrade_operator.core.plan import Finding
from alphatrade_operator.render import render_envelope, render_law
from alphatrade_operator.risk_template.ceilings import above_ceiling
from alphatrade_operator.risk_template.loosening import LOOSENED, loosened
from alphatrade_operator.session import ON_A_CLUSTER, no_adapter_for, problems_of
from alphatrade_operator.settings import FeatureFlagCeilings
from alphatrade_operator.strategy.document import flags_above, read_config, within
from alphatrade_operator.strategy.facts import Facts
from alphatrade_operator.strategy.model import Strategy

_SIMULATED = ("Sim", "Paper")
_SHOWN = 5


def law_not_installed(strategy: Strategy, facts: Facts) -> Finding | None:
    """Live asks that the API server knows who released and who signed; without its policies anybody may have."""
    if strategy.spec.mode != "Live" or facts.law is None:
        return None
    return Finding(facts.law.reason, f"spec.mode: nothing goes Live, for {facts.law.message}")


def pace_not_allowed(strategy: Strategy, facts: Facts) -> Finding | None:
    """A mode that faces a venue runs by the wall clock."""
    if strategy.spec.mode in _SIMULATED or isinstance(facts.references, Finding):
        return None
    feed = facts.references.parts.feed
    if feed.spec.speed == "Realtime":
        return None
    text = f"spec.mode: {strategy.spec.mode} runs in real time, MarketDataFeed/{feed.metadata.name} at"
    return Finding("PaceNotAllowed", f"{text} {feed.spec.speed}; set its speed to Realtime")


def no_live_adapter(strategy: Strategy, facts: Facts) -> Finding | None:
    """A live mode whose real adapter is missing refuses to start."""
    problems = no_adapter_for(strategy)
    return Finding("LiveAdapterMissing", f"{dotted(problems[0].location)}: {problems[0].text}") if problems else None


def stage_too_low(strategy: Strategy, facts: Facts) -> Finding | None:
    """Every policy is at stage Experiment, and what that may do says the operator's profile."""
    if strategy.spec.mode == "Sim" or facts.settings.experiment_may_paper:
        return None
    text = f"spec.mode: {strategy.spec.mode} needs a policy that was promoted, and this one is at stage Experiment"
    return Finding("StageTooLow", f"{text}; set mode to Sim, or use an operator of the dev profile")


def reference_missing(strategy: Strategy, facts: Facts) -> Finding | None:
    """Everything referred to must be there and readable."""
    return facts.references if isinstance(facts.references, Finding) else None


def config_map_missing(strategy: Strategy, facts: Facts) -> Finding | None:
    """A plug-in's ConfigMap must be there, with its key."""
    for index, plugin in enumerate(strategy.spec.plugins):
        reference = plugin.config_map_ref
        if reference is None:
            continue
        where = f"spec.plugins[{index}].configMapRef"
        keys = facts.plugin_maps.get(reference.name)
        if keys is None:
            text = f"{where}.name: no ConfigMap {reference.name!r} in namespace {facts.meta.namespace}; add it"
            return Finding("ConfigMapNotFound", text)
        if reference.key not in keys:
            listed = ", ".join(sorted(keys)) or "none"
            text = f"{where}.key: ConfigMap {reference.name!r} has no {reference.key!r}; its keys: {listed}"
            return Finding("ConfigMapNotFound", text)
    return None


def session_refused(strategy: Strategy, facts: Facts) -> Finding | None:
    """What keeps a session from starting in one process keeps it from starting in a pod."""
    if isinstance(facts.references, Finding):
        return None
    allowed = within(strategy, facts.settings.feature_flag_ceilings)
    problems = problems_of(facts.references.parts._replace(strategy=allowed), ON_A_CLUSTER)
    lines = [f"{dotted(problem.location)}: {problem.text}" for problem in problems]
    more = f"; and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
    return Finding("InvalidSpec", "; ".join(lines[:_SHOWN]) + more) if lines else None


def limit_above_ceiling(strategy: Strategy, facts: Facts) -> Finding | None:
    """What the template and the feed make of the limits may not pass what the operator allows in the mode."""
    if isinstance(facts.references, Finding):
        return None
    parts, ceilings = facts.references.parts, facts.settings.limit_ceilings
    whose = f"RiskTemplate/{parts.template.metadata.name}"
    return above_ceiling(ceilings, strategy.spec.mode, render_envelope(parts), whose)


def law_in_force_above_ceiling(strategy: Strategy, facts: Facts) -> Finding | None:
    """A pod may not go on under a law above a ceiling that was lowered since, unless a lower law is on its way."""
    config = read_config(facts.live.document)
    if config is None:
        return None
    envelope, mode = config.session["policy"]["envelope"], config.session["policy"]["mode"]
    running = above_ceiling(facts.settings.limit_ceilings, mode, envelope, "what its pod runs under")
    if running is None or isinstance(facts.references, Finding) or session_refused(strategy, facts):
        return running
    return limit_above_ceiling(strategy, facts)


def account_above_ceiling(strategy: Strategy, facts: Facts) -> Finding | None:
    """The account's own law may not pass what the operator allows either; nobody trades under one that does."""
    if isinstance(facts.references, Finding) or facts.references.account_law is None or strategy.spec.mode == "Sim":
        return None
    law, parts = facts.references.account_law, facts.references.parts
    instruments = tuple(one for one in parts.instruments() if law.spec.entry(one.symbol))
    feed = parts.feed.spec
    envelope = render_law(law.spec, instruments, feed.quality.max_silence_ns, feed.calendar)
    whose = f"RiskTemplate/{law.metadata.name} of BrokerConnection/{parts.broker.metadata.name}"
    return above_ceiling(facts.settings.limit_ceilings, strategy.spec.mode, envelope, whose)


def artifact_store_not_shared(strategy: Strategy, facts: Facts) -> Finding | None:
    """A tape is not read from a volume that keeps pods of other nodes from starting."""
    if isinstance(facts.references, Finding):
        return None
    return not_shared(facts.references.claim, facts.settings, facts.meta.namespace)


def limits_loosened(strategy: Strategy, facts: Facts) -> Finding | None:
    """Another template, or feed, may make what trades tighter at once, looser by a proposal alone. Sim needs none."""
    config = read_config(facts.live.document)
    if config is None or isinstance(facts.references, Finding):
        return None
    policy, parts = config.session["policy"], facts.references.parts
    if policy["mode"] == "Sim":
        return None
    whose = f"RiskTemplate/{parts.template.metadata.name} with MarketDataFeed/{parts.feed.metadata.name}"
    return loosened(policy["envelope"], render_envelope(parts), whose)


def budget_loosened(strategy: Strategy, facts: Facts) -> Finding | None:
    """A larger share of a budget waits for a proposal as any limit does; a smaller one acts at once, by the permit."""
    config = read_config(facts.live.document)
    if config is None or isinstance(facts.references, Finding) or strategy.spec.mode == "Sim":
        return None
    running, budget = config.session["policy"]["envelope"].get("exploration"), facts.references.parts.budget
    if running is None or budget is None or budget.spec.max_flow_share_bps <= running["share_bps"]:
        return None
    text = f"ExplorationBudget/{budget.metadata.name}: maxFlowShareBps is {budget.spec.max_flow_share_bps}, more than"
    text = f"{text} {running['share_bps']}, under which it runs; refer to a budget as tight"
    return Finding(LOOSENED, f"{text}; a proposal that loosens it comes with a later version")


Check = Callable[[Strategy, Facts], Finding | None]

# These end trading, in order, where it goes on.
STOPS: tuple[Check, ...] = (
    law_not_installed,
    pace_not_allowed,
    no_live_adapter,
    stage_too_low,
    law_in_force_above_ceiling,
    account_above_ceiling,
)
# With these the pod, if there is one, goes on under its last configuration: the law in it still holds. Those behind
# `session_refused` render what it let pass.
HOLDS: tuple[Check, ...] = (
    reference_missing,
    config_map_missing,
    artifact_store_not_shared,
    session_refused,
    limit_above_ceiling,
    limits_loosened,
    budget_loosened,
)


def first(checks: tuple[Check, ...], strategy: Strategy, facts: Facts) -> Finding | None:
    """Return the first finding."""
    return next((found for find in checks if (found := find(strategy, facts))), None)


def flag_not_allowed(strategy: Strategy, ceilings: FeatureFlagCeilings) -> Finding | None:
    """A flag above the operator's ceiling is off, whatever the spec says."""
    above = flags_above(strategy.spec.feature_flags, ceilings)
    listed = ", ".join(f"spec.featureFlags.{name}" for name in above)
    text = f"{listed}: above the operator's ceiling, so it runs with it off; set it to false"
    return Finding("FlagNotAllowed", text) if above else None
