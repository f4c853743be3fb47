"""The compiled loop of the tick simulation: always the earliest of action, step, mark, book event."""

from alphatrade_runtime.market.simulator.book import draw_sign, follow, take
from alphatrade_runtime.market.simulator.emit import (
    FUNDING,
    GAP,
    MARK,
    emit_quote,
    emit_simple,
    emit_trade,
    tell_status,
)
from alphatrade_runtime.market.simulator.plan import Do
from alphatrade_runtime.market.simulator.price import (
    fair_ticks,
    hold_price,
    jump,
    move_common,
    move_price,
    set_volatility,
    step_volatility,
)
from alphatrade_runtime.market.simulator.world import NOT_CROSSED
from alphatrade_runtime.numerics.jit import entry, inlined, kernel
from alphatrade_runtime.numerics.math import exp_det, log_det
from alphatrade_runtime.numerics.rng import exponential, uniform

REGIME, HALT, REOPEN, SILENCE, RESUME = int(Do.REGIME), int(Do.HALT), int(Do.REOPEN), int(Do.SILENCE), int(Do.RESUME)
DRIFT, BAD_PRINT, CROSS, UNCROSS = int(Do.DRIFT), int(Do.BAD_PRINT), int(Do.CROSS), int(Do.UNCROSS)
PAY_FUNDING, JUMP = int(Do.FUNDING), int(Do.JUMP)
LEAST_GAP_NS = 1_000
SECOND = 1e9
NO_EXCITEMENT = 1e-12
NEVER = 1e18


@inlined
def room_for_one(world):
    """Most rows that one turn of the loop can write."""
    market = world.market[0]
    return 2 * len(world.instruments) + 4 * (2 + 4 * market.levels)


@kernel
def next_gap_ns(market, state, regimes, rng):
    """Draw the time to the next book event of a self-exciting process, and count that event in.

    Exact for an exponential kernel. Source: Dassios and Zhao (2013), "Exact simulation of Hawkes
    process with exponentially decaying intensity".
    """
    base = state.rate * regimes[market.regime].rate * (1.0 - market.clustering)
    decay = market.clustering_decay
    wait = exponential(rng) / base
    if state.excitement > NO_EXCITEMENT:
        left = 1.0 - decay * exponential(rng) / state.excitement
        if left > 0.0:
            wait = min(wait, -log_det(left) / decay)
    state.excitement = state.excitement * exp_det(-decay * wait) + market.clustering * decay
    return LEAST_GAP_NS + int(min(wait * SECOND, NEVER))


@kernel
def advance(world, i):
    """Bring one instrument's fair price to now."""
    market = world.market[0]
    state = world.instruments[i]
    elapsed = market.now_ns - state.moved_ns
    if state.halted > 0:
        hold_price(market, state)
    elif elapsed > 0:
        steps = elapsed / market.step_ns
        state.moved_ns = market.now_ns
        move_price(market, state, world.regimes, steps, world.rng[i])


@inlined
def advance_common(world, ts_ns):
    """Bring the common path, and the clock, to ts_ns."""
    market = world.market[0]
    if ts_ns > market.now_ns:
        move_common(market, (ts_ns - market.now_ns) / market.step_ns, world.market_rng)
        market.now_ns = ts_ns


@kernel
def book_event(world, out, k, i):
    """Let one instrument's book move or trade, and write what is seen of it."""
    market = world.market[0]
    state = world.instruments[i]
    rng = world.rng[i]
    advance(world, i)
    state.next_ns = market.now_ns + next_gap_ns(market, state, world.regimes, rng)
    if state.bid > 0 and state.halted == 0 and uniform(rng) < state.trade_share:
        side = draw_sign(market, state, rng)
        price, lots = take(market, state, world.regimes, side, rng)
        k = emit_trade(out, k, world, i, side, price, lots)
    else:
        follow(market, state, world.regimes, rng)
    return emit_quote(out, k, world, i)


@kernel
def fresh_quote(world, out, k, i):
    """Quote now, around the fair price."""
    state = world.instruments[i]
    advance(world, i)
    follow(world.market[0], state, world.regimes, world.rng[i])
    return emit_quote(out, k, world, i)


