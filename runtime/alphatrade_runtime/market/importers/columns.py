"""Turn columns of a table into int64 units, exactly, and tell which rows cannot be."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from alphatrade_runtime.market.faults import RowFault
from alphatrade_runtime.market.instrument import MAX_UNITS, parse_decimal, plain, to_units

Ints = npt.NDArray[np.int64]
_FLOAT_EXACT = 2**53


@dataclass
class RowFaults:
    """The first fault of each bad row of a block, and which rows were rounded."""

    by_row: dict[int, RowFault] = field(default_factory=dict)
    rounded: set[int] = field(default_factory=set)

    def add(self, row: int, fault: RowFault) -> None:
        self.by_row.setdefault(row, fault)


class UnitReader:
    """Read decimals as whole units (ticks or lots); with `rounding` the nearest, half to even, and counted."""

    def __init__(self, unit: Decimal, name: str, rounding: bool) -> None:
        self.unit, self.name, self.rounding = unit, name, rounding
        self._ratio = Fraction(unit)
        self._known: dict[str, int] = {}

    def text(self, text: str, row: int, faults: RowFaults) -> int:
        """Read one decimal; a fault is added and 0 returned."""
        known = self._known.get(text)
        if known is not None:
            return known
        try:
            value = to_units(text, self.unit, self.name)
        except RowFault as fault:
            return self._inexact(text, row, fault, faults)
        if len(self._known) > 1 << 17:
            self._known.clear()
        self._known[text] = value
        return value

    def _inexact(self, text: str, row: int, fault: RowFault, faults: RowFaults) -> int:
        if not (self.rounding and fault.fault.endswith("_mismatch")):
            faults.add(row, fault)
            return 0
        faults.rounded.add(row)
        return int((parse_decimal(text) / self.unit).to_integral_value(ROUND_HALF_EVEN))

    def floats(self, values: npt.NDArray[np.float64], rows: Ints, faults: RowFaults) -> Ints:
        """Read float64 values: x is k units when x is the double nearest to the decimal k x unit. (n,) int64.

        k x numerator and denominator are below 2**53, so their quotient is that double.
        """
        finite = np.isfinite(values)
        scaled = np.where(finite, values, 0.0) / float(self.unit)
        small = np.abs(scaled) < min(MAX_UNITS, _FLOAT_EXACT // self._ratio.numerator)
        units = np.rint(np.where(small, scaled, 0.0)).astype(np.int64)
        exact = units * self._ratio.numerator / float(self._ratio.denominator) == values
        for at in np.flatnonzero(~finite | ~small).tolist():
            fault = "too_large" if finite[at] else "not_a_number"
            detail = f"{values[at]} is {'2**48 or more ' + self.name + 's' if finite[at] else 'no finite number'}"
            faults.add(int(rows[at]), RowFault(fault, detail))
        self._inexact_floats(values, rows, finite & small & ~exact, faults)
        return units

    def _inexact_floats(
        self, values: npt.NDArray[np.float64], rows: Ints, mask: npt.NDArray[np.bool_], faults: RowFaults
    ) -> None:
        at = np.flatnonzero(mask)
        if self.rounding:
            faults.rounded.update(rows[at].tolist())
            return
        for i in at.tolist():
            detail = f"{values[i]} is no multiple of the {self.name} size {plain(self.unit)}"
            faults.add(int(rows[i]), RowFault(f"{self.name}_mismatch", detail))


def read_units(column: Any, which: Ints, readers: Sequence[UnitReader], faults: RowFaults) -> Ints:
    """Read an Arrow column with the reader of each row's instrument; rows of no instrument (-1) become 0."""
    out = np.zeros(len(column), np.int64)
    if pa.types.is_floating(column.type):
        values = column.cast(pa.float64()).to_numpy(zero_copy_only=False)  # nulls become NaN
        for index, unit in enumerate(readers):
            rows = np.flatnonzero(which == index)
            out[rows] = unit.floats(values[rows], rows, faults)
        return out
    for row, (index, text) in enumerate(zip(which.tolist(), texts(column), strict=True)):
        if index >= 0:
            out[row] = readers[index].text(text, row, faults)
    return out


def read_each(column: Any, read: Callable[[str], int], faults: RowFaults) -> Ints:
    """Read an Arrow column text by text; a row that raises RowFault becomes 0."""
    out = np.zeros(len(column), np.int64)
    for row, text in enumerate(texts(column)):
        try:
            out[row] = read(text)
        except RowFault as fault:
            faults.add(row, fault)
    return out


def texts(column: Any) -> list[str]:
    """Return an Arrow column as texts; a null is an empty text, a float its shortest decimal."""
    return ["" if value is None else value if type(value) is str else str(value) for value in column.to_pylist()]
