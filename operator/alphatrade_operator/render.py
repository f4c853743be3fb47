"""Render resources into the session document that a runtime executes: pure, no clock, no disk."""

from typing import Any

from alphatrade_operator.broker.render import render_account, render_exchange
from alphatrade_operator.feed.render import render_feed, render_funding_model, render_instrument
from alphatrade_operator.resources import Resources
from alphatrade_operator.risk_template.render import render_instrument_limits, render_limits
from alphatrade_operator.session import Parts, check, choose_strategy, gather
from alphatrade_operator.strategy.render import render_flags, render_genotype, render_plugin

POLICY_SCHEMA = 1


def render_session(resources: Resources, strategy_name: str | None = None) -> dict[str, Any]:
    """Return the session document of a Strategy: of that name, or the only one.

    Raises ResourceError listing all that keeps it from starting.
    """
    parts = gather(resources, choose_strategy(resources, strategy_name))
    check(parts)
    feed = parts.feed.resource.spec
    return {
        "policy": render_policy(parts),
        "exchange": render_exchange(parts.broker.resource.spec),
        "feed": render_feed(feed, parts.feed.folder),
        "funding_model": render_funding_model(feed),
        "durability": parts.spec.durability.lower(),
    }


def render_policy(parts: Parts) -> dict[str, Any]:
    """Return `policy`: what is executed, and for whom."""
    spec = parts.spec
    return {
        "policySchema": POLICY_SCHEMA,
        "strategy_id": parts.strategy.resource.metadata.name,
        "mode": spec.mode,
        "stage": "Experiment",
        "risk_template": spec.risk_template_ref.name,
        "genotype": render_genotype(spec.genotype, spec.decision_clock),
        "envelope": render_envelope(parts),
        "plugins": [render_plugin(plugin, parts.strategy.folder) for plugin in spec.plugins],
        **render_account(parts.broker.resource.spec),
    }


def render_envelope(parts: Parts) -> dict[str, Any]:
    """Return `envelope`: limits, flags, instruments, calendar, seed."""
    template, feed = parts.template.resource.spec, parts.feed.resource.spec
    instruments = parts.instruments()
    return {
        "limits": render_limits(template, [facts.symbol for facts in instruments], feed.quality.max_silence_ns),
        "flags": render_flags(parts.spec.feature_flags),
        "instruments": [
            render_instrument(facts) | render_instrument_limits(template, facts.symbol, facts.max_quote_age_ns)
            for facts in instruments
        ],
        "calendar": feed.calendar,
        "seed": parts.spec.seed,
    }