@kernel
def change_status(world, out, k, action):
    """Halt or reopen an instrument; overlapping halts count as one. A reopening quotes at once."""
    i = action.instrument
    state = world.instruments[i]
    advance(world, i)
    if action.do == HALT:
        state.halted += 1
        return tell_status(out, k, world, i)
    state.halted -= 1
    jump(state, action.value)
    k = tell_status(out, k, world, i)
    return fresh_quote(world, out, k, i)


@kernel
def resume(world, out, k, action):
    """End a silence: a GAP row says what was missed if the feed can know, and a whole book follows."""
    i = action.instrument
    state = world.instruments[i]
    state.silent -= 1
    if state.silent > 0:
        return k
    if action.value > 0.0:
        k = emit_simple(out, k, world, i, GAP, 0, state.missed)
    state.missed = 0
    state.book_bid = state.book_ask = 0
    k = tell_status(out, k, world, i)
    return fresh_quote(world, out, k, i)


@kernel
def print_badly(world, out, k, action):
    """Report a trade far from the market."""
    i = action.instrument
    state = world.instruments[i]
    advance(world, i)
    price = max(1, int(fair_ticks(state) * action.value + 0.5))
    return emit_trade(out, k, world, i, 1, price, max(1, state.bid_size // 10))


@kernel
def act(world, out, k, action):
    """Carry out one planned action."""
    market = world.market[0]
    i = action.instrument
    if action.do == REGIME:
        market.regime = int(action.value)
        set_volatility(market, world.regimes)
        for j in range(len(world.instruments)):
            world.instruments[j].anchor = world.instruments[j].log_price
    elif action.do == HALT or action.do == REOPEN:
        k = change_status(world, out, k, action)
    elif action.do == SILENCE:
        world.instruments[i].silent += 1
    elif action.do == RESUME:
        k = resume(world, out, k, action)
    elif action.do == BAD_PRINT:
        k = print_badly(world, out, k, action)
    elif action.do == CROSS or action.do == UNCROSS:
        world.instruments[i].crossed = int(action.value) if action.do == CROSS else NOT_CROSSED
        k = fresh_quote(world, out, k, i)
    elif action.do == PAY_FUNDING:
        k = emit_simple(out, k, world, i, FUNDING, int(action.value), 0)
    else:
        advance(world, i)
        push(world.instruments[i], action)
    return k


@kernel
def push(state, action):
    """Start or stop a crash's drift, or jump."""
    if action.do == DRIFT:
        state.drift += action.value
    elif action.do == JUMP:
        jump(state, action.value)


@kernel
def mark_all(world, out, k):
    """Write the venue's mark price of every instrument, the fair price."""
    for i in range(len(world.instruments)):
        advance(world, i)
        if world.instruments[i].silent == 0:
            price = max(1, int(fair_ticks(world.instruments[i]) + 0.5))
            k = emit_simple(out, k, world, i, MARK, price, 0)
    return k


@inlined
def earliest(instruments):
    """Index of the instrument whose book moves next; ties go to the lower index."""
    first = 0
    for i in range(1, len(instruments)):
        if instruments[i].next_ns < instruments[first].next_ns:
            first = i
    return first


@entry
def fill(world, actions, out):
    """Write rows until `out` ((m,) ROW_DTYPE) is nearly full or the end is reached.

    Returns the number of rows written; market.now_ns >= market.end_ns when it is the end.
    """
    market = world.market[0]
    k = 0
    stop = len(out) - room_for_one(world)
    while k <= stop and market.now_ns < market.end_ns:
        i = earliest(world.instruments)
        event_ns = world.instruments[i].next_ns
        action_ns = actions[market.next_action].ts_ns
        ts_ns = min(min(action_ns, market.next_step_ns), min(market.next_mark_ns, event_ns))
        advance_common(world, min(ts_ns, market.end_ns))
        if ts_ns >= market.end_ns:
            break
        if ts_ns == action_ns:
            market.next_action += 1
            k = act(world, out, k, actions[market.next_action - 1])
        elif ts_ns == market.next_step_ns:
            market.next_step_ns += market.step_ns
            step_volatility(market, world.regimes, world.market_rng)
        elif ts_ns == market.next_mark_ns:
            market.next_mark_ns += market.mark_ns
            k = mark_all(world, out, k)
        else:
            k = book_event(world, out, k, i)
    return k
