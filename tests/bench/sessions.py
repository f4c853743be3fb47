"""Session documents of the benchmarks: every check of the law on, every limit too wide to bind."""

from typing import Any

from bench import make_tape
from bench.pnl import MAKER_FEE_E7, TAKER_FEE_E7
from mind_off import MIND_OFF

WIDE_BPS = 1_000_000
LATENCY_NS = 10_000_000
CASH = "100000000"
_HOUR_NS = 3_600_000_000_000

LIMITS: dict[str, Any] = {
    "stream_stale_ns": _HOUR_NS, "max_notional_bps": WIDE_BPS, "band_limit_bps": 5_000, "band_marketable_bps": 5_000,
    "max_net_exposure_bps": WIDE_BPS, "max_leverage_bps": WIDE_BPS, "day_drawdown_bps": 5_000,
    "max_drawdown_bps": 6_000, "max_orders_per_s": 8_000, "max_orders_per_min": 8_000, "max_open_orders": 64,
    "max_turnover_min_bps": WIDE_BPS, "max_turnover_hour_bps": WIDE_BPS, "risk_per_trade_bps": WIDE_BPS,
    "stop_bps": 100, "max_flatten_slippage_bps": 50, "flatten_blind": False, "near_miss_bps": 8_000,
    "mark_jump_bps": 500, "kill_max_staleness_ns": _HOUR_NS,
}  # fmt: skip
FLAGS = dict.fromkeys(("fast_weights", "linear_attention", "exploration", "auto_governed_feedback"), False)

PARTS = ("belief", "regime", "probes", "drift", "fast weights", "router")  # in the order in which P4 puts them on
FEATURES = (
    "mid_ticks", "spread_ticks", "microprice_ticks", "book_imbalance", "order_flow_1s", "order_flow_10s",
    "trade_flow_1s", "trade_flow_10s", "return_ticks", "volatility_ticks", "bid_lots", "ask_lots",
)  # fmt: skip
_BLOCKS: dict[str, dict[str, Any]] = {
    "belief": {"features": list(FEATURES), "active_bps": 500, "half_life": 2_000, "seed": 1, "weights": None},
    "regime": {"type": "hmm", "fast_half_life": 20, "slow_half_life": 200, "dwell": 5, "persist": 3},
    "probes": {},
    "drift": {
        "reference": 1_000, "min_observations": 30, "page_hinkley": {"delta": "0.25", "warn": "12", "alert": "20"},
        "cusum": {"slack": "0.5", "warn": "6", "alert": "10"}, "shock": "12",
    },
}  # fmt: skip
RISING = ("BullCalm", "BullNormal", "BullStorm")
NOT_RISING = (
    "BearCalm", "BearNormal", "BearStorm", "NeutralCalm", "NeutralNormal", "NeutralStorm", "Uncertain", "Dislocated",
)  # fmt: skip
_SWITCHES = {"fast weights": "fast_weights", "router": "linear_attention"}


def quotes_session() -> dict[str, Any]:
    """P1: EMA(20)/EMA(50), always one lot long or short, market orders, a flat fee an order, no latency."""
    instrument = {
        "symbol": "TAPE", "tick_size": make_tape.TICK_SIZE, "lot_size": make_tape.LOT_SIZE, "multiplier": "1",
        "maker_fee_e7": 0, "taker_fee_e7": 0, "fee_per_fill": make_tape.FEE_PER_ORDER,
    }  # fmt: skip
    policy = _policy("ema_cross", {"fast": 20, "slow": 50}, "market")
    return _session(policy, {**instrument, **_sizes(1)}, 0)


def bars_session() -> dict[str, Any]:
    """The bar variant of P1: decide at each close, fill at the next open."""
    session = quotes_session()
    session["policy"]["genotype"]["decision_clock"] = {"type": "bar", "interval_ns": 1}
    return session


