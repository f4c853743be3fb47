"""Collect rows message by message, then hand them over as columns."""

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.market.schema import Rows, rows_from_columns

_COLUMNS = Rows._fields[1:]


class RowBuffer:
    """Rows as one Python list a column, in the order of the schema without seq, and the line of each row."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Drop all rows."""
        self.lists: list[list[int]] = [[] for _ in _COLUMNS]
        self.lines: list[int] = []

    def __len__(self) -> int:
        return len(self.lines)

    def add(self, line: int, *values: int) -> None:
        """Add one row; values are those of the schema from ts_event_ns to flags."""
        for column, value in zip(self.lists, values, strict=True):
            column.append(value)
        self.lines.append(line)

    def add_levels(
        self, line: int, times: tuple[int, int], instrument: int, kind: int, levels: "Levels", number: int, flags: int
    ) -> None:
        """Add one DEPTH row a level; times are (event, receive) ns."""
        sides, prices, sizes = levels
        n = len(prices)
        zeros = [0] * n
        event_ns, init_ns = times
        for column, values in zip(
            self.lists,
            ([event_ns] * n, [init_ns] * n, [instrument] * n, [kind] * n, sides, prices, sizes)
            + (zeros, zeros, zeros, zeros, [number] * n, [flags] * n),
            strict=True,
        ):
            column.extend(values)
        self.lines.extend([line] * n)

    def take(self) -> tuple[Rows, npt.NDArray[np.int64]]:
        """Return (rows, line of each row) and start over."""
        columns = dict(zip(_COLUMNS, self.lists, strict=True))
        rows, lines = rows_from_columns({"seq": self.lines, **columns}), np.array(self.lines, np.int64)
        self.clear()
        return rows, lines


Levels = tuple[list[int], list[int], list[int]]
"""Book levels as (sides +1 bid -1 ask, prices in ticks, sizes in lots), each of the same length."""
