"""Serve Permits over mTLS: who asks is told by its certificate, and nothing of an answer is kept."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import grpc.aio
from google.protobuf.duration_pb2 import Duration

from alphatrade.mtls import KEEPALIVE, SIZES, expired, peer_expiry, peer_identity
from alphatrade.v1.permits_pb2 import RenewPermitRequest, RenewPermitResponse
from alphatrade.v1.permits_pb2_grpc import PermitsServicer, add_PermitsServicer_to_server
from alphatrade_operator.core.plan import View
from alphatrade_operator.permits.decide import decide
from alphatrade_operator.permits.facts import gather
from alphatrade_operator.pki.authority import Pair

LOOK_S = 5.0  # how late a renewed certificate, or another authority, is served with
_END_S = 2.0
_METHOD = "RenewPermit"
_NO_IDENTITY = "the certificate carries no identity of ours, or has expired; use the one that the operator issued"
Own = Callable[[], Awaitable[tuple[Pair, bytes]]]
Measured = Callable[[str, str, float], None]
_log = logging.getLogger(__name__)


class Permits(PermitsServicer):
    """leads, synced: of this operator, now.  measured: takes method, status code and seconds of each call."""

    def __init__(
        self, view: View, leads: Callable[[], bool], synced: Callable[[], bool], measured: Measured = lambda *call: None
    ) -> None:
        self._view, self._leads, self._synced, self._measured = view, leads, synced, measured

    async def RenewPermit(self, request: RenewPermitRequest, context: Any) -> RenewPermitResponse:
        """Answer a runtime for itself."""
        began, identity = time.monotonic(), peer_identity(context)
        if identity is None or expired(peer_expiry(context)):
            self._measured(_METHOD, grpc.StatusCode.UNAUTHENTICATED.name, time.monotonic() - began)
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, _NO_IDENTITY)
        answer = self._answer(str(identity), request.epoch)
        self._measured(_METHOD, grpc.StatusCode.OK.name, time.monotonic() - began)
        return answer

    def _answer(self, identity: str, epoch: int) -> RenewPermitResponse:
        facts = gather(self._view, identity, epoch, leads=self._leads(), synced=self._synced())
        permit = decide(facts)
        if permit.reason:
            _log.debug("no permit", extra={"identity": identity, "reason": permit.reason, "why": permit.message})
        ttl = Duration()
        ttl.FromNanoseconds(permit.ttl_ns)
        return RenewPermitResponse(
            share_bps=permit.share_bps, ttl=ttl, frozen_reason=permit.reason, epoch=facts.epoch
        )  # fmt: skip


class PermitServer:
    """Serves at a port as the operator. own: its certificate and what it trusts."""

    def __init__(self, permits: Permits, own: Own) -> None:
        self._permits, self._own = permits, own
        self._material: tuple[Pair, bytes] | None = None
        self._served: tuple[Pair, bytes] | None = None
        self.port = 0
        self.serving = asyncio.Event()

    async def run(self, address: str) -> None:
        """Serve for ever, from the first certificate on."""
        while not await self._look():
            await asyncio.sleep(LOOK_S / 5)
        server = grpc.aio.server(options=[*KEEPALIVE, *SIZES])
        add_PermitsServicer_to_server(self._permits, server)
        self.port = server.add_secure_port(address, self._credentials())
        await server.start()
        self.serving.set()
        try:
            while True:
                await asyncio.sleep(LOOK_S)
                await self._look()
        finally:
            await server.stop(_END_S)

    async def _look(self) -> bool:
        """Take the certificate of the moment; return whether there is one."""
        try:
            self._material = await self._own()
        except Exception as error:  # the API server is away, or there is no authority yet and another has to make it
            _log.debug("no certificate to serve with", extra={"error": str(error)})
        return self._material is not None

    def _credentials(self) -> grpc.ServerCredentials:
        self._served = self._material
        return grpc.dynamic_ssl_server_credentials(
            _configuration(self._served), self._replaced, require_client_authentication=True
        )

    def _replaced(self) -> Any:
        """Return what later connections are served with, None when that is as before. Called by gRPC's threads."""
        if self._material == self._served:
            return None
        self._served = self._material
        return _configuration(self._served)


def _configuration(material: tuple[Pair, bytes] | None) -> Any:
    assert material is not None
    pair, trusted = material
    return grpc.ssl_server_certificate_configuration([(pair.key, pair.certificate)], trusted)
