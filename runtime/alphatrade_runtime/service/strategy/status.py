"""What a running session tells of itself: a copy made by the trading loop, read by everyone else."""

from collections.abc import Mapping
from typing import Any

from alphatrade.v1.control_pb2 import StrategyStatus
from alphatrade_runtime.loop.core import Core
from alphatrade_runtime.loop.engine import counts_of
from alphatrade_runtime.loop.live_loop import LiveLoop
from alphatrade_runtime.loop.stream_loop import StreamLoop
from alphatrade_runtime.reflection.telemetry import Histogram
from alphatrade_runtime.risk.codes import Guard, KillState
from alphatrade_runtime.service.strategy.mind import exploration_told, mind_told
from alphatrade_runtime.service.strategy.phase import Held, phase_of
from alphatrade_runtime.service.strategy.steering import PodSteering

Loop = LiveLoop | StreamLoop
_PEAK = int(Guard.DRAWDOWN_PEAK)
_SHOWN = ("events", "decisions", "orders", "acks", "fills", "near_misses", "breaks", "plugin_faults")
_PERCENTILES = {"p50": 0.5, "p99": 0.99, "p999": 0.999}


def status_of(
    loop: Loop, steering: PodSteering, feed_connected: bool, was_linked: bool, symbols: list[str]
) -> StrategyStatus:
    """Return the status of a session that is on; for the thread of its loop."""
    live, account = loop.live, loop.live.core["account"][0][0]
    counts = counts_of(live.core)
    positions = live.positions()
    phase = phase_of(held_of(loop, steering, feed_connected, was_linked))
    peak = int(account["high_water"])
    in_break, edge_ns = break_of(live.core)
    age_ns = steering.watch.list_age_ns()
    return StrategyStatus(
        phase=phase.name,
        reason=phase.reason,
        message=phase.message,
        session_id=loop.facts.session_id,
        session_ns=max(int(account["now"]), 0),
        positions=dict(zip(symbols, positions, strict=True)),
        working=len(live.open_orders()),
        nav=live.nav(),
        pnl=live.nav() - int(account["initial_cash"]),
        drawdown_bps=max(0, (peak - live.nav()) * 10_000 // peak) if peak > 0 else 0,
        counts=counts_told(counts, len(live.recorder.violations)),
        latency_ns=latencies(loop),
        kill_state=KillState(int(account["kill_state"])).name,
        latched_by=steering.latch.latched_by,
        acknowledged=steering.latch.acknowledgements(),
        kill_list_age_ms=-1 if age_ns is None else age_ns // 1_000_000,
        broker_linked=loop.linked,
        feed_connected=feed_connected,
        notes=loop.notes[-16:],
        in_break=in_break,
        break_edge_ns=edge_ns,
        mind=mind_told(live.core),
        exploration=exploration_told(live.core, steering.permits),
    )


def break_of(core: Core) -> tuple[bool, int]:
    """Return whether the exchange is closed, and when that changes by the calendar, ns; 0 where it never does."""
    account, sessions = core["account"][0][0], int(core["loop"][0][0]["sessions"])
    at, is_open = int(account["session_cursor"]), bool(account["session_open"])
    if at >= sessions:
        return sessions > 0, 0
    return not is_open, int(core["session_close" if is_open else "session_open"][0][at])


def held_of(loop: Loop, steering: PodSteering, feed_connected: bool, was_linked: bool) -> Held:
    """Return what holds a running session."""
    account = loop.live.core["account"][0][0]
    return Held(
        kill_state=KillState(int(account["kill_state"])).name,
        kill_mode=int(account["kill_mode"]),
        drains=steering.drains,
        latched_by=steering.latch.latched_by,
        kill_list_stale=steering.watch.stale,
        kill_list_fault=steering.watch.fault,
        halt=int(account["halt"]),
        linked=loop.linked,
        was_linked=was_linked,
        note=loop.notes[-1] if loop.notes else "",
        feed_connected=feed_connected,
        flat=is_flat(loop),
        drawdown=int(account["kill_guard"]) == _PEAK,
    )


def is_flat(loop: Loop) -> bool:
    """True without a position and without a working order."""
    return not any(loop.live.positions()) and not loop.live.has_open_orders()


def is_drained(loop: Loop, steering: PodSteering) -> bool:
    """True when a session that is to end has got flat and rests."""
    if not steering.drains or not is_flat(loop):
        return False
    return KillState(int(loop.live.core["account"][0][0]["kill_state"])) is KillState.HALTED


def latencies(loop: Loop) -> dict[str, int]:
    """Return percentiles of ingest to order, ns; empty on a stream's clock, which has none to measure."""
    if not isinstance(loop, LiveLoop):
        return {}
    histogram: Histogram = loop.telemetry.stages["ingest_order"]
    found = {name: histogram.percentile(share) for name, share in _PERCENTILES.items()}
    return {name: value for name, value in found.items() if value is not None}


def counts_told(counts: Mapping[str, Any], violations: int) -> dict[str, int]:
    """Return the counts that a status tells, denials by code among them."""
    denied = {f"denied_{code}": count for code, count in counts["denials"].items()}
    return {**{name: counts[name] for name in _SHOWN}, **denied, "violations": violations}
