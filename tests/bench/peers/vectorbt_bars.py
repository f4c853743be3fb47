"""The bar variant of P1 in vectorbt: decide at a close, fill at the next open, a fixed fee an order."""

from typing import Any

import numba as nb
import numpy as np
import pandas as pd
import vectorbt as vbt

from bench.peers.serve import Run, serve, timed

TICK, FEE, CASH = 0.01, 0.01, 1e9
FAST, SLOW, WARMUP = 20, 50, 50


@nb.njit(cache=True)  # type: ignore[misc, unused-ignore]
def _targets(close: Any) -> Any:
    """Return the target after each close, NaN to keep the last one."""
    out = np.full(len(close), np.nan)
    fast = slow = close[0]
    for i in range(len(close)):
        fast += 2.0 / (FAST + 1) * (close[i] - fast)
        slow += 2.0 / (SLOW + 1) * (close[i] - slow)
        if i >= WARMUP and fast != slow:
            out[i] = 1.0 if fast > slow else -1.0
    return out


def _simulate(opens: Any, closes: Any, ticks: Any) -> tuple[float, int, float]:
    wanted = _targets(ticks)
    size = np.concatenate(([np.nan], wanted[:-1]))
    portfolio = vbt.Portfolio.from_orders(
        closes, size=size, size_type="targetamount", price=opens, fixed_fees=FEE, init_cash=CASH
    )
    return portfolio.final_value() - CASH, portfolio.orders.count(), portfolio.assets().iloc[-1]


def _load(path: str) -> Run:
    tape = dict(np.load(path))
    opens, closes = (pd.Series(tape[name] * TICK) for name in ("open", "close"))
    ticks = tape["close"].astype(np.float64)

    def run() -> dict[str, Any]:
        seconds, (net, orders, held) = timed(lambda: _simulate(opens, closes, ticks))
        return {"seconds": seconds, "net": net, "orders": int(orders), "events": len(ticks), "position": int(held)}

    return run


if __name__ == "__main__":
    serve(_load, vbt.__version__)
