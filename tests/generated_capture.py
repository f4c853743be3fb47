"""Make a small seeded capture in the wire format of Binance USD-M futures.

An order book with queues at each price, trades that eat them, quotes and depth updates that follow,
one depth snapshot, and a recorder whose clock is 1.2 s behind the venue's. Simulated, for tests.
"""

import gzip
import json
import os
import random
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

SYMBOL = "BTCUSDT"
START_MS = 1_723_161_256_000
RECORDER_BEHIND_NS = 1_200_000_000
DEPTH_EVERY_MS = 50
SNAPSHOT_AFTER_MS = 500
LEVELS = 40


class GeneratedBook:
    """A limit order book in ticks of 0.1 and lots of 0.001 that random orders act on."""

    def __init__(self, seed: int, mid_ticks: int) -> None:
        self._random = random.Random(seed)
        self.sides = {
            1: {mid_ticks - i: self._queue() for i in range(1, LEVELS)},
            -1: {mid_ticks + i: self._queue() for i in range(1, LEVELS)},
        }
        self.changed: set[tuple[int, int]] = set()
        self.now_us = 0
        self.update_id = 5_000_000_000_000

    def _queue(self) -> int:
        return 20 + int(self._random.random() ** 2 * 2_000)

    def best(self, side: int) -> int:
        return max(self.sides[1]) if side == 1 else min(self.sides[-1])

    def advance(self) -> None:
        """Let time pass to the next order: bursts of microseconds, lulls of tens of milliseconds."""
        lull = self._random.random() < 0.3
        self.now_us += int(self._random.expovariate(1 / 12_000 if lull else 1 / 600)) + 1

    def act(self) -> list[tuple[int, int, int]]:
        """Let one order act; returns its trades as (aggressor side, price, lots)."""
        self.update_id += 1 + int(self._random.random() * 800)
        wave = (self.now_us // 1_000) % 40_000
        drift = 0.12 * (1 - abs(wave - 20_000) / 10_000)  # a triangle of 40 s: trends up, then down
        wide = self.best(-1) - self.best(1) > 1  # takers wait while the spread is wide
        if self._random.random() < (0.05 if wide else 0.35):
            return self._market(1 if self._random.random() < 0.5 + drift else -1)
        side = 1 if self._random.random() < 0.5 + drift / 2 else -1
        if self._random.random() < (0.9 if wide else 0.55):
            self._limit(side)
        else:
            self._cancel(-side)
        return []

    def _limit(self, side: int) -> None:
        best, other = self.best(side), self.best(-side)
        price = best - side * int(self._random.expovariate(0.5))
        if (other - best) * side > 1 and self._random.random() < 0.9:
            price = best + side
        self._set(side, price, self.sides[side].get(price, 0) + 1 + int(self._random.random() ** 2 * 800))

    def _cancel(self, side: int) -> None:
        price = self.best(side) - side * int(self._random.expovariate(0.5))
        size = self.sides[side].get(price, 0)
        if size:
            self._set(side, price, size - int(size * self._random.random() * 0.6))

    def _market(self, side: int) -> list[tuple[int, int, int]]:
        wanted = 1 + int(self._random.random() ** 5 * 1_500)
        trades: list[tuple[int, int, int]] = []
        while wanted and len(trades) < 5:
            price = self.best(-side)
            front = self.sides[-side][price]
            lots = min(front, wanted)
            trades.append((side, price, lots))
            self._set(-side, price, front - lots)
            wanted -= lots
        return trades

    def _set(self, side: int, price: int, size: int) -> None:
        book = self.sides[side]
        if size == 0 and len(book) > 1:
            book.pop(price, None)
        else:
            book[price] = max(size, 1)
        self.changed.add((side, price))
        edge = min(self.sides[1]) if side == 1 else max(self.sides[-1])
        if len(book) < LEVELS // 2:  # the deep book is endless
            self._set(side, edge - side, self._queue())

    def top(self) -> tuple[int, int, int, int]:
        bid, ask = self.best(1), self.best(-1)
        return bid, self.sides[1][bid], ask, self.sides[-1][ask]


def capture_lines(lines: int = 20_000, seed: int = 7, symbol: str = SYMBOL, mid_ticks: int = 618_000) -> Iterator[str]:
    """Yield lines `local_receive_ns {json}`; the same for the same arguments."""
    yield from islice(_recorded(seed, symbol, mid_ticks), lines)


def _recorded(seed: int, symbol: str, mid_ticks: int) -> Iterator[str]:
    """Stamp messages with a receive time: latency of 1 to 30 ms, never backwards."""
    jitter, last_ns = random.Random(seed + 1), 0
    for venue_us, message in _messages(seed, symbol, mid_ticks):
        latency_ns = 1_000_000 + int(jitter.random() ** 6 * 30_000_000)
        local_ns = START_MS * 1_000_000 + venue_us * 1_000 + latency_ns - RECORDER_BEHIND_NS
        last_ns = max(local_ns, last_ns + 100)
        yield f"{last_ns} {json.dumps(message, separators=(',', ':'))}"


def _messages(seed: int, symbol: str, mid_ticks: int) -> Iterator[tuple[int, dict[str, Any]]]:
    book, trade_id, top = GeneratedBook(seed, mid_ticks), 5_266_583_934, (0, 0, 0, 0)
    next_depth_us, last_update, snapshot_due = DEPTH_EVERY_MS * 1_000, book.update_id, True
    while True:
        book.advance()
        stamp = {"E": START_MS + book.now_us // 1_000, "T": START_MS + book.now_us // 1_000}
        for side, price, lots in book.act():
            trade_id += 1
            data = {"e": "trade", **stamp, "s": symbol, "t": trade_id, "p": _price(price), "q": _size(lots)}
            yield book.now_us, _envelope(symbol, "trade", {**data, "X": "MARKET", "m": side < 0})
        if book.top() != top:
            top = bid, bid_size, ask, ask_size = book.top()
            best = {"b": _price(bid), "B": _size(bid_size), "a": _price(ask), "A": _size(ask_size)}
            data = {"e": "bookTicker", "u": book.update_id, "s": symbol, **best, **stamp}
            yield book.now_us, _envelope(symbol, "bookTicker", data)
        if book.now_us >= next_depth_us:
            yield book.now_us, _envelope(symbol, "depth@0ms", _depth(book, symbol, stamp, last_update))
            next_depth_us, last_update = book.now_us + DEPTH_EVERY_MS * 1_000, book.update_id
            if snapshot_due and book.now_us > SNAPSHOT_AFTER_MS * 1_000:
                snapshot_due = False
                yield book.now_us, _snapshot(book, stamp)


def _envelope(symbol: str, stream: str, data: dict[str, Any]) -> dict[str, Any]:
    return {"stream": f"{symbol.lower()}@{stream}", "data": data}


def _depth(book: GeneratedBook, symbol: str, stamp: dict[str, int], last_update: int) -> dict[str, Any]:
    levels: dict[int, list[list[str]]] = {1: [], -1: []}
    for side, price in sorted(book.changed):
        levels[side].append([_price(price), _size(book.sides[side].get(price, 0))])
    book.changed.clear()
    ids = {"U": last_update + 1, "u": book.update_id, "pu": last_update}
    return {"e": "depthUpdate", **stamp, "s": symbol, **ids, "b": levels[1], "a": levels[-1]}


def _snapshot(book: GeneratedBook, stamp: dict[str, int]) -> dict[str, Any]:
    sides = {
        name: [[_price(price), _size(size)] for price, size in sorted(book.sides[side].items(), reverse=side == 1)]
        for name, side in (("bids", 1), ("asks", -1))
    }
    return {"lastUpdateId": book.update_id, **stamp, **sides}


def _price(ticks: int) -> str:
    return f"{ticks // 10}.{ticks % 10}0"


def _size(lots: int) -> str:
    return f"{lots // 1000}.{lots % 1000:03d}"


def write_capture(path: str | os.PathLike[str], lines: int = 20_000, seed: int = 7, symbol: str = SYMBOL) -> Path:
    """Write a capture; gzip when the name ends in .gz. Returns the path."""
    target = Path(path)
    text = "".join(f"{line}\n" for line in capture_lines(lines, seed, symbol)).encode()
    target.write_bytes(gzip.compress(text, mtime=0) if target.suffix == ".gz" else text)
    return target
