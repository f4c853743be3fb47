"""The servicer of Decide: calls are few, each has a session of its own, and none can touch the pod's trading."""

import threading
from collections.abc import Iterator

import grpc

from alphatrade.v1 import decision_pb2, decision_pb2_grpc
from alphatrade.v1.market_pb2 import MarketEvent
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.schema import Flag, Kind
from alphatrade_runtime.policy.document import Session
from alphatrade_runtime.service.decide.events import EventFault
from alphatrade_runtime.service.decide.session import DecideSession
from alphatrade_runtime.service.transport.ending import ending_of
from alphatrade_runtime.service.transport.server import Service

MAX_CALLS = 4  # each has a state of 14 MB, more with depth, and takes its share of the pod's processor
OVERTAKEN = "alphatrade-overtaken-events"  # trailing metadata: above 0 a replay may decide differently


class DecisionService(decision_pb2_grpc.DecisionServicer):
    """Decide with the policy of a session document; orders go to a simulated exchange in the call."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._calls = threading.BoundedSemaphore(MAX_CALLS)

    def use(self, session: Session) -> None:
        """Decide by another session document, in calls that begin from now on."""
        self._session = session

    def Decide(
        self, request_iterator: Iterator[decision_pb2.DecideRequest], context: grpc.ServicerContext
    ) -> Iterator[decision_pb2.DecideResponse]:
        """Answer every LAST event, and the client's end with the rows that were still to come."""
        if not self._calls.acquire(blocking=False):
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, f"{MAX_CALLS} clients decide here already; end one")
        try:
            yield from self._decide(request_iterator, context)
        except EventFault as fault:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(fault))
        except InputError as error:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, f"this pod's policy cannot run: {error}")
        finally:
            self._calls.release()

    def _decide(
        self, requests: Iterator[decision_pb2.DecideRequest], context: grpc.ServicerContext
    ) -> Iterator[decision_pb2.DecideResponse]:
        ending = ending_of(context)
        run: DecideSession | None = None
        seq = 0
        for request in requests:
            if ending.asked:
                ending.finish()
            event = request.event
            if run is None:
                run = DecideSession(self._session, event.ts_init_ns, request.depth)
            seq = event.seq
            if run.events.add(event):
                yield from run.step(event)
        if run is not None:
            yield from run.finish(seq)
            context.set_trailing_metadata(((OVERTAKEN, str(run.overtaken)),))


def decision_service(servicer: DecisionService) -> Service:
    """Return the service for a pod's server: for clients."""
    return Service(
        decision_pb2.DESCRIPTOR.services_by_name["Decision"],
        lambda server: decision_pb2_grpc.add_DecisionServicer_to_server(servicer, server),
        frozenset({"client"}),
    )


def warm_up(session: Session) -> None:
    """Load every compiled function that a call needs, before the first one does."""
    event = MarketEvent(seq=1, ts_init_ns=1, kind=int(Kind.GAP), flags=int(Flag.LAST))
    run = DecideSession(session, event.ts_init_ns, False)
    run.events.add(event)
    list(run.step(event))
    list(run.finish(1))
