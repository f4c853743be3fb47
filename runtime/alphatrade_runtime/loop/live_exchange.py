"""Open the paper exchange of a session: its own look at the feed, its own log, the session's clock."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alphatrade_runtime.execution.broker.in_process import MakeExchange
from alphatrade_runtime.execution.broker.paper_exchange import PaperExchange, open_log
from alphatrade_runtime.loop.live_clock import ClockFacts, Clocks, SessionClock
from alphatrade_runtime.loop.live_feed import FeedSource, PacedFeed
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.policy.document import Session


def exchange_maker(session: Session, source: FeedSource, folder: Path, clocks: Clocks) -> MakeExchange:
    """Return what opens the session's paper exchange at its first logon, with its log in `folder`."""

    def make(session_id: str, facts: Mapping[str, Any]) -> PaperExchange:
        if facts["feed_digest"] != source.digest:
            raise InputError("the exchange plays another feed than the session; start it with the same document")
        log = open_log(folder, session_id, facts)
        time_of = SessionClock(ClockFacts.from_mapping(facts["clock"]), clocks)
        market = PacedFeed(source, venue_side=True, loop=bool(facts["looped"]))
        n = len(session.policy.envelope.instruments)
        return PaperExchange(session.exchange, n, market, log, time_of, source.depth)

    return make
