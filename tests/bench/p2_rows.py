"""P2's rows: the quotes and trades of an imported capture, as a tape and as the columns that peers read."""

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.market.schema import Flag, Kind, Rows

Ints = npt.NDArray[np.int64]
_COLUMNS = ("kind", "side", "price", "size", "bid", "ask", "bid_size", "ask_size", "ts_init_ns")


def quotes_and_trades(rows: Rows) -> Rows:
    """Keep QUOTE and TRADE rows; renumber them and close each step again at its last kept row."""
    kept = np.isin(rows.kind, (int(Kind.QUOTE), int(Kind.TRADE)))
    chosen = Rows(*(np.ascontiguousarray(column[kept]) for column in rows))
    last = np.append(np.diff(chosen.ts_init_ns) != 0, True)
    flags = (chosen.flags & ~np.uint8(Flag.LAST)) | np.where(last, np.uint8(Flag.LAST), np.uint8(0))
    numbered = chosen._replace(seq=np.arange(len(last), dtype=np.int64), flags=flags.astype(np.uint8))
    for column in numbered:
        column.setflags(write=False)
    return numbered


def peer_columns(rows: Rows) -> dict[str, Ints]:
    """Return int64 columns for a peer; ts_exch_ns is the running maximum of ts_event in arrival order."""
    columns = {name: np.asarray(getattr(rows, name), dtype=np.int64) for name in _COLUMNS}
    return {**columns, "ts_exch_ns": np.maximum.accumulate(rows.ts_event_ns)}
