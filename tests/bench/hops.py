"""P5c: from a row that is due at the feed gateway to its order at the broker gateway, three pods on the loopback.

The pods are the product's, unchanged, and so is what they write: a row is due at its own time, the runtime's journal
says which rows an order came from, the exchange's log when the order arrived. All three clocks are the host's.

    python -m bench.hops N
"""

# ruff: noqa: E402 (the pins must be in place before numba is imported)
from alphatrade_runtime.numerics import pins

pins.apply()

import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.execution.broker.exchange_log import from_client, read_commands
from alphatrade_runtime.loop.journal import RecordKind, read_records
from alphatrade_runtime.market.schema import Flag, Kind, Rows, rows_from_columns
from bench import make_tape, sessions
from bench.peers.serve import Run, serve
from bench.pods import Desk

INTERVAL_NS = 10_000_000
LEAD_ROWS = 300  # not counted: the runtime logs on while they pass
Ints = npt.NDArray[np.int64]


def percentiles_us(spans_ns: Ints) -> dict[str, float]:
    """Return what is shown of latencies."""
    found = np.percentile(spans_ns / 1_000, (50, 99, 99.9))
    return {name: round(float(us), 1) for name, us in zip(("p50_us", "p99_us", "p999_us"), found, strict=True)}


class Order(NamedTuple):
    """One order. row: number of the first row of the batch that made it; taken_ns: when the runtime took that batch."""

    row: int
    taken_ns: int


def session() -> dict[str, Any]:
    """Return a session that sends an order at each of the tape's quotes: P1's, with averages that cross each time."""
    document = sessions.quotes_session()
    document["policy"]["mode"] = "Paper"
    document["policy"]["genotype"]["policies"][0]["signal"]["params"] = {"fast": 2, "slow": 3}
    return document


def quotes(n: int) -> Rows:
    """Return quotes that go up and down in turn; venue_seq says which is which in the runtime's journal."""
    at = np.arange(n, dtype=np.int64)
    times = make_tape.START_NS + at * INTERVAL_NS
    bid = make_tape.START_BID_TICKS + 10 * (at % 2)
    return rows_from_columns(
        {
            "seq": at, "ts_event_ns": times, "ts_init_ns": times, "kind": np.full(n, int(Kind.QUOTE), np.uint8),
            "flags": np.full(n, int(Flag.LAST), np.uint8), "bid": bid, "ask": bid + 1,
            "bid_size": np.full(n, 1_000, np.int64), "ask_size": np.full(n, 1_000, np.int64), "venue_seq": at,
        }
    )  # fmt: skip


def orders_of(journal: Path) -> Iterator[Order]:
    """Yield an order for each command that a journal holds, in the order in which they left."""
    rows, taken_ns = np.zeros(0, np.int64), 0
    for record in read_records(journal):
        if isinstance(record.payload, Rows):
            taken_ns = int(record.payload.ts_init_ns[-1])
            found = record.payload.venue_seq[record.payload.kind == int(Kind.QUOTE)]
            rows = found if len(found) else rows
        elif record.kind is RecordKind.COMMANDS:
            yield from (Order(int(rows[0]) if len(rows) else -1, taken_ns) for _ in range(len(record.payload)))


def latencies(tape: Rows, orders: list[Order], arrived_ns: Ints) -> dict[str, Any]:
    """Return percentiles, us: of the whole way, and of each half; rows of the lead are left out."""
    counted = np.array([order.row >= LEAD_ROWS for order in orders])
    due = tape.ts_init_ns[[max(order.row, 0) for order in orders]][counted]
    taken = np.array([order.taken_ns for order in orders])[counted]
    halves = {"to_runtime_p50_us": taken - due, "to_broker_p50_us": arrived_ns[counted] - taken}
    return {
        "orders": int(counted.sum()),
        **percentiles_us(arrived_ns[counted] - due),
        **{name: round(float(np.median(span)) / 1_000, 1) for name, span in halves.items()},
    }


def played(tape: Rows) -> dict[str, Any]:
    """Play the tape once with fresh pods; return the figures."""
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder), session(), tape)
        try:
            desk.start()
            started = time.perf_counter()
            desk.strategy.until("Ended")
            seconds = time.perf_counter() - started
        finally:
            desk.close()
        (journal,), (log,) = desk.strategy.data.rglob("000001/journal"), desk.broker.data.rglob("commands.bin")
        orders, commands = list(orders_of(journal)), from_client(read_commands(log.parent))
    right = len(orders) == len(commands) and len(orders) >= (len(tape.seq) - LEAD_ROWS) // 2
    return {"seconds": seconds, "events": len(tape.seq), "right": right, **latencies(tape, orders, commands["ts_ns"])}


def load(n: str) -> Run:
    """Return a run over n quotes that count."""
    tape = quotes(LEAD_ROWS + int(n))
    return lambda: played(tape)


if __name__ == "__main__":
    serve(load, version("alphatrade"))
