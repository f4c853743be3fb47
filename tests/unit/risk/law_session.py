"""Sessions and tapes written by hand: wide limits, so that a scenario tightens the one it is about.

Money: tick 0.01, lot 1, so a tick·lot is 1e6 quanta; the account starts with 1,000,000 = 1e14 quanta. At 10,000
ticks a lot is worth 100, that is 1 bps of the account.
"""

from alphatrade_runtime.loop.engine import Engine
from alphatrade_runtime.market.schema import ALL_INSTRUMENTS, Control, Flag, Kind, Status, rows_from_columns
from mind_off import MIND_OFF
from unit.risk import law_signals  # noqa: F401 (declares the scenarios' strategies)

START_NS = 1_700_006_400_000_000_000  # 2023-11-15 00:00 UTC, 19:00 of the 14th in New York
SECOND_NS = 1_000_000_000
STEP_NS = 100_000_000
NAV = 100_000_000_000_000
TICK_LOT = 1_000_000
MID = 10_000

LIMITS = {
    "stream_stale_ns": 2 * SECOND_NS, "max_notional_bps": 100_000, "band_limit_bps": 600, "band_marketable_bps": 600,
    "max_net_exposure_bps": 200_000, "max_leverage_bps": 200_000, "day_drawdown_bps": None, "max_drawdown_bps": None,
    "max_orders_per_s": 5_000, "max_orders_per_min": 5_000, "max_open_orders": 64, "max_turnover_min_bps": 1_000_000,
    "max_turnover_hour_bps": 1_000_000, "risk_per_trade_bps": 10_000, "stop_bps": 100, "max_flatten_slippage_bps": 50,
    "flatten_blind": False, "near_miss_bps": 8_000, "mark_jump_bps": 10_000, "kill_max_staleness_ns": 10 * SECOND_NS,
}  # fmt: skip
TERMS = {
    "tick_size": "0.01", "lot_size": "1", "multiplier": "1", "maker_fee_e7": 0, "taker_fee_e7": 0,
    "fee_per_fill": "0", "initial_margin_bps": 10, "max_quote_age_ns": 5 * SECOND_NS, "max_position_lots": 50_000,
    "max_order_lots": 100_000, "min_order_lots": 1,
}  # fmt: skip
EXCHANGE = {
    "queue_model": "risk_averse", "partial_fills": True, "entry_latency_ns": 0, "response_latency_ns": 0,
    "cancel_on_disconnect": False,
}  # fmt: skip
FLAGS = {"fast_weights": False, "linear_attention": False, "exploration": False, "auto_governed_feedback": False}


def policy(signal, params, topology="market", topology_params=None, instruments=(), name="p"):
    return {
        "name": name, "signal": {"ref": signal, "api": 1, "digest": None, "params": params},
        "execution_topology": {"type": topology, "params": topology_params or {}},
        "instruments": list(instruments), "regimes": [], "weight_bps": 10_000,
    }  # fmt: skip


def quotes(*phases, **options):
    """A quoting policy. phases: (from decision, bid ticks, bid lots, ask ticks, ask lots)."""
    names = ("from", "bid", "bid_lots", "ask", "ask_lots")
    return policy("law_quotes", _numbered(names, phases), **options)


def targets(*phases, **options):
    """A signal policy. phases: (from decision, share of the maximum position)."""
    return policy("law_target", _numbered(("from", "target"), phases), **options)


def _numbered(names, phases):
    return {f"{name}_{k}": value for k, phase in enumerate(phases) for name, value in zip(names, phase)}


