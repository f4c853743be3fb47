"""Feed the probes with market events. Called by address for each quote and trade while probes are on."""

from typing import Any

from alphatrade_runtime.loop.mind.whereabouts import mind_at, symbol_at
from alphatrade_runtime.reflection.probes.probe import on_quote, on_trade


def watch(c: Any, address: int, i: int, now: int) -> int:
    """Take the quote that instrument i's view has; at a trade the argument is -1 - i, and the view has that."""
    mind = mind_at(address, 0)
    at = i if i >= 0 else -1 - i
    probes = symbol_at(mind.symbols, at).probes[0]
    view = c.views[at]
    if i >= 0:
        on_quote(probes, view.bid, view.ask, view.bid_size, view.ask_size, now)
    else:
        on_trade(probes, view.last_price, view.last_size, view.last_side, now)
    return 0
