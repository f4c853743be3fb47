"""A running session's metrics: brought up from its status once a second."""

from alphatrade.telemetry import Registry
from alphatrade.v1.control_pb2 import ExplorationState, InstrumentMind, StrategyStatus
from alphatrade_runtime.loop.live_loop import LiveLoop
from alphatrade_runtime.service.feed.client import RemoteFeed
from alphatrade_runtime.service.http.stages import export_stages
from alphatrade_runtime.service.strategy.status import Loop

QUANTA_PER_UNIT = 1e8
_TOTALS = {
    "alphatrade_events_total": "events",
    "alphatrade_decisions_total": "decisions",
    "alphatrade_orders_total": "orders",
    "alphatrade_acknowledgements_total": "acks",
    "alphatrade_fills_total": "fills",
    "alphatrade_near_misses_total": "near_misses",
    "alphatrade_plugin_faults_total": "plugin_faults",
    "alphatrade_violations_total": "violations",
    "alphatrade_breaks_total": "breaks",
}


def export(registry: Registry, loop: Loop, said: StrategyStatus, feed: RemoteFeed | None) -> None:
    """Bring the metrics up to what a status says."""
    for name, count in _TOTALS.items():
        registry.counter(name).reach(said.counts[count])
    for name, total in said.counts.items():
        if name.startswith("denied_"):
            registry.counter("alphatrade_denials_total", code=name.removeprefix("denied_")).reach(total)
    for symbol, lots in said.positions.items():
        registry.gauge("alphatrade_position_lots", instrument=symbol).set(lots)
    for mind in said.mind:
        export_mind(registry, mind)
    if said.HasField("exploration"):
        export_exploration(registry, said.exploration)
    registry.show("alphatrade_phase_state", said.phase)
    registry.show("alphatrade_kill_state", said.kill_state)
    account = loop.live.core["account"][0][0]
    queued = feed.queued_rows if feed is not None else 0
    rows = sum(log.rows for stream, log in loop.live.recorder.logs.items() if stream == "decisions")
    registry.counter("alphatrade_diary_rows_total").reach(rows)
    for name, value in (
        ("alphatrade_working_orders", said.working),
        ("alphatrade_nav_account_currency", said.nav / QUANTA_PER_UNIT),
        ("alphatrade_pnl_account_currency", said.pnl / QUANTA_PER_UNIT),
        ("alphatrade_drawdown_ratio", said.drawdown_bps / 1e4),
        ("alphatrade_session_time_timestamp_seconds", said.session_ns / 1e9),
        ("alphatrade_feed_connected_state", said.feed_connected),
        ("alphatrade_feed_staleness_seconds", max(said.session_ns - int(account["stream_ts"]), 0) / 1e9),
        ("alphatrade_feed_queue_rows", queued),
        ("alphatrade_broker_linked_state", said.broker_linked),
        ("alphatrade_kill_latched_state", bool(said.latched_by)),
        ("alphatrade_kill_list_age_seconds", max(said.kill_list_age_ms, 0) / 1e3),
        ("alphatrade_kill_switches_matched", len(said.acknowledged)),
    ):
        registry.gauge(name).set(float(value))
    if isinstance(loop, LiveLoop):
        export_stages(registry, loop.telemetry.stages)


def export_exploration(registry: Registry, explored: ExplorationState) -> None:
    """Bring the metrics of exploration up to what is told."""
    total = explored.exploring + explored.normal
    registry.gauge("alphatrade_exploration_share_ratio").set(explored.exploring / total if total else 0.0)
    registry.gauge("alphatrade_exploration_permitted_ratio").set(explored.permitted_bps / 1e4)


def export_mind(registry: Registry, mind: InstrumentMind) -> None:
    """Bring the metrics of one instrument's understanding loop up to what is told; what is off has none."""
    where, fast, drift = mind.symbol, mind.fast_weights, mind.drift
    if mind.HasField("fast_weights"):
        registry.gauge("alphatrade_fast_weights_norm_ratio", instrument=where).set(fast.norm / fast.bound)
        registry.counter("alphatrade_fast_weights_clamps_total", instrument=where).reach(fast.clamps)
        registry.counter("alphatrade_fast_weights_faults_total", instrument=where).reach(fast.faults)
    if mind.HasField("drift"):
        registry.gauge("alphatrade_drift_alert_state", instrument=where).set(drift.state == "Alert")
        registry.counter("alphatrade_drift_alerts_total", instrument=where).reach(drift.alerts)
        registry.gauge("alphatrade_drift_size_ratio", instrument=where).set(drift.size_factor)
        for stream, strain in drift.strains.items():
            registry.gauge("alphatrade_drift_strain_ratio", instrument=where, stream=stream).set(strain)
