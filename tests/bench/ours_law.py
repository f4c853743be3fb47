"""P7: all checks of the law on one order that passes them, in a compiled loop and called from Python."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from alphatrade_runtime.loop import replay
from alphatrade_runtime.loop.build import build
from alphatrade_runtime.market.orders import TimeInForce
from alphatrade_runtime.numerics.jit import entry
from alphatrade_runtime.policy.document import parse_session
from alphatrade_runtime.risk.law import check
from bench import make_tape, sessions

KERNEL_CALLS = 2_000_000
PYTHON_CALLS = 200_000
PRICES = 4  # asked in turn, so that no call can be folded into the one before


@entry
def ask_once(core: Any) -> Any:
    """Ask the law about the order in `request`; 0 accepts."""
    c = core[0]
    return check(
        c.request[0], c.exposures, c.views, c.instruments, c.loop[0].instruments, c.limits[0], c.account[0],
        c.rate_ring, c.util,
    )  # fmt: skip


@entry
def ask_many(core: Any, calls: int) -> Any:
    """Ask about orders at PRICES prices in turn; return how many were denied."""
    request = core[0].request[0]
    base = request.price
    denied = 0
    for k in range(calls):
        request.price = base + k % PRICES
        denied += ask_once(core) != 0
    request.price = base
    return denied


def traded_core() -> Any:
    """Return the state of P1 after 10,000 quotes, with a new order to buy one lot at the ask."""
    rows = make_tape.quote_rows(10_000, "walk")
    core = build(parse_session(sessions.quotes_session()), None, bar_mode=False)
    replay.run(core, rows, len(rows.seq), False, np.zeros((1, 2, 0), np.int64))
    c = core[0]
    request, ask = c.request[0], int(rows.ask[-1])
    side = -1 if c.exposures[0].position > 0 else 1
    request.side, request.qty, request.extra = side, 1, 1
    request.price, request.tif, request.order_id = ask, int(TimeInForce.IOC), c.account[0].next_order_id
    return core


def law(_: str, __: str) -> Callable[[], dict[str, Any]]:
    """Return a run: nanoseconds a call in the kernel, percentiles of calls from Python."""
    core = traded_core()

    def run() -> dict[str, Any]:
        started = time.perf_counter()
        denied = ask_many(core, KERNEL_CALLS)
        seconds = time.perf_counter() - started
        samples = np.empty(PYTHON_CALLS)
        for k in range(PYTHON_CALLS):
            before = time.perf_counter_ns()
            ask_once(core)
            samples[k] = time.perf_counter_ns() - before
        p50, p99 = np.percentile(samples, (50, 99)) / 1_000
        return {
            "seconds": seconds, "events": KERNEL_CALLS, "denials": int(denied),
            "kernel_ns": round(seconds / KERNEL_CALLS * 1e9, 2), "python_p50_us": round(p50, 3),
            "python_p99_us": round(p99, 3),
        }  # fmt: skip

    return run
