"""Check one strategy function by itself: what must hold before it may run anywhere."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.numerics.rng import stream, uniform
from alphatrade_runtime.plugin.compile import address_of
from alphatrade_runtime.plugin.contract import PluginError, SignalSpec
from alphatrade_runtime.plugin.drive import Floats, Trace, compiled, interpreted
from alphatrade_runtime.plugin.purity import impurities

ROWS = 1_000
_TIMED_ROWS = 100_000
_NAN_ROWS = (0, 300, 301, 302)
_SEED = 1


@dataclass(frozen=True)
class Check:
    """One check of one strategy: what was asked, whether it holds, what was found or what to do."""

    name: str
    passed: bool
    detail: str


def check(spec: SignalSpec) -> list[Check]:
    """Run every check of the function itself, the cheap and telling ones first; compile only what is pure."""
    pure = purity(spec)
    if not pure.passed:
        return [pure]
    built = compiles(spec)
    if not built.passed:
        return [pure, built]
    rows = sample(spec)
    return [pure, built, *(ask(spec, rows) for ask in CHECKS), speed(spec)]


def purity(spec: SignalSpec) -> Check:
    """Only arguments, scalar globals and exact arithmetic."""
    found = impurities(spec.function)
    return Check("pure", not found, found[0] if found else "reads its arguments and nothing else")


def compiles(spec: SignalSpec) -> Check:
    """Numba's nopython mode takes it."""
    try:
        address_of(spec)
    except PluginError as error:
        return Check("compiles", False, str(error))
    return Check("compiles", True, "in nopython mode, with bounds checks")


def in_range(spec: SignalSpec, rows: Floats) -> Check:
    """It never raises, and states only what the contract allows."""
    trace = compiled(spec, rows)
    if len(trace.faults):
        return Check("in range", False, f"it raised at row {trace.faults[0]}; see that indices stay in range")
    wrong = _wrong_quotes(trace) if spec.form == "quote" else np.flatnonzero(np.abs(trace.results) > 1.0)
    if len(wrong):
        what = "a crossed or negative quote" if spec.form == "quote" else f"the target {trace.results[wrong[0]]:g}"
        fix = "keep bid < ask and lots >= 0" if spec.form == "quote" else "return a share in [-1, 1], or NaN to keep"
        return Check("in range", False, f"{what} at row {wrong[0]}; {fix}")
    if np.isnan(trace.results).all() and spec.form == "signal":
        return Check("in range", False, f"NaN on all {len(rows):,} rows; it would never trade")
    return Check("in range", True, f"{len(rows):,} rows without a fault")


def twin(spec: SignalSpec, rows: Floats) -> Check:
    """Compiled code and plain Python give the same bytes."""
    a, b = compiled(spec, rows), interpreted(spec, rows)
    if a.same_as(b):
        return Check("twin bytes", True, f"compiled and plain Python agree on {len(rows):,} rows, bit by bit")
    differs = np.flatnonzero((a.results != b.results) & ~(np.isnan(a.results) & np.isnan(b.results)))
    where = f"first at row {differs[0]}" if len(differs) else "in its state or quotes"
    return Check("twin bytes", False, f"compiled and plain Python differ, {where}; use + - * / and plugin.math only")


def nan_inputs(spec: SignalSpec, rows: Floats) -> Check:
    """A feature that is not known yet does no lasting harm."""
    for feature in range(len(spec.features)):
        holed = rows.copy()
        holed[list(_NAN_ROWS), feature] = np.nan
        trace, clean = compiled(spec, holed), compiled(spec, rows)
        name = spec.features[feature]
        if len(trace.faults):
            return Check("NaN inputs", False, f"it raises when {name} is NaN; return early then")
        if (np.isnan(trace.state) & ~np.isnan(clean.state)).any():
            fix = "return math.nan at once when a feature is NaN, before s is touched"
            return Check("NaN inputs", False, f"one NaN in {name} stays in s for ever; {fix}")
    return Check("NaN inputs", True, "a feature that is not known yet leaves no trace in s")


