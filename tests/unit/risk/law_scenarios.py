"""The law's scenarios: each a session and a tape whose running step must deny just so, and let just so many leave.

For every limit there is one scenario at it, where the order passes, and one just above it. Nothing here calls the
law: a tape, a feed or a template makes the code.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from alphatrade_runtime.market.orders import Report
from alphatrade_runtime.market.schema import Control, Kind, Status
from alphatrade_runtime.risk.codes import Code
from unit.risk.law_session import (
    FLAGS,
    MID,
    SECOND_NS,
    START_NS,
    STEP_NS,
    TapeByHand,
    order_rows,
    quotes,
    run,
    session,
    targets,
)

NEW_YORK_OPEN_NS = START_NS + 14 * 3_600 * SECOND_NS + 1_800 * SECOND_NS  # 14:30 UTC on Wednesday 15 November 2023
NEW_YORK_CLOSE_NS = START_NS + 21 * 3_600 * SECOND_NS
MINUTE_NS = 60 * SECOND_NS
HOUR_NS = 60 * MINUTE_NS
DAY_NS = 24 * HOUR_NS


@dataclass(frozen=True)
class Scenario:
    """denials: exactly these, by code.  left: orders that left.  also: a further claim about the result."""

    document: dict[str, Any]
    tape: TapeByHand
    denials: dict[str, int]
    left: int
    breaks: int = 0
    also: Callable[[Any], bool] = field(default=lambda result: True)


SCENARIOS: dict[str, Scenario] = {}


def tell(scenario):
    """Run a scenario; return what is wrong with it, "" when nothing is."""
    result = run(scenario.document, scenario.tape)
    left = len(order_rows(result, event=1, code=0))
    found = {
        "denials": (result.counts["denials"], scenario.denials),
        "orders that left": (left, scenario.left),
        "breaks": (result.counts["breaks"], scenario.breaks),
        "strategy faults": (result.counts["plugin_faults"], 0),
        "auditor": ([v.text for v in result.violations], []),
        "the further claim": (bool(scenario.also(result)), True),
    }
    return "; ".join(f"{what}: {got}, expected {want}" for what, (got, want) in found.items() if got != want)


def _add(name, document, tape, denials=None, left=1, **more):
    assert name not in SCENARIOS
    SCENARIOS[name] = Scenario(document, tape, denials or {}, left, **more)


add: Any = _add  # stories come to it as unpacked pairs, which have no length for the type checker


def pair(name, code, build, at, above, *, left=1, denied=1):
    """Add the scenario at a limit and the one just above it. build(value) returns (session document, tape)."""
    add(f"{name}_at", *build(at), {}, left)
    add(f"{name}_above", *build(above), {code: denied}, left - denied)


def calm(n=3, **fields):
    return TapeByHand().quotes(n, **fields)


def bought(tape=None):
    """A tape on which a bid of 10,000 sent at the first quote is filled at the mid, so that NAV stays."""
    return (tape or TapeByHand()).quote().trade(MID - 1, 100_000, -1)


# SIZE, NOTIONAL, PRICE_BAND, INVENTORY, EXPOSURE, LEVERAGE, MARGIN, RISK_PER_TRADE: one bid, too large by one


def _one_bid(price=MID - 10, lots=10, **template):
    return session(quotes((1, price, lots, 0, 0)), **template), calm(1)


pair("size_most", "SIZE", lambda lots: _one_bid(lots=lots, terms={"max_order_lots": 10}), 10, 11)
pair("size_least", "SIZE", lambda lots: _one_bid(lots=lots, terms={"min_order_lots": 3}), 3, 2)
pair("notional", "NOTIONAL", lambda lots: _one_bid(MID, lots, limits={"max_notional_bps": 100}), 100, 101)
pair(
    "band_bid",
    "PRICE_BAND",
    lambda p: _one_bid(p, limits={"band_limit_bps": 50, "band_marketable_bps": 20}),
    9_950,
    9_949,
)
pair(
    "band_taking",
    "PRICE_BAND",
    lambda p: _one_bid(p, limits={"band_limit_bps": 50, "band_marketable_bps": 20}),
    10_020,
    10_021,
)
pair(
    "inventory",
    "INVENTORY",
    lambda lots: _one_bid(lots=lots, terms={"max_position_lots": 50, "max_order_lots": 100}),
    50,
    51,
)
pair("exposure", "EXPOSURE", lambda lots: _one_bid(lots=lots, limits={"max_net_exposure_bps": 100}), 100, 101)
pair("leverage", "LEVERAGE", lambda lots: _one_bid(lots=lots, limits={"max_leverage_bps": 100}), 100, 101)
pair("margin", "MARGIN", lambda lots: _one_bid(lots=lots, terms={"initial_margin_bps": 1_000_000}), 100, 101)
pair("risk_per_trade", "RISK_PER_TRADE", lambda lots: _one_bid(MID, lots, limits={"risk_per_trade_bps": 1}), 100, 101)


def _one_ask(price=MID + 10, lots=10, **template):
    return session(quotes((1, 0, 0, price, lots)), **template), calm(1)


pair(
    "band_ask",
    "PRICE_BAND",
    lambda p: _one_ask(p, limits={"band_limit_bps": 50, "band_marketable_bps": 20}),
    10_050,
    10_051,
)
pair(
    "band_selling",
    "PRICE_BAND",
    lambda p: _one_ask(p, limits={"band_limit_bps": 50, "band_marketable_bps": 20}),
    9_980,
    9_979,
)
pair(
    "inventory_short",
    "INVENTORY",
    lambda lots: _one_ask(lots=lots, terms={"max_position_lots": 50, "max_order_lots": 100}),
    50,
    51,
)
pair("exposure_short", "EXPOSURE", lambda lots: _one_ask(lots=lots, limits={"max_net_exposure_bps": 100}), 100, 101)


# Reservations: what works already counts


def _second_instrument(code_limits):
    """A bid of 60 lots rests in one instrument; the other asks for more on the side and size given."""

    def build(wish):
        bid, ask = (wish, 0) if wish > 0 else (0, -wish)
        policies = (
            quotes((1, MID - 10, 60, 0, 0), instruments=["SIM-0"], name="first"),
            quotes((1, MID - 10, bid, MID + 10, ask), instruments=["SIM-1"], name="second"),
        )
        document = session(*policies, n=2, limits=code_limits)
        tape = TapeByHand().quote().quote(instrument=1).quote().quote(instrument=1)
        return document, tape

    return build


pair("exposure_reserved", "EXPOSURE", _second_instrument({"max_net_exposure_bps": 100}), 40, 41, left=2)
pair("leverage_reserved", "LEVERAGE", _second_instrument({"max_leverage_bps": 100}), -40, -41, left=2)
add("exposure_nets", *_second_instrument({"max_net_exposure_bps": 100})(-150), left=2)  # 60 - 150, worst each
add(
    "reservation_released",  # the bid moves: its lots come free when it is canceled, so the same lots fit again
    session(
        quotes((1, MID - 10, 50, 0, 0), (3, MID - 20, 50, 0, 0)), terms={"max_position_lots": 50, "max_order_lots": 50}
    ),
    calm(6),
    left=2,
)
add(
    "reservation_of_a_fill_released",  # 50 filled and sold again; 50 more fit only if no leaves stayed reserved
    session(
        quotes((1, MID, 50, 0, 0), (2, 0, 0, MID, 50), (3, MID - 10, 50, 0, 0)),
        terms={"max_position_lots": 50, "max_order_lots": 50},
    ),
    bought().quote().trade(MID + 1, 1_000, 1).quotes(2),
    left=3,
)


def _after_a_buy(wish, **template):
    """50 lots bought at 10,000 = mid, then a wish (bid, bid lots, ask, ask lots)."""
    return session(quotes((1, MID, 50, 0, 0), (2, *wish)), **template), bought().quotes(3)


pair(
    "inventory_of_position",
    "INVENTORY",
    lambda lots: _after_a_buy((MID - 10, lots, 0, 0), terms={"max_position_lots": 80, "max_order_lots": 160}),
    30,
    31,
    left=2,
)
# SIZE lets a flip through; INVENTORY counts where it ends
pair(
    "inventory_of_a_flip",
    "INVENTORY",
    lambda lots: _after_a_buy((0, 0, MID + 10, lots), terms={"max_position_lots": 80, "max_order_lots": 160}),
    130,
    131,
    left=2,
)
# TURNOVER: 50 lots x 10,000 filled are half of 1% of NAV
pair(
    "turnover",
    "TURNOVER",
    lambda lots: _after_a_buy((MID, lots, 0, 0), limits={"max_turnover_min_bps": 100}),
    50,
    51,
    left=2,
)
add(
    "turnover_of_a_sale",  # reduces: passes above the limit
    *_after_a_buy((0, 0, MID + 10, 50), limits={"max_turnover_min_bps": 50}),
    left=2,
)
add(
    "risk_of_a_sale",  # 50 lots are above the limit, selling them is not
    session(
        quotes((1, MID, 40, 0, 0), (2, MID, 40, 0, 0), (3, 0, 0, MID + 10, 80)),
        limits={"risk_per_trade_bps": 1, "stop_bps": 250},
    ),
    bought().quote().trade(MID - 1, 100_000, -1).quotes(2),
    left=3,
)


def _turnover_later(limits):
    def build(second):
        document = session(quotes((1, MID, 50, 0, 0), (2, 0, 0, 0, 0), (3, MID, 51, 0, 0)), limits=limits)
        tape = bought().quote().quote(at=START_NS + second * SECOND_NS).quote()
        return document, tape

    return build


# the window never forgets early: what was filled within its second 0 counts through second 60
pair("turnover_minute", "TURNOVER", _turnover_later({"max_turnover_min_bps": 100}), 61, 60, left=2)
pair(
    "turnover_hour",
    "TURNOVER",
    _turnover_later({"max_turnover_min_bps": 100, "max_turnover_hour_bps": 100}),
    3_660,
    3_600,
    left=2,
)


# RATE: two orders, then a third at the edge of the window


def _third_order(limits):
    def build(at_ns):
        document = session(quotes((1, MID - 10, 1, MID + 10, 1), (2, MID - 11, 1, MID + 10, 1)), limits=limits)
        return document, TapeByHand().quotes(2).quote(at=START_NS + at_ns)

    return build


pair("rate_second", "RATE", _third_order({"max_orders_per_s": 2}), SECOND_NS, SECOND_NS - 1, left=3)
pair(
    "rate_minute",
    "RATE",
    _third_order({"max_orders_per_s": 2, "max_orders_per_min": 2}),
    MINUTE_NS,
    MINUTE_NS - 1,
    left=3,
)
add(
    "rate_of_cancels",  # both orders are canceled within the second in which no third may leave
    session(quotes((1, MID - 10, 1, MID + 10, 1), (2, 0, 0, 0, 0)), limits={"max_orders_per_s": 2}),
    calm(3),
    left=2,
    also=lambda result: len(order_rows(result, event=3)) == 2,
)


def _pegged(limits, **template):
    """A pegged order of one lot; the touch moves after each 100 ms."""
    document = session(
        targets((1, 1.0), topology="pegged"),
        limits=limits,
        terms={"max_position_lots": 1, "max_order_lots": 1},
        **template,
    )
    tape = TapeByHand().quotes(2)
    for k in range(1, 3):
        tape.quote(bid=MID - 1 + k, ask=MID + 1 + k)
    return document, tape


add("rate_of_amends_at", *_pegged({"max_orders_per_s": 3}), also=lambda r: len(order_rows(r, event=2, code=0)) == 2)
add(
    "rate_of_amends_above",
    *_pegged({"max_orders_per_s": 2}),
    {"RATE": 1},
    also=lambda r: len(order_rows(r, event=2, code=0)) == 1,
)
add("open_orders_of_amends", *_pegged({"max_open_orders": 1}), also=lambda r: len(order_rows(r, event=2, code=0)) == 2)


# OPEN_ORDERS: a bid and an ask


def _both_sides(most):
    return session(quotes((1, MID - 10, 1, MID + 10, 1)), limits={"max_open_orders": most}), calm()


pair("open_orders", "OPEN_ORDERS", _both_sides, 2, 1, left=2)


# SYMBOL, SESSION, STALE

add(
    "symbol",
    session(quotes((1, MID - 10, 1, 0, 0)), n=2, symbols=["SIM-1"]),
    TapeByHand().quote().quote(instrument=1).quote(),
    {"SYMBOL": 1},
)
for status, passes in ((Status.TRADING, True), (Status.HALTED, False), (Status.CLOSED, False)):
    add(
        f"session_{status.name.lower()}",
        session(quotes((1, 0, 0, 0, 0), (2, MID - 10, 1, 0, 0))),
        TapeByHand().quote().status(status).quotes(2),
        {} if passes else {"SESSION": 1},
        left=int(passes),
    )
add(
    "session_resumed",
    session(quotes((1, 0, 0, 0, 0), (2, MID - 10, 1, 0, 0))),
    TapeByHand().quote().status(Status.HALTED).status(Status.TRADING).quotes(2),
)
add(
    "session_before_stale",
    session(quotes((1, 0, 0, 0, 0), (3, MID - 10, 1, 0, 0)), clock="timer", interval_ns=STEP_NS),
    TapeByHand().quote().status(Status.HALTED).row(Kind.TIMER, dt=9 * SECOND_NS),
    {"SESSION": 1},
    left=0,
)


def _in_new_york(at_ns):
    return session(quotes((1, MID - 10, 1, 0, 0)), calendar="XNYS"), TapeByHand(at_ns).quotes(2)


pair("session_opens", "SESSION", _in_new_york, NEW_YORK_OPEN_NS, NEW_YORK_OPEN_NS - 2 * STEP_NS)
pair("session_closes", "SESSION", _in_new_york, NEW_YORK_CLOSE_NS - STEP_NS - 1, NEW_YORK_CLOSE_NS)


def _old_quote(age_ns):
    document = session(
        quotes((1, 0, 0, 0, 0), (2, MID - 10, 1, 0, 0)), terms={"max_quote_age_ns": SECOND_NS}, clock="quote_change"
    )
    return document, TapeByHand().quote().trade(MID, 1, 1, dt=age_ns)


def _silent_stream(silence_ns):
    document = session(quotes((1, 0, 0, 0, 0), (2, MID - 10, 1, 0, 0)), clock="timer", interval_ns=STEP_NS)
    return document, TapeByHand().quote().row(Kind.TIMER, dt=silence_ns)


pair("stale_quote", "STALE", _old_quote, SECOND_NS, SECOND_NS + 1)
pair("stale_stream", "STALE", _silent_stream, 2 * SECOND_NS, 2 * SECOND_NS + 1)
add(
    "stale_after_a_gap",
    session(quotes((1, 0, 0, 0, 0), (2, MID - 10, 1, 0, 0)), clock="quote_change"),
    TapeByHand().quote().row(Kind.GAP).trade(MID, 1, 1),
    {"STALE": 1},
    left=0,
)
add(
    "fresh_after_a_gap",
    session(quotes((1, 0, 0, 0, 0), (2, MID - 10, 1, 0, 0)), clock="quote_change"),
    TapeByHand().quote().row(Kind.GAP).quote(),
)


# DRAWDOWN: 5,000 lots bought at 10,000 are half of NAV; at 9,000 the day has lost 5%


def _day_loss(wish):
    def build(bid):
        document = session(quotes((1, MID, 5_000, 0, 0), (2, 0, 0, 0, 0), (3, *wish)), limits={"day_drawdown_bps": 500})
        return document, bought().quote(bid=bid, ask=9_001).quotes(3, bid=bid, ask=9_001)

    return build


pair("drawdown_day", "DRAWDOWN", _day_loss((8_900, 1, 0, 0)), 8_999, 8_998, left=2)
add("drawdown_day_reduces", *_day_loss((0, 0, 9_100, 5_000))(8_998), left=2)
add("drawdown_day_flips", *_day_loss((0, 0, 9_100, 5_001))(8_998), {"DRAWDOWN": 1})
add(
    "drawdown_of_yesterday",
    session(quotes((1, MID, 5_000, 0, 0), (2, 0, 0, 0, 0), (4, 8_900, 1, 0, 0)), limits={"day_drawdown_bps": 500}),
    bought().quotes(2, bid=8_000, ask=9_000).quotes(2, bid=8_999, ask=9_001, at=START_NS + DAY_NS),
    left=2,
)


def _peak_loss(bid):
    document = session(
        quotes((1, MID, 5_000, 0, 0), (2, 0, 0, 0, 0), (3, 6_990, 1, 0, 0)), limits={"max_drawdown_bps": 1_500}
    )
    return document, bought().quotes(4, bid=bid, ask=7_001)


pair("drawdown_peak", "KILL", _peak_loss, 6_999, 6_998, left=2)


# KILL: each mode, and halts of the clock


def _tripped(control, wish, argument=0, tape=None):
    return (
        session(quotes((1, MID, 50, 0, 0), (2, 0, 0, 0, 0), (3, *wish))),
        (tape or bought().quote().control(control, argument)).quotes(3),
    )


for control in (Control.REDUCE, Control.HALT, Control.FLATTEN):
    add(
        f"kill_{control.name.lower()}",
        *_tripped(control, (MID - 10, 1, 0, 0)),
        {"KILL": 1},
        left=1 + (control == Control.FLATTEN),
    )
add("kill_reduce_sells", *_tripped(Control.REDUCE, (0, 0, MID + 10, 50)), left=2)
add("kill_reduce_flips", *_tripped(Control.REDUCE, (0, 0, MID + 10, 51)), {"KILL": 1})
add("kill_halt_sells", *_tripped(Control.HALT, (0, 0, MID + 10, 50)), {"KILL": 1})
add(
    "kill_not_armed_again",
    *_tripped(Control.ARMED, (MID - 10, 1, 0, 0), tape=bought().quote().control(Control.HALT).control(Control.ARMED)),
    {"KILL": 1},
)
add(
    "clock_step_halts",
    *_tripped(Control.CLOCK_STEP, (0, 0, MID + 10, 50)),
    {"KILL": 1},
)
add(
    "clock_step_waits_for_quotes",  # reconciled, but only two good quotes since the step
    session(quotes((1, 0, 0, 0, 0), (3, MID - 10, 1, 0, 0))),
    TapeByHand().quote().control(Control.CLOCK_STEP).control(Control.RECONCILED).quotes(2),
    {"KILL": 1},
    left=0,
)
add(
    "clock_step_released",
    session(quotes((1, 0, 0, 0, 0), (4, MID - 10, 1, 0, 0))),
    TapeByHand().quote().control(Control.CLOCK_STEP).control(Control.RECONCILED).quotes(3),
)
add(
    "clock_step_not_reconciled",
    session(quotes((1, 0, 0, 0, 0), (4, MID - 10, 1, 0, 0))),
    TapeByHand().quote().control(Control.CLOCK_STEP).quotes(3),
    {"KILL": 1},
    left=0,
)


# Reduce-only after a break in the books, told by a CONTROL row


def _broken(wish):
    return _tripped(Control.BREAK, wish)


add("reduce_only_sells", *_broken((0, 0, MID + 10, 50)), left=2)
add("reduce_only_flips", *_broken((0, 0, MID + 10, 51)), {"INVENTORY": 1})
add("reduce_only_buys", *_broken((MID - 10, 1, 0, 0)), {"INVENTORY": 1})
add(
    "reduce_only_released",
    *_tripped(0, (MID - 10, 1, 0, 0), tape=bought().quote().control(Control.BREAK).control(Control.RECONCILED)),
    left=2,
)


# DUP: the venue tells of an order with an id that we did not give


def _foreign(order_id, wish_from):
    document = session(quotes((1, 0, 0, 0, 0), (wish_from, MID - 10, 1, 0, 0)))
    tape = TapeByHand().quote().report(Report.ACCEPTED, order_id).control(Control.RECONCILED).quote()
    return document, tape


add("dup", *_foreign(100, 2), {"DUP": 1}, left=0, breaks=1)
add(
    "dup_then_new",  # the next id is above the foreign one
    _foreign(100, 2)[0],
    _foreign(100, 2)[1].quote(dt=SECOND_NS),
    {"DUP": 1},
    left=1,
    breaks=1,
    also=lambda result: order_rows(result, event=1, code=0)[0]["order_id"] == 101,
)
add("dup_below_ours", *_foreign(0, 2), left=1, breaks=1)


# BUDGET: 18 slices of 25 lots are the normal flow, so that at a tenth of the flow 50 lots may explore. The second best
# is tried from the 51st decision: 10 lots, then 40 more, all at one price.


def _trying(lots, more=0, tape=None):
    """The second best wants 10 lots beyond the incumbent's 450, from the 55th decision `lots` beyond these."""
    slices = {"duration_ns": 36 * STEP_NS, "slices": 18}
    document = session(
        targets((1, 0.45), topology="twap", topology_params=slices, name="incumbent"),
        targets((1, 0.46), (55, (460 + lots) / 1_000), name="tried"),
        terms={"max_position_lots": 1_000, "max_order_lots": 2_000},
    )
    document["policy"]["envelope"]["exploration"] = {
        "share_bps": 1_000, "cadence": 50, "window": 1_000, "freeze_on_warning": False, "freeze_drawdown_bps": None,
        "freeze_near_miss_bps": None, "quiet_decisions": 1,
    }  # fmt: skip
    document["policy"]["envelope"]["flags"] = {**FLAGS, "exploration": True}
    return document, (tape or calm(56)).quotes(more)


