"""A simulated venue of one instrument to be driven call by call. Plain Python only."""

import numpy as np

from alphatrade_runtime.execution import exchange
from alphatrade_runtime.execution.venue_state import BOOK_DTYPE, PROBABILISTIC, RESTING_DTYPE, RING, VENUE_DTYPE
from alphatrade_runtime.market.orders import COMMAND_DTYPE, REPORT_DTYPE, Command, Report, TimeInForce


class Venue:
    """Best 100 / 102, 10 lots each, unless told. `take()` returns what was reported since the last call."""

    def __init__(self, *, model="risk_averse", partial=True, ticks=0, response_ns=0, quote=True, places=8):
        self.state = np.zeros(1, VENUE_DTYPE).view(np.recarray)
        self.books = np.zeros(1, BOOK_DTYPE).view(np.recarray)
        self.resting = np.zeros((1, places), RESTING_DTYPE).view(np.recarray)
        self.reports = np.zeros(RING, REPORT_DTYPE).view(np.recarray)
        self.depth = np.zeros((1, 2, ticks), np.int64)
        venue = self.state[0]
        venue.queue_model = PROBABILISTIC if model == "probabilistic" else 0
        venue.partial_fills, venue.response_latency_ns, venue.next_exec_id = partial, response_ns, 1
        self.ts = 0
        self.ids = 0
        if quote:
            self.quote()

    def _market(self):
        self.ts += 1
        return self.state[0], self.books, self.resting

    def quote(self, bid=100, ask=102, bid_size=10, ask_size=10):
        exchange.on_quote(*self._market(), self.reports, 0, bid, ask, bid_size, ask_size, self.ts)
        return self

    def trade(self, price, size, aggressor):
        exchange.on_trade(*self._market(), self.reports, 0, price, size, aggressor, self.ts)
        return self

    def level(self, side, price, size):
        exchange.on_depth(*self._market(), self.depth, 0, side, price, size)
        return self

    def bar(self, bar_open, high, low):
        exchange.on_bar(*self._market(), self.reports, 0, bar_open, high, low, self.ts, self.ts + 1)
        return self

    def status(self, status):
        exchange.on_status(self.books, 0, int(status))
        return self

    def new(self, side, price, qty, tif=TimeInForce.GTC, flags=0, order_id=None):
        self.ids += 1
        return self._command(Command.NEW, order_id or self.ids, side, price, qty, tif, flags)

    def amend(self, price, qty, order_id=None):
        return self._command(Command.AMEND, order_id or self.ids, 0, price, qty, TimeInForce.GTC, 0)

    def cancel(self, order_id=None):
        return self._command(Command.CANCEL, order_id or self.ids, 0, 0, 0, TimeInForce.GTC, 0)

    def _command(self, command, order_id, side, price, qty, tif, flags):
        sent = np.zeros(1, COMMAND_DTYPE).view(np.recarray)[0]
        sent.command, sent.order_id, sent.side, sent.price, sent.qty = int(command), order_id, side, price, qty
        sent.tif, sent.order_flags = int(tif), int(flags)
        state, books, resting = self._market()
        exchange.on_command(state, books, self.depth, resting, self.reports, sent, self.ts)
        return self

    def take(self):
        """Return (report type, price, lots, leaves or reason) of each report on its way, and forget them."""
        state = self.state[0]
        taken = []
        while state.head < state.tail:
            report = self.reports[state.head % RING]
            state.head += 1
            last = report.reason or report.leaves
            taken.append((Report(report.type).name, int(report.price), int(report.qty), int(last)))
        return taken

    def fills(self):
        return [(price, lots) for kind, price, lots, _ in self.take() if kind == "FILL"]

    def order(self, at=0):
        return self.resting[0, at]

    @property
    def front(self):
        return float(self.resting[0, 0].front)
