"""Render a MarketDataFeed into the feed and the instrument facts of a session: pure."""

from pathlib import Path
from typing import Any

from alphatrade_operator.core.quantities import plain
from alphatrade_operator.feed.model import Instrument, MarketDataFeedSpec


def render_feed(spec: MarketDataFeedSpec, folder: Path) -> dict[str, Any]:
    """Return `feed`; a relative tape path starts at `folder`, that of the YAML file."""
    if spec.simulator:
        config = {**spec.simulator.config, "seed": spec.simulator.seed, "duration_ns": spec.simulator.duration_ns}
        return {"type": "simulator", "config": config, "speed": spec.speed, "record": spec.record}
    path = str(folder / spec.tape.path) if spec.tape else ""
    return {"type": "tape", "path": path, "speed": spec.speed, "record": spec.record}


def render_instrument(instrument: Instrument) -> dict[str, Any]:
    """Return the venue's facts of an instrument: sizes as decimal text, fees in 1e-7 of notional."""
    return {
        "symbol": instrument.symbol,
        "tick_size": plain(instrument.tick_size),
        "lot_size": plain(instrument.lot_size),
        "multiplier": plain(instrument.multiplier),
        "maker_fee_e7": int(instrument.maker_fee_rate * 10**7),
        "taker_fee_e7": int(instrument.taker_fee_rate * 10**7),
        "fee_per_fill": plain(instrument.fee_per_fill),
        "initial_margin_bps": instrument.initial_margin_bps,
    }


def render_funding_model(spec: MarketDataFeedSpec) -> str:
    """Return `funding_model`."""
    return spec.funding_model.lower()
