"""Instruments: what one tick and one lot are, exactly.

Prices are int64 ticks, sizes int64 lots, money int64 quanta of 1e-8 account currency. Text and
Decimal exist at the edge only; each conversion is exact or refused.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact, InvalidOperation
from fractions import Fraction
from functools import cached_property
from typing import Any

from alphatrade_runtime.market.faults import InputError, RowFault

QUANTA_PER_UNIT = 10**8
MAX_NOTIONAL_QUANTA = 2**60
MAX_UNITS = 2**48
_EXACT = Context(prec=60, traps=[Inexact, InvalidOperation])
_SMALLEST, _LARGEST = Decimal("1e-18"), Decimal("1e18")
_DECIMAL_TEXT = re.compile(r"[+-]?(\d{1,40}(\.\d{0,40})?|\.\d{1,40})([eE][+-]?\d{1,3})?", re.ASCII)
_SIZES = ("tick_size", "lot_size", "multiplier")
_LINEAR = ("spot", "linear")


@dataclass(frozen=True)
class Instrument:
    """One tradable thing; fees in 1e-7 of notional (rebates negative), margin in bps, ages in ns."""

    symbol: str
    tick_size: Decimal
    lot_size: Decimal
    multiplier: Decimal = Decimal(1)
    maker_fee_e7: int = 0
    taker_fee_e7: int = 0
    initial_margin_bps: int = 10_000
    max_quote_age_ns: int = 5_000_000_000
    contract: str = "linear"

    def __post_init__(self) -> None:
        if not self.symbol:
            raise InputError("instrument: symbol is empty; give its name, such as BTCUSDT")
        if self.contract not in _LINEAR:
            raise InputError(
                f"instrument {self.symbol}: contract {self.contract!r} is refused; only {' and '.join(_LINEAR)} "
                "instruments have a PnL that is linear in price (no inverse, no quanto)"
            )
        for name in _SIZES:
            value = getattr(self, name)
            if not (value.is_finite() and _SMALLEST <= value <= _LARGEST):
                raise InputError(
                    f"instrument {self.symbol}: {name} is {value}; give a decimal from {_SMALLEST} to {_LARGEST}"
                )
        self._check_ranges()
        _ = self.mult

    def _check_ranges(self) -> None:
        for name, low, high in (
            ("maker_fee_e7", -(10**6), 10**6),
            ("taker_fee_e7", -(10**6), 10**6),
            ("initial_margin_bps", 0, 10**6),
            ("max_quote_age_ns", 1, 2**62),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise InputError(f"instrument {self.symbol}: {name} is {value}; give {low} to {high}")

    @classmethod
    def from_mapping(cls, facts: Mapping[str, Any]) -> "Instrument":
        """Read an instrument from a manifest or a session document; other keys there are left alone.

        Raises InputError when a field is absent or no decimal.
        """
        if "symbol" not in facts:
            raise InputError("instrument: symbol is missing; give its name, such as BTCUSDT")
        symbol = str(facts["symbol"])
        given: dict[str, Any] = {"multiplier": "1", **facts}
        sizes: dict[str, Any] = {name: parse_size(symbol, name, given.get(name)) for name in _SIZES}
        ints = ("maker_fee_e7", "taker_fee_e7", "initial_margin_bps", "max_quote_age_ns")
        others: dict[str, Any] = {name: int(facts[name]) for name in ints if name in facts}
        return cls(symbol, **sizes, **others, contract=str(facts.get("contract", "linear")))

    def to_mapping(self) -> dict[str, str]:
        """Return what a tape's manifest keeps: the facts without which its numbers mean nothing."""
        sizes = {name: plain(getattr(self, name)) for name in _SIZES}
        return {"symbol": self.symbol, **sizes}

    @cached_property
    def mult(self) -> int:
        """Quanta of 1e-8 account currency that one lot gains when the price rises one tick; even."""
        product = Fraction(self.tick_size) * Fraction(self.lot_size) * Fraction(self.multiplier) * QUANTA_PER_UNIT
        if product.denominator != 1 or product.numerator % 2:
            raise InputError(
                f"instrument {self.symbol}: tick_size {self.tick_size} x lot_size {self.lot_size} x multiplier "
                f"{self.multiplier} is no even number of 1e-8; a half tick of one lot must be exact money: "
                "give a larger lot_size or multiplier"
            )
        if product >= MAX_NOTIONAL_QUANTA:
            raise InputError(f"instrument {self.symbol}: a tick of one lot is 2**60 quanta or more; lower lot_size")
        return product.numerator

    def check_notional(self, max_price_ticks: int, max_quantity_lots: int) -> None:
        """Raise InputError when max price x max quantity could reach 2**60 quanta."""
        if max_price_ticks * max_quantity_lots * self.mult >= MAX_NOTIONAL_QUANTA:
            raise InputError(
                f"instrument {self.symbol}: {max_quantity_lots} lots at {max_price_ticks} ticks reach 2**60 quanta of "
                "1e-8; lower max_position_lots or use a coarser account currency"
            )

    def price_to_ticks(self, price: str | Decimal) -> int:
        """Convert a price to ticks exactly. Raises RowFault (not_a_number, tick_mismatch, too_large)."""
        return to_units(price, self.tick_size, "tick")

    def size_to_lots(self, size: str | Decimal) -> int:
        """Convert a size to lots exactly. Raises RowFault (not_a_number, lot_mismatch, too_large)."""
        return to_units(size, self.lot_size, "lot")

    def ticks_to_price(self, ticks: int) -> Decimal:
        """Convert ticks to a price exactly."""
        return _EXACT.multiply(self.tick_size, Decimal(int(ticks)))

    def lots_to_size(self, lots: int) -> Decimal:
        """Convert lots to a size exactly."""
        return _EXACT.multiply(self.lot_size, Decimal(int(lots)))


