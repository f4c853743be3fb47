"""Open the tape of a session: the one it names, or one that the market simulator writes once and keeps."""

from pathlib import Path

from alphatrade_runtime.cli.session import Plan
from alphatrade_runtime.loop.simulated import simulated_tape
from alphatrade_runtime.market.simulator import parse_config
from alphatrade_runtime.market.tape import Tape
from alphatrade_runtime.policy.document import TapeFeed


def open_tape(plan: Plan, base: Path) -> Tape:
    """Return a session's tape, its bytes checked; what is simulated is kept under `base`. Raises InputError.

    All instruments of the feed are simulated, as a feed gateway does, for they move together; what the Strategy does
    not trade is passed over.
    """
    feed = plan.session.feed
    if isinstance(feed, TapeFeed):
        return Tape.open(feed.path)
    return simulated_tape(parse_config(feed.config, plan.listed), base)
