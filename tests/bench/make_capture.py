"""A seeded capture in the venue's wire format, for P2 where no recorded one is at hand. It is simulated.

One instrument, tick 0.1, lot 0.001: sizes shrink by trades and cancels, an emptied level moves the
touch, a wide spread closes, a sweep trades through several ticks. The venue's clock is in
milliseconds and runs SKEW_NS ahead of the receiver's, and streams overtake each other by a
millisecond now and then, as in a recorded capture. Integer arithmetic only.
"""

import gzip
from collections.abc import Iterator
from pathlib import Path

from bench.make_tape import START_NS, draws

SEED = 77
SKEW_NS = 1_250_000_000
GAP_NS = 12_000_000
START_BID_TICKS = 600_000
MS = 1_000_000
_FIELDS = 8
_DRAW_BOUND = 1 << 30

Draw = list[int]
Event = tuple[str, int, int, int]  # kind, then for a trade: side, price, size


class Touch:
    """The best bid and ask (ticks) and their sizes (lots), moved by draws."""

    def __init__(self) -> None:
        self.bid, self.ask = START_BID_TICKS, START_BID_TICKS + 1
        self.size = {1: 40, -1: 40}  # by side of the book: +1 bid, -1 ask

    def advance(self, draw: Draw) -> Iterator[Event]:
        """Yield the messages of one moment: trades first, then the new touch."""
        what, side = draw[0] % 100, 1 if draw[1] % 2 else -1
        if self.ask - self.bid > 1 and what < 70:
            self._improve(side, 1 + draw[3] % 60)
        elif what < 40:
            yield from self._trade(side, 1 + draw[2] % 30, draw)
        elif what < 44:
            yield from self._sweep(side, 2 + draw[2] % 4, draw)
        else:
            self.size[side] = max(1, self.size[side] + draw[3] % 41 - 20)
        yield ("quote", 0, 0, 0)

    def _trade(self, aggressor: int, lots: int, draw: Draw) -> Iterator[Event]:
        taken = min(lots, self.size[-aggressor])
        yield ("trade", aggressor, self.ask if aggressor > 0 else self.bid, taken)
        self.size[-aggressor] -= taken
        if self.size[-aggressor] == 0:
            self._retreat(-aggressor, 1, 1 + draw[4] % 60)

    def _sweep(self, aggressor: int, levels: int, draw: Draw) -> Iterator[Event]:
        touch = self.ask if aggressor > 0 else self.bid
        for level in range(levels):
            yield ("trade", aggressor, touch + aggressor * level, 1 + draw[5] % 9 + level)
        self._retreat(-aggressor, levels, 1 + draw[4] % 60)

    def _retreat(self, side: int, ticks: int, lots: int) -> None:
        if side > 0:
            self.bid -= ticks
        else:
            self.ask += ticks
        self.size[side] = lots

    def _improve(self, side: int, lots: int) -> None:
        if side > 0:
            self.bid += 1
        else:
            self.ask -= 1
        self.size[side] = lots


def _price(ticks: int) -> str:
    return f"{ticks // 10}.{ticks % 10}0"


def _lots(lots: int) -> str:
    return f"{lots // 1000}.{lots % 1000:03d}"


def _message(touch: Touch, event: Event, ms: int, count: int) -> str:
    kind, side, price, size = event
    if kind == "trade":
        maker = "false" if side > 0 else "true"
        return (
            f'{{"stream":"btcusdt@trade","data":{{"e":"trade","E":{ms},"T":{ms},"s":"BTCUSDT","t":{count},'
            f'"p":"{_price(price)}","q":"{_lots(size)}","X":"MARKET","m":{maker}}}}}'
        )
    return (
        f'{{"stream":"btcusdt@bookTicker","data":{{"e":"bookTicker","u":{count},"s":"BTCUSDT",'
        f'"b":"{_price(touch.bid)}","B":"{_lots(touch.size[1])}","a":"{_price(touch.ask)}",'
        f'"A":"{_lots(touch.size[-1])}","T":{ms},"E":{ms}}}}}'
    )


def capture_lines(moments: int, seed: int = SEED) -> Iterator[str]:
    """Yield the lines of a capture of `moments` changes, GAP_NS apart on average."""
    table = [draws(seed, stream, moments, _DRAW_BOUND).tolist() for stream in range(_FIELDS)]
    touch, venue_ns, counts = Touch(), START_NS, {"quote": 1_000, "trade": 1_000}
    for draw in zip(*table, strict=True):
        venue_ns += 1 + draw[6] % (2 * GAP_NS)
        local_ns = venue_ns - SKEW_NS + 1 + draw[7] % (3 * MS)
        for event in touch.advance(list(draw)):
            counts[event[0]] += 1
            overtaken = event[0] == "quote" and draw[7] % 20 == 0
            yield f"{local_ns} {_message(touch, event, venue_ns // MS - overtaken, counts[event[0]])}"
            local_ns += 1_000 + draw[5] % 5_000
        venue_ns = max(venue_ns, local_ns + SKEW_NS)


def write_capture(path: Path, moments: int, seed: int = SEED) -> None:
    """Write the capture as gzip with no name and no time inside: the same bytes each time."""
    text = "\n".join(capture_lines(moments, seed)) + "\n"
    with path.open("wb") as raw, gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as file:
        file.write(text.encode())
