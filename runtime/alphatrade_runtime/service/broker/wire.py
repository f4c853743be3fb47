"""Commands and reports to and from their messages, as arrays on this side."""

from collections.abc import Iterable, Iterator

import numpy as np

from alphatrade.v1 import broker_pb2
from alphatrade.v1.broker_pb2 import Books, ExecutionReport, ExecutionReports, Order, Orders, WorkingOrder
from alphatrade_runtime.execution.broker.contract import Commands, Reports, VenueState, Working
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.orders import (
    COMMAND_DTYPE,
    REPORT_DTYPE,
    Command,
    OrderFlag,
    Purpose,
    TimeInForce,
)

REPORTS_A_MESSAGE = 8_192  # far below the message bound
MAX_ORDERS_A_MESSAGE = 4_096
_COMMAND = tuple(COMMAND_DTYPE.names or ())
_REPORT = tuple(REPORT_DTYPE.names or ())
_COMMANDS = frozenset(int(value) for value in Command)
_TIFS = frozenset(int(value) for value in TimeInForce)
_PURPOSES = frozenset(int(value) for value in Purpose)
_FLAGS = int(OrderFlag.POST_ONLY | OrderFlag.REDUCE_ONLY)


def to_orders(commands: Commands, first: int) -> Orders:
    """Return commands as a message. first: number of the first one."""
    return Orders(first=first, orders=[Order(**dict(zip(_COMMAND, row, strict=True))) for row in commands.tolist()])


def from_orders(orders: Orders, instruments: int) -> Commands:
    """Return the commands of a message, writable. Raises InputError that names what no order can be.

    Prices and quantities are the law's and the venue's to judge: they reject, and the session goes on.
    """
    if len(orders.orders) > MAX_ORDERS_A_MESSAGE:
        raise InputError(f"orders: {len(orders.orders)} in one message; send at most {MAX_ORDERS_A_MESSAGE}")
    commands = np.zeros(len(orders.orders), COMMAND_DTYPE)
    for k, order in enumerate(orders.orders):
        _check(order, orders.first + k, instruments)
        commands[k] = tuple(getattr(order, name) for name in _COMMAND)
    return commands


def _check(order: Order, number: int, instruments: int) -> None:
    for name, value, known in (
        ("command", order.command, order.command in _COMMANDS),
        ("instrument", order.instrument, order.instrument < instruments),
        ("side", order.side, order.side in (-1, 1)),
        ("tif", order.tif, order.tif in _TIFS),
        ("order_flags", order.order_flags, order.order_flags & ~_FLAGS == 0),
        ("purpose", order.purpose, order.purpose in _PURPOSES),
        ("topology", order.topology, order.topology <= 255),
        ("order_id", order.order_id, order.order_id > 0),
        ("ts_ns", order.ts_ns, 0 <= order.ts_ns < 1 << 62),
    ):
        if not known:
            raise InputError(f"command {number}: {name} {value} is none; nothing of this message was taken")


def to_reports(reports: Reports, first: int) -> Iterator[ExecutionReports]:
    """Yield reports as messages. first: number of the first one."""
    for start in range(0, len(reports), REPORTS_A_MESSAGE):
        rows = reports[start : start + REPORTS_A_MESSAGE].tolist()
        yield ExecutionReports(
            first=first + start, reports=[ExecutionReport(**dict(zip(_REPORT, row, strict=True))) for row in rows]
        )


def from_reports(message: ExecutionReports) -> Reports:
    """Return the reports of a message."""
    reports = np.zeros(len(message.reports), REPORT_DTYPE)
    for k, report in enumerate(message.reports):
        reports[k] = tuple(getattr(report, name) for name in _REPORT)
    return reports


def to_books(state: VenueState) -> Books:
    """Return the venue's books as a message."""
    return Books(
        reports=state.reports,
        positions=state.positions,
        working=[WorkingOrder(order_id=i, price=w.price, leaves=w.leaves) for i, w in state.working.items()],
        known=sorted(state.known),
    )


def from_books(books: Books) -> VenueState:
    """Return the venue's books of a message."""
    working = {order.order_id: Working(order.price, order.leaves) for order in books.working}
    return VenueState(books.reports, tuple(books.positions), working, frozenset(books.known))


def responses_of(reports: Reports, first: int) -> Iterable[broker_pb2.TradeResponse]:
    """Yield reports as responses."""
    for message in to_reports(reports, first):
        yield broker_pb2.TradeResponse(reports=message)
