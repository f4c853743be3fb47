"""The Broker service: one thread a call; orders of a session in real time are taken by the thread that reads them."""

import threading
from collections.abc import Iterator

import grpc

from alphatrade.mtls import peer_identity
from alphatrade.v1 import broker_pb2, broker_pb2_grpc
from alphatrade.v1.broker_pb2 import Logon, ReconcileRequest, ReconcileResponse, TradeRequest, TradeResponse
from alphatrade_runtime.service.broker.link import Link
from alphatrade_runtime.service.broker.refusal import Refused
from alphatrade_runtime.service.broker.session import OrderSession
from alphatrade_runtime.service.broker.sessions import Sessions
from alphatrade_runtime.service.transport.ending import Ending, ending_of
from alphatrade_runtime.service.transport.server import Service

TRADERS = frozenset({"strategy"})
READERS = frozenset({"strategy", "operator", "client"})


class BrokerService(broker_pb2_grpc.BrokerServicer):
    """Trade and Reconcile."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def Trade(self, request_iterator: Iterator[TradeRequest], context: grpc.ServicerContext) -> Iterator[TradeResponse]:
        """Serve one link until it ends; what ends it is told as `Reason: words`."""
        ending = ending_of(context)
        link = Link(ending)
        try:
            session, first = self._sessions.log_on(
                peer_identity(context) or "", _logon(request_iterator), link
            )  # fmt: skip
        except Refused as refused:
            context.abort(refused.code, str(refused))
            raise AssertionError("abort raises") from refused
        if not context.add_callback(lambda: session.let_go(link)):
            session.let_go(link)  # the call has ended already
        try:
            yield from first
            if session.facts.stream:
                yield from _on_the_streams_clock(session, link, request_iterator, ending, context)
            else:
                yield from _in_real_time(session, link, request_iterator)
        except Refused as refused:
            context.abort(refused.code, str(refused))
        finally:
            session.let_go(link)

    def Reconcile(self, request: ReconcileRequest, context: grpc.ServicerContext) -> ReconcileResponse:
        """Tell the account's books, all sessions together."""
        totals = self._sessions.account.totals()
        return ReconcileResponse(
            cash=totals.cash,
            nav=totals.nav,
            positions=totals.positions,
            working=totals.working,
            commands=totals.commands,
            reports=self._sessions.reports(),
            latched_reason=totals.latched_reason,
        )


def _logon(requests: Iterator[TradeRequest]) -> Logon:
    try:
        request = next(requests, None)
    except grpc.RpcError:
        request = None  # the call has ended
    if request is None or request.WhichOneof("request") != "logon":
        raise Refused(grpc.StatusCode.INVALID_ARGUMENT, "LogonMissing", "the first request must be logon")
    return request.logon


def _on_the_streams_clock(
    session: OrderSession,
    link: Link,
    requests: Iterator[TradeRequest],
    ending: Ending,
    context: grpc.ServicerContext,
) -> Iterator[TradeResponse]:
    """Answer one request after the other: nothing happens at this venue that its client does not ask for."""
    idle = threading.Event()
    idle.set()
    ending.on_asked(lambda: context.cancel() if idle.is_set() else None)  # type: ignore[no-untyped-call]
    try:
        for request in requests:
            idle.clear()
            yield from session.handle(link, request)
            link.heed()
            idle.set()
    except grpc.RpcError:
        return  # the call has ended


def _in_real_time(session: OrderSession, link: Link, requests: Iterator[TradeRequest]) -> Iterator[TradeResponse]:
    """Send what falls due; requests are read, and obeyed at once, in a thread of their own."""
    threading.Thread(target=_read, args=(session, link, requests), name="orders", daemon=True).start()
    while not link.ended:
        yield from link.waiting(session.wait_s())
        link.heed()
        with session.lock:
            if session.link is link:
                link.put(session.tick())


def _read(session: OrderSession, link: Link, requests: Iterator[TradeRequest]) -> None:
    try:
        for request in requests:
            with session.lock:  # so that reports leave in the order of their numbers
                link.put(session.handle(link, request))
                link.put(session.tick())
            link.wake()  # there may be something due earlier than before
    except Refused as refused:
        link.fail(refused)
    except grpc.RpcError:
        pass  # the call has ended
    finally:
        link.close()


def broker_service(sessions: Sessions) -> Service:
    """Return the service to offer on a server."""
    servicer = BrokerService(sessions)
    return Service(
        broker_pb2.DESCRIPTOR.services_by_name["Broker"],
        lambda server: broker_pb2_grpc.add_BrokerServicer_to_server(servicer, server),
        TRADERS,
        {"Reconcile": READERS},
    )
