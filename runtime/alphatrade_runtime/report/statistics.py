"""Statistics of a run, each with what it was measured on; none of them is a promise."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.report.curves import nav_curve
from alphatrade_runtime.report.run_data import Columns, RunData
from alphatrade_runtime.report.trades import ClosedTrades

_DAY_NS = 86_400 * 10**9
_YEAR_NS = 365.25 * _DAY_NS
_MINUTE_NS = 60 * 10**9
ENOUGH = 30  # fewer samples than this are called too small to say anything
_ANNUAL_DAYS = 60  # a Sharpe ratio is put on a year only when at least this many daily samples carry it


@dataclass(frozen=True)
class Share:
    """A share of n, with its 95% Wilson interval."""

    n: int
    hits: int
    low: float
    high: float

    @property
    def value(self) -> float | None:
        """The share, None when n is 0."""
        return self.hits / self.n if self.n else None


@dataclass(frozen=True)
class Sharpe:
    """Mean over standard deviation of returns on a clock; `annual` is None where the span is too short for it."""

    clock: str
    n: int
    ratio: float | None
    error: float | None
    annual: float | None
    annual_error: float | None


@dataclass(frozen=True)
class Statistics:
    """What a run came to; money in quanta, shares of NAV in bps."""

    initial: int
    final: int
    pnl: int
    return_bps: float
    max_drawdown_bps: float
    drawdown_from_ns: int
    drawdown_to_ns: int
    turnover_x: float
    first_ns: int
    span_ns: int
    hits: Share
    sharpe: Sharpe
    mean_trade: float | None
    median_holding_ns: int | None


def statistics(run: RunData, trades: ClosedTrades) -> Statistics:
    """Compute a run's statistics: NAV at every diary and EQUITY row, returns on EQUITY rows, closed trades."""
    equity = run.streams["equity"]
    initial = run.initial_cash
    ts, nav = nav_curve(run)
    depth, top, bottom = max_drawdown(nav.astype(np.float64)) if len(ts) else (0.0, 0, 0)
    final = int(nav[-1]) if len(ts) else initial
    turnover = int(equity["turnover"][-1]) if len(equity["turnover"]) else 0
    holding = trades.closed_ns - trades.opened_ns
    return Statistics(
        initial=initial,
        final=final,
        pnl=final - initial,
        return_bps=(final - initial) / initial * 1e4,
        max_drawdown_bps=depth * 1e4,
        drawdown_from_ns=int(ts[top]) if len(ts) else 0,
        drawdown_to_ns=int(ts[bottom]) if len(ts) else 0,
        turnover_x=turnover / initial,
        first_ns=int(ts[0]) if len(ts) else 0,
        span_ns=int(ts[-1] - ts[0]) if len(ts) else 0,
        hits=share(int((trades.net > 0).sum()), len(trades)),
        sharpe=sharpe(equity, initial),
        mean_trade=float(trades.net.mean()) if len(trades) else None,
        median_holding_ns=int(np.median(holding)) if len(trades) else None,
    )


def drawdown(nav: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return how far each value is below the highest before it, as a share of that, <= 0."""
    peak = np.maximum.accumulate(nav)
    return np.where(peak > 0, nav / np.where(peak > 0, peak, 1.0) - 1.0, 0.0)


def max_drawdown(nav: npt.NDArray[np.float64]) -> tuple[float, int, int]:
    """Return (depth >= 0, index of its peak, index of its trough)."""
    depths = drawdown(nav)
    bottom = int(np.argmin(depths))
    return -float(depths[bottom]), int(np.argmax(nav[: bottom + 1])), bottom


def share(hits: int, n: int) -> Share:
    """Return a share with its 95% interval. Source: Wilson (1927)."""
    if n == 0:
        return Share(0, 0, 0.0, 1.0)
    z = 1.959964
    centre = (hits + z * z / 2) / (n + z * z)
    half = z * math.sqrt(hits * (n - hits) / n + z * z / 4) / (n + z * z)
    return Share(n, hits, max(0.0, centre - half), min(1.0, centre + half))


def sharpe(equity: Columns, initial: int) -> Sharpe:
    """Return the Sharpe ratio on days where they carry it, else on the minutes or bars of the EQUITY rows."""
    ts, nav = equity["ts_ns"], equity["nav"].astype(np.float64)
    days = _on_clock(ts, nav, _DAY_NS, initial)
    if len(days) >= ENOUGH:
        per_year = len(days) * _YEAR_NS / max(float(ts[-1] - ts[0]), 1.0)
        return _ratio("day", days, per_year if len(days) >= _ANNUAL_DAYS else None)
    return _ratio("minute", _on_clock(ts, nav, _MINUTE_NS, initial), None)


def _on_clock(
    ts: npt.NDArray[np.int64], nav: npt.NDArray[np.float64], clock_ns: int, initial: int
) -> npt.NDArray[np.float64]:
    """Return simple returns between the last NAVs of each period in which there was one."""
    if len(ts) == 0:
        return np.zeros(0)
    period = ts // clock_ns
    last = np.flatnonzero(np.concatenate([period[1:] != period[:-1], [True]]))
    levels = np.concatenate([[float(initial)], nav[last]])
    if (levels <= 0).any():
        return np.zeros(0)
    return np.asarray(levels[1:] / levels[:-1] - 1.0)


def _ratio(clock: str, returns: npt.NDArray[np.float64], per_year: float | None) -> Sharpe:
    """Standard error by Lo (2002), for independent returns."""
    n = len(returns)
    deviation = float(returns.std(ddof=1)) if n > 1 else 0.0
    if n < 2 or deviation == 0.0:
        return Sharpe(clock, n, None, None, None, None)
    ratio = float(returns.mean()) / deviation
    error = math.sqrt((1 + ratio * ratio / 2) / n)
    if per_year is None:
        return Sharpe(clock, n, ratio, error, None, None)
    scale = math.sqrt(per_year)
    return Sharpe(clock, n, ratio, error, ratio * scale, error * scale)
