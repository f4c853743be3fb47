"""Accounts and seats for tests: a session document's own envelope as the account's law, unless it is changed."""

from dataclasses import replace

import numpy as np

from alphatrade_runtime.execution.broker.account import Account
from alphatrade_runtime.execution.broker.account_state import quanta
from alphatrade_runtime.execution.broker.stepped_exchange import SteppedExchange
from alphatrade_runtime.market.calendar import Calendar
from alphatrade_runtime.market.orders import COMMAND_DTYPE, Command, Report, TimeInForce
from alphatrade_runtime.policy.document import parse_session
from unit.execution.stepped_runs import exchange_of
from unit.risk.law_session import MID, START_NS, STEP_NS, TapeByHand, session, targets


def law_of(document, **limits):
    envelope = parse_session(document).policy.envelope
    return replace(envelope, limits=replace(envelope.limits, **limits))


def account_of(document, store=None, law=None, **limits):
    session = parse_session(document)
    account = Account(quanta(session.policy.initial_cash, "cash"), store, wall_ns=lambda: 1)
    account.put_law(law if law is not None else law_of(document, **limits))
    return account


def seat_of(account, document, rows, key="st/run"):
    session = parse_session(document)
    seat = account.seat(key, session.policy.envelope.instruments, funding=session.funding_model == "tape")
    first, last = int(rows.ts_init_ns[0]), int(rows.ts_init_ns[-1])
    seat.set_calendar(Calendar.load(session.policy.envelope.calendar, first, last))
    seat.turn(True)
    return seat


def order(
    order_id, ts_ns, *, side=1, price=10_000, qty=10, command=Command.NEW, instrument=0, tif=TimeInForce.IOC, **more
):
    made = np.zeros(1, COMMAND_DTYPE)
    row = made[0]
    row["order_id"], row["ts_ns"], row["side"], row["price"], row["qty"] = order_id, ts_ns, side, price, qty
    row["command"], row["instrument"], row["tif"] = int(command), instrument, int(tif)
    for name, value in more.items():
        row[name] = value
    return made


def told(reports):
    """Return (type, order id, reason) of each report."""
    return [(Report(int(r["type"])).name, int(r["order_id"]), int(r["reason"])) for r in reports]


class Desk:
    """An account with sessions of one instrument over a tape by hand, quotes a tick around MID unless told."""

    def __init__(self, tape=None, store=None, law=None, **limits):
        self.document = session(targets((1, 1.0)))
        self.rows = (tape or TapeByHand().quotes(100)).rows()
        self.account = account_of(self.document, store, law, **limits)
        self.exchanges: dict[str, SteppedExchange] = {}
        self.ids = 0

    def open(self, key="st/a", log=None):
        seat = seat_of(self.account, self.document, self.rows, key)
        self.exchanges[key] = exchange_of(self.document, self.rows, log, seat=seat)
        return self.exchanges[key]

    def send(self, at, *, key="st/a", **terms):
        """Send one order that arrives behind row `at`; return what is told by then."""
        exchange = self.exchanges.get(key) or self.open(key)
        self.ids += 1
        ts_ns = START_NS + at * STEP_NS
        exchange.submit(order(terms.pop("order_id", self.ids), ts_ns, **{"price": MID + 1, **terms}))
        return told(exchange.advance(ts_ns))
