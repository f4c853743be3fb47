"""The auditor's own arithmetic: exact int64 with its own overflow guards."""

from alphatrade_runtime.numerics.jit import inlined
from alphatrade_runtime.risk.auditor.state import MAX_UNITS, MAX_VALUE

FEE_UNIT = 10_000_000


@inlined
def countable(number):
    """True for a count of ticks or lots that the arithmetic below is safe with."""
    return -MAX_UNITS < number < MAX_UNITS


@inlined
def value_fits(lots, price, mult):
    """True when |lots| * price * mult stays below 2**60; asked in floats, so it cannot overflow itself."""
    return abs(float(lots)) * abs(float(price)) * abs(float(mult)) < MAX_VALUE


@inlined
def ceil_div(number, divisor):
    """Return number / divisor rounded up."""
    return -((-number) // divisor)


@inlined
def fee_of(value, rate_e7, flat_fee):
    """Return the fee in quanta, rounded against us: a charge up, a rebate's size down.

    value: quanta, 0 <= value < 2**60.  Split at 1e7 so that no product overflows.
    """
    whole = value // FEE_UNIT
    rest = value - whole * FEE_UNIT
    return whole * rate_e7 + ceil_div(rest * rate_e7, FEE_UNIT) + flat_fee
