"""Say in one sentence why a row is what it is: a pure function of its columns and the run's dictionary."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import numpy.typing as npt

from alphatrade_runtime.market.orders import Command, Purpose, TimeInForce
from alphatrade_runtime.reflection.diary.dictionary import Dictionary
from alphatrade_runtime.reflection.records import DiaryKind
from alphatrade_runtime.risk.codes import Code, Guard, KillState

MAX_LENGTH = 240
_CAP = 65_535
_HALF = Decimal("0.5")
_NAMED = ("qty", "limit", "target_lots", "position_lots", "ref2", "score", "instrument", "policy", "kind", "action")
_CODED = ("side", "code", "tif", "purpose", "kill_state", "guard")
_FIELDS = _NAMED + _CODED

_FIXED_REASONS = {
    Code.SESSION: "the market is closed or halted",
    Code.STALE: "the quote or the stream is too old",
    Code.SYMBOL: "the instrument is not on the allow list",
    Code.SIZE: "the quantity is not one the instrument allows",
    Code.DUP: "the client order id was used before",
}
_MEASURED = {
    Code.NOTIONAL: "the order's value",
    Code.INVENTORY: "the worst position",
    Code.EXPOSURE: "the net exposure",
    Code.LEVERAGE: "the gross exposure",
    Code.MARGIN: "the initial margin",
    Code.DRAWDOWN: "the drawdown",
    Code.RATE: "the order rate",
    Code.OPEN_ORDERS: "the number of open orders",
    Code.TURNOVER: "the turnover",
    Code.RISK_PER_TRADE: "the risk of the trade",
    Code.BUDGET: "the exploration budget",
}
_EXPLAINED = {DiaryKind.ACTION, DiaryKind.DENIAL, DiaryKind.GUARD}


def explanations(columns: Mapping[str, npt.NDArray[Any]], dictionary: Dictionary) -> list[str | None]:
    """Explain each row of the decisions' columns, each (n,); None for rows in which nothing was done."""
    return [sentence(row, dictionary)[:MAX_LENGTH] if row["kind"] in _EXPLAINED else None for row in _rows(columns)]


def sentence(row: Mapping[str, Any], dictionary: Dictionary) -> str:
    """Explain one row given as plain numbers; `util` is a list by code."""
    if row["kind"] == DiaryKind.GUARD:
        return f"GUARD {name_of(Guard, row['guard'])}: kill state is {name_of(KillState, row['kill_state'])}"
    order = _order(row, dictionary)
    if row["kind"] == DiaryKind.DENIAL:
        return f"DENIED {name_of(Code, row['code'])}: {order}: {_reason(row, dictionary)}"
    return f"{order} {_motive(row, dictionary)}{_nearest(row['util'])}"


def name_of(enum: Any, value: int) -> str:
    """Name an enum's value, or show the number when the enum has no such value."""
    return str(enum(value).name) if value in enum._value2member_map_ else f"#{value}"


def _rows(columns: Mapping[str, npt.NDArray[Any]]) -> Iterator[dict[str, Any]]:
    lists = [columns[name].tolist() for name in _FIELDS]
    for values, util in zip(zip(*lists), columns["util"].tolist()):
        yield {**dict(zip(_FIELDS, values)), "util": util}


def _order(row: Mapping[str, Any], dictionary: Dictionary) -> str:
    side = "BUY" if row["side"] > 0 else "SELL"
    verb = "" if row["action"] == Command.NEW else f"{name_of(Command, row['action'])} "
    purpose = "" if row["purpose"] == Purpose.TRADE else f" to {name_of(Purpose, row['purpose']).lower()}"
    size, symbol = _size(row, dictionary, row["qty"]), _symbol(row, dictionary)
    return f"{verb}{side} {size} {symbol} at {_price(row, dictionary, row['limit'])} {_tif(row)}{purpose}"


def _motive(row: Mapping[str, Any], dictionary: Dictionary) -> str:
    policy = dictionary.policies[row["policy"]] if row["policy"] < len(dictionary.policies) else "no policy"
    target, held = (_size(row, dictionary, row[name]) for name in ("target_lots", "position_lots"))
    return f"for {policy}: position {held}, target {target}, score {row['score']:.4f}, {_mid(row, dictionary)}"


def _reason(row: Mapping[str, Any], dictionary: Dictionary) -> str:
    code, util = row["code"], row["util"][row["code"]] if row["code"] < len(row["util"]) else 0
    if code == Code.KILL:
        return f"the kill state is {name_of(KillState, row['kill_state'])}"
    if code == Code.PRICE_BAND:
        return _band_reason(row, dictionary, util)
    if code in _FIXED_REASONS:
        return _FIXED_REASONS[Code(code)]
    what = _MEASURED[Code(code)] if code in _MEASURED else "it"
    return f"{what} is beyond its limit" if util == _CAP else f"{what} would be {util / 100:.1f}% of its limit"


def _band_reason(row: Mapping[str, Any], dictionary: Dictionary, util: int) -> str:
    if row["ref2"] <= 0:
        return "there is no reference price"
    away = abs(2 * row["limit"] - row["ref2"]) / row["ref2"] * 1e4
    allowed = "" if util in (0, _CAP) else f" (limit {away * 1e4 / util:.1f})"
    return f"{away:.1f} bps from {_mid(row, dictionary)}{allowed}"


def _nearest(util: list[int]) -> str:
    most = max(util)
    return f"; nearest limit {Code(util.index(most)).name} at {most / 100:.1f}%" if most else ""


def _symbol(row: Mapping[str, Any], dictionary: Dictionary) -> str:
    known = row["instrument"] < len(dictionary.instruments)
    return dictionary.instruments[row["instrument"]].symbol if known else f"#{row['instrument']}"


def _price(row: Mapping[str, Any], dictionary: Dictionary, ticks: int | Decimal) -> str:
    if row["instrument"] >= len(dictionary.instruments):
        return f"{ticks} ticks"
    return format(ticks * dictionary.instruments[row["instrument"]].tick_size, "f")


def _mid(row: Mapping[str, Any], dictionary: Dictionary) -> str:
    return f"mid {_price(row, dictionary, row['ref2'] * _HALF)}" if row["ref2"] > 0 else "no mid"


def _size(row: Mapping[str, Any], dictionary: Dictionary, lots: int) -> str:
    if row["instrument"] >= len(dictionary.instruments):
        return f"{lots} lots"
    return format(lots * dictionary.instruments[row["instrument"]].lot_size, "f")


def _tif(row: Mapping[str, Any]) -> str:
    return name_of(TimeInForce, row["tif"])
