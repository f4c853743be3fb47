"""Every metric that operator and pods export: the one source for code, dashboards, rules and docs.

A name ends in its unit; counters end in `_total`. Every label is bounded: a value that is not on its list, or one past
its bound, is exported as `other`, so that no input can make the number of series grow. Pods add one label with their
own name (`strategy`, `feed` or `broker`); namespace and pod come from the scrape.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Type = Literal["counter", "gauge", "histogram"]
Component = Literal["operator", "strategy", "feed", "broker"]

OPERATOR: tuple[Component, ...] = ("operator",)
STRATEGY: tuple[Component, ...] = ("strategy",)
FEED: tuple[Component, ...] = ("feed",)
BROKER: tuple[Component, ...] = ("broker",)
PODS: tuple[Component, ...] = ("strategy", "feed", "broker")
ALL: tuple[Component, ...] = ("operator", *PODS)
TRADING: tuple[Component, ...] = ("strategy", "broker")

OTHER = "other"  # what a value outside its bound becomes
OWN_LABELS: Mapping[Component, str] = {"strategy": "strategy", "feed": "feed", "broker": "broker"}


@dataclass(frozen=True)
class Bounded:
    """How many values a label may have; values: all of them, where they are known."""

    most: int
    values: tuple[str, ...] = ()


def _one_of(*values: str) -> Bounded:
    return Bounded(len(values), values)


LABELS: Mapping[str, Bounded] = {
    "strategy": Bounded(1),
    "feed": Bounded(1),
    "broker": Bounded(1),
    "instrument": Bounded(256),
    "code": _one_of(
        "KILL", "SESSION", "STALE", "SYMBOL", "SIZE", "NOTIONAL", "PRICE_BAND", "INVENTORY", "EXPOSURE", "LEVERAGE",
        "MARGIN", "DRAWDOWN", "RATE", "OPEN_ORDERS", "TURNOVER", "RISK_PER_TRADE", "BUDGET", "DUP",
    ),
    "stage": _one_of("ingest_signal", "signal_order", "order_ack", "ingest_order"),
    "state": _one_of("ARMED", "TRIPPED", "FLATTENING", "HALTED"),
    "mode": _one_of("Reduce", "Halt", "Flatten"),
    "phase": _one_of(
        "Starting", "Trading", "Halted", "Reducing", "Flattening", "Latched", "Draining", "Drained", "Preparing",
        "Serving", "Ended", "Failed",
    ),
    "kind": _one_of(
        "Strategy", "RiskTemplate", "ExplorationBudget", "KillSwitch", "GovernanceProposal", "SignOff",
        "PolicyLedgerEntry", "Replay", "Evolution", "Reflection", "MarketDataFeed", "BrokerConnection", "Namespace",
    ),
    "result": _one_of("settled", "waiting", "failed"),
    "method": _one_of(
        "Apply", "GetStatus", "WatchStatus", "Subscribe", "Trade", "Reconcile", "Decide", "RenewPermit", "Check",
        "Watch", "ServerReflectionInfo",
    ),
    "grpc_code": _one_of(
        "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
        "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
        "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
    ),
    "reason": Bounded(16),
    "stream": _one_of("Edge", "HitRate", "Slippage", "Calibration", "Surprise", "Psi"),
}  # fmt: skip

# Powers of two in ns: the runtime's own histograms, which are finer, have a bound at each of them.
STEP_EXPONENTS = range(10, 31)
STEP_BUCKETS = tuple(2**exponent * 1e-9 for exponent in STEP_EXPONENTS)  # 1 us to 1 s
CALL_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


@dataclass(frozen=True)
class Metric:
    """One metric. unit: of its values. components: who exports it. buckets: upper bounds, histograms only."""

    name: str
    type: Type
    unit: str
    components: tuple[Component, ...]
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


def _counter(name: str, unit: str, who: tuple[Component, ...], text: str, *labels: str) -> Metric:
    return Metric(name, "counter", unit, who, text, labels)


def _gauge(name: str, unit: str, who: tuple[Component, ...], text: str, *labels: str) -> Metric:
    return Metric(name, "gauge", unit, who, text, labels)


def _histogram(
    name: str, who: tuple[Component, ...], text: str, *labels: str, buckets: tuple[float, ...] = CALL_BUCKETS
) -> Metric:
    return Metric(name, "histogram", "seconds", who, text, labels, buckets)


METRICS: tuple[Metric, ...] = (
    # every process
    _gauge("alphatrade_certificate_expiry_timestamp_seconds", "seconds", ALL,
           "When the own mTLS certificate (operator: the CA's) expires, Unix time."),
    _counter("alphatrade_grpc_requests_total", "requests", ALL,
             "gRPC calls that ended, by method and status code.", "method", "grpc_code"),
    _histogram("alphatrade_grpc_request_duration_seconds", ALL,
               "How long a unary gRPC call took in the server.", "method"),
    _gauge("alphatrade_grpc_streams", "streams", ALL, "Streaming gRPC calls that are open.", "method"),
    _gauge("alphatrade_phase_state", "state", PODS, "1 for the phase that the pod is in, 0 for the others.", "phase"),
    # strategy: what it does
    _counter("alphatrade_events_total", "rows", STRATEGY, "Market data rows taken in."),
    _counter("alphatrade_decisions_total", "decisions", STRATEGY, "Decisions made."),
    _counter("alphatrade_orders_total", "commands", STRATEGY,
             "Order commands that left: new orders, amendments, cancels."),
    _counter("alphatrade_acknowledgements_total", "reports", STRATEGY, "Execution reports that were no fills."),
    _counter("alphatrade_fills_total", "fills", STRATEGY, "Fills booked."),
    _counter("alphatrade_near_misses_total", "orders", STRATEGY,
             "Orders that passed with a limit used to its near-miss share or more."),
    _counter("alphatrade_plugin_faults_total", "faults", STRATEGY, "Calls of a signal that raised."),
    _counter("alphatrade_violations_total", "violations", STRATEGY, "Disagreements found by the post-trade auditor."),
    _counter("alphatrade_diary_rows_total", "rows", STRATEGY, "Rows written to the decision diary."),
    _histogram("alphatrade_stage_latency_seconds", STRATEGY,
               "Time from one stage of a decision to the next; none on a stream's clock.", "stage",
               buckets=STEP_BUCKETS),
    _gauge("alphatrade_position_lots", "lots", STRATEGY, "Position, negative when short.", "instrument"),
    _gauge("alphatrade_working_orders", "orders", STRATEGY, "Orders that work or whose fate is not known yet."),
    _gauge("alphatrade_pnl_account_currency", "account_currency", STRATEGY, "Profit since the session began."),
    _gauge("alphatrade_drawdown_ratio", "ratio", STRATEGY, "Loss since the highest value, as a share of it."),
    _gauge("alphatrade_session_time_timestamp_seconds", "seconds", STRATEGY,
           "The session's own time, Unix time; behind the wall clock on a recorded stream."),
    # strategy: what it learns, and whether it still does what it did
    _gauge("alphatrade_fast_weights_norm_ratio", "ratio", STRATEGY,
           "Norm of the fast weights, as a share of its bound.", "instrument"),
    _counter("alphatrade_fast_weights_clamps_total", "clamps", STRATEGY,
             "Fast weights scaled back to their bound.", "instrument"),
    _counter("alphatrade_fast_weights_faults_total", "faults", STRATEGY,
             "Fast weights restored from their last good copy.", "instrument"),
    _gauge("alphatrade_drift_strain_ratio", "ratio", STRATEGY,
           "Highest sum of a stream's drift tests, as a share of the one that alerts; none before its reference.",
           "instrument", "stream"),
    _gauge("alphatrade_drift_alert_state", "state", STRATEGY, "1 while a drift alert holds.", "instrument"),
    _counter("alphatrade_drift_alerts_total", "alerts", STRATEGY, "Drift alerts.", "instrument"),
    _gauge("alphatrade_drift_size_ratio", "ratio", STRATEGY, "What drift multiplies sizes by.", "instrument"),
    _gauge("alphatrade_exploration_share_ratio", "ratio", STRATEGY,
           "Share of sent notional that explored, of the last orders."),
    _gauge("alphatrade_exploration_permitted_ratio", "ratio", STRATEGY,
           "Share of the flow that may explore now; 0 without a permit."),
    # strategy: what it hangs on
    _gauge("alphatrade_feed_connected_state", "state", STRATEGY, "1 while the feed delivers."),
    _gauge("alphatrade_feed_staleness_seconds", "seconds", STRATEGY, "Session time since the last market data row."),
    _gauge("alphatrade_feed_queue_rows", "rows", STRATEGY, "Rows received that the loop has not taken yet."),
    _gauge("alphatrade_broker_linked_state", "state", STRATEGY, "1 while the order session is on and reconciled."),
    # kill switch
    _gauge("alphatrade_kill_state", "state", STRATEGY, "1 for the kill state that holds, 0 for the others.", "state"),
    _gauge("alphatrade_kill_latched_state", "state", TRADING, "1 while a latch forbids trading."),
    _histogram("alphatrade_kill_acknowledgement_latency_seconds", STRATEGY,
               "From a kill switch's arrival until nothing but what its mode allows could leave.", "mode"),
    _gauge("alphatrade_kill_list_age_seconds", "seconds", STRATEGY,
           "Age of the last complete list of kill switches; past its limit the pod halts."),
    _gauge("alphatrade_kill_switches_matched", "switches", STRATEGY, "Kill switches engaged on this pod so far."),
    # law and books, strategy and gateway alike
    _counter("alphatrade_denials_total", "orders", TRADING,
             "Orders that the law refused, by code; at a gateway the account's.", "code"),
    _counter("alphatrade_reconciliations_total", "reconciliations", TRADING, "Books compared with the venue's."),
    _counter("alphatrade_breaks_total", "breaks", TRADING, "Books that did not agree."),
    _gauge("alphatrade_nav_account_currency", "account_currency", TRADING, "Net asset value."),
    # feed gateway
    _counter("alphatrade_feed_rows_sent_total", "rows", FEED, "Rows sent, all subscribers together."),
    _gauge("alphatrade_feed_subscribers", "subscribers", FEED, "Subscribers now."),
    _gauge("alphatrade_feed_tape_rows", "rows", FEED, "Rows of the tape behind the feed."),
    _gauge("alphatrade_feed_tape_gaps", "gaps", FEED, "Gaps on the tape."),
    _gauge("alphatrade_feed_unacknowledged_batches", "batches", FEED,
           "Batches sent that subscribers have not acknowledged."),
    # broker gateway
    _counter("alphatrade_broker_commands_total", "commands", BROKER, "Order commands taken."),
    _counter("alphatrade_broker_reports_total", "reports", BROKER, "Execution reports made."),
    _counter("alphatrade_broker_logons_refused_total", "logons", BROKER, "Logons refused.", "reason"),
    _gauge("alphatrade_broker_sessions", "sessions", BROKER, "Order sessions that are on."),
    # operator
    _gauge("alphatrade_operator_queue_keys", "keys", OPERATOR, "Objects that wait to be reconciled."),
    _counter("alphatrade_operator_reconciles_total", "reconciles", OPERATOR,
             "Objects reconciled: settled, waiting for something, failed.", "kind", "result"),
    _histogram("alphatrade_operator_reconcile_duration_seconds", OPERATOR, "How long a reconcile took.", "kind"),
    _counter("alphatrade_operator_errors_total", "errors", OPERATOR, "Reconciles that raised.", "kind"),
    _counter("alphatrade_operator_writes_total", "writes", OPERATOR, "Objects and statuses written.", "kind"),
    _gauge("alphatrade_operator_objects", "objects", OPERATOR, "Objects known.", "kind"),
    _gauge("alphatrade_operator_not_ready_objects", "objects", OPERATOR, "Objects whose Ready is not True.", "kind"),
    _gauge("alphatrade_operator_lease_epoch", "epoch", OPERATOR, "Transitions of the Lease: this operator's epoch."),
    _gauge("alphatrade_operator_lease_held_state", "state", OPERATOR, "1 while the Lease is held."),
    _gauge("alphatrade_operator_law_faults", "faults", OPERATOR,
           "Admission policies and bindings that are missing or not as installed; above 0 nothing goes live."),
    _counter("alphatrade_operator_certificates_issued_total", "certificates", OPERATOR, "Certificates issued."),
)  # fmt: skip


def metric(name: str) -> Metric:
    """Return a metric by name. Raises KeyError for a name that is not in the table."""
    if name not in _BY_NAME:
        raise KeyError(f"metric {name}: not in METRICS; add it there first, or correct the name")
    return _BY_NAME[name]


def exported_by(component: Component) -> tuple[Metric, ...]:
    """Return the metrics of a component, in the table's order."""
    return tuple(m for m in METRICS if component in m.components)


def metrics_table() -> tuple[list[str], list[list[str]]]:
    """Return header and rows of the table of all metrics, for docs/metrics.md."""
    header = ["metric", "type", "unit", "exported by", "labels", "meaning"]
    return header, [_documented(m) for m in METRICS]


def _documented(m: Metric) -> list[str]:
    labels = ", ".join(f"`{name}` (≤ {LABELS[name].most})" for name in m.labels) or "—"
    return [f"`{m.name}`", m.type, m.unit, ", ".join(m.components), labels, m.help]


_BY_NAME = {m.name: m for m in METRICS}
