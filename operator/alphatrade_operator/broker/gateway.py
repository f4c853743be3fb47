"""Render a BrokerConnection's gateway: its configuration and its manifests. Pure."""

from collections.abc import Iterable
from typing import Any

from alphatrade.config import BrokerConfig, Client, to_json
from alphatrade_operator.broker.facts import User
from alphatrade_operator.broker.model import BrokerConnectionSpec
from alphatrade_operator.broker.render import render_account, render_exchange
from alphatrade_operator.core.plan import Manifest
from alphatrade_operator.settings import Settings
from alphatrade_operator.workload.child import Child
from alphatrade_operator.workload.manifests import PodParts, config_map, service, stateful_set, template_digest

TEMPLATE = template_digest({})
_STORAGE = "2Gi"
_RESOURCES = {"requests": {"cpu": "50m", "memory": "256Mi"}, "limits": {"memory": "2Gi"}}


def render_config(
    child: Child, spec: BrokerConnectionSpec, law: dict[str, Any] | None, clients: Iterable[User]
) -> bytes:
    """Return the gateway's configuration. clients: those admitted, each with a configuration of its own."""
    return to_json(
        BrokerConfig(
            owner=child.owner,
            identity=child.identity,
            environment=spec.environment,
            exchange=render_exchange(spec),
            **render_account(spec),
            law=law,
            clients=[client for user in clients if (client := _client(user))],
        )
    )


def _client(user: User) -> Client | None:
    if user.config is None:
        return None
    return Client(
        identity=user.config.identity,
        session=user.config.session,
        feed=user.config.feed,
        policy_hashes=[user.policy_hash] if user.policy_hash else [],
    )


def render_children(child: Child, settings: Settings, document: bytes, replicas: int) -> tuple[Manifest, ...]:
    """Return the gateway's manifests, in the order in which they are needed."""
    parts = PodParts(image=settings.runtime_image, template=TEMPLATE, resources=_RESOURCES, storage=_STORAGE)
    return config_map(child, document), service(child), stateful_set(child, parts, settings, replicas)
