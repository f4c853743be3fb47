"""Our fills in the form in which engines are compared."""

import pyarrow as pa


def canonical(fills: pa.Table, last_ts: int) -> list[list[int]]:
    """List the fills reported by last_ts: [exchange ts, local ts, side, price ticks, lots, maker], by exchange time."""
    names = ("exch_ts_ns", "ts_ns", "side", "price", "qty", "maker", "order_id")
    listed = zip(*(fills[name].to_pylist() for name in names), strict=True)
    known = sorted((fill for fill in listed if fill[1] <= last_ts), key=lambda fill: (fill[0], fill[6]))
    return [list(fill[:6]) for fill in known]
