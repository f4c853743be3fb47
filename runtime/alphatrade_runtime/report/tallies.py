"""Count and add up what a run did: orders, denials, near-misses, costs, guards, by name."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.execution.topology import Topology
from alphatrade_runtime.market.orders import OrderState, Purpose
from alphatrade_runtime.reflection.records import DiaryKind
from alphatrade_runtime.report.run_data import Columns, RunData
from alphatrade_runtime.risk.codes import Code, Guard, KillState

Ints = npt.NDArray[np.int64]
_FATES = (OrderState.FILLED, OrderState.CANCELED, OrderState.EXPIRED, OrderState.REJECTED)
_FULL = 10_000  # utilisations are stored in 1e-4


@dataclass(frozen=True)
class TopologyTally:
    """Orders of one topology: how many left, how they ended, how many were denied, fills and their value."""

    name: str
    sent: int
    filled: int
    canceled: int
    expired: int
    rejected: int
    working: int
    denied: int
    fills: int
    turnover: int


@dataclass(frozen=True)
class Costs:
    """Money in quanta; > 0 is a cost. slippage: fills against the mid when their order left."""

    maker_fees: int
    taker_fees: int
    rebates: int
    funding: int
    slippage: int
    turnover: int
    maker_turnover: int


@dataclass(frozen=True)
class GuardEvent:
    """A transition that a GUARD row tells."""

    ts_ns: int
    seq: int
    what: str
    kill_state: str
    nav: int


@dataclass(frozen=True)
class InstrumentTally:
    """One instrument over the run; money in quanta, position in lots."""

    symbol: str
    orders: int
    denied: int
    fills: int
    turnover: int
    fees: int
    slippage: int
    net: int
    position: int
    closed: int
    won: int


def fill_value(run: RunData) -> Ints:
    """Value of each fill in quanta, (n,)."""
    fills = run.streams["fills"]
    return np.asarray(fills["price"] * fills["qty"] * run.mults[fills["instrument"]], np.int64)


def fill_slippage(run: RunData) -> Ints:
    """What each fill cost against the mid when its order left, in quanta, (n,); 0 when that is not known."""
    fills, orders = run.streams["fills"], run.streams["orders"]
    left = (orders["state"] == int(OrderState.IN_FLIGHT_NEW)) & (orders["ref2"] > 0)
    ids, first = np.unique(orders["order_id"][left], return_index=True)
    if len(ids) == 0:
        return np.zeros(len(fills["qty"]), np.int64)
    at = np.minimum(np.searchsorted(ids, fills["order_id"]), len(ids) - 1)
    ref2 = np.where(ids[at] == fills["order_id"], orders["ref2"][left][first][at], 2 * fills["price"])
    half = run.mults[fills["instrument"]] // 2
    return np.asarray((2 * fills["price"] - ref2) * fills["side"] * fills["qty"] * half, np.int64)


def costs(run: RunData, slippage: Ints) -> Costs:
    """Add up what trading cost."""
    fills, equity = run.streams["fills"], run.streams["equity"]
    fee, maker, value = fills["fee"], fills["maker"] != 0, fill_value(run)
    return Costs(
        maker_fees=int(fee[maker & (fee > 0)].sum()),
        taker_fees=int(fee[~maker & (fee > 0)].sum()),
        rebates=-int(fee[fee < 0].sum()),
        funding=int(equity["funding"][-1]) if len(equity["funding"]) else 0,
        slippage=int(slippage.sum()),
        turnover=int(value.sum()),
        maker_turnover=int(value[maker].sum()),
    )


def by_topology(run: RunData) -> list[TopologyTally]:
    """Tally orders by execution topology; flattening orders are a line of their own at the end."""
    orders, fills, value = run.streams["orders"], run.streams["fills"], fill_value(run)
    last = _last_rows(orders)
    lines = []
    for topology in sorted(set(orders["topology"].tolist())):
        state = last["state"][last["topology"] == topology]
        ours = fills["topology"] == topology
        ends = [int((state == int(fate)).sum()) for fate in _FATES]
        denied = int((state == int(OrderState.DENIED)).sum())
        sent = len(state) - denied
        name = name_of(Topology, topology)
        filled, canceled, expired, rejected = ends
        lines.append(
            TopologyTally(
                name, sent, filled, canceled, expired, rejected, sent - sum(ends), denied, int(ours.sum()),
                int(value[ours].sum()),
            )
        )  # fmt: skip
    return lines


def denials(run: RunData) -> list[tuple[str, int]]:
    """Denied commands by code, most first."""
    kinds = run.streams["decisions"]
    counts = np.bincount(kinds["code"][kinds["kind"] == int(DiaryKind.DENIAL)])
    return _by_size({name_of(Code, code): int(n) for code, n in enumerate(counts.tolist()) if n})


def near_misses(run: RunData) -> list[tuple[str, int]]:
    """Actions that left with a limit used at or above the near-miss level, by code, most first."""
    decisions = run.streams["decisions"]
    util = decisions["util"][decisions["kind"] == int(DiaryKind.ACTION)]
    near = ((util >= run.limits.near_miss_bps) & (util <= _FULL)).sum(axis=0) if len(util) else np.zeros(0)
    return _by_size({name_of(Code, code): int(n) for code, n in enumerate(near) if n})


def guard_events(run: RunData) -> list[GuardEvent]:
    """Every transition of the kill state and the guards, in order."""
    d = run.streams["decisions"]
    at = np.flatnonzero(d["kind"] == int(DiaryKind.GUARD))
    return [
        GuardEvent(
            int(d["event_ts_ns"][k]), int(d["seq"][k]), name_of(Guard, int(d["guard"][k])),
            name_of(KillState, int(d["kill_state"][k])), int(d["nav"][k]),
        )
        for k in at
    ]  # fmt: skip


def by_instrument(run: RunData, slippage: Ints, closed: npt.NDArray[np.int64], won: Ints) -> list[InstrumentTally]:
    """Tally instruments. closed, won: closed trades and winners by instrument index."""
    orders, fills, value = _last_rows(run.streams["orders"]), run.streams["fills"], fill_value(run)
    position, marked = _last_marks(run)
    lines = []
    for i, symbol in enumerate(run.symbols):
        ours, filled = orders["instrument"] == i, fills["instrument"] == i
        denied = int((orders["state"][ours] == int(OrderState.DENIED)).sum())
        signed = fills["side"][filled] * value[filled]
        fees = int(fills["fee"][filled].sum())
        lines.append(
            InstrumentTally(
                symbol, int(ours.sum()) - denied, denied, int(filled.sum()), int(value[filled].sum()), fees,
                int(slippage[filled].sum()), marked[i] - int(signed.sum()) - fees, position[i], int(closed[i]),
                int(won[i]),
            )
        )  # fmt: skip
    return lines


def flatten_fills(run: RunData) -> int:
    """Count fills of orders that the kill state machine sent."""
    return int((run.streams["fills"]["purpose"] == int(Purpose.FLATTEN)).sum())


def name_of(names: type, value: int) -> str:
    """Return an enum's name for a stored number, or the number itself when it has none."""
    try:
        return str(names(value).name)
    except ValueError:
        return str(value)


def _last_rows(orders: Columns) -> Columns:
    """Return the last row of each order that is told of."""
    ids = orders["order_id"]
    _, from_end = np.unique(ids[::-1], return_index=True)
    at = len(ids) - 1 - from_end
    return {name: column[at] for name, column in orders.items()}


def _last_marks(run: RunData) -> tuple[list[int], list[int]]:
    """Return position (lots) and its marked value (quanta) of each instrument at the last EQUITY row."""
    marks, mults = run.streams["marks"], run.mults
    position, value = [0] * len(mults), [0] * len(mults)
    for k in range(max(0, len(marks["seq"]) - len(mults)), len(marks["seq"])):
        i, lots = int(marks["instrument"][k]), int(marks["position"][k])
        position[i] = lots
        value[i] = lots * int(marks["mark2"][k]) * int(mults[i]) // 2
    return position, value


def _by_size(counts: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))
