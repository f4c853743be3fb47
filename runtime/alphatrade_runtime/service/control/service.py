"""The servicer: it checks what is asked and by whom, and leaves what to do to the pod.

`apply` and `status` are called from the server's threads. A pod with a loop of its own answers `status` from a copy
that the loop puts there, and hands what `apply` brings over to the loop.
"""

import threading
from collections.abc import Callable, Iterator

import grpc

from alphatrade.config import digest_of
from alphatrade.protocol import PROTOCOL
from alphatrade.v1 import control_pb2, control_pb2_grpc
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.service.control.epoch import EpochFile, EpochRefused
from alphatrade_runtime.service.transport.ending import Ending, ending_of
from alphatrade_runtime.service.transport.server import Service

SCHEMA = 1
MAX_DOCUMENT_BYTES = 1 << 20  # what a ConfigMap can hold
MAX_WATCHERS = 16
LOOK_S = 0.5  # how late a change is sent that nobody announced

Apply = Callable[[bytes], control_pb2.ApplyResponse]
Status = Callable[[], control_pb2.PodStatus]


class ControlService(control_pb2_grpc.RuntimeControlServicer):
    """Apply, GetStatus and WatchStatus of one pod.

    apply: takes a configuration's bytes; one call at a time.  An InputError from it is the answer REFUSED.
    """

    def __init__(self, apply: Apply, status: Status, epoch: EpochFile) -> None:
        self._apply, self._status, self._epoch = apply, status, epoch
        self._applying = threading.Lock()
        self._news = threading.Condition()
        self._changes = 0
        self._watchers = 0

    def changed(self) -> None:
        """Say that the status is another one; who watches is told at once."""
        with self._news:
            self._changes += 1
            self._news.notify_all()

    def Apply(self, request: control_pb2.ApplyRequest, context: grpc.ServicerContext) -> control_pb2.ApplyResponse:
        """Take a configuration. Who may call is the server's to check: operators only."""
        fault = _fault_of(request)
        if fault:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, fault)
        with self._applying:
            try:
                self._epoch.admit(request.epoch)
                response = self._apply(request.policy.document)
            except EpochRefused as refused:
                context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(refused))
            except InputError as error:
                refusal = control_pb2.APPLY_OUTCOME_REFUSED
                response = control_pb2.ApplyResponse(outcome=refusal, detail=str(error))
        self.changed()
        return response

    def GetStatus(
        self, request: control_pb2.GetStatusRequest, context: grpc.ServicerContext
    ) -> control_pb2.GetStatusResponse:
        """Tell what the pod does."""
        return control_pb2.GetStatusResponse(status=self._told())

    def WatchStatus(
        self, request: control_pb2.WatchStatusRequest, context: grpc.ServicerContext
    ) -> Iterator[control_pb2.WatchStatusResponse]:
        """Tell what the pod does, and again whenever it matters."""
        with self._news:
            if self._watchers >= MAX_WATCHERS:
                context.abort(
                    grpc.StatusCode.RESOURCE_EXHAUSTED, f"{MAX_WATCHERS} watch this pod already; end one of them"
                )
            self._watchers += 1
        try:
            yield from self._watch(context)
        finally:
            with self._news:
                self._watchers -= 1

    def _watch(self, context: grpc.ServicerContext) -> Iterator[control_pb2.WatchStatusResponse]:
        ending = ending_of(context)
        ending.on_asked(self.changed)
        if not context.add_callback(self.changed):
            return
        told, seen = b"", -1
        while not ending.asked and context.is_active():
            seen = self._wait(seen, ending, context)
            status = self._told()
            if essence(status) != told:
                told = essence(status)
                yield control_pb2.WatchStatusResponse(status=status)
        if ending.asked:
            ending.finish()

    def _wait(self, seen: int, ending: Ending, context: grpc.ServicerContext) -> int:
        """Wait for a change after number `seen`; return the number of the latest."""
        with self._news:
            if self._changes == seen and not ending.asked and context.is_active():
                self._news.wait(LOOK_S)
            return self._changes

    def _told(self) -> control_pb2.PodStatus:
        status = control_pb2.PodStatus()
        status.CopyFrom(self._status())
        status.epoch = self._epoch.highest
        status.protocol = PROTOCOL
        return status


def control_service(servicer: ControlService) -> Service:
    """Return the service for a pod's server: operators may call all of it, clients may only look."""
    looking = frozenset({"operator", "client"})
    return Service(
        control_pb2.DESCRIPTOR.services_by_name["RuntimeControl"],
        lambda server: control_pb2_grpc.add_RuntimeControlServicer_to_server(servicer, server),
        frozenset({"operator"}),
        {"GetStatus": looking, "WatchStatus": looking},
    )


def essence(status: control_pb2.PodStatus) -> bytes:
    """Return what of a status must be told at once: all but what moves all the time."""
    kept = control_pb2.PodStatus(epoch=status.epoch, document_digest=status.document_digest, code_hash=status.code_hash)
    if status.HasField("strategy"):
        s = status.strategy
        kept.strategy.CopyFrom(
            control_pb2.StrategyStatus(
                phase=s.phase, reason=s.reason, message=s.message, policy_hash=s.policy_hash,
                envelope_hash=s.envelope_hash, session_id=s.session_id, kill_state=s.kill_state,
                latched_by=s.latched_by, acknowledged=s.acknowledged, broker_linked=s.broker_linked,
                feed_connected=s.feed_connected, digests=s.digests, notes=s.notes,
            )
        )  # fmt: skip
    if status.HasField("feed"):
        f = status.feed
        kept.feed.CopyFrom(
            control_pb2.FeedStatus(
                phase=f.phase, reason=f.reason, message=f.message, active_source=f.active_source, digest=f.digest,
                subscribers=f.subscribers,
            )
        )  # fmt: skip
    if status.HasField("broker"):
        b = status.broker
        kept.broker.CopyFrom(
            control_pb2.BrokerStatus(
                phase=b.phase, reason=b.reason, message=b.message, sessions=b.sessions, breaks=b.breaks,
                latched_by=b.latched_by,
            )
        )  # fmt: skip
    return kept.SerializeToString(deterministic=True)


def _fault_of(request: control_pb2.ApplyRequest) -> str:
    """Return what is wrong with a request, whatever the pod is; empty when nothing is."""
    policy = request.policy
    if policy.schema != SCHEMA:
        return f"policy.schema: {policy.schema}; this pod reads {SCHEMA}: run operator and runtime of near versions"
    if not 0 < len(policy.document) <= MAX_DOCUMENT_BYTES:
        return f"policy.document: {len(policy.document)} bytes; send 1 to {MAX_DOCUMENT_BYTES}"
    if digest_of(policy.document) != policy.document_digest:
        return "policy.document_digest: not that of policy.document; send both from one rendering"
    return ""