def capture_session(strategy: str, every: int) -> dict[str, Any]:
    """P2: passive two-sided quote or aggressive flips, risk-averse queue, no partial fills, 10 ms each way."""
    instrument = {
        "symbol": "BTCUSDT", "tick_size": "0.1", "lot_size": "0.001", "multiplier": "1",
        "maker_fee_e7": MAKER_FEE_E7, "taker_fee_e7": TAKER_FEE_E7, "fee_per_fill": "0",
    }  # fmt: skip
    if strategy == "passive":
        policy = _policy("bench_join_best", {"lots": 1}, "passive_quote")
        return _session(policy, {**instrument, **_sizes(10_000)}, LATENCY_NS)
    policy = _policy("bench_flip", {"every": every}, "market")
    return _session(policy, {**instrument, **_sizes(1)}, LATENCY_NS)


def mind_session(parts: int = len(PARTS)) -> dict[str, Any]:
    """P4, P5a: P1's session with a second pair of averages to choose from, and the first `parts` of PARTS on."""
    return _minded(quotes_session(), parts)


def mind_capture_session() -> dict[str, Any]:
    """P4, P5b: the same on a capture, everything on, at the default decision clock."""
    session = _minded(capture_session("aggressive", 1), len(PARTS))
    session["policy"]["genotype"]["decision_clock"]["type"] = "quote_change"
    session["feed"]["speed"] = "Realtime"
    return session


def flip_session() -> dict[str, Any]:
    """P5a-flip: everything on, long where the market rises, short by another topology wherever else it is."""
    session = mind_session()
    rising, other = session["policy"]["genotype"]["policies"]
    rising["regimes"], other["regimes"] = list(RISING), list(NOT_RISING)
    other["execution_topology"] = {"type": "twap", "params": {"slices": 1, "duration_ns": 1_000_000}}
    for policy, side in ((rising, 1), (other, -1)):
        policy["signal"] = {"ref": "bench_side", "api": 1, "digest": None, "params": {"side": side}}
    return session


def _minded(session: dict[str, Any], parts: int) -> dict[str, Any]:
    genotype, envelope = session["policy"]["genotype"], session["policy"]["envelope"]
    pairs = {"fast": {"fast": 20, "slow": 50}, "slow": {"fast": 50, "slow": 200}}
    policies = [{**_policy("ema_cross", params, "market"), "name": name} for name, params in pairs.items()]
    genotype.update(policies=policies, **{name: _BLOCKS[name] for name in PARTS[:parts] if name in _BLOCKS})
    envelope["flags"] = {**FLAGS, **{_SWITCHES[name]: True for name in PARTS[:parts] if name in _SWITCHES}}
    return session


def _sizes(max_position: int) -> dict[str, Any]:
    return {
        "initial_margin_bps": 1_000, "max_quote_age_ns": _HOUR_NS, "max_position_lots": max_position,
        "max_order_lots": 2 * max_position, "min_order_lots": 1,
    }  # fmt: skip


def _policy(ref: str, params: dict[str, int], topology: str) -> dict[str, Any]:
    return {
        "name": "bench", "signal": {"ref": ref, "api": 1, "digest": None, "params": params},
        "execution_topology": {"type": topology, "params": {}}, "instruments": [], "regimes": [],
        "weight_bps": 10_000,
    }  # fmt: skip


def _session(policy: dict[str, Any], instrument: dict[str, Any], latency_ns: int) -> dict[str, Any]:
    limits = {**LIMITS, "symbols": [instrument["symbol"]]}
    envelope = {"limits": limits, "flags": FLAGS, "instruments": [instrument], "calendar": "24/7", "seed": 1}
    envelope["exploration"] = None
    clock = {"type": "every_quote", "interval_ns": 100_000_000}
    genotype = {"policies": [policy], "decision_clock": clock, **MIND_OFF}
    document = {
        "policySchema": 1, "strategy_id": "bench", "mode": "Sim", "stage": "Experiment", "risk_template": "bench",
        "genotype": genotype, "envelope": envelope, "plugins": [], "initial_cash": CASH, "currency": "USD",
    }  # fmt: skip
    exchange = {
        "queue_model": "risk_averse", "partial_fills": latency_ns == 0,
        "entry_latency_ns": latency_ns, "response_latency_ns": latency_ns, "cancel_on_disconnect": False,
    }  # fmt: skip
    feed = {"type": "tape", "path": "bench", "speed": "Max", "record": False}
    return {
        "policy": document, "exchange": exchange, "feed": feed, "funding_model": "none", "durability": "group",
    }  # fmt: skip
