"""Calls to pods: RuntimeControl over mTLS, to the one identity that is meant, each with a deadline."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import grpc
import grpc.aio

from alphatrade.config import digest_of
from alphatrade.mtls import channel_options
from alphatrade.v1.control_pb2 import (
    ApplyRequest,
    ApplyResponse,
    GetStatusRequest,
    PodStatus,
    WatchStatusRequest,
)
from alphatrade.v1.control_pb2_grpc import RuntimeControlStub
from alphatrade.v1.policy_pb2 import Policy
from alphatrade_operator.pki.authority import Pair

if TYPE_CHECKING:  # a type of the stubs, not there at run time
    from alphatrade.v1.control_pb2_grpc import RuntimeControlAsyncStub

DEADLINE_S = 2.0
APPLY_DEADLINE_S = 10.0
_SCHEMA = 1
Own = Callable[[], Awaitable[tuple[Pair, bytes]]]


class PodSilent(Exception):
    """A pod that could not be asked; the text says why."""


@dataclass(slots=True)
class _Link:
    """A channel, made with the certificate that was the operator's then."""

    channel: grpc.aio.Channel
    certificate: bytes


class PodClient:
    """Keeps one channel a pod. own: the operator's certificate and what it trusts."""

    def __init__(self, own: Own) -> None:
        self._own = own
        self._links: dict[tuple[str, str], _Link] = {}

    async def status(self, target: str, identity: str) -> PodStatus:
        """Return what a pod does. Raises PodSilent."""
        try:
            stub = await self._stub(target, identity)
            answer = await stub.GetStatus(GetStatusRequest(), timeout=DEADLINE_S)
        except (grpc.aio.AioRpcError, ValueError) as error:
            raise PodSilent(_words(error)) from None
        return answer.status

    async def watch(self, target: str, identity: str) -> AsyncGenerator[PodStatus, None]:
        """Yield what a pod does whenever that changes. Raises PodSilent when the stream breaks."""
        try:
            stub = await self._stub(target, identity)
            async for answer in stub.WatchStatus(WatchStatusRequest()):
                yield answer.status
        except (grpc.aio.AioRpcError, ValueError) as error:
            raise PodSilent(_words(error)) from None

    async def apply(self, target: str, identity: str, document: bytes, epoch: int) -> ApplyResponse:
        """Give a pod a configuration. Raises PodSilent."""
        policy = Policy(schema=_SCHEMA, document=document, document_digest=digest_of(document))
        try:
            stub = await self._stub(target, identity)
            return await stub.Apply(ApplyRequest(policy=policy, epoch=epoch), timeout=APPLY_DEADLINE_S)
        except (grpc.aio.AioRpcError, ValueError) as error:
            raise PodSilent(_words(error)) from None

    async def forget(self, wanted: set[tuple[str, str]]) -> None:
        """Close the channels of pods (target, identity) that are not wanted any more."""
        for name in [name for name in self._links if name not in wanted]:
            await self._links.pop(name).channel.close(grace=None)

    async def close(self) -> None:
        """Close all channels."""
        await self.forget(set())

    async def _stub(self, target: str, identity: str) -> "RuntimeControlAsyncStub":
        try:
            pair, trusted = await self._own()
        except Exception as error:  # the API server is away, or the Lease is lost: the pod cannot be asked now
            raise PodSilent(f"no certificate of the operator's own: {error}") from error
        link = self._links.get((target, identity))
        if link is None or link.certificate != pair.certificate:
            credentials = grpc.ssl_channel_credentials(trusted, pair.key, pair.certificate)
            channel = grpc.aio.secure_channel(target, credentials, options=channel_options(identity))
            self._links[(target, identity)] = _Link(channel, pair.certificate)
            if link is not None:
                await link.channel.close(grace=DEADLINE_S)
        return RuntimeControlStub(self._links[(target, identity)].channel)


def _words(error: Exception) -> str:
    if isinstance(error, grpc.aio.AioRpcError):
        return f"{error.code().name}: {' '.join((error.details() or '').split())[:200]}"
    return str(error)
