"""Made-up market rows for tests of the whole step: random walks, trades, depth, halts, gaps; sorted by arrival."""

import numpy as np

from alphatrade_runtime.market.schema import Flag, Kind, Rows, Status, rows_from_columns

START_NS = 1_700_006_400_000_000_000


def made_rows(n, instruments, *, seed=1, step_ns=100_000_000, together=False, depth=False):
    """Return n rows over the instruments. together: rows come in groups, one an instrument, that share a step."""
    draw = np.random.default_rng(seed)
    turn = np.arange(n) % instruments if together else draw.integers(0, instruments, n)
    group = np.arange(n) // instruments if together else np.arange(n)
    ts = START_NS + group * step_ns + (0 if together else draw.integers(0, step_ns, n))
    kinds = draw.choice(
        [int(Kind.QUOTE), int(Kind.TRADE), int(Kind.DEPTH) if depth else int(Kind.QUOTE)], n, p=[0.7, 0.2, 0.1]
    )
    mid = np.zeros(n, np.int64)
    for k in range(instruments):
        own = turn == k
        mid[own] = 10_000 + np.cumsum(draw.choice([-2, -1, 0, 0, 1, 2], own.sum()))
    spread = draw.integers(1, 4, n)
    side = draw.choice([-1, 1], n)
    touch = np.where(side > 0, mid + spread, mid)
    quote, trade, level = kinds == Kind.QUOTE, kinds == Kind.TRADE, kinds == Kind.DEPTH
    columns = {
        "seq": np.arange(1, n + 1), "ts_event_ns": ts - draw.integers(0, 3_000_000, n), "ts_init_ns": ts,
        "instrument": turn, "kind": kinds, "side": np.where(quote, 0, side),
        "price": np.where(quote, 0, touch), "size": np.where(quote, 0, draw.integers(1, 60, n)),
        "bid": np.where(quote, mid, 0), "ask": np.where(quote, mid + spread, 0),
        "bid_size": np.where(quote, draw.integers(1, 90, n), 0),
        "ask_size": np.where(quote, draw.integers(1, 90, n), 0),
        "flags": np.where(np.append(ts[1:] != ts[:-1], True), int(Flag.LAST), 0),
    }  # fmt: skip
    del trade, level
    return rows_from_columns(columns)


def with_events(rows, seed=1):
    """Turn one row in fifty into a halt, a resumption, a gap or a crossed quote."""
    draw = np.random.default_rng(seed)
    columns = {name: np.array(column) for name, column in rows._asdict().items()}
    for k in range(25, len(rows.seq) - 2, 50):
        what = draw.integers(0, 3)
        if what == 0:
            for row, status in ((k, Status.HALTED), (min(k + 12, len(rows.seq) - 1), Status.TRADING)):
                _status(columns, row, int(columns["instrument"][k]), int(status))
        elif what == 1:
            columns["kind"][k] = int(Kind.GAP)
        elif columns["kind"][k] == int(Kind.QUOTE):
            columns["bid"][k], columns["ask"][k] = columns["ask"][k] + 2, columns["bid"][k]
    return rows_from_columns(columns)


def _status(columns, row, instrument, status):
    columns["kind"][row], columns["instrument"][row], columns["price"][row] = int(Kind.STATUS), instrument, status


def changed_after(rows, t_ns, seed):
    """The same rows up to t, other values in all later ones (and at the venue, what happened later)."""
    draw = np.random.default_rng(seed)
    columns = {name: np.array(column) for name, column in rows._asdict().items()}
    later = (rows.ts_init_ns > t_ns) & (rows.kind != int(Kind.STATUS))
    shift = draw.integers(-40, 40, len(rows.seq))
    for name in ("price", "bid", "ask"):
        columns[name] = np.where(later & (columns[name] > 0), columns[name] + shift, columns[name])
    for name in ("size", "bid_size", "ask_size"):
        columns[name] = np.where(later & (columns[name] > 0), draw.integers(1, 200, len(rows.seq)), columns[name])
    return rows_from_columns(columns)


def until(rows, t_ns) -> Rows:
    """The rows that had arrived by t."""
    return rows.slice(0, int(np.searchsorted(rows.ts_init_ns, t_ns, side="right")))
