"""Render resources into the session document that a runtime executes: pure, no clock, no disk.

One process and a cluster render the same document from the same resources; only where files lie differs (`Places`).
"""

from pathlib import Path
from typing import Any, NamedTuple

from alphatrade_operator.broker.render import render_account, render_exchange
from alphatrade_operator.exploration_budget.render import render_exploration
from alphatrade_operator.feed.model import Instrument
from alphatrade_operator.feed.render import render_feed, render_funding_model, render_instrument
from alphatrade_operator.resources import Resources
from alphatrade_operator.risk_template.model import RiskTemplateSpec
from alphatrade_operator.risk_template.render import render_instrument_limits, render_limits
from alphatrade_operator.session import IN_ONE_PROCESS, Parts, check, choose_strategy, gather
from alphatrade_operator.strategy.model import FeatureFlags
from alphatrade_operator.strategy.render import render_flags, render_genotype, render_plugin

POLICY_SCHEMA = 1


class Places(NamedTuple):
    """Where a session's files lie: a relative tape path starts at `tapes`; `plugins` has a path each, in order.

    weights: file of the belief's trained weights, where there is one.
    """

    tapes: Path
    plugins: tuple[str, ...]
    weights: str | None = None


def render_session(resources: Resources, strategy_name: str | None = None) -> dict[str, Any]:
    """Return the session document of a Strategy, run in one process: of that name, or the only one.

    Raises ResourceError listing all that keeps it from starting.
    """
    strategy = choose_strategy(resources, strategy_name)
    found = gather(resources, strategy)
    check(found, IN_ONE_PROCESS)
    spec = found.parts.spec
    plugins = [str(strategy.folder / (plugin.file or "")) for plugin in spec.plugins]
    trained = spec.genotype.belief.weights if spec.genotype.belief else None
    weights = str(strategy.folder / trained.file) if trained else None
    return render_document(found.parts, Places(found.feed_folder, tuple(plugins), weights))


def render_document(parts: Parts, places: Places) -> dict[str, Any]:
    """Return the session document of parts that were checked."""
    feed = parts.feed.spec
    return {
        "policy": render_policy(parts, places),
        "exchange": render_exchange(parts.broker.spec),
        "feed": render_feed(feed, places.tapes),
        "funding_model": render_funding_model(feed),
        "durability": parts.spec.durability.lower(),
    }


def render_policy(parts: Parts, places: Places) -> dict[str, Any]:
    """Return `policy`: what is executed, and for whom."""
    spec = parts.spec
    return {
        "policySchema": POLICY_SCHEMA,
        "strategy_id": parts.strategy.metadata.name,
        "mode": spec.mode,
        "stage": "Experiment",
        "risk_template": spec.risk_template_ref.name,
        "genotype": render_genotype(spec.genotype, spec.decision_clock, spec.feature_flags, places.weights),
        "envelope": render_envelope(parts),
        "plugins": [render_plugin(plugin, path) for plugin, path in zip(spec.plugins, places.plugins, strict=True)],
        **render_account(parts.broker.spec),
    }


def render_envelope(parts: Parts) -> dict[str, Any]:
    """Return `envelope` of a Strategy: limits, flags, exploration budget, instruments, calendar, seed."""
    feed, instruments = parts.feed.spec, tuple(parts.instruments())
    law = render_law(parts.template.spec, instruments, feed.quality.max_silence_ns, feed.calendar)
    budget = {} if parts.budget is None else {"exploration": render_exploration(parts.budget.spec, parts.by_permit)}
    return law | {"flags": render_flags(parts.spec.feature_flags), "seed": parts.spec.seed} | budget


def render_law(
    template: RiskTemplateSpec, instruments: tuple[Instrument, ...], feed_silence_ns: int | None, calendar: str
) -> dict[str, Any]:
    """Return an `envelope` over instruments that the template has an entry for: flags off, no budget, seed 1."""
    return {
        "limits": render_limits(template, [facts.symbol for facts in instruments], feed_silence_ns),
        "flags": render_flags(FeatureFlags()),
        "instruments": [
            render_instrument(facts) | render_instrument_limits(template, facts.symbol, facts.max_quote_age_ns)
            for facts in instruments
        ],
        "calendar": calendar,
        "seed": 1,
    }
