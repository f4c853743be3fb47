"""What is known of each instrument's market now, from rows already received; and its mark."""

import numpy as np

from alphatrade_runtime.numerics.jit import hot

# Prices in ticks, sizes in lots; *2 are half ticks (bid + ask), 0 = not known yet.
VIEW_DTYPE = np.dtype(
    [
        ("bid", "i8"), ("ask", "i8"), ("bid_size", "i8"), ("ask_size", "i8"), ("mid2", "i8"), ("mark2", "i8"),
        ("last_price", "i8"), ("last_size", "i8"), ("last_side", "i8"), ("quote_ts", "i8"),
        ("jump_since", "i8"), ("jump_count", "i8"), ("bar_ordinal", "i8"), ("open", "i8"), ("high", "i8"),
        ("low", "i8"), ("volume", "i8"), ("status", "i8"), ("price_changed", "u1"), ("touched", "u1"),
        ("crossed", "u1"),
    ],
    align=True,
)  # fmt: skip

# Facts of an instrument that do not change in a run. mult: quanta of 1e-8 a tick·lot, always even.
INSTRUMENT_DTYPE = np.dtype(
    [
        ("mult", "i8"), ("half_mult", "i8"), ("maker_fee_e7", "i8"), ("taker_fee_e7", "i8"), ("flat_fee", "i8"),
        ("initial_margin_bps", "i8"), ("max_quote_age_ns", "i8"), ("max_position", "i8"), ("max_order", "i8"),
        ("min_order", "i8"), ("allowed", "u1"), ("policy", "i8"),
    ],
    align=True,
)  # fmt: skip

JUMP_QUOTES = 3
JUMP_WAIT_NS = 500_000_000


@hot
def on_quote(view, bid, ask, bid_size, ask_size, now, jump_bps):
    """Take a QUOTE into the view; return True when the mark is now its mid, be it moved or not.

    A crossed, locked or empty quote is kept out of mid and mark. A mid more than `jump_bps` from the
    mark becomes the mark only after 3 quotes or 500 ms (a bad print must not move NAV).
    """
    view.price_changed = view.price_changed | (bid != view.bid) | (ask != view.ask)
    view.bid = bid
    view.ask = ask
    view.bid_size = bid_size
    view.ask_size = ask_size
    valid = 0 < bid < ask
    view.crossed = not valid
    if not valid:
        return False
    view.quote_ts = now
    view.mid2 = bid + ask
    return _move_mark(view, now, jump_bps)


@hot
def _move_mark(view, now, jump_bps):
    mid2 = view.mid2
    # An equal mid takes the same way: whether it moved is a coin toss, and a wrong guess costs 15 cycles (measured).
    if view.mark2 == 0 or abs(mid2 - view.mark2) * 10_000 <= view.mark2 * jump_bps:
        view.mark2 = mid2
        view.jump_count = 0
        return True
    if view.jump_count == 0:
        view.jump_since = now
    view.jump_count += 1
    if view.jump_count >= JUMP_QUOTES or now - view.jump_since >= JUMP_WAIT_NS:
        view.mark2 = mid2
        view.jump_count = 0
        return True
    return False


@hot
def on_bar(view, bar_open, high, low, close, volume, ordinal, now):
    """Take a BAR at its close; the 5% rule is off (semantics §1). Return True when the mark moved."""
    view.open = bar_open
    view.high = high
    view.low = low
    view.last_price = close
    view.volume = volume
    view.bar_ordinal = ordinal
    view.quote_ts = now
    view.price_changed = 1
    moved = view.mark2 != 2 * close
    view.mid2 = 2 * close
    view.mark2 = 2 * close
    return moved


@hot
def on_trade(view, price, size, side):
    """Take a TRADE into the view."""
    view.last_price = price
    view.last_size = size
    view.last_side = side


@hot
def reference2(view):
    """Return the reference price in half ticks: the mark, else twice the last trade, else 0."""
    if view.mark2 > 0:
        return view.mark2
    return 2 * view.last_price
