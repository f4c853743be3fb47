"""Render a MarketDataFeed's gateway: its configuration and its manifests. Pure."""

from pathlib import Path

from alphatrade.config import FeedConfig, to_json
from alphatrade_operator.core.plan import Manifest
from alphatrade_operator.feed.model import MarketDataFeedSpec
from alphatrade_operator.feed.render import render_feed, render_instrument
from alphatrade_operator.settings import Settings
from alphatrade_operator.workload.child import Child
from alphatrade_operator.workload.manifests import PodParts, config_map, service, stateful_set, template_digest

_STORAGE = "10Gi"  # a simulated session is written as a tape before it is served
_RESOURCES = {"requests": {"cpu": "50m", "memory": "256Mi"}, "limits": {"memory": "4Gi"}}
_TERMS = ("symbol", "tick_size", "lot_size", "multiplier")


def render_config(child: Child, spec: MarketDataFeedSpec) -> bytes:
    """Return the gateway's configuration; a relative tape path stays so, it starts at the artifact store."""
    instruments = [render_instrument(facts) for facts in spec.instruments]
    return to_json(
        FeedConfig(
            owner=child.owner,
            identity=child.identity,
            feed=render_feed(spec, Path()),
            instruments=[{name: facts[name] for name in _TERMS} for facts in instruments],
            calendar=spec.calendar,
        )
    )


def template_of(spec: MarketDataFeedSpec) -> str:
    """Name what of its pod a feed's spec decides: whether it sees the artifact store."""
    return template_digest({"artifacts": True} if spec.tape else {})


def render_children(
    child: Child, spec: MarketDataFeedSpec, settings: Settings, document: bytes, replicas: int
) -> tuple[Manifest, ...]:
    """Return the gateway's manifests, in the order in which they are needed.

    Who simulates needs no artifact store, and runs in a namespace that has none.
    """
    parts = PodParts(
        image=settings.runtime_image,
        template=template_of(spec),
        resources=_RESOURCES,
        storage=_STORAGE,
        artifacts=spec.tape is not None,
    )
    return config_map(child, document), service(child), stateful_set(child, parts, settings, replicas)
