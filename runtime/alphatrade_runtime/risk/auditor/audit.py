"""The auditor's state over a run and its two verbs: feed whole steps, finish."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Context, Decimal, Inexact
from typing import Any

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.market.orders import EQUITY_DTYPE, FILL_DTYPE, MARK_DTYPE, ORDER_DTYPE
from alphatrade_runtime.policy.document import InstrumentTerms, Session
from alphatrade_runtime.risk.auditor import state
from alphatrade_runtime.risk.auditor.chunk import audit_chunk
from alphatrade_runtime.risk.auditor.opening import Opening, OpenOrder
from alphatrade_runtime.risk.auditor.rules import Rule, Violation, violation
from alphatrade_runtime.risk.codes import Guard

_EXACT = Context(prec=60, traps=[Inexact])
_KEPT = 1_000  # violations kept with their facts; all are counted
_NEVER = 2**62
_MIN_SLOTS = 2**14
_EXEC_IDS = 2**16
_VIOLATIONS = "violations"
_STATE = ("_books", "_instruments", "_ids", "_slots", "_execs")

Records = npt.NDArray[np.void]


@dataclass(frozen=True)
class AuditInstrument:
    """What the auditor must know of an instrument: quanta a tick·lot, fees in 1e-7, flat fee in quanta, lots."""

    symbol: str
    mult: int
    maker_fee_e7: int
    taker_fee_e7: int
    max_position_lots: int
    max_order_lots: int
    min_order_lots: int = 1
    lot_step: int = 1
    flat_fee: int = 0

    @classmethod
    def from_terms(cls, terms: InstrumentTerms) -> "AuditInstrument":
        """Read an instrument of a session document; what a tick·lot is worth is computed here, not taken over."""
        tick_lot = _EXACT.multiply(_EXACT.multiply(terms.tick_size, terms.lot_size), terms.multiplier)
        return cls(
            symbol=terms.symbol,
            mult=_quanta(tick_lot),
            maker_fee_e7=terms.maker_fee_e7,
            taker_fee_e7=terms.taker_fee_e7,
            max_position_lots=terms.max_position_lots,
            max_order_lots=terms.max_order_lots,
            min_order_lots=terms.min_order_lots,
            flat_fee=_quanta(terms.fee_per_fill),
        )


@dataclass(frozen=True)
class AuditLimits:
    """Limits that need no law to check: bands in bps of the reference, open orders an instrument."""

    band_limit_bps: int = 50
    band_marketable_bps: int = 20
    max_flatten_slippage_bps: int = 50
    max_open_orders: int = 64


class Auditor:
    """Recompute money, positions and order life from the records alone, chunk by chunk, in constant memory."""

    def __init__(
        self,
        instruments: Sequence[AuditInstrument],
        initial_cash: int,
        limits: AuditLimits,
        *,
        funding: bool = False,
    ) -> None:
        """Start with no position.

        initial_cash: quanta.  funding: the run has a funding model, so cash may move without a fill.
        """
        self._symbols = [instrument.symbol for instrument in instruments]
        self._instruments = _instrument_rows(instruments)
        self._limits = _limit_rows(limits, funding)
        self._books = _records(1, state.BOOK_DTYPE)
        self._books["cash_no_funding"] = initial_cash
        self._books["flatten_bps"] = limits.max_flatten_slippage_bps
        self._books["break_seq"] = _NEVER
        for name in ("order_seq", "fill_seq", "equity_seq", "last_fill_seq", "last_equity_seq", "command_seq"):
            self._books[name] = -1
        capacity = _slots_for(len(instruments) * limits.max_open_orders)
        self._ids = np.full(capacity, state.EMPTY, np.int64)
        self._slots = _records(capacity, state.SLOT_DTYPE)
        self._execs = np.full(_EXEC_IDS, state.EMPTY, np.int64)
        self.violations: list[Violation] = []

    @classmethod
    def from_session(cls, session: Session) -> "Auditor":
        """Start from a session document."""
        envelope = session.policy.envelope
        names = AuditLimits.__dataclass_fields__
        return cls(
            [AuditInstrument.from_terms(terms) for terms in envelope.instruments],
            _quanta(session.policy.initial_cash),
            AuditLimits(**{name: getattr(envelope.limits, name) for name in names}),
            funding=session.funding_model != "none",
        )

    def open_with(self, opening: Opening) -> None:
        """Go on from what another session left, before the first feed."""
        book = self._books[0]
        book["cash_no_funding"] = opening.cash + opening.funding
        for name in ("fees", "funding", "turnover", "kill_state", "kill_mode", "flatten_bps"):
            book[name] = getattr(opening, name)
        self._instruments["position"] = opening.positions
        for order in opening.orders:
            self._open(order)

    def _open(self, order: OpenOrder) -> None:
        mask = len(self._ids) - 1
        place = int(state.home.py_func(order.order_id, mask)) & mask
        while self._ids[place] != state.EMPTY:
            place = (place + 1) & mask
        self._ids[place] = order.order_id
        slot, instrument = self._slots[place], self._instruments[order.instrument]
        for name in (
            "filled", "price_low", "price_high", "ref2", "instrument", "state", "side", "tif", "order_flags",
            "purpose", "amending",
        ):  # fmt: skip
            slot[name] = getattr(order, name)
        slot["qty"], slot["departed"] = order.most, 1
        instrument["buy_leaves" if order.side > 0 else "sell_leaves"] += order.most - order.filled
        instrument["open_orders"] += 1
        self._books["amending"] += int(order.amending)

    def feed(
        self,
        *,
        orders: Records | None = None,
        fills: Records | None = None,
        marks: Records | None = None,
        equity: Records | None = None,
        decisions: Records | None = None,
    ) -> list[Violation]:
        """Audit the next rows of each stream; return what is new.

        A call holds, in every stream, all rows written between two moments. DECISION rows may be the full stream:
        GUARD rows are taken out of it (`qty` = kill mode, `limit` = slippage of a flatten in bps). Without them the
        kill rules are not asked.
        """
        if decisions is not None:
            self._books["kill_known"] = 1
        audit_chunk(
            _usable(orders, ORDER_DTYPE), _usable(fills, FILL_DTYPE), _named(_guards(decisions)),
            _usable(marks, MARK_DTYPE), _usable(equity, EQUITY_DTYPE), self._ids, _named(self._slots), self._execs,
            _named(self._instruments), _named(self._books), _named(self._limits),
        )  # fmt: skip
        return self._collect()

    def checkpoint(self) -> dict[str, npt.NDArray[Any]]:
        """Return copies of everything that the next feed depends on, and the violations found so far."""
        found = json.dumps([asdict(violation) for violation in self.violations]).encode()
        arrays = {name: getattr(self, name).copy() for name in _STATE}
        return {**arrays, _VIOLATIONS: np.frombuffer(found, np.uint8)}

    def restore(self, saved: Mapping[str, npt.NDArray[Any]]) -> None:
        """Go on where a checkpoint of an auditor with the same instruments was taken."""
        for name in _STATE:
            getattr(self, name)[...] = saved[name]
        self.violations = [Violation(**facts) for facts in json.loads(saved[_VIOLATIONS].tobytes())]

    def finish(self) -> list[Violation]:
        """Close the audit: money after the last fill must have been shown in an EQUITY row."""
        book = self._books[0]
        last_fill, last_equity = int(book["last_fill_seq"]), int(book["last_equity_seq"])
        if last_fill > last_equity:
            book["by_rule"][Rule.EQUITY_MISSING] += 1
            late = violation(Rule.EQUITY_MISSING, last_fill, 0, 0, "", last_fill, last_equity)
            self.violations.append(late)
            return [late]
        return []

    @property
    def counts(self) -> dict[str, int]:
        """Violations by rule, those beyond the kept ones included."""
        by_rule = self._books["by_rule"][0]
        return {rule.name: int(by_rule[rule]) for rule in Rule if by_rule[rule]}

    @property
    def total(self) -> int:
        """All violations so far."""
        return int(self._books["by_rule"][0].sum())

    @property
    def audited(self) -> dict[str, int]:
        """Rows looked at so far: what "0 violations" is a statement about."""
        return {name: int(self._books[name][0]) for name in ("orders", "fills", "equity")}

    def _collect(self) -> list[Violation]:
        book = self._books[0]
        found = [self._describe(*(int(fact) for fact in facts)) for facts in book["findings"][: book["kept"]]]
        book["kept"] = 0
        self.violations.extend(found[: _KEPT - len(self.violations)])
        return found

    def _describe(
        self, rule: int, seq: int, ts_ns: int, order_id: int, instrument: int, expected: int, found: int
    ) -> Violation:
        symbol = self._symbols[instrument] if 0 <= instrument < len(self._symbols) else ""
        return violation(Rule(rule), seq, ts_ns, order_id, symbol, expected, found)


def _records(n: int, dtype: np.dtype[Any]) -> Records:
    """Return n zeroed records with attribute access, as the compiled code and its Python twin both use them."""
    return np.zeros(n, dtype).view(np.recarray)


def _quanta(amount: Decimal) -> int:
    """Convert an amount of account currency to quanta of 1e-8, exactly."""
    return int(_EXACT.quantize(_EXACT.multiply(amount, Decimal(10**8)), Decimal(1)))


def _instrument_rows(instruments: Sequence[AuditInstrument]) -> Records:
    rows = _records(len(instruments), state.INSTRUMENT_DTYPE)
    for i, facts in enumerate(instruments):
        rows[i]["mult"], rows[i]["flat_fee"], rows[i]["lot_step"] = facts.mult, facts.flat_fee, facts.lot_step
        rows[i]["maker_fee_e7"], rows[i]["taker_fee_e7"] = facts.maker_fee_e7, facts.taker_fee_e7
        rows[i]["max_position"], rows[i]["max_order"] = facts.max_position_lots, facts.max_order_lots
        rows[i]["min_order"] = facts.min_order_lots
    return rows


def _limit_rows(limits: AuditLimits, funding: bool) -> Records:
    rows = _records(1, state.LIMITS_DTYPE)
    rows["band_limit_bps"], rows["band_marketable_bps"] = limits.band_limit_bps, limits.band_marketable_bps
    rows["max_open_orders"], rows["funding"] = limits.max_open_orders, int(funding)
    return rows


def _slots_for(open_orders: int) -> int:
    capacity = _MIN_SLOTS
    while capacity < 8 * open_orders:
        capacity *= 2
    return capacity


def _usable(rows: Records | None, dtype: np.dtype[Any]) -> Records:
    """Return contiguous writeable rows: the one form that the kernel is compiled for."""
    if rows is None:
        return _named(np.zeros(0, dtype))
    if rows.dtype != dtype:
        raise ValueError(f"auditor: rows of {rows.dtype.names} fed where {dtype.names} belong")
    return _named(np.require(rows, requirements=["C", "W"]))


def _named(rows: Records) -> Records:
    """Let plain Python, the twin of the compiled kernel, read a row's fields by name as compiled code does."""
    return rows.view(np.recarray)


def _guards(decisions: Records | None) -> Records:
    """Take the guard transitions out of DECISION rows."""
    if decisions is None:
        return _records(0, state.GUARD_DTYPE)
    rows = decisions[decisions["guard"] != int(Guard.NONE)]
    guards = _records(len(rows), state.GUARD_DTYPE)
    for name in ("seq", "kill_state", "guard"):
        guards[name] = rows[name]
    guards["kill_mode"], guards["slippage_bps"] = rows["qty"], rows["limit"]
    return guards