def session(
    *policies, n=1, limits=None, terms=None, exchange=None, clock="every_quote", interval_ns=0, calendar="24/7",
    symbols=None, funding="none", cash="1000000",
):  # fmt: skip
    """A session document. terms: changes of all instruments' terms, or a list of changes by instrument."""
    changes = terms if isinstance(terms, list) else [terms or {}] * n
    instruments = [{"symbol": f"SIM-{k}", **TERMS, **changes[k]} for k in range(n)]
    allowed = symbols if symbols is not None else [f"SIM-{k}" for k in range(n)]
    return {
        "policy": {
            "policySchema": 1, "strategy_id": "law", "mode": "Sim", "stage": "Experiment", "risk_template": "law",
            "genotype": {
                "policies": list(policies), "decision_clock": {"type": clock, "interval_ns": interval_ns}, **MIND_OFF,
            },
            "envelope": {
                "limits": {**LIMITS, **(limits or {}), "symbols": allowed}, "flags": FLAGS, "exploration": None,
                "instruments": instruments, "calendar": calendar, "seed": 1,
            },
            "plugins": [], "initial_cash": cash, "currency": "USD",
        },
        "exchange": {**EXCHANGE, **(exchange or {})}, "durability": "group",
        "feed": {"type": "tape", "path": "by-hand", "speed": "Max", "record": False}, "funding_model": funding,
    }  # fmt: skip


class TapeByHand:
    """Rows one after the other, each 100 ms after the last unless told, each ending a step unless told."""

    def __init__(self, at=START_NS):
        self.columns: dict[str, list[int]] = {name: [] for name in rows_from_columns({"seq": []})._fields}
        self.now = at - STEP_NS

    def row(self, kind, *, dt=STEP_NS, at=None, event=None, instrument=0, last=True, **fields):
        self.now = self.now + dt if at is None else at
        given = {
            "seq": len(self.columns["seq"]) + 1, "ts_event_ns": self.now if event is None else event,
            "ts_init_ns": self.now, "instrument": instrument, "kind": int(kind), "flags": int(Flag.LAST) * last,
            **fields,
        }  # fmt: skip
        for name, column in self.columns.items():
            column.append(given.get(name, 0))
        return self

    def quote(self, bid=MID - 1, ask=MID + 1, bid_size=1_000, ask_size=1_000, **where):
        return self.row(Kind.QUOTE, bid=bid, ask=ask, bid_size=bid_size, ask_size=ask_size, **where)

    def quotes(self, n, **fields):
        for _ in range(n):
            self.quote(**fields)
        return self

    def trade(self, price, size, side, **where):
        return self.row(Kind.TRADE, price=price, size=size, side=side, **where)

    def status(self, status=Status.HALTED, **where):
        return self.row(Kind.STATUS, price=int(status), **where)

    def control(self, control, argument=0, **where):
        return self.row(Kind.CONTROL, price=int(Control(control)), size=argument, instrument=ALL_INSTRUMENTS, **where)

    def report(self, kind, order_id, *, side=1, price=0, qty=0, leaves=0, exec_id=0, maker=0, reason=0, **where):
        return self.row(
            Kind.EXEC_REPORT, ask=int(kind), bid=order_id, side=side, price=price, size=qty, bid_size=leaves,
            ask_size=maker | reason << 8, venue_seq=exec_id, **where,
        )  # fmt: skip

    def bar(self, ordinal, bar_open, high, low, close, volume=1_000, *, opens, closes, **where):
        return self.row(
            Kind.BAR, at=closes, event=opens, price=close, bid=low, ask=high, bid_size=bar_open, size=volume,
            venue_seq=ordinal, **where,
        )  # fmt: skip

    def rows(self):
        return rows_from_columns(self.columns)


def run(document, tape, **options):
    """Replay a tape by hand; the result's tables hold every row."""
    return Engine(document).replay(tape.rows(), **options)


def order_rows(result, **wanted):
    """Return the ORDER rows as dicts, those whose fields equal what is wanted."""
    return [row for row in result.tables["orders"].to_pylist() if all(row[k] == v for k, v in wanted.items())]


def fill_rows(result, **wanted):
    return [row for row in result.tables["fills"].to_pylist() if all(row[k] == v for k, v in wanted.items())]


def guard_rows(result):
    return [row for row in result.tables["decisions"].to_pylist() if row["guard"] != 0]