def restart(spec: SignalSpec, rows: Floats) -> Check:
    """Cut at any point and restarted with s alone, it goes on as if nothing had happened."""
    whole = compiled(spec, rows)
    for cut in (1, len(rows) // 3, len(rows) // 2, len(rows) - 1):
        for run in (compiled, interpreted):
            head = run(spec, rows[:cut])
            tail = run(spec, rows[cut:], head.state)
            if not _joined(head, tail).same_as(whole):
                return Check("restart", False, f"restarted at row {cut} it goes on differently; keep all state in s")
    return Check("restart", True, "goes on with the same bytes from a checkpoint of s")


def no_look_ahead(spec: SignalSpec, rows: Floats) -> Check:
    """What comes later changes nothing before."""
    whole = compiled(spec, rows)
    for cut in range(50, len(rows), 97):
        changed = rows.copy()
        changed[cut:] = changed[cut:][::-1] * 1.5
        if not all(compiled(spec, part).first(cut).same_as(whole.first(cut)) for part in (rows[:cut], changed)):
            return Check("no look-ahead", False, f"rows from {cut} on change what it said before")
    return Check("no look-ahead", True, "later rows change nothing before them")


def speed(spec: SignalSpec) -> Check:
    """How long one call takes; a measurement, never a failure."""
    rows = np.ascontiguousarray(np.tile(sample(spec), (_TIMED_ROWS // ROWS, 1)))
    compiled(spec, rows[:ROWS])
    best = min(_seconds(lambda: compiled(spec, rows)) for _ in range(3))
    return Check("speed", True, f"{best / len(rows) * 1e9:,.0f} ns a call, measured on this machine")


CHECKS: tuple[Callable[[SignalSpec, Floats], Check], ...] = (in_range, twin, nan_inputs, restart, no_look_ahead)


def sample(spec: SignalSpec, n: int = ROWS) -> Floats:
    """Return (n, features) float64 of a seeded random market, each feature in its own range."""
    market = _market(n)
    return np.ascontiguousarray(np.stack([market.get(name, market["mid_ticks"]) for name in spec.features], axis=1))


def _market(n: int) -> dict[str, Floats]:
    draws = _draws(n, 8)
    mid = 10_000.0 + np.cumsum(np.floor(draws[0] * 5.0) - 2.0) * 0.5
    half = np.floor(draws[1] * 3.0) * 0.5 + 0.5
    bid, ask = np.floor(mid - half), np.ceil(mid + half)
    bid_lots, ask_lots = np.floor(draws[2] * 90.0) + 10.0, np.floor(draws[3] * 90.0) + 10.0
    flow, position = np.floor(draws[4] * 401.0) - 200.0, np.floor(draws[5] * 201.0) - 100.0
    returns = np.concatenate([[0.0], mid[1:] - mid[:-1]])
    return {
        "mid_ticks": mid,
        "last_trade_ticks": np.where(draws[6] > 0.5, bid, ask),
        "microprice_ticks": (bid * ask_lots + ask * bid_lots) / (bid_lots + ask_lots),
        "book_imbalance": (bid_lots - ask_lots) / (bid_lots + ask_lots),
        "spread_ticks": ask - bid,
        **dict.fromkeys(("order_flow_1s", "order_flow_10s", "trade_flow_1s", "trade_flow_10s"), flow),
        "return_ticks": returns,
        "volatility_ticks": np.abs(returns) * 0.5 + 0.5,
        "bid_ticks": bid,
        "ask_ticks": ask,
        "bid_lots": bid_lots,
        "ask_lots": ask_lots,
        "open_ticks": mid - returns,
        "high_ticks": np.maximum(mid, mid - returns) + 1.0,
        "low_ticks": np.minimum(mid, mid - returns) - 1.0,
        "volume_lots": np.floor(draws[7] * 1_000.0),
        "position_lots": position,
        "max_position_lots": np.full(n, 100.0),
    }


def _draws(n: int, kinds: int) -> npt.NDArray[np.float64]:
    state = stream(_SEED, "plugin-check")
    return np.array([[uniform(state) for _ in range(n)] for _ in range(kinds)])


def _wrong_quotes(trace: Trace) -> npt.NDArray[np.int64]:
    bid, bid_lots, ask, ask_lots = trace.quotes.T
    both = (bid_lots > 0) & (ask_lots > 0)
    return np.flatnonzero((bid_lots < 0) | (ask_lots < 0) | (both & (bid >= ask)))


def _joined(head: Trace, tail: Trace) -> Trace:
    return Trace(
        np.concatenate([head.results, tail.results]),
        np.concatenate([head.quotes, tail.quotes]),
        np.concatenate([head.faults, tail.faults + len(head.results)]),
        tail.state,
    )


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
