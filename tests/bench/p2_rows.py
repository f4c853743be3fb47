"""P2's rows: the quotes and trades of an imported capture, as a tape and as the columns that peers read."""

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.market.schema import Flag, Kind, Rows, rows_from_columns

Ints = npt.NDArray[np.int64]
SEAM_NS = 1_000_000_000
_COLUMNS = ("kind", "side", "price", "size", "bid", "ask", "bid_size", "ask_size", "ts_init_ns")


def quotes_and_trades(rows: Rows) -> Rows:
    """Keep QUOTE and TRADE rows; renumber them and close each step again at its last kept row."""
    kept = np.isin(rows.kind, (int(Kind.QUOTE), int(Kind.TRADE)))
    columns = {name: np.asarray(getattr(rows, name))[kept] for name in Rows._fields}
    last = np.append(np.diff(columns["ts_init_ns"]) != 0, True)
    columns["seq"] = np.arange(len(last), dtype=np.int64)
    columns["flags"] = (columns["flags"] & ~np.uint8(Flag.LAST)) | last * np.uint8(Flag.LAST)
    return rows_from_columns(dict(columns))


def repeated(rows: Rows, passes: int) -> Rows:
    """Put a tape behind itself `passes` times, SEAM_NS between two passes."""
    span = int(rows.ts_init_ns[-1] - rows.ts_event_ns[0]) + SEAM_NS
    columns = {name: np.tile(np.asarray(getattr(rows, name)), passes) for name in Rows._fields}
    later = np.repeat(np.arange(passes, dtype=np.int64) * span, len(rows.seq))
    columns["ts_event_ns"] = columns["ts_event_ns"] + later
    columns["ts_init_ns"] = columns["ts_init_ns"] + later
    columns["seq"] = np.arange(len(later), dtype=np.int64)
    return rows_from_columns(dict(columns))


def peer_columns(rows: Rows) -> dict[str, Ints]:
    """Return int64 columns for a peer; ts_exch_ns is the running maximum of ts_event in arrival order."""
    columns = {name: np.asarray(getattr(rows, name), dtype=np.int64) for name in _COLUMNS}
    return {**columns, "ts_exch_ns": np.maximum.accumulate(rows.ts_event_ns)}
