"""Parse Binance USD-M futures market data, recorded or live.

A recorded line is `local_receive_ns {json}`; the JSON is the venue's combined-stream envelope
`{"stream": ..., "data": {...}}` or the reply of the REST depth snapshot. Field meanings: the venue's
public "USD-M Futures WebSocket Market Streams" and "Order Book" documentation.

Rows made: bookTicker -> QUOTE (venue_seq u); trade -> TRADE (venue_seq t, side of the aggressor);
depth -> one DEPTH row a level (venue_seq u); depth snapshot -> DEPTH rows flagged SNAPSHOT, which
replace the book; a break of the depth chain or of the trade numbers -> a GAP row before.
ts_event is the venue's transaction time T, given in ms.
"""

import json
from collections import deque
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from alphatrade_runtime.market.faults import RowFault
from alphatrade_runtime.market.importers.row_buffer import Levels, RowBuffer
from alphatrade_runtime.market.instrument import Instrument, to_units
from alphatrade_runtime.market.schema import Flag, Kind

_MS = 1_000_000
_MEMORY = 1 << 17
_RECENT_UPDATES = 1024
_MIN_NS, _MAX_NS = 10**18, 4 * 10**18  # 2001 to 2096: tells ns from us, ms and s
_MIN_MS, _MAX_MS = _MIN_NS // _MS, _MAX_NS // _MS
_QUOTE, _TRADE, _DEPTH, _GAP = int(Kind.QUOTE), int(Kind.TRADE), int(Kind.DEPTH), int(Kind.GAP)
_SNAPSHOT, _BUYER_MAKER = int(Flag.SNAPSHOT), int(Flag.BUYER_MAKER)


class Units(dict[str, int]):
    """Decimal text to whole units, exact, remembered: the same few thousand texts come again and again."""

    def __init__(self, unit: Decimal, name: str) -> None:
        super().__init__()
        self._unit, self._name = unit, name

    def __missing__(self, text: str) -> int:
        if not isinstance(text, str):
            raise RowFault("not_a_number", f"{str(text)[:40]!r} is no decimal in quotes")
        units = to_units(text, self._unit, self._name)
        if len(self) >= _MEMORY:
            self.clear()
        self[text] = units
        return units


class Book:
    """What the parser remembers of one instrument."""

    def __init__(self, index: int, instrument: Instrument) -> None:
        self.index = index
        self.ticks = Units(instrument.tick_size, "tick")
        self.lots = Units(instrument.lot_size, "lot")
        self.last_trade = 0
        self.last_update = 0
        self.recent: deque[tuple[int, int, Levels]] = deque(maxlen=_RECENT_UPDATES)


