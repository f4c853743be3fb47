"""Rows that a wall-clock session makes itself: execution reports, controls, permits, timers, gaps."""

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.execution.broker.contract import Reports
from alphatrade_runtime.market.orders import REPORT_DTYPE, Reason, Report
from alphatrade_runtime.market.schema import ALL_INSTRUMENTS, Control, Kind, Rows, rows_from_columns

_REPORT = int(Kind.EXEC_REPORT)
_NEVER_ARRIVED = int(Reason.NEVER_ARRIVED)


def report_rows(reports: Reports) -> Rows:
    """Return EXEC_REPORT rows for reports, in their order; n > 0."""
    columns: dict[str, npt.ArrayLike] = {
        "ts_event_ns": reports["exch_ts_ns"],
        "instrument": reports["instrument"],
        "kind": np.full(len(reports), _REPORT, np.uint8),
        "side": reports["side"],
        "price": reports["price"],
        "size": reports["qty"],
        "bid": reports["order_id"],
        "ask": reports["type"].astype(np.int64),
        "bid_size": reports["leaves"],
        "ask_size": (reports["maker"] != 0).astype(np.int64) | reports["reason"].astype(np.int64) << 8,
        "venue_seq": reports["exec_id"],
    }
    return rows_from_columns(columns)


def venue_reports(rows: Rows) -> int:
    """Count the rows that are reports of the venue, not conclusions of ours."""
    if _REPORT not in rows.kind.tobytes():  # a byte a row; most batches have none
        return 0
    return int(((rows.kind == _REPORT) & (rows.ask_size >> 8 != _NEVER_ARRIVED)).sum())


def conclusion(
    instrument: int, order_id: int, kind: Report, side: int, price: int = 0, leaves: int = 0, ts_ns: int = 0
) -> Rows:
    """Return a report that reconciliation concludes; its reason says that the venue did not send it."""
    report = np.zeros(1, REPORT_DTYPE)
    row = report[0]
    row["instrument"], row["order_id"], row["type"], row["side"] = instrument, order_id, int(kind), side
    row["price"], row["leaves"], row["exch_ts_ns"], row["reason"] = price, leaves, ts_ns, _NEVER_ARRIVED
    return report_rows(report)


def control_row(what: Control, argument: int = 0) -> Rows:
    """Return one CONTROL row."""
    return _one(Kind.CONTROL, price=int(what), size=argument)


def permit_row(share_bps: int, until_ns: int, epoch: int) -> Rows:
    """Return one PERMIT row. until_ns: session time."""
    return _one(Kind.PERMIT, price=share_bps, size=until_ns, venue_seq=epoch)


def timer_row() -> Rows:
    """Return one TIMER row: a step without market data."""
    return _one(Kind.TIMER)


def gap_row(missed: int) -> Rows:
    """Return one GAP row for all instruments. missed: rows known to be missing."""
    return _one(Kind.GAP, size=missed)


def _one(kind: Kind, **columns: int) -> Rows:
    cells = {name: np.array([value], np.int64) for name, value in columns.items()}
    return rows_from_columns(
        {
            "kind": np.array([int(kind)], np.uint8),
            "instrument": np.array([ALL_INSTRUMENTS], np.uint16),
            **cells,
        }
    )
