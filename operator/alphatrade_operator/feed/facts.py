"""Gather what a MarketDataFeed's decision needs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from alphatrade_operator.artifact_store import access_modes
from alphatrade_operator.core.dispatch import is_decommissioned
from alphatrade_operator.core.live import Meta, meta_of, named_by, read, status_of
from alphatrade_operator.core.plan import Finding, Key, Manifest, View
from alphatrade_operator.feed.model import MarketDataFeed, MarketDataFeedStatus
from alphatrade_operator.settings import Settings
from alphatrade_operator.strategy.document import read_config
from alphatrade_operator.workload.child import Child, child_of
from alphatrade_operator.workload.live import Live, observe
from alphatrade_operator.workload.manifests import CONFIG_KEY
from alphatrade_operator.workload.report import last_status
from alphatrade_operator.workload.roll import Roll, of_gateway
from alphatrade_operator.workload.traders import referred, traders

STILL = frozenset({None, "Pending", "Drained", "Ended", "Failed", "Suspended"})  # phases in which nothing trades
_REF = "marketDataFeedRef"


@dataclass(frozen=True, slots=True)
class User:
    """A Strategy that refers to the feed.

    phase: as it last said.  feed: the session document's `feed` that it trades on; None while it does not: a thousand
    that stand still would each have their whole configuration read at every change of one of them.
    """

    name: str
    phase: str | None
    feed: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Facts:
    """meta: of the feed.  claim: access modes of the artifact store's claim; None where there is none.

    before: its status as last written.  decommissioned: its namespace was given up.
    """

    meta: Meta
    child: Child
    feed: MarketDataFeed | Finding
    users: tuple[User, ...]
    live: Live
    roll: Roll | None
    claim: frozenset[str] | None
    before: MarketDataFeedStatus
    settings: Settings
    decommissioned: bool


def gather(view: View, key: Key) -> Facts:
    """Gather the facts of a MarketDataFeed that is there."""
    manifest = view.get(key.kind, key.namespace, key.name)
    if manifest is None:
        raise KeyError(key)
    child = child_of("feed", manifest)
    live = observe(view, child)
    return Facts(
        meta=meta_of(manifest),
        child=child,
        feed=read(MarketDataFeed, manifest),
        users=tuple(_user(view, strategy) for strategy in _strategies(view, key)),
        live=live,
        roll=of_gateway(
            meta_of(manifest), live, "feed", _accounts(view, key), traders(view, key.namespace, _REF, key.name)
        ),
        claim=access_modes(view, key.namespace),
        before=last_status(MarketDataFeedStatus, manifest),
        settings=view.settings,
        decommissioned=is_decommissioned(view, key.namespace),
    )


def referrers(view: View, key: Key) -> Iterator[Key]:
    """Yield the strategies that read a feed."""
    for strategy in _strategies(view, key):
        yield Key("Strategy", key.namespace, strategy["metadata"]["name"])


def _accounts(view: View, key: Key) -> Iterator[tuple[str, Live]]:
    """Yield the accounts of those who read a feed, which roll before it."""
    for name in referred(view, key.namespace, _REF, key.name, "brokerConnectionRef"):
        manifest = view.get("BrokerConnection", key.namespace, name)
        if manifest is not None:
            yield f"BrokerConnection/{name}", observe(view, child_of("broker", manifest))


def _strategies(view: View, key: Key) -> Iterator[Manifest]:
    for strategy in view.list("Strategy", key.namespace):
        if named_by(strategy, _REF) == key.name:
            yield strategy


def _user(view: View, strategy: Manifest) -> User:
    child, phase = child_of("strategy", strategy), status_of(strategy).get("phase")
    return User(child.owner.name, phase, None if phase in STILL else _feed_of(view, child))


def _feed_of(view: View, strategy: Child) -> Mapping[str, Any] | None:
    config_map = view.get("ConfigMap", strategy.namespace, strategy.name) or {}
    config = read_config((config_map.get("data") or {}).get(CONFIG_KEY))
    return config.session["feed"] if config else None
