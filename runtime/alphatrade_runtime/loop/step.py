"""The one step: perceive, decide, ask the law, execute, record. The same in replay, paper and live."""

import math

from alphatrade_runtime.execution.topology import intend
from alphatrade_runtime.loop.act import carry_out, send_cancel, send_new
from alphatrade_runtime.loop.core import OUT_DECISIONS
from alphatrade_runtime.loop.emit import equity_rows, fold_row, guard_row
from alphatrade_runtime.loop.follow import follow_decision
from alphatrade_runtime.loop.mind_call import call_mind
from alphatrade_runtime.market.orders import OrderFlag, Purpose, TimeInForce
from alphatrade_runtime.market.view import reference2
from alphatrade_runtime.numerics.jit import inlined, kernel
from alphatrade_runtime.numerics.math import NAN_BITS, float_bits
from alphatrade_runtime.numerics.mix import mix
from alphatrade_runtime.perception.features import NEEDS_PATH, fill, path_on_decision
from alphatrade_runtime.plugin.call import call_quote, call_signal, head
from alphatrade_runtime.risk.codes import Guard
from alphatrade_runtime.risk.equity import start_day
from alphatrade_runtime.risk.kill import (
    ARMED,
    FLATTEN_RETRY_NS,
    FLATTENING,
    FRESH_NS,
    HALT,
    HALTED,
    MAX_FLATTEN_TRIES,
    REDUCE,
    TRIPPED,
    flatten_price,
    must_cancel,
    trip,
)
from alphatrade_runtime.risk.state import REDUCE_DAY_DRAWDOWN

CLOCK_QUOTE_CHANGE, CLOCK_EVERY_QUOTE, CLOCK_BAR, CLOCK_TIMER = range(4)
TOUCHED_QUOTE, TOUCHED_OTHER = 1, 2
FOLD_DECISIONS = 1_000
FOLD_NS = 1_000_000_000
EQUITY_NS = 60_000_000_000

_IOC = int(TimeInForce.IOC)
_AT_OPEN = int(TimeInForce.AT_OPEN)
_REDUCE_ONLY = int(OrderFlag.REDUCE_ONLY)
_FLATTEN_PURPOSE = int(Purpose.FLATTEN)
_DRAWDOWN_PEAK = int(Guard.DRAWDOWN_PEAK)
_DRAWDOWN_DAY = int(Guard.DRAWDOWN_DAY)
_KILL_SWITCH = int(Guard.KILL_SWITCH)
_FLATTENED = int(Guard.FLATTENED)
_DAY_ROLL = int(Guard.DAY_ROLL)


@kernel
def _roll_calendar(c, now):
    """Move session and day up to now. No session table (24/7): always open."""
    account = c.account[0]
    sessions = c.loop[0].sessions
    while account.session_cursor < sessions and now >= c.session_close[account.session_cursor]:
        account.session_cursor += 1
    at = account.session_cursor
    account.session_open = 1 if sessions == 0 or (at < sessions and now >= c.session_open[at]) else 0
    rolled = False
    while account.day_cursor < c.loop[0].days and now >= c.day_start[account.day_cursor]:
        account.day_cursor += 1
        rolled = True
    if rolled:
        start_day(account, c.limits[0])
        guard_row(c, _DAY_ROLL)
    upcoming = c.day_start[account.day_cursor] if account.day_cursor < c.loop[0].days else 1 << 62
    if at < sessions:
        edge = c.session_close[at] if account.session_open == 1 else c.session_open[at]
        upcoming = min(upcoming, edge)
    account.next_day_ts = upcoming


@kernel
def _watch_drawdown(c):
    """Peak to trough kills; the day's loss leaves only reductions."""
    account = c.account[0]
    if account.kill_level != 0 and account.nav < account.kill_level:
        if trip(account, HALT, _DRAWDOWN_PEAK, 0, account.seq):
            guard_row(c, _DRAWDOWN_PEAK)
    held = account.reduce_only & REDUCE_DAY_DRAWDOWN
    if account.day_level != 0 and account.nav < account.day_level and held == 0:
        account.reduce_only |= REDUCE_DAY_DRAWDOWN
        guard_row(c, _DRAWDOWN_DAY)


@kernel
def _cancel_killed(c, i):
    """Ask to cancel what the kill mode does not leave standing."""
    account = c.account[0]
    k = 0
    while k < c.exposures[i].open_orders:
        slot = c.active[i, k]
        order = c.slots[slot]
        if order.purpose != _FLATTEN_PURPOSE and must_cancel(account, c.exposures[i], order.side):
            send_cancel(c, i, slot)
        k += 1


