"""What a subscriber learns of a feed before its first row."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from alphatrade.v1 import market_pb2
from alphatrade_runtime.loop.live_clock import ClockFacts
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.instrument import Instrument


@dataclass(frozen=True)
class Facts:
    """What a feed is. Times in ns; speed 0 is as fast as it goes; wall_start_ns is 0 when the stream drives the clock.

    instruments: of the feed, in its own order; rows of a RemoteFeed carry the session's indices.
    next_seq: number of the row that the subscription goes on with.
    """

    digest: str
    first_ts_ns: int
    last_ts_ns: int
    pace: Literal["Realtime", "Stream"]
    speed: int
    wall_start_ns: int
    instruments: Sequence[Instrument]
    depth: bool
    simulated: bool
    next_seq: int

    def clock(self) -> ClockFacts:
        """Return the session clock of a real-time feed."""
        return ClockFacts(self.first_ts_ns, self.wall_start_ns, self.speed)


def facts_from(message: market_pb2.FeedFacts) -> Facts:
    """Read the facts. Raises InputError when they make no sense."""
    paces: dict[int, Literal["Realtime", "Stream"]] = {
        market_pb2.PACE_REALTIME: "Realtime",
        market_pb2.PACE_STREAM: "Stream",
    }
    if message.pace not in paces:
        raise InputError("feed gateway: its facts name no pace; let feed gateway and strategy run the same version")
    names = ("symbol", "tick_size", "lot_size", "multiplier")
    instruments = [Instrument.from_mapping({name: getattr(one, name) for name in names}) for one in message.instruments]
    return Facts(
        digest=message.digest,
        first_ts_ns=message.first_ts_ns,
        last_ts_ns=message.last_ts_ns,
        pace=paces[message.pace],
        speed=message.speed,
        wall_start_ns=message.wall_start_ns,
        instruments=tuple(instruments),
        depth=message.depth,
        simulated=message.simulated,
        next_seq=message.next_seq,
    )
