"""State of an account that several order sessions share: arrays that the compiled checks work on.

What belongs to one session lies in one row of a table, so that the account is a sum over rows and nothing else.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from alphatrade_runtime.execution.orders import MAX_ACTIVE, SLOT_DTYPE
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.instrument import QUANTA_PER_UNIT, Instrument
from alphatrade_runtime.market.view import INSTRUMENT_DTYPE, VIEW_DTYPE
from alphatrade_runtime.policy.document import Envelope, InstrumentTerms, Limits
from alphatrade_runtime.risk.codes import CODE_COUNT
from alphatrade_runtime.risk.state import ACCOUNT_DTYPE, EXPOSURE_DTYPE, LIMITS_DTYPE, RATE_RING, REQUEST_DTYPE

MAX_INSTRUMENTS = 64
MAX_SESSIONS = 4_096  # on one volume, those that have ended included
MAX_SLOTS = MAX_ACTIVE * MAX_INSTRUMENTS
NEVER = 1 << 62
HALT_NO_LAW = 1 << 8  # no law, no order; beside the halts of risk/state.py

# The account. `open`: nothing is denied (a session in the runtime's own process has its own law and no account).
# `quiet`: a session is being rebuilt, so values pass that were those of another time: they move no level.
# `ring` never expires: each session's windows are its own, the check reads their sum.
GATE_DTYPE = np.dtype(
    [
        ("open", "i8"), ("quiet", "i8"), ("instruments_n", "i8"), ("day_ts", "i8"),
        ("denied", "i8", (CODE_COUNT,)),
        ("account", ACCOUNT_DTYPE, (1,)), ("limits", LIMITS_DTYPE, (1,)), ("request", REQUEST_DTYPE, (1,)),
        ("util", "u2", (CODE_COUNT,)), ("exposures", EXPOSURE_DTYPE, (MAX_INSTRUMENTS,)),
        ("views", VIEW_DTYPE, (MAX_INSTRUMENTS,)), ("instruments", INSTRUMENT_DTYPE, (MAX_INSTRUMENTS,)),
        ("ring", "i8", (RATE_RING,)),
    ]
)  # fmt: skip

# One session's part of the account. `index`: from its instruments to the account's, -1 where the law has none.
# `on`: a link holds it, so its clock goes on.  day_ts, mark_ts: its day, and its day at the account's last new one.
# `money`: what it adds to the account's cash, marks and windows, and its clock.
SESSION_DTYPE = np.dtype(
    [
        ("on", "i8"), ("n", "i8"), ("funding_on", "i8"), ("day_ts", "i8"), ("mark_ts", "i8"),
        ("breaks", "i8"), ("commands", "i8"),
        ("index", "i8", (MAX_INSTRUMENTS,)), ("money", ACCOUNT_DTYPE, (1,)),
        ("exposures", EXPOSURE_DTYPE, (MAX_INSTRUMENTS,)),
    ]
)  # fmt: skip

# What only the session itself needs: its orders, its look at the market, its instruments' terms.
BOOKS_DTYPE = np.dtype(
    [
        ("views", VIEW_DTYPE, (MAX_INSTRUMENTS,)), ("instruments", INSTRUMENT_DTYPE, (MAX_INSTRUMENTS,)),
        ("slots", SLOT_DTYPE, (MAX_SLOTS + 1,)), ("free", "i8", (MAX_SLOTS + 1,)),
        ("active", "i8", (MAX_INSTRUMENTS, MAX_ACTIVE)), ("rate_ring", "i8", (RATE_RING,)),
    ]
)  # fmt: skip


def new_gate(initial_cash: int, *, is_open: bool) -> Any:
    """Return an account at its start, (1,) of GATE_DTYPE; without a law it denies every order. initial_cash: quanta."""
    gate = np.zeros(1, GATE_DTYPE).view(np.recarray)
    account = gate[0].account[0]
    account.cash = account.initial_cash = account.nav = initial_cash
    account.high_water = account.day_start_nav = initial_cash
    account.halt = 0 if is_open else HALT_NO_LAW
    gate[0].open = is_open
    gate["ring"][:] = NEVER
    return gate


def new_books() -> Any:
    """Return a session's books without orders, (1,) of BOOKS_DTYPE."""
    books = np.zeros(1, BOOKS_DTYPE).view(np.recarray)
    books["free"][0, 0] = MAX_SLOTS
    books["free"][0, 1:] = np.arange(MAX_SLOTS - 1, -1, -1)
    books["views"]["status"] = 1
    return books


def quanta(money: Decimal, where: str) -> int:
    """Return money in quanta of 1e-8. Raises InputError when it is none or too much."""
    count = money * QUANTA_PER_UNIT
    if count != int(count) or abs(count) >= 1 << 60:
        raise InputError(f"{where}: {money} is no whole number of 1e-8 below 2**60; round it")
    return int(count)


def put_limits(gate: Any, limits: Limits) -> None:
    """Write limits into the account's record. Raises InputError when a window would not fit."""
    if limits.max_orders_per_min >= RATE_RING:
        raise InputError(f"limit max_orders_per_min: {limits.max_orders_per_min} is above {RATE_RING - 1}; lower it")
    row = gate[0].limits[0]
    for name in LIMITS_DTYPE.names or ():
        if name != "bar_mode":
            row[name] = getattr(limits, name) or 0  # None switches a drawdown limit off


def put_terms(row: Any, terms: InstrumentTerms, *, allowed: bool) -> None:
    """Write an instrument's terms into an INSTRUMENT_DTYPE record."""
    row.mult = instrument_of(terms).mult
    row.half_mult = row.mult // 2
    row.maker_fee_e7, row.taker_fee_e7 = terms.maker_fee_e7, terms.taker_fee_e7
    row.flat_fee = quanta(terms.fee_per_fill, f"instrument {terms.symbol}: fee_per_fill")
    row.initial_margin_bps, row.max_quote_age_ns = terms.initial_margin_bps, terms.max_quote_age_ns
    row.max_position, row.max_order, row.min_order = (
        terms.max_position_lots, terms.max_order_lots, terms.min_order_lots,
    )  # fmt: skip
    row.allowed, row.policy = allowed, -1


def instrument_of(terms: InstrumentTerms) -> Instrument:
    """Return what a tick and a lot of an instrument are."""
    return Instrument(terms.symbol, terms.tick_size, terms.lot_size, terms.multiplier)


def put_law(gate: Any, symbols: list[str], law: Envelope | None) -> None:
    """Put a law in force. symbols: the account's instruments by index, to which new ones are added.

    None, or a law whose instruments do not fit in, leaves none: every order is refused. Raises InputError then.
    """
    gate[0].account[0].halt = HALT_NO_LAW
    gate["instruments"]["allowed"] = 0
    if law is None:
        return
    added = [terms.symbol for terms in law.instruments if terms.symbol not in symbols]
    if len(symbols) + len(added) > MAX_INSTRUMENTS:
        raise InputError(f"law: {len(symbols) + len(added)} instruments; an account holds {MAX_INSTRUMENTS}")
    symbols += added
    gate[0].instruments_n = len(symbols)
    put_limits(gate, law.limits)
    for terms in law.instruments:
        row = gate[0].instruments[symbols.index(terms.symbol)]
        put_terms(row, terms, allowed=terms.symbol in law.limits.symbols)
    gate[0].account[0].halt = 0


def index_of(symbols: Sequence[str], wanted: Sequence[str]) -> list[int]:
    """Return the account's index of each symbol, -1 where it has none."""
    return [symbols.index(symbol) if symbol in symbols else -1 for symbol in wanted]
