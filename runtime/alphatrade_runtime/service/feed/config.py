"""The configuration of a feed gateway as typed values, read once at the edge."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from alphatrade.config import FeedConfig
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.policy.document import SimulatorFeed, TapeFeed

Feed = TapeFeed | SimulatorFeed

__all__ = ["Feed", "SimulatorFeed", "TapeFeed", "feed_of", "pace_of", "parse", "read"]

_FEED: TypeAdapter[Feed] = TypeAdapter(Annotated[Feed, Field(discriminator="type")])


def read(path: Path) -> tuple[FeedConfig, bytes]:
    """Return the configuration in a file, and its bytes. Raises InputError."""
    try:
        document = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}; mount the ConfigMap that the operator renders") from None
    return parse(document, str(path)), document


def parse(document: bytes, where: str) -> FeedConfig:
    """Return a configuration from its bytes. Raises InputError that names the first field at fault."""
    try:
        config = FeedConfig.model_validate_json(document)
    except ValidationError as error:
        raise InputError(f"{where}: {_first(error)}") from None
    feed_of(config, where)
    return config


def feed_of(config: FeedConfig, where: str) -> Feed:
    """Return the feed of a configuration. Raises InputError."""
    try:
        return _FEED.validate_python(config.feed)
    except ValidationError as error:
        raise InputError(f"{where}: feed.{_first(error)}") from None


def pace_of(feed: Feed) -> str:
    """Say what drives the clock."""
    return feed.speed if feed.speed == "Realtime" else f"Simulated {feed.speed}"


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