def _budget_used(result):
    return max(row["util"][Code.BUDGET] for row in result.tables["decisions"].to_pylist())


pair("budget", "BUDGET", _trying, 40, 41, left=20)
add("budget_to_the_last_lot", *_trying(40), left=20, also=lambda result: _budget_used(result) == 10_000)
add(
    "budget_denies_once",  # the trial is over: the incumbent sells what was tried, of which the budget asks nothing
    *_trying(41, more=4),
    {"BUDGET": 1},
    left=20,
    also=lambda result: len(order_rows(result, event=1, code=0, side=-1)) > 0,
)
add(
    "flatten_passes_budget",  # in mid-trial, with 40 lots covered and 460 held
    *_trying(0, tape=calm(53).control(Control.FLATTEN).quotes(3)),
    {"KILL": 1},  # what the strategy wishes afterwards
    left=20,
    also=lambda result: result.kill["state"] == "HALTED" and fills_sum(result) == 0,
)


# NAV: at or below nothing opens and nothing is sent, but a FLATTEN


def _ruined(bid, wish=(0, 0, 5_100, 1), trip=None):
    document = session(quotes((1, MID, 20_000, 0, 0), (2, 0, 0, 0, 0), (3, *wish)))
    tape = bought().quote(bid=bid, ask=5_001)
    if trip is not None:
        tape.control(trip)
    return document, tape.quotes(3, bid=bid, ask=5_001, bid_size=100_000)


