"""RuntimeControl of a feed gateway: what it does, and what a new configuration asks of it."""

import threading
from collections.abc import Iterator

import grpc

from alphatrade.config import digest_of
from alphatrade.v1 import control_pb2, control_pb2_grpc
from alphatrade.v1.control_pb2 import (
    ApplyRequest,
    ApplyResponse,
    GetStatusRequest,
    GetStatusResponse,
    PodStatus,
    WatchStatusRequest,
    WatchStatusResponse,
)
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.service.feed.config import parse
from alphatrade_runtime.service.feed.gateway import Gateway
from alphatrade_runtime.service.transport.ending import ending_of
from alphatrade_runtime.service.transport.server import Service

CALLERS = frozenset({"operator"})
_NEW_POD = "a feed's source, pace and instruments are those of its pod; the pod must be started anew"


class FeedControl(control_pb2_grpc.RuntimeControlServicer):
    """Answer the operator. document: the configuration in force, the bytes of its ConfigMap."""

    def __init__(self, gateway: Gateway, document: bytes, code_hash: str) -> None:
        self._gateway, self._digest, self._code_hash = gateway, digest_of(document), code_hash
        self._epoch = 0
        self._changed = threading.Condition()
        gateway.changed = self._wake

    def Apply(self, request: ApplyRequest, context: grpc.ServicerContext) -> ApplyResponse:
        """Say what a configuration comes to; nothing of a feed changes without a new pod."""
        with self._changed:
            if request.epoch < self._epoch:
                text = f"epoch {request.epoch} is over, {self._epoch} was seen; only the Lease's holder may ask"
                context.abort(grpc.StatusCode.FAILED_PRECONDITION, text)
            self._epoch = request.epoch
        return self._outcome(request.policy.document, request.policy.document_digest)

    def _outcome(self, document: bytes, digest: str) -> ApplyResponse:
        if digest_of(document) != digest:
            return _answer(control_pb2.APPLY_OUTCOME_REFUSED, "document_digest is not that of document; send both anew")
        if digest == self._digest:
            return _answer(control_pb2.APPLY_OUTCOME_UNCHANGED, "")
        try:
            config = parse(document, "document")
        except InputError as error:
            return _answer(control_pb2.APPLY_OUTCOME_REFUSED, str(error))
        if config.owner != self._gateway.config.owner:
            return _answer(control_pb2.APPLY_OUTCOME_REFUSED, "owner: another feed's; send it to that feed's pod")
        return _answer(control_pb2.APPLY_OUTCOME_RESTART_REQUIRED, _NEW_POD)

    def GetStatus(self, request: GetStatusRequest, context: grpc.ServicerContext) -> GetStatusResponse:
        """Return what the gateway does now."""
        return GetStatusResponse(status=self._status())

    def WatchStatus(self, request: WatchStatusRequest, context: grpc.ServicerContext) -> Iterator[WatchStatusResponse]:
        """Send the status now, and again when phase or reason changed."""
        ending = ending_of(context)
        ending.on_asked(self._wake)
        context.add_callback(self._wake)
        told = ""
        while context.is_active():
            status = self._status()
            now = f"{status.feed.phase} {status.feed.reason}"
            if ending.asked:
                ending.finish()
            if now != told:
                told = now
                yield WatchStatusResponse(status=status)
                continue
            with self._changed:
                if not ending.asked and context.is_active():
                    self._changed.wait(1.0)  # a tape that has been played to its end wakes no one

    def _status(self) -> PodStatus:
        return PodStatus(
            epoch=self._epoch, document_digest=self._digest, code_hash=self._code_hash, feed=self._gateway.status()
        )

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()


def _answer(outcome: control_pb2.ApplyOutcome.ValueType, detail: str) -> ApplyResponse:
    return ApplyResponse(outcome=outcome, detail=detail)


def control_service(control: FeedControl) -> Service:
    """Return the service to offer on a server."""
    return Service(
        control_pb2.DESCRIPTOR.services_by_name["RuntimeControl"],
        lambda server: control_pb2_grpc.add_RuntimeControlServicer_to_server(control, server),
        CALLERS,
    )
