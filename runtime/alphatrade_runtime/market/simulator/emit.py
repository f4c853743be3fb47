"""Write rows: each message is received after its latency, never before the one sent before it."""

from alphatrade_runtime.market.schema import Flag, Kind, Status
from alphatrade_runtime.market.simulator.book import draw_size
from alphatrade_runtime.numerics.jit import inlined, kernel
from alphatrade_runtime.numerics.rng import below, exponential, uniform

QUOTE, TRADE, DEPTH, MARK = int(Kind.QUOTE), int(Kind.TRADE), int(Kind.DEPTH), int(Kind.MARK)
FUNDING, STATUS, GAP = int(Kind.FUNDING), int(Kind.STATUS), int(Kind.GAP)
LAST, SNAPSHOT, BUYER_MAKER = int(Flag.LAST), int(Flag.SNAPSHOT), int(Flag.BUYER_MAKER)
TRADING, HALTED = int(Status.TRADING), int(Status.HALTED)
RESIZE_LEVEL = 0.3


@kernel
def receive(market, rng):
    """Time of receipt of what happens now: latency, then at least 1 ns after the message before."""
    delay = market.latency_ns + int(market.jitter_ns * exponential(rng))
    market.last_init_ns = max(market.last_init_ns + 1, market.now_ns + delay)


@inlined
def place(out, k, market, i, kind, side, price, size, venue_seq, flags):
    """Write one row that shows a price and a size."""
    row = out[k]
    row.seq = market.rows
    row.ts_event_ns = market.now_ns
    row.ts_init_ns = market.last_init_ns
    row.instrument = i
    row.kind = kind
    row.side = side
    row.price = price
    row["size"] = size  # by name: a numpy record has attributes of its own called size and flags
    row.bid = row.ask = row.bid_size = row.ask_size = 0
    row.venue_seq = venue_seq
    row["flags"] = flags
    market.rows += 1
    return k + 1


@kernel
def emit_simple(out, k, world, i, kind, price, size):
    """Write a MARK, FUNDING, STATUS or GAP row."""
    market = world.market[0]
    receive(market, world.market_rng)
    return place(out, k, market, i, kind, 0, price, size, 0, LAST)


@kernel
def tell_status(out, k, world, i):
    """Write a STATUS row when the feed has not yet told what the status is."""
    state = world.instruments[i]
    halted = 1 if state.halted > 0 else 0
    if state.silent > 0 or state.told_halted == halted:
        return k
    state.told_halted = halted
    return emit_simple(out, k, world, i, STATUS, HALTED if halted else TRADING, 0)


@inlined
def hidden(state):
    """Number a message of the venue; True when nobody receives it, or a halt lets none be sent."""
    if state.halted > 0:
        return True
    state.venue_seq += 1
    if state.silent > 0:
        state.missed += 1
    return state.silent > 0


@kernel
def emit_trade(out, k, world, i, side, price, lots):
    """Write a TRADE row, unless the feed is silent."""
    state = world.instruments[i]
    if hidden(state):
        return k
    receive(world.market[0], world.rng[i])
    flags = LAST if side > 0 else LAST | BUYER_MAKER
    return place(out, k, world.market[0], i, TRADE, side, price, lots, state.venue_seq, flags)


@kernel
def emit_quote(out, k, world, i):
    """Write a QUOTE row, and the levels that changed with it, unless the feed is silent."""
    state = world.instruments[i]
    market = world.market[0]
    if hidden(state):
        return k
    receive(market, world.rng[i])
    bid, ask = state.bid, state.ask
    if state.crossed >= 0:
        bid, ask = state.ask + state.crossed, state.bid
    first = k
    k = place(out, k, market, i, QUOTE, 0, 0, 0, state.venue_seq, 0)
    row = out[first]
    row.bid = bid
    row.ask = ask
    row.bid_size = state.bid_size
    row.ask_size = state.ask_size
    if market.levels > 0:
        k = emit_side(out, k, world, i, 1)
        k = emit_side(out, k, world, i, -1)
        state.book_bid = state.bid
        state.book_ask = state.ask
    out[k - 1]["flags"] |= LAST
    return k


@kernel
def emit_side(out, k, world, i, side):
    """Write the DEPTH rows of one side: the whole side when none is known, else what changed.

    Level l of the side lies l ticks behind its best price. The sizes of prices that stay are kept.
    """
    state = world.instruments[i]
    market = world.market[0]
    best = state.bid if side > 0 else state.ask
    known = state.book_bid if side > 0 else state.book_ask
    sizes = world.book[i, 0 if side > 0 else 1]
    levels = market.levels
    shift = (best - known) * side  # > 0: the best price improved
    flags = SNAPSHOT if known == 0 else 0
    if known == 0:
        shift = levels
    if flags == 0:
        k = remove_levels(out, k, world, i, side, known, shift)
    shift_sizes(sizes, levels, shift)
    if levels > 1 and uniform(world.rng[i]) < RESIZE_LEVEL:
        sizes[1 + below(world.rng[i], levels - 1)] = 0
    for level in range(levels):
        price = best - side * level
        if price < 1:
            break
        size = sizes[level]
        if level == 0:
            size = state.bid_size if side > 0 else state.ask_size
        elif size == 0:
            size = draw_size(market, state, world.regimes, float(side), world.rng[i])
        if size != sizes[level]:
            sizes[level] = size
            k = place(out, k, market, i, DEPTH, side, price, size, state.venue_seq, flags)
    return k


@kernel
def remove_levels(out, k, world, i, side, known, shift):
    """Write the deletion of the prices that left the shown levels after a shift of the best price."""
    state = world.instruments[i]
    market = world.market[0]
    levels = market.levels
    first, stop = (0, min(-shift, levels)) if shift < 0 else (max(0, levels - shift), levels)
    for level in range(first, stop):
        price = known - side * level
        if price >= 1:
            k = place(out, k, market, i, DEPTH, side, price, 0, state.venue_seq, 0)
    return k


@kernel
def shift_sizes(sizes, levels, shift):
    """Move known sizes to their new levels; 0 marks a level to draw."""
    if shift > 0:
        for level in range(levels - 1, -1, -1):
            sizes[level] = sizes[level - shift] if level >= shift else 0
    elif shift < 0:
        for level in range(levels):
            sizes[level] = sizes[level - shift] if level - shift < levels else 0
