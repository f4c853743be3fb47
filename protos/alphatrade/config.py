"""Configurations of pods: what the operator renders and a pod reads, once each, typed.

On disk and on the wire they are RFC 8785 JSON, so that equal configurations are equal bytes.
"""

import hashlib
from typing import Any, Literal

import rfc8785
from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer


class Part(BaseModel):
    """A frozen part that refuses fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Owner(Part):
    """The custom resource that a pod runs for."""

    namespace: str
    name: str
    uid: str


class Endpoint(Part):
    """A server: `host:port`, and the identity that its certificate must carry."""

    target: str
    identity: str


class KillScope(Part):
    """Which kill switches a runtime looks at: all of its own namespace, and Cluster ones of the operator's.

    labels: of the Strategy, for selectors; a change of labels comes with a new configuration.
    """

    own_namespace: str
    operator_namespace: str
    labels: dict[str, str]


class StrategyConfig(Part):
    """What a strategy runtime runs.

    session: the session document, as `alphatrade render` prints it; plug-in paths are paths in the pod.
    broker: None where the mode has no order session (Sim, LiveShadow); orders then meet an exchange in the pod.
    run: Drain gets flat in order, reconciles, and trades no more.
    permits: who permits exploration; left out where nothing explores, as a runtime of before it knows no such field.
    """

    schema_version: Literal[1] = 1
    owner: Owner
    identity: str
    session: dict[str, Any]
    feed: Endpoint
    broker: Endpoint | None
    kill: KillScope
    run: Literal["Trade", "Drain"]
    permits: Endpoint | None = None

    @model_serializer(mode="wrap")
    def _without_permits(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        document: dict[str, Any] = plain(self)
        if self.permits is None:
            del document["permits"]
        return document


class FeedConfig(Part):
    """What a feed gateway serves.

    feed: as the session document's `feed`; a relative tape path starts at the artifact store.
    instruments: symbol, tick_size, lot_size, multiplier, in order.
    """

    schema_version: Literal[1] = 1
    owner: Owner
    identity: str
    feed: dict[str, Any]
    instruments: list[dict[str, str]]
    calendar: str


class Client(Part):
    """A strategy that may log on at a broker gateway.

    policy_hashes: entitled to the account's environment; another hash is refused.  session: as in its configuration.
    """

    identity: str
    session: dict[str, Any]
    feed: Endpoint
    policy_hashes: list[str]


class BrokerConfig(Part):
    """What a broker gateway serves.

    law: limits and instruments of the account, as a session document's `envelope`; None while no client trades.
    exchange: as a session document's `exchange`.
    """

    schema_version: Literal[1] = 1
    owner: Owner
    identity: str
    environment: Literal["Paper", "Sandbox", "Live"]
    exchange: dict[str, Any]
    initial_cash: str
    currency: str
    law: dict[str, Any] | None
    clients: list[Client]


def to_json(config: Part) -> bytes:
    """Return a configuration as RFC 8785 JSON."""
    return rfc8785.dumps(config.model_dump(mode="json"))


def digest_of(document: bytes) -> str:
    """Return the SHA-256 of a configuration's bytes, 64 hexadecimal digits."""
    return hashlib.sha256(document).hexdigest()
