"""Feed probes and guardrails with market events. Called by address for each quote and trade while one of them is on."""

from typing import Any

from alphatrade_runtime.adaptation.exploration.counterfactual import count_taken
from alphatrade_runtime.loop.mind.state import HAS_EXPLORATION, HAS_PROBES
from alphatrade_runtime.loop.mind.whereabouts import mind_at, symbol_at
from alphatrade_runtime.reflection.probes.probe import on_quote, on_trade


def watch(c: Any, address: int, i: int, now: int) -> int:
    """Take the quote that instrument i's view has; at a trade the argument is -1 - i, and the view has that."""
    mind = mind_at(address, 0)
    at = i if i >= 0 else -1 - i
    symbol = symbol_at(mind.symbols, at)
    probes = symbol.probes[0]
    view = c.views[at]
    if i < 0 and mind.parts & HAS_EXPLORATION:
        count_taken(symbol.taken[0], view.last_side, view.last_size, now)
    if mind.parts & HAS_PROBES == 0:
        return 0
    if i >= 0:
        on_quote(probes, view.bid, view.ask, view.bid_size, view.ask_size, now)
    else:
        on_trade(probes, view.last_price, view.last_size, view.last_side, now)
    return 0