@kernel
def _flatten(c, i, now):
    """Send one reduce-only order towards flat, if none is under way and the reference is fresh."""
    plan = c.plans[i]
    view = c.views[i]
    exposure = c.exposures[i]
    if exposure.position == 0 or exposure.open_orders > 0 or now - plan.flatten_ts < FLATTEN_RETRY_NS:
        return
    if plan.flatten_tries >= MAX_FLATTEN_TRIES:
        return
    blind = c.limits[0].bar_mode != 0 or c.limits[0].flatten_blind != 0
    fresh = view.crossed == 0 and view.quote_ts > 0 and now - view.quote_ts <= FRESH_NS
    ref2 = reference2(view)
    if ref2 <= 0 or not (fresh or blind):
        return
    side = -1 if exposure.position > 0 else 1
    qty = min(abs(exposure.position), c.instruments[i].max_order)
    price = flatten_price(ref2, side, c.account[0].flatten_slippage_bps)
    tif = _AT_OPEN if c.limits[0].bar_mode != 0 else _IOC
    plan.flatten_ts = now
    plan.flatten_tries += 1
    send_new(c, i, side, price if tif == _IOC else ref2 // 2, qty, tif, _REDUCE_ONLY, _FLATTEN_PURPOSE)


@kernel
def _flatten_done(c):
    """True when every instrument is flat, or has been tried to exhaustion (then it is HALTED with a position)."""
    for i in range(c.loop[0].instruments):
        exposure = c.exposures[i]
        if exposure.open_orders > 0:
            return False
        if exposure.position != 0 and c.plans[i].flatten_tries < MAX_FLATTEN_TRIES:
            return False
    return True


@kernel
def enforce_kill(c, now):
    """Cancel what kill state or reduce-only do not leave standing, flatten, and rest in HALTED."""
    account = c.account[0]
    for i in range(c.loop[0].instruments):
        _cancel_killed(c, i)
        if account.kill_state == FLATTENING:
            _flatten(c, i, now)
    if account.kill_state == FLATTENING and _flatten_done(c):
        account.kill_state = HALTED
        guard_row(c, _FLATTENED)
    elif account.kill_state == TRIPPED and account.kill_mode != REDUCE:
        working = 0
        for i in range(c.loop[0].instruments):
            working += c.exposures[i].open_orders
        if working == 0:
            account.kill_state = HALTED
            guard_row(c, _KILL_SWITCH)


@inlined
def _due(c, i, now):
    """True when the decision clock of instrument i fires at this step."""
    loop = c.loop[0]
    view = c.views[i]
    plan = c.plans[i]
    if c.instruments[i].policy < 0:
        return False
    clock = loop.clock_type
    if clock == CLOCK_EVERY_QUOTE:
        return (view.touched & TOUCHED_QUOTE) != 0
    if clock == CLOCK_QUOTE_CHANGE:
        if view.touched == 0:
            return False
        return view.price_changed != 0 or now - plan.decided_ts >= loop.clock_interval
    if loop.bar_mode != 0:
        return (view.touched & TOUCHED_QUOTE) != 0
    return view.mark2 > 0 and now // loop.clock_interval != plan.decided_ts // loop.clock_interval


@kernel
def _fault(c, i):
    """A strategy that raised states no wish: its target stays, the run counts a breach."""
    c.loop[0].plugin_faults += 1
    c.plans[i].want[1] = 0
    c.plans[i].want[3] = 0


@inlined
def _consider_quote(c, i, policy, j):
    for k in range(4):
        c.want[k] = 0
    x, s, p = head(c.x, policy.features), head(c.signal_state[i], policy.state), head(c.params[j], policy.params)
    score, fault = call_quote(policy.address, x, s, p, c.want[:])
    if fault != 0:
        _fault(c, i)
        return math.nan
    plan = c.plans[i]
    if plan.decisions > policy.warmup:
        for k in range(4):
            plan.want[k] = c.want[k]
    return score


@inlined
def _consider_signal(c, i, policy, j):
    x, s, p = head(c.x, policy.features), head(c.signal_state[i], policy.state), head(c.params[j], policy.params)
    target, fault = call_signal(policy.address, x, s, p)
    if fault != 0:
        _fault(c, i)
        return math.nan
    plan = c.plans[i]
    if target != plan.share and not math.isnan(target) and plan.decisions > policy.warmup:
        plan.share = target
        plan.target = math.floor(min(max(target, -1.0), 1.0) * c.instruments[i].max_position + 0.5)
        plan.has_target = 1
    return target


@inlined
def _fold(c, i, score):
    """Fold this decision into the diary's running digest."""
    loop = c.loop[0]
    account = c.account[0]
    if loop.n == 0:
        loop.first_seq = account.seq
    loop.last_seq = account.seq
    loop.n += 1
    loop.score = score
    bits = float_bits(score) if score == score else NAN_BITS
    loop.fold64 = mix(loop.fold64, c.plans[i].target, bits)


@kernel
def _decide_by_mind(c, i, now):
    """Let the understanding loop say what is wanted, then act; what it thought goes on record with what was done."""
    rows = c.out_n[OUT_DECISIONS]
    call_mind(c.loop[0].think, c, c.loop[0].mind, i, now)
    _fold(c, i, c.loop[0].score)
    follow_decision(c, i, c.views[i].mark2)
    if c.plans[i].switched != 0:
        c.plans[i].switched = 0
        _cancel_all(c, i)
    act(c, i, now)
    if c.out_n[OUT_DECISIONS] != rows or c.loop[0].report != 0:
        call_mind(c.loop[0].note, c, c.loop[0].mind, i, now)


@kernel
def _cancel_all(c, i):
    """Ask to cancel what another policy's topology left working."""
    for k in range(c.exposures[i].open_orders):
        send_cancel(c, i, c.active[i, k])


@inlined
def decide(c, i, now):
    """Perceive and decide for one instrument, then let its topology act."""
    loop = c.loop[0]
    view = c.views[i]
    plan = c.plans[i]
    exposure = c.exposures[i]
    j = c.instruments[i].policy
    policy = c.policies[j]
    loop.decision_id += 1
    loop.decisions += 1
    plan.decisions += 1
    plan.decided_ts = now
    view.price_changed = 0
    if loop.feature_needs & NEEDS_PATH:
        path_on_decision(c.flows[i], view.mark2)
    if loop.think != 0:
        _decide_by_mind(c, i, now)
        return
    n = policy.features
    loop.x_n = n
    fill(c.x, c.feature_ids[j], n, view, c.flows[i], exposure.position, c.instruments[i].max_position, now)
    score = _consider_quote(c, i, policy, j) if policy.quoting != 0 else _consider_signal(c, i, policy, j)
    _fold(c, i, score)
    follow_decision(c, i, view.mark2)
    act(c, i, now)


@inlined
def _settled(c, i):
    plan = c.plans[i]
    exposure = c.exposures[i]
    return plan.quoting == 0 and exposure.open_orders == 0 and plan.target == exposure.position


@inlined
def act(c, i, now):
    """Let the topology state its intents and carry them out."""
    if _settled(c, i):
        c.plans[i].resting_since = 0
        return
    n = intend(c.plans[i], c.views[i], c.exposures[i], c.slots, c.active, i, now, c.intents)
    if n > 0:
        carry_out(c, i, n)


@inlined
def _act_later(c, i, now):
    """Act between decisions, as a slice falls due."""
    rows = c.out_n[OUT_DECISIONS]
    act(c, i, now)
    if c.loop[0].note != 0 and c.out_n[OUT_DECISIONS] != rows:
        call_mind(c.loop[0].note, c, c.loop[0].mind, i, now)


@kernel
def _record_time(c, now):
    """Equity once a minute of event time (bars: every step)."""
    loop = c.loop[0]
    if loop.next_equity_ts != 0 or loop.bar_mode != 0:
        equity_rows(c)
    loop.next_equity_ts = (now // EQUITY_NS + 1) * EQUITY_NS


@inlined
def step(c, now, seq):
    """Run one step at local time `now` (ns) for the rows received up to and including row `seq`."""
    account = c.account[0]
    account.now = max(account.now, now)
    account.seq = seq
    step_arrived(c, now, c.loop[0].instruments)


@inlined
def step_arrived(c, now, instruments):
    """Run one step at the time of the row that was just taken in. instruments: how many, maybe a constant."""
    loop = c.loop[0]
    account = c.account[0]
    loop.steps += 1
    if now >= account.next_day_ts:
        _roll_calendar(c, now)
    if account.nav < account.kill_level or account.nav < account.day_level:
        _watch_drawdown(c)
    if account.kill_state != ARMED or account.reduce_only != 0 or account.halt != 0:
        enforce_kill(c, now)
    for i in range(instruments):
        if _due(c, i, now):
            decide(c, i, now)
        elif c.plans[i].next_ts != 0 and now >= c.plans[i].next_ts:
            c.plans[i].next_ts = 0
            _act_later(c, i, now)
        c.views[i].touched = 0
    if loop.n >= FOLD_DECISIONS or (loop.n > 0 and now - loop.row_ts >= FOLD_NS):
        fold_row(c)
    if now >= loop.next_equity_ts or loop.bar_mode != 0:
        _record_time(c, now)
