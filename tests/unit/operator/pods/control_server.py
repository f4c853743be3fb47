"""A pod's RuntimeControl on a real port, with a certificate that a real authority issued."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import grpc.aio

from alphatrade.config import digest_of
from alphatrade.mtls import peer_identity
from alphatrade.names import CHILD_PREFIXES, child_name, dns_names, identity
from alphatrade.v1.control_pb2 import (
    ApplyOutcome,
    ApplyResponse,
    GetStatusResponse,
    PodStatus,
    StrategyStatus,
    WatchStatusResponse,
)
from alphatrade.v1.control_pb2_grpc import RuntimeControlServicer, add_RuntimeControlServicer_to_server
from alphatrade_operator.pki.authority import Authority, issue, new_authority, read_pair

LIFETIME = timedelta(hours=1)
OPERATOR = identity("sys", "operator", "alphatrade-operator", "0")
POD = identity("desk", "strategy", "alpha", "11111111-0000")
OTHER_POD = identity("desk", "strategy", "beta", "22222222-0000")


def authority() -> Authority:
    """Make an authority."""
    pair = new_authority(datetime.now(UTC))
    return Authority(pair, read_pair(pair), pair.certificate)


def names_of(uri: str) -> tuple[str, ...]:
    """Return the DNS names of an identity's server."""
    _, _, namespace, kind, name, uid = uri.removeprefix("spiffe://").split("/")
    return dns_names(child_name(CHILD_PREFIXES[kind], name, uid), namespace)


class Control(RuntimeControlServicer):
    """Says what a test lets it say, and remembers who asked for what."""

    def __init__(self) -> None:
        self.status = PodStatus(strategy=StrategyStatus(phase="Trading"))
        self.outcome: Any = ApplyOutcome.APPLY_OUTCOME_APPLIED
        self.asked_by: list[str | None] = []
        self.applied: list[tuple[bytes, int]] = []
        self.changed = asyncio.Event()

    async def Apply(self, request: Any, context: Any) -> ApplyResponse:
        self.asked_by.append(peer_identity(context))
        self.applied.append((request.policy.document, request.epoch))
        if self.outcome == ApplyOutcome.APPLY_OUTCOME_APPLIED:
            self.status.document_digest = digest_of(request.policy.document)
        return ApplyResponse(outcome=self.outcome, detail="in words")

    async def GetStatus(self, request: Any, context: Any) -> GetStatusResponse:
        self.asked_by.append(peer_identity(context))
        return GetStatusResponse(status=self.status)

    async def WatchStatus(self, request: Any, context: Any) -> AsyncIterator[WatchStatusResponse]:
        while True:
            yield WatchStatusResponse(status=self.status)
            await self.changed.wait()
            self.changed.clear()


@asynccontextmanager
async def serving(ca: Authority, uri: str = POD) -> AsyncIterator[tuple[Control, str]]:
    """Serve as an identity; yield the service and its address."""
    pair = issue(ca, uri, names_of(uri), datetime.now(UTC), LIFETIME)
    credentials = grpc.ssl_server_credentials([(pair.key, pair.certificate)], ca.trusted, True)
    server, control = grpc.aio.server(), Control()
    add_RuntimeControlServicer_to_server(control, server)
    port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    try:
        yield control, f"127.0.0.1:{port}"
    finally:
        await server.stop(None)
