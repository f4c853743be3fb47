"""Remove one check of the law at a time: each removal must turn scenarios red, and these are named."""

import pytest

from alphatrade_runtime.risk.codes import Code
from unit.risk.law_mutants import Mutant, damaged
from unit.risk.law_scenarios import SCENARIOS, tell


def law(name, old, new, *caught_by):
    return Mutant(name, "risk.law", old, new, caught_by)


def unasked(code, line, *caught_by):
    """The mutant that never asks one check of `check`."""
    return law(f"without_{code.lower()}", f"    util[_{code}] = {line}", f"    util[_{code}] = 0", *caught_by)


MUTANTS = [
    unasked(
        "KILL",
        "kill_blocks(request, exposure, account)",
        "kill_reduce",
        "kill_halt",
        "kill_flatten",
        "clock_step_halts",
    ),
    unasked(
        "SESSION", "session_closed(view, account, limits)", "session_halted", "session_closed", "session_opens_above"
    ),
    unasked(
        "STALE",
        "stale(view, instrument, account, limits)",
        "stale_quote_above",
        "stale_stream_above",
        "stale_after_a_gap",
    ),
    unasked("SYMBOL", "unknown_symbol(instrument)", "symbol"),
    unasked("SIZE", "bad_size(request, instrument)", "size_most_above", "size_least_above"),
    unasked("NOTIONAL", "fat_finger(value, account, limits)", "notional_above", "nav_zero"),
    unasked(
        "PRICE_BAND",
        "outside_band(request, view, limits, band_bps)",
        "band_bid_above",
        "band_taking_above",
        "band_selling_above",
    ),
    unasked(
        "INVENTORY",
        "too_much_inventory(after, instrument) if raises else 0",
        "inventory_above",
        "inventory_of_position_above",
    ),
    unasked(
        "EXPOSURE", "too_exposed(net, account, limits) if raises else 0", "exposure_above", "exposure_reserved_above"
    ),
    unasked(
        "LEVERAGE", "too_levered(gross, account, limits) if raises else 0", "leverage_above", "leverage_reserved_above"
    ),
    unasked("MARGIN", "margin_short(margin, account) if raises or account.nav <= 0 else 0", "margin_above"),
    unasked(
        "DRAWDOWN",
        "0 if reduces(request, exposure) else drawdown_holds(account)",
        "drawdown_day_above",
        "drawdown_day_flips",
    ),
    unasked(
        "RATE", "too_fast(account, limits, rate_ring)", "rate_second_above", "rate_minute_above", "rate_of_amends_above"
    ),
    unasked("OPEN_ORDERS", "too_many_open(request, exposure, limits)", "open_orders_above"),
    unasked(
        "TURNOVER",
        "too_much_turnover(value, account, limits) if raises else 0",
        "turnover_above",
        "turnover_hour_above",
    ),
    unasked("RISK_PER_TRADE", "too_risky(value, account, limits) if raises else 0", "risk_per_trade_above"),
    unasked("BUDGET", "beyond_budget(request)", "budget_above", "budget_denies_once"),
    unasked("DUP", "duplicate(request, account)", "dup"),
    law(
        "kill_lets_reductions_through_a_halt",
        "account.kill_mode == _KILL_REDUCE",
        "account.kill_mode > 0",
        "kill_halt_sells",
    ),
    law(
        "reduce_lets_all_through",
        "return failing(not reduces(request, exposure))",
        "return 0",
        "kill_reduce",
        "kill_reduce_flips",
    ),
    law(
        "halt_of_the_clock_is_ignored",
        "account.kill_state == _ARMED and account.halt == 0",
        "account.kill_state == _ARMED",
        "clock_step_halts",
    ),
    law("status_is_ignored", "view.status != _TRADING or ", "", "session_halted"),
    law(
        "calendar_is_ignored",
        "(account.session_open == 0 and limits.bar_mode == 0)",
        "False",
        "session_opens_above",
        "session_closes_above",
    ),
    law(
        "stream_is_never_silent",
        "silent = utilisation(account.now - account.stream_ts, limits.stream_stale_ns)",
        "silent = 0",
        "stale_stream_above",
    ),
    law(
        "quotes_never_age",
        "max(silent, utilisation(account.now - view.quote_ts, instrument.max_quote_age_ns))",
        "silent",
        "stale_quote_above",
    ),
    law("no_least_size", "request.qty < instrument.min_order or ", "", "size_least_above"),
    law("no_most_size", "return utilisation(request.qty, instrument.max_order)", "return 0", "size_most_above"),
    law(
        "taking_has_the_wide_band",
        "band_bps = limits.band_marketable_bps if marketable else limits.band_limit_bps",
        "band_bps = limits.band_limit_bps",
        "band_taking_above",
        "band_selling_above",
    ),
    law(
        "resting_has_the_narrow_band",
        "band_bps = limits.band_marketable_bps if marketable else limits.band_limit_bps",
        "band_bps = limits.band_marketable_bps",
        "band_bid_at",
        "band_ask_at",
    ),
    law(
        "only_prices_above_have_a_band",
        "abs(2 * request.price - request.ref2)",
        "(2 * request.price - request.ref2)",
        "band_bid_above",
        "band_selling_above",
    ),
    law(
        "flatten_has_the_usual_band",
        "band_bps = account.flatten_slippage_bps if flatten else 0",
        "band_bps = 0",
        "flatten_passes_band",
    ),
    law(
        "working_buys_do_not_count",
        "exposure.position + exposure.working_buy + extra_buy",
        "exposure.position + extra_buy",
        "exposure_reserved_above",
        "leverage_reserved_above",
    ),
    law(
        "sales_do_not_reserve",
        "exposure.position - exposure.working_sell - extra_sell",
        "exposure.position - exposure.working_sell",
        "inventory_short_above",
    ),
    law("position_does_not_count", "up = exposure.position + ", "up = ", "inventory_of_position_above"),
    law("exposures_do_not_net", "net + sign * value", "net + value", "exposure_nets"),
    law(
        "only_one_instrument_counts",
        "for i in range(n):\n        extra",
        "for i in range(request.instrument, request.instrument + 1):\n        extra",
        "exposure_reserved_above",
    ),
    law(
        "short_exposure_does_not_count",
        "return utilisation(abs(net), ",
        "return utilisation(net, ",
        "exposure_short_above",
    ),
    law(
        "nothing_left_still_trades",
        "    if limit <= 0:\n        return CAP\n",
        "    if limit <= 0:\n        return 0\n",
        "nav_zero",
    ),
    law(
        "at_the_limit_fails",
        "return min(int(share), FULL)",
        "return min(int(share), FULL) + 1",
        "size_most_at",
        "exposure_at",
        "rate_second_at",
    ),
    law("above_by_little_passes", "max(int(share), FULL + 1)", "int(share)", "stale_quote_above", "stale_stream_above"),
    law(
        "rate_has_no_second",
        "second = utilisation(account.rate_head - account.rate_tail_s + 1, limits.max_orders_per_s)",
        "second = 0",
        "rate_second_above",
    ),
    law(
        "rate_has_no_minute",
        "return max(second, utilisation(account.rate_head - account.rate_tail_min + 1, limits.max_orders_per_min))",
        "return second",
        "rate_minute_above",
    ),
    law("rate_never_forgets", "account.rate_tail_s += 1", "break", "rate_second_at"),
    law(
        "amends_open_orders",
        "exposure.open_orders + 1 - request.is_amend",
        "exposure.open_orders + 1",
        "open_orders_of_amends",
    ),
    law(
        "turnover_has_no_hour",
        "return max(minute, utilisation(account.turn_hour + value, of_nav(account.nav, limits.max_turnover_hour_bps)))",
        "return minute",
        "turnover_hour_above",
    ),
    law(
        "turnover_has_no_minute",
        "minute = utilisation(account.turn_minute + value, of_nav(account.nav, limits.max_turnover_min_bps))",
        "minute = 0",
        "turnover_above",
        "turnover_minute_above",
    ),
    law("turnover_never_forgets", "account.turn_minute -= account.turn_s[slot]", "pass", "turnover_minute_at"),
    law("turnover_is_not_counted", "account.turn_minute += value", "pass", "turnover_above"),
    law("amends_are_duplicates", "request.is_amend == 0 and request.order_id", "request.order_id", "rate_of_amends_at"),
    law(
        "reductions_may_flip",
        "exposure.working_sell + request.extra <= position",
        "True",
        "reduce_only_flips",
        "kill_reduce_flips",
        "drawdown_day_flips",
    ),
    law(
        "nothing_reduces",
        "return position > 0 and exposure.working_sell + request.extra <= position",
        "return False",
        "reduce_only_sells",
        "kill_reduce_sells",
    ),
    law(
        "break_is_ignored",
        "if (request.order_flags & _REDUCE_ONLY) != 0 or account.reduce_only != 0:",
        "if (request.order_flags & _REDUCE_ONLY) != 0:",
        "reduce_only_buys",
        "reduce_only_flips",
    ),
    law(
        "reductions_answer_to_turnover",
        "too_much_turnover(value, account, limits) if raises else 0",
        "too_much_turnover(value, account, limits)",
        "turnover_of_a_sale",
    ),
    law(
        "reductions_answer_to_risk",
        "too_risky(value, account, limits) if raises else 0",
        "too_risky(value, account, limits)",
        "risk_of_a_sale",
    ),
    law(
        "flatten_answers_to_all",
        "if purpose != _FLATTEN or code",
        "if True or code",
        "flatten_passes_rate",
        "flatten_passes_notional",
    ),
    law(
        "last_code_wins",
        "for code in range(1, len(util)):",
        "for code in range(len(util) - 1, 0, -1):",
        "session_before_stale",
    ),
    Mutant("reduce_is_not_latched", "risk.kill", "account.kill_mode = mode", "pass", ("kill_reduce_sells",)),
    Mutant(
        "trip_is_forgotten",
        "risk.kill",
        "account.kill_state = FLATTENING if mode == FLATTEN else TRIPPED",
        "pass",
        ("kill_reduce", "kill_halt"),
    ),
    Mutant(
        "arming_by_control",
        "loop.rows",
        "if REDUCE <= what <= FLATTEN:",
        "if what == 0:\n        account.kill_state = 0\n    if REDUCE <= what <= FLATTEN:",
        ("kill_not_armed_again",),
    ),
    Mutant(
        "flatten_ignores_slippage",
        "risk.kill",
        "return -(-ref2 * (10_000 - slippage_bps) // 20_000)",
        "return 1",
        ("flatten_minds_its_slippage",),
    ),
    Mutant(
        "flatten_sends_all_at_once",
        "loop.step",
        "min(abs(exposure.position), c.instruments[i].max_order)",
        "abs(exposure.position)",
        ("flatten_in_parts",),
    ),
    Mutant(
        "peak_does_not_kill",
        "loop.step",
        "if trip(account, HALT, _DRAWDOWN_PEAK, 0, account.seq):",
        "if False:",
        ("drawdown_peak_above",),
    ),
    Mutant(
        "day_does_not_hold", "loop.step", "account.reduce_only |= REDUCE_DAY_DRAWDOWN", "pass", ("drawdown_day_above",)
    ),
    Mutant(
        "day_never_ends",
        "risk.equity",
        "account.reduce_only = account.reduce_only & ~REDUCE_DAY_DRAWDOWN",
        "pass",
        ("drawdown_of_yesterday",),
    ),
    Mutant(
        "leaves_stay_reserved",
        "execution.orders",
        "reserve(exposure, order.side, -order.reserved)",
        "pass",
        ("reservation_released",),
    ),
    Mutant(
        "fills_stay_reserved",
        "execution.orders",
        "reserve(exposure, order.side, -freed)",
        "pass",
        ("reservation_of_a_fill_released",),
    ),
    Mutant(
        "orders_are_not_reserved",
        "loop.act",
        "        reserve(c.exposures[i], side, qty)\n",
        "",
        ("exposure_reserved_above",),
    ),
    Mutant(
        "orders_have_no_rate",
        "loop.act",
        "        reserve(c.exposures[i], side, qty)\n        _note_rate(c)\n",
        "        reserve(c.exposures[i], side, qty)\n",
        ("rate_second_above",),
    ),
    Mutant(
        "amends_have_no_rate",
        "loop.act",
        "        order.reserved += extra\n        _note_rate(c)\n",
        "        order.reserved += extra\n",
        ("rate_of_amends_above",),
    ),
    Mutant(
        "foreign_orders_are_no_break", "loop.reports", "    elif report.type != _ACCEPTED:\n", "    else:\n", ("dup",)
    ),
    Mutant(
        "halt_ends_unreconciled",
        "loop.rows",
        " and account.halt & HALT_RECONCILED:",
        ":",
        ("clock_step_not_reconciled",),
    ),
    Mutant(
        "halt_ends_without_quotes",
        "loop.rows",
        "account.good_quotes >= GOOD_QUOTES and ",
        "",
        ("clock_step_waits_for_quotes",),
    ),
    Mutant(
        "exploring_orders_spend_nothing",
        "loop.act",
        "c.request[0].spend = notional",
        "c.request[0].spend = 0",
        ("budget_above", "budget_denies_once"),
    ),
    Mutant(
        "room_is_what_is_asked",
        "loop.mind.explore",
        "return room(mind.budget[0], mind.budget_params[0], c.account[0].now)",
        "return notional",
        ("budget_above", "budget_denies_once"),
    ),
    Mutant(
        "all_flow_is_normal",
        "loop.mind.explore",
        "exploring = 0 if symbol.tried == NOBODY else 1",
        "exploring = 0",
        ("budget_above", "budget_to_the_last_lot"),
    ),
    Mutant(
        "normal_flow_answers_to_the_budget",
        "loop.mind.explore",
        "    if symbol_at(mind.symbols, i).tried == NOBODY:\n        return -1\n",
        "",
        ("budget_at", "budget_denies_once"),
    ),
    Mutant(
        "a_denial_ends_no_trial",
        "loop.mind.explore",
        "symbol.refused = 1",
        "symbol.refused = 0",
        ("budget_denies_once",),
    ),
    Mutant("gap_keeps_quotes", "loop.rows", "c.views[i].quote_ts = 0", "pass", ("stale_after_a_gap",)),
]


@pytest.mark.twin
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_removal_is_caught_by_the_scenarios_named(mutant):
    with damaged(mutant):
        red = {name: tell(SCENARIOS[name]) for name in mutant.caught_by}
    assert red
    assert [name for name, complaint in red.items() if not complaint] == []


@pytest.mark.twin
def test_the_undamaged_law_passes_what_catches_mutants():
    names = sorted({name for mutant in MUTANTS for name in mutant.caught_by})
    assert {name: tell(SCENARIOS[name]) for name in names} == dict.fromkeys(names, "")


def test_every_code_has_a_mutant_that_never_asks_it():
    names = {mutant.name for mutant in MUTANTS}
    assert {f"without_{code.name.lower()}" for code in Code if code.name != "ACCEPT"} <= names
