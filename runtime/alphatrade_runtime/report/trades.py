"""Closed trades out of fills: flat or flip to the next flat or flip. Exact integers throughout."""

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.report.run_data import Columns

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class ClosedTrades:
    """Columns (n,) int64, by closing time. Money in quanta, lots signed by nothing: `side` is the position's.

    entry_value and exit_value are price * lots * mult sums; gross = side * (exit_value - entry_value);
    fees > 0 is paid.  slippage: what fills cost against the mid when their order left, > 0 is a cost.
    """

    instrument: Ints
    side: Ints
    opened_ns: Ints
    closed_ns: Ints
    fills: Ints
    lots: Ints
    entry_value: Ints
    exit_value: Ints
    gross: Ints
    fees: Ints
    slippage: Ints
    topology: Ints

    def __len__(self) -> int:
        return len(self.side)

    @property
    def net(self) -> Ints:
        """Gross minus fees."""
        return self.gross - self.fees


def closed_trades(fills: Columns, slippage: Ints, mults: Ints) -> ClosedTrades:
    """Pair the fills of every instrument. slippage: (n,) quanta a fill."""
    parts = [_of_instrument(_take(fills, slippage, i), int(mults[i]), i) for i in range(len(mults))]
    joined = [np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(ClosedTrades)]
    order = np.lexsort((joined[0], joined[3]))
    return ClosedTrades(*(column[order] for column in joined))


def open_trades(fills: Columns, instruments: int) -> int:
    """Count the instruments whose last fill left a position."""
    last = {int(i): int(p) for i, p in zip(fills["instrument"], fills["position_after"])}
    return sum(last.get(i, 0) != 0 for i in range(instruments))


@dataclass(frozen=True)
class _Legs:
    """Fills of one instrument; one that flips the position is split in its closing and its opening leg."""

    ts: Ints
    side: Ints
    price: Ints
    lots: Ints
    fee: Ints
    slippage: Ints
    topology: Ints
    after: Ints


def _take(fills: Columns, slippage: Ints, i: int) -> _Legs:
    rows = fills["instrument"] == i
    names = {"ts": "ts_ns", "side": "side", "price": "price", "lots": "qty", "fee": "fee", "topology": "topology",
             "after": "position_after"}  # fmt: skip
    columns = {ours: fills[theirs][rows].astype(np.int64) for ours, theirs in names.items()}
    return _split_flips(_Legs(slippage=slippage[rows], **columns))


def _split_flips(legs: _Legs) -> _Legs:
    before = legs.after - legs.side * legs.lots
    flips = before * np.sign(legs.after) < 0
    twice = np.repeat(np.arange(len(flips)), 1 + flips)
    opening = np.zeros(len(twice), bool)
    opening[1:] = twice[1:] == twice[:-1]
    closing = np.zeros(len(twice), bool)
    closing[:-1] = opening[1:]
    parts = {f.name: getattr(legs, f.name)[twice] for f in fields(_Legs)}
    whole = parts["lots"]
    lots = np.where(opening, np.abs(parts["after"]), np.where(closing, np.abs(before[twice]), whole))
    for name in ("fee", "slippage"):  # the closing leg takes its share, the opening leg the rest: nothing is lost
        of_closing = _share(parts[name], np.abs(before[twice]), whole)
        parts[name] = np.where(closing, of_closing, np.where(opening, parts[name] - of_closing, parts[name]))
    return _Legs(**{**parts, "lots": lots, "after": np.where(closing, 0, parts["after"])})


def _share(amount: Ints, part: Ints, whole: Ints) -> Ints:
    """Return amount * part / whole rounded down, without the product's overflow."""
    safe = np.maximum(whole, 1)
    quotient, rest = np.divmod(amount, safe)
    return np.asarray(quotient * part + rest * part // safe, np.int64)


def _of_instrument(legs: _Legs, mult: int, i: int) -> ClosedTrades:
    flat = legs.after == 0
    starts = np.concatenate([[True], flat[:-1]]) if len(flat) else flat
    number = np.cumsum(starts) - 1
    closed = int(flat.sum())
    carried_in = bool(len(legs.after)) and int(legs.after[0] - legs.side[0] * legs.lots[0]) != 0
    keep = (number < closed) & ((number > 0) if carried_in else True)
    return _group(_Legs(*(getattr(legs, f.name)[keep] for f in fields(_Legs))), starts[keep], mult, i)


def _group(legs: _Legs, starts: npt.NDArray[np.bool_], mult: int, i: int) -> ClosedTrades:
    first = np.flatnonzero(starts)
    if len(first) == 0:
        return ClosedTrades(*(np.zeros(0, np.int64) for _ in fields(ClosedTrades)))
    last = np.concatenate([first[1:], [len(starts)]]) - 1
    side = legs.side[first]
    opening = legs.side == np.repeat(side, np.diff(np.concatenate([first, [len(starts)]])))
    value = legs.price * legs.lots * mult

    def total(amounts: Ints) -> Ints:
        return np.asarray(np.add.reduceat(amounts, first), np.int64)

    entry_value, exit_value = total(np.where(opening, value, 0)), total(np.where(opening, 0, value))
    return ClosedTrades(
        instrument=np.full(len(first), i, np.int64),
        side=side,
        opened_ns=legs.ts[first],
        closed_ns=legs.ts[last],
        fills=total(np.ones(len(value), np.int64)),
        lots=total(np.where(opening, legs.lots, 0)),
        entry_value=entry_value,
        exit_value=exit_value,
        gross=side * (exit_value - entry_value),
        fees=total(legs.fee),
        slippage=total(legs.slippage),
        topology=legs.topology[first],
    )
