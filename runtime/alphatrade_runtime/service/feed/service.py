"""The MarketData service of a feed gateway."""

from collections.abc import Iterator
from typing import NamedTuple

import grpc

from alphatrade.mtls import peer_identity
from alphatrade.names import parse_identity
from alphatrade.v1 import market_pb2, market_pb2_grpc
from alphatrade.v1.market_pb2 import SubscribeRequest, SubscribeResponse, SubscribeStart
from alphatrade_runtime.loop.live_clock import ClockFacts
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.schema import Rows
from alphatrade_runtime.service.feed.cursor import Cursor, lasting_rows, position_at
from alphatrade_runtime.service.feed.gateway import Gateway, Served
from alphatrade_runtime.service.feed.pace import Clocked, Pace, Unpaced
from alphatrade_runtime.service.feed.subscription import Subscription
from alphatrade_runtime.service.transport.server import Service

CALLERS = frozenset({"strategy", "broker", "client"})
RESUME_NS = 2_000_000_000  # a subscriber back within this goes on where it was
_VIEWS = {market_pb2.MARKET_VIEW_LOCAL: False, market_pb2.MARKET_VIEW_VENUE: True}


class Begin(NamedTuple):
    """Where a subscription begins: the first row, what makes rows due, what was passed over and still matters."""

    seq: int
    pace: Pace
    lasting: Rows | None


class MarketData(market_pb2_grpc.MarketDataServicer):
    """Serve the rows of one feed to the pods of its namespace."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def Subscribe(
        self, request_iterator: Iterator[SubscribeRequest], context: grpc.ServicerContext
    ) -> Iterator[SubscribeResponse]:
        """Serve one subscriber until the end of the tape."""
        self._check_namespace(context)
        served = self._served(context)
        start = _start(request_iterator, context)
        begin = self._begin(served, start, context)
        try:
            cursor = Cursor(served.tape, _VIEWS[start.view], begin.seq)
            real_time = served.clock is not None
            subscription = Subscription(self._gateway, request_iterator, context, cursor, begin.pace, real_time)
            with self._gateway.subscribed(subscription.pending):
                yield from subscription.responses(served.facts, begin.lasting)
        except InputError as error:  # the tape was damaged under us, or cannot be cut
            context.abort(grpc.StatusCode.DATA_LOSS, str(error))

    def _check_namespace(self, context: grpc.ServicerContext) -> None:
        caller = parse_identity(peer_identity(context) or "")
        own = self._gateway.config.owner.namespace
        if caller is None or caller[0] != own:
            context.abort(grpc.StatusCode.PERMISSION_DENIED, f"this feed is for namespace {own}")

    def _served(self, context: grpc.ServicerContext) -> Served:
        served, state = self._gateway.served, self._gateway.state()
        if served is None:
            failed = state.phase == "Failed"
            code = grpc.StatusCode.FAILED_PRECONDITION if failed else grpc.StatusCode.UNAVAILABLE
            context.abort(code, f"{state.reason}: {state.message}")
        assert served is not None
        return served

    def _begin(self, served: Served, start: SubscribeStart, context: grpc.ServicerContext) -> Begin:
        rows = len(served.tape)
        if not 0 <= start.from_seq <= rows:
            context.abort(grpc.StatusCode.OUT_OF_RANGE, f"from_seq {start.from_seq}: the tape has {rows} rows")
        if served.clock is not None:
            return self._begin_now(served, served.clock, start)
        speed = served.facts.speed
        if speed == 0 or _VIEWS[start.view]:
            return Begin(start.from_seq, Unpaced(), None)
        return Begin(start.from_seq, self._paced(served, start.from_seq, speed), None)

    def _paced(self, served: Served, seq: int, speed: int) -> Pace:
        """Return a clock that shows the first row's time now."""
        first = served.tape.rows(seq, seq + 1).ts_init_ns
        origin = int(first[0]) if len(first) else served.facts.last_ts_ns
        clocks = self._gateway.clocks
        return Clocked(ClockFacts(origin, clocks.wall_ns(), speed), clocks)

    def _begin_now(self, served: Served, clock: ClockFacts, start: SubscribeStart) -> Begin:
        pace, venue_side = Clocked(clock, self._gateway.clocks), _VIEWS[start.view]
        now = pace.due_ns()
        if start.from_seq > 0 and start.from_seq >= position_at(served.tape, venue_side, now - RESUME_NS):
            return Begin(start.from_seq, pace, None)
        seq = position_at(served.tape, venue_side, now)
        passed = lasting_rows(served.tape, min(start.from_seq, seq), seq, every=start.from_seq > 0)
        return Begin(seq, pace, passed)


def _start(requests: Iterator[SubscribeRequest], context: grpc.ServicerContext) -> SubscribeStart:
    """Return the first request's start."""
    try:
        request = next(requests, None)
    except grpc.RpcError:
        request = None  # the call has ended
    if request is None or request.WhichOneof("request") != "start":
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the first request must be start")
    assert request is not None
    if request.start.view not in _VIEWS:
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, "start.view: give MARKET_VIEW_LOCAL or MARKET_VIEW_VENUE")
    return request.start


def market_data_service(gateway: Gateway) -> Service:
    """Return the service to offer on a server."""
    servicer = MarketData(gateway)
    return Service(
        market_pb2.DESCRIPTOR.services_by_name["MarketData"],
        lambda server: market_pb2_grpc.add_MarketDataServicer_to_server(servicer, server),
        CALLERS,
    )