def parse_size(symbol: str, name: str, text: object) -> Decimal:
    """Read tick size, lot size or multiplier. Raises InputError naming the field."""
    try:
        if text is None or isinstance(text, float):
            raise ValueError
        return Decimal(str(text))
    except (ValueError, ArithmeticError):
        raise InputError(f"instrument {symbol}: {name} is {text!r}; give a decimal in quotes, such as '0.01'") from None


def to_units(value: str | Decimal, unit: Decimal, name: str) -> int:
    """Count units (ticks or lots) in a decimal, exactly.

    Raises RowFault: not_a_number, <name>_mismatch when it is no whole count, too_large from 2**48.
    """
    number = parse_decimal(value)
    if number.copy_abs() >= _EXACT.multiply(unit, Decimal(MAX_UNITS)):
        raise RowFault("too_large", f"{str(value)[:40]} is 2**48 or more {name}s of {plain(unit)}")
    try:
        units = _EXACT.divide(number, unit)
    except (Inexact, InvalidOperation):
        units = Decimal("0.5")  # an endless quotient is no whole count either
    if units != units.to_integral_value():
        raise RowFault(f"{name}_mismatch", f"{str(value)[:40]} is no multiple of the {name} size {plain(unit)}")
    return int(units)


def parse_decimal(value: object) -> Decimal:
    """Read a finite decimal. Raises RowFault not_a_number for anything else."""
    if not isinstance(value, Decimal) and not _DECIMAL_TEXT.fullmatch(str(value)):
        raise RowFault("not_a_number", f"{str(value)[:40]!r} is no decimal number")
    number = value if isinstance(value, Decimal) else Decimal(str(value))
    if not number.is_finite():
        raise RowFault("not_a_number", f"{str(value)[:40]!r} is no finite number")
    return number


def plain(value: Decimal) -> str:
    """Write a decimal without exponent and without trailing zeros."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