add("nav_above_zero", *_ruined(5_000), left=2)
add("nav_zero", *_ruined(4_999), {"NOTIONAL": 1})
add(
    "nav_zero_flattens",
    *_ruined(4_999, wish=(0, 0, 0, 0), trip=Control.FLATTEN),
    left=2,
    also=lambda result: result.tables["fills"].to_pylist()[-1]["position_after"] == 0,
)


# FLATTEN answers to SYMBOL, SIZE, reduce-only, DUP and its own slippage, and to nothing else

FLATTENED_ANYWAY = {
    "size": {"terms": {"max_order_lots": 50}},
    "band": {"limits": {"band_limit_bps": 1, "band_marketable_bps": 1}},
    "notional": {"limits": {"max_notional_bps": 50}},
    "rate": {"limits": {"max_orders_per_s": 1, "max_orders_per_min": 1}},
    "turnover": {"limits": {"max_turnover_min_bps": 50}},
    "risk_per_trade": {"limits": {"risk_per_trade_bps": 1, "stop_bps": 200}},
}
for name, template in FLATTENED_ANYWAY.items():
    document, tape = _tripped(Control.FLATTEN, (0, 0, 0, 0))
    add(
        f"flatten_passes_{name}",
        session(quotes((1, MID, 50, 0, 0), (2, 0, 0, 0, 0)), **template),
        tape,
        left=2,
        also=lambda result: result.kill["state"] == "HALTED" and fills_sum(result) == 0,
    )


def fills_sum(result):
    return sum(row["side"] * row["qty"] for row in result.tables["fills"].to_pylist())


add(
    "flatten_in_parts",  # a position larger than one order may be: SIZE holds for a FLATTEN too
    session(quotes((1, MID, 50, 0, 0), (2, MID, 50, 0, 0), (3, 0, 0, 0, 0)), terms={"max_order_lots": 50}),
    bought(bought()).quote().control(Control.FLATTEN).quotes(3),
    left=4,
    also=lambda result: fills_sum(result) == 0 and max(row["qty"] for row in order_rows(result)) == 50,
)
add(
    "flatten_minds_its_slippage",  # nothing is bid within 50 bps of the mid: no fill, and no price beyond it
    session(quotes((1, MID, 50, 0, 0), (2, 0, 0, 0, 0))),
    bought().quote().quotes(2, bid=9_800, ask=10_200).control(Control.FLATTEN).quotes(3, bid=9_800, ask=10_200),
    left=1 + 4,
    also=lambda result: {row["price"] for row in order_rows(result, purpose=1)} == {9_950} and fills_sum(result) == 50,
)
