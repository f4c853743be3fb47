"""Rows of a tape to and from the columns of a MarketBatch."""

import numpy as np

from alphatrade.v1.market_pb2 import MarketBatch
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.schema import ARROW_SCHEMA, Rows

_DTYPES = tuple(np.dtype(field.type.to_pandas_dtype()).newbyteorder("<") for field in ARROW_SCHEMA)


def to_batch(number: int, rows: Rows, after_ns: int, complete_through_ns: int, lasting: bool = False) -> MarketBatch:
    """Return rows as a message."""
    return MarketBatch(
        batch=number,
        complete_through_ns=complete_through_ns,
        rows=len(rows.seq),
        after_ns=after_ns,
        lasting=lasting,
        **{name: column.tobytes() for name, column in rows._asdict().items()},
    )


def rows_of(batch: MarketBatch) -> Rows:
    """Return the rows of a message, read-only views of its bytes.

    Raises InputError when a column has another length.
    """
    columns = []
    for name, dtype in zip(Rows._fields, _DTYPES):
        content = getattr(batch, name)
        if len(content) != batch.rows * dtype.itemsize:
            raise InputError(
                f"market data batch {batch.batch}: {name} has {len(content)} bytes for {batch.rows} rows; "
                "let feed gateway and strategy run the same version"
            )
        columns.append(np.frombuffer(content, dtype))
    return Rows._make(columns)
