"""Attach to a stream's own columns what people read: names, decimals, times, outcomes, explanations.

Every attached column is a function of the hashed columns and of the run's dictionary, so that a verifier
recomputes it. Prices are `*_price`, sizes `*_size`, money `*_money`: exact decimals; null where an index
names no instrument or the decimal would need more than 38 digits.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from alphatrade_runtime.execution.topology import Topology
from alphatrade_runtime.market.orders import Command, OrderState, Purpose, Reason, Report, TimeInForce
from alphatrade_runtime.reflection.diary.chain import MIND_STREAMS, Column
from alphatrade_runtime.reflection.diary.dictionary import Dictionary
from alphatrade_runtime.reflection.diary.explain import explanations
from alphatrade_runtime.reflection.diary.expost import outcomes
from alphatrade_runtime.reflection.records import DiaryKind
from alphatrade_runtime.risk.codes import Code, Guard, KillState

Array = npt.NDArray[Any]
Columns = dict[str, Array]
Named = dict[str, pa.Array]

_PRICE_DIGITS = 18
_ORDER_EVENTS = {**{int(c): c.name for c in Command}, **{100 + int(r): f"REPORT_{r.name}" for r in Report}}
_TIME_FIELDS = dict.fromkeys(("decisions", "expost", *MIND_STREAMS), "event_ts_ns")
_GUARDRAIL = pa.struct([pa.field("code", pa.string(), nullable=False), pa.field("util", pa.uint16(), nullable=False)])


def time_field(stream: str) -> str:
    """Name the event-time column of a stream."""
    return _TIME_FIELDS.get(stream, "ts_ns")


def attach(stream: str, own: pa.Table, columns: Sequence[Column], batch: Array, dictionary: Dictionary) -> pa.Table:
    """Return a stream's table with its attached columns behind its own.

    own: the stream's columns; columns: the same as arrays.  batch: (n,) number of each row's batch in the chain.
    """
    by_name = {column.name: column.values for column in columns}
    n = own.num_rows
    added: Named = {"batch": pa.array(batch, pa.int64()), "event_ts": _time(by_name[time_field(stream)])}
    added |= {"run_id": _constant(dictionary.run_id, n), "strategy_id": _constant(dictionary.strategy_id, n)}
    if "instrument" in by_name:
        added["symbol"] = _names(by_name["instrument"], dict(enumerate(dictionary.symbols)))
    added |= _ATTACHED[stream](by_name, dictionary) if stream in _ATTACHED else {}
    for name, array in added.items():
        own = own.append_column(name, array)
    return own


def _decisions(c: Columns, d: Dictionary) -> Named:
    n = len(c["seq"])
    facts = ("stage", "risk_template", "policy_hash", "envelope_hash", "code_hash", "flags_hash")
    return {
        **{name: _constant(getattr(d, name), n) for name in facts},
        "policy_name": _names(c["policy"], dict(enumerate(d.policies))),
        "exec_topology": _enum(c["topology"], Topology, lower=True),
        "kind_name": _enum(c["kind"], DiaryKind),
        "action_name": _enum(c["action"], Command),
        "side_name": _side(c["side"]),
        "code_name": _enum(c["code"], Code),
        "tif_name": _enum(c["tif"], TimeInForce),
        "purpose_name": _enum(c["purpose"], Purpose),
        "kill_state_name": _enum(c["kill_state"], KillState),
        "guard_name": _enum(c["guard"], Guard),
        "limit_price": _price(c["limit"], c, d),
        "mid_price": _mid(c["ref2"], c, d),
        "qty_size": _size(c["qty"], c, d),
        "nav_money": _money(c["nav"]),
        "guardrails": _guardrails(c["util"]),
        "explanation": pa.array(explanations(c, d), pa.string()),
    }


def _orders(c: Columns, d: Dictionary) -> Named:
    denied = c["state"] == OrderState.DENIED
    code = _names(np.where(denied, c["code"], 0), {int(x): x.name for x in Code if x})
    reason = _names(np.where(denied, 0, c["code"]), {int(x): x.name for x in Reason if x})
    return {
        "event_name": _names(c["event"], _ORDER_EVENTS),
        "state_name": _enum(c["state"], OrderState),
        "side_name": _side(c["side"]),
        "tif_name": _enum(c["tif"], TimeInForce),
        "purpose_name": _enum(c["purpose"], Purpose),
        "exec_topology": _enum(c["topology"], Topology, lower=True),
        "code_name": code,
        "reason_name": reason,
        "limit_price": _price(c["price"], c, d),
        "mid_price": _mid(c["ref2"], c, d),
        "qty_size": _size(c["qty"], c, d),
        "leaves_size": _size(c["leaves"], c, d),
    }


def _fills(c: Columns, d: Dictionary) -> Named:
    return {
        "side_name": _side(c["side"]),
        "purpose_name": _enum(c["purpose"], Purpose),
        "exec_topology": _enum(c["topology"], Topology, lower=True),
        "fill_price": _price(c["price"], c, d),
        "mid_price": _mid(c["ref2"], c, d),
        "qty_size": _size(c["qty"], c, d),
        "position_size": _size(c["position_after"], c, d),
        "value_money": _money(c["qty"] * c["price"] * _mult(c, d)),
        "fee_money": _money(c["fee"]),
        "cash_after_money": _money(c["cash_after"]),
    }


def _equity(c: Columns, d: Dictionary) -> Named:
    money = ("nav", "cash", "funding", "fees", "gross", "net", "high_water", "day_start_nav", "turnover")
    return {
        **{f"{name}_money": _money(c[name]) for name in money},
        "kill_state_name": _enum(c["kill_state"], KillState),
    }


def _marks(c: Columns, d: Dictionary) -> Named:
    return {"position_size": _size(c["position"], c, d), "mark_price": _mid(c["mark2"], c, d)}


def _expost(c: Columns, d: Dictionary) -> Named:
    return {
        "side_name": _side(c["side"]),
        "mid_price": _mid(c["ref2"], c, d),
        "filled_size": _size(c["filled_lots"], c, d),
        "filled_money": _money(c["filled_value"]),
        "fees_money": _money(c["fees"]),
        **outcomes(c, _mult(c, d)),
    }


_ATTACHED: dict[str, Callable[[Columns, Dictionary], Named]] = {
    "decisions": _decisions,
    "expost": _expost,
    "orders": _orders,
    "fills": _fills,
    "equity": _equity,
    "marks": _marks,
}


def _constant(value: str, n: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(n, np.int32)), pa.array([value], pa.string()))


def _names(index: Array, names: dict[int, str]) -> pa.Array:
    """Name each value; null for one without a name."""
    keys = np.array(sorted(names), np.int64)
    place = np.searchsorted(keys, index).astype(np.int32)
    place[place == len(keys)] = 0
    unknown = keys[place] != index if len(keys) else np.ones(len(index), np.bool_)
    return pa.DictionaryArray.from_arrays(
        pa.array(place, mask=unknown), pa.array([names[int(k)] for k in keys], pa.string())
    )


def _enum(index: Array, enum: Any, lower: bool = False) -> pa.Array:
    return _names(index, {int(e): e.name.lower() if lower else e.name for e in enum})


def _side(side: Array) -> pa.Array:
    return _names(side, {-1: "SELL", 1: "BUY"})


def _time(ts_ns: Array) -> pa.Array:
    return pa.array(ts_ns.view("datetime64[ns]"), pa.timestamp("ns"))


def _money(quanta: Array) -> pa.Array:
    """Turn quanta of 1e-8 into decimals of account currency without arithmetic: the point moves 8 digits."""
    words = np.empty((len(quanta), 2), "<i8")
    words[:, 0], words[:, 1] = quanta, quanta >> 63
    return pa.Array.from_buffers(pa.decimal128(19, 8), len(quanta), [None, pa.py_buffer(words)])


def _price(ticks: Array, c: Columns, d: Dictionary) -> pa.Array:
    return _decimal(ticks, c["instrument"], [i.tick_size for i in d.instruments])


def _mid(half_ticks: Array, c: Columns, d: Dictionary) -> pa.Array:
    return _decimal(half_ticks, c["instrument"], [i.tick_size / 2 for i in d.instruments])


def _size(lots: Array, c: Columns, d: Dictionary) -> pa.Array:
    return _decimal(lots, c["instrument"], [i.lot_size for i in d.instruments])


def _decimal(count: Array, instrument: Array, units: list[Decimal]) -> pa.Array:
    """Multiply counts by the unit of their instrument, exactly."""
    scale = max((-int(u.as_tuple().exponent) for u in units), default=0)
    scale = min(max(scale, 0), _PRICE_DIGITS)
    fits = [u if -int(u.as_tuple().exponent) <= scale and u.adjusted() < _PRICE_DIGITS - scale else None for u in units]
    unit = pa.array([*fits, None], pa.decimal128(_PRICE_DIGITS, scale))
    each = unit.take(pa.array(np.minimum(instrument, len(units)), pa.int32()))
    return pc.multiply(pa.array(count, pa.int64()).cast(pa.decimal128(19, 0)), each)


def _mult(c: Columns, d: Dictionary) -> Array:
    mult = np.array([i.mult for i in d.instruments] + [0], np.int64)
    result: Array = mult[np.minimum(c["instrument"], len(d.instruments))]
    return result


def _guardrails(util: Array) -> pa.Array:
    """List the checks in use by row: those whose utilisation is not 0, in the order of the law."""
    rows, codes = np.nonzero(util)
    ends = np.cumsum(np.count_nonzero(util, axis=1))
    offsets = pa.array(np.concatenate([np.zeros(1, np.int64), ends]).astype(np.int32))
    names = pa.array([code.name for code in Code], pa.string()).take(pa.array(codes))
    pairs = pa.StructArray.from_arrays([names, pa.array(util[rows, codes], pa.uint16())], fields=list(_GUARDRAIL))
    return pa.ListArray.from_arrays(offsets, pairs)