class BinanceUsdmParser:
    """Turn messages into rows; a message is used whole or refused whole with a RowFault."""

    def __init__(self, instruments: Sequence[Instrument]) -> None:
        self._books = {instrument.symbol: Book(i, instrument) for i, instrument in enumerate(instruments)}
        self._handlers: dict[str, Callable[[int, int, dict[str, Any], RowBuffer], None]] = {
            "bookTicker": self._quote,
            "trade": self._trade,
            "depth": self._depth,
        }

    def parse_line(self, line: int, text: str, out: RowBuffer) -> None:
        """Parse a recorded line. Raises RowFault."""
        local, _, body = text.partition(" ")
        if not body:
            raise RowFault("not_json" if text.strip() else "blank_line", f"{text[:40]!r} is not `local_ns {{json}}`")
        self.parse(line, _receive_ns(local), body, out)

    def parse(self, line: int, init_ns: int, body: str, out: RowBuffer) -> None:
        """Parse a message that was received at init_ns; line is its number in the source. Raises RowFault."""
        try:
            message = json.loads(body)
        except (ValueError, RecursionError):
            raise RowFault("not_json", f"{body[:40]!r} is no JSON") from None
        if type(message) is not dict:
            raise RowFault("not_json", f"{body[:40]!r} is no JSON object")
        try:
            self._dispatch(line, init_ns, message, out)
        except KeyError as error:
            raise RowFault("missing_field", f"field {error.args[0]!r} is missing") from None
        except (TypeError, AttributeError, ValueError) as error:
            if isinstance(error, RowFault):
                raise
            raise RowFault("missing_field", f"a field has another type ({error})") from None

    def _dispatch(self, line: int, init_ns: int, message: dict[str, Any], out: RowBuffer) -> None:
        stream = message.get("stream")
        if stream is not None:
            handler = self._handlers.get(stream.split("@")[1] if "@" in stream else stream)
            if handler is None:
                raise RowFault("unknown_stream", f"stream {stream[:60]!r} is none of bookTicker, trade, depth")
            handler(line, init_ns, message["data"], out)
        elif "lastUpdateId" in message:
            self._snapshot(line, init_ns, message, out)
        elif "result" in message or "id" in message:
            raise RowFault("not_market_data", "a reply to a request")
        else:
            raise RowFault("unknown_stream", "the message has neither `stream` nor `lastUpdateId`")

    def _book(self, data: dict[str, Any]) -> Book:
        book = self._books.get(data["s"])
        if book is None:
            raise RowFault("unknown_instrument", f"symbol {str(data['s'])[:20]!r} is not among {sorted(self._books)}")
        return book

    def _quote(self, line: int, init_ns: int, data: dict[str, Any], out: RowBuffer) -> None:
        book = self._book(data)
        ticks, lots = book.ticks, book.lots
        bid, ask, bid_size, ask_size = ticks[data["b"]], ticks[data["a"]], lots[data["B"]], lots[data["A"]]
        event_ns, number = _event_ns(data), _number(data, "u")
        out.add(line, event_ns, init_ns, book.index, _QUOTE, 0, 0, 0, bid, ask, bid_size, ask_size, number, 0)

    def _trade(self, line: int, init_ns: int, data: dict[str, Any], out: RowBuffer) -> None:
        book = self._book(data)
        event_ns, number, index = _event_ns(data), _number(data, "t"), book.index
        missing = number - book.last_trade - 1 if book.last_trade else 0
        if data.get("X", "MARKET") != "MARKET":
            book.last_trade = number
            raise RowFault("off_book_trade", f"X is {str(data['X'])[:20]!r}")
        price, size, maker = book.ticks[data["p"]], book.lots[data["q"]], data["m"]
        if type(maker) is not bool:
            raise RowFault("missing_field", f"m is {str(maker)[:20]!r}, neither true nor false")
        side, flags = (-1, _BUYER_MAKER) if maker else (1, 0)
        if missing > 0:
            out.add(line, event_ns, init_ns, index, _GAP, 0, 0, missing, 0, 0, 0, 0, 0, 0)
        out.add(line, event_ns, init_ns, index, _TRADE, side, price, size, 0, 0, 0, 0, number, flags)
        book.last_trade = max(number, book.last_trade)

    def _depth(self, line: int, init_ns: int, data: dict[str, Any], out: RowBuffer) -> None:
        book = self._book(data)
        event_ns, index = _event_ns(data), book.index
        first, number, previous = _number(data, "U"), _number(data, "u"), _number(data, "pu")
        levels = _levels(book, data["b"], data["a"])
        if book.last_update and previous > book.last_update:
            out.add(line, event_ns, init_ns, index, _GAP, 0, 0, 0, 0, 0, 0, 0, 0, 0)
        out.add_levels(line, (event_ns, init_ns), index, _DEPTH, levels, number, 0)
        if number > book.last_update:
            book.last_update = number
            book.recent.append((first, number, levels))

    def _snapshot(self, line: int, init_ns: int, data: dict[str, Any], out: RowBuffer) -> None:
        """Add the snapshot brought up to date: updates received before it may be newer than it is.

        Source: "How to manage a local order book correctly", the venue's documentation.
        """
        if len(self._books) != 1:
            raise RowFault("unknown_instrument", "a depth snapshot names no symbol; import one symbol a file")
        (book,) = self._books.values()
        number, event_ns = _number(data, "lastUpdateId"), _event_ns(data)
        levels = _merge(_levels(book, data["bids"], data["asks"]), [u for u in book.recent if u[1] > number])
        number = max(number, book.last_update)
        out.add_levels(line, (event_ns, init_ns), book.index, _DEPTH, levels, number, _SNAPSHOT)
        book.last_update = number


def _levels(book: Book, bids: list[list[str]], asks: list[list[str]]) -> Levels:
    ticks, lots = book.ticks, book.lots
    prices = [ticks[price] for price, _ in bids] + [ticks[price] for price, _ in asks]
    sizes = [lots[size] for _, size in bids] + [lots[size] for _, size in asks]
    return [1] * len(bids) + [-1] * len(asks), prices, sizes


def _merge(levels: Levels, updates: list[tuple[int, int, Levels]]) -> Levels:
    """Apply later updates to a snapshot's levels; levels that they empty go away."""
    if not updates:
        return levels
    book = {(side, price): size for side, price, size in zip(*levels, strict=True)}
    for _, _, update in updates:
        book.update({(side, price): size for side, price, size in zip(*update, strict=True)})
    kept = sorted(
        (level for level in book.items() if level[1]), key=lambda level: (-level[0][0], -level[0][0] * level[0][1])
    )
    return [side for (side, _), _ in kept], [price for (_, price), _ in kept], [size for _, size in kept]


def _receive_ns(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise RowFault("not_json", f"{text[:40]!r} is no receive time in ns; lines are `local_ns {{json}}`")
    ns = int(text[:25])
    if not _MIN_NS <= ns < _MAX_NS:
        raise RowFault("not_a_number", f"receive time {text[:25]} is not in ns since 1970")
    return ns


def _event_ns(data: dict[str, Any]) -> int:
    ms = data["T"]
    if type(ms) is not int or not _MIN_MS <= ms < _MAX_MS:
        raise RowFault("not_a_number", f"T {str(ms)[:40]} is not in ms since 1970")
    return ms * _MS


def _number(data: dict[str, Any], name: str) -> int:
    number = data[name]
    if type(number) is not int or not 0 < number < 2**62:
        raise RowFault("not_a_number", f"{name} {str(number)[:40]} is no sequence number")
    return number
