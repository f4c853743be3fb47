"""The bar variant of P1 in backtesting.py: its orders fill at the next open by themselves.

It charges a commission for the closing and for the opening half of a flip: half a fee a unit makes
0.01 a flip of 2. The first order is one unit, so half a fee is added to it afterwards.
"""

import warnings
from typing import Any

import backtesting
import numpy as np
import pandas as pd
from backtesting import Backtest, Strategy

from bench.peers.serve import Run, serve, timed

TICK, FEE, CASH = 0.01, 0.01, 1e7
FAST, SLOW, WARMUP = 20, 50, 50


class EmaAlwaysIn(Strategy):  # type: ignore[misc, unused-ignore]
    """Hold +1 while the fast average of the close is above the slow one, -1 below."""

    def init(self) -> None:
        """Start flat."""
        self.fast = self.slow = float(self.data.Ticks[0])
        self.seen, self.target, self.sent = 1, 0, 0

    def next(self) -> None:
        """Move the averages; send one market order when the side changes. The first call sees two bars."""
        mid = float(self.data.Ticks[-1])
        self.fast += 2.0 / (FAST + 1) * (mid - self.fast)
        self.slow += 2.0 / (SLOW + 1) * (mid - self.slow)
        self.seen += 1
        if self.seen <= WARMUP or self.fast == self.slow:
            return
        target = 1 if self.fast > self.slow else -1
        if target != self.target:
            (self.buy if target > self.target else self.sell)(size=abs(target - self.target))
            self.target, self.sent = target, self.sent + 1


def _half_fee_a_unit(size: float, price: float) -> float:
    return FEE / 2 * abs(size)


def _load(path: str) -> Run:
    warnings.simplefilter("ignore")
    tape = dict(np.load(path))
    columns = {name.capitalize(): tape[name] * TICK for name in ("open", "high", "low", "close")}
    index = pd.DatetimeIndex(tape["ts_ns"])
    frame = pd.DataFrame({**columns, "Volume": tape["volume"], "Ticks": tape["close"].astype(np.float64)}, index)

    def run() -> dict[str, Any]:
        test = Backtest(frame, EmaAlwaysIn, cash=CASH, commission=_half_fee_a_unit, margin=1.0, trade_on_close=False)
        seconds, stats = timed(test.run)
        net = float(stats["_equity_curve"]["Equity"].iloc[-1]) - CASH - FEE / 2
        strategy = stats["_strategy"]
        position = int(strategy.position.size)
        return {"seconds": seconds, "net": net, "orders": strategy.sent, "events": len(frame), "position": position}

    return run


if __name__ == "__main__":
    serve(_load, backtesting.__version__)
