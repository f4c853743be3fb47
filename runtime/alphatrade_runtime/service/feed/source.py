"""Open what a feed gateway serves: the tape that it names, or the tape of a simulation, written once to its volume."""

import shutil
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from alphatrade.config import FeedConfig
from alphatrade_runtime.loop.simulated import simulated_tape
from alphatrade_runtime.loop.window import remap
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.instrument import Instrument
from alphatrade_runtime.market.manifest import MANIFEST_NAME
from alphatrade_runtime.market.simulator import parse_config
from alphatrade_runtime.market.tape import Tape
from alphatrade_runtime.service.feed.config import Feed, SimulatorFeed


class FeedFault(InputError):
    """A feed that cannot be served: a PascalCase reason, and one line that says what to do."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def open_feed(config: FeedConfig, feed: Feed, data: Path, artifacts: Path, progress: Callable[[float], None]) -> Tape:
    """Return the tape behind a feed. progress: told the share of a simulation that is written. Raises FeedFault."""
    if isinstance(feed, SimulatorFeed):
        tape = _simulated(config, feed, data, progress)
    else:
        tape = _recorded(_inside(artifacts, feed.path))
    _check_instruments(config, tape)
    _check_kinds(tape)
    return tape


def _simulated(config: FeedConfig, feed: SimulatorFeed, data: Path, progress: Callable[[float], None]) -> Tape:
    try:
        wanted = parse_config(feed.config, config.instruments)
    except InputError as error:
        raise FeedFault("SimulatorConfigInvalid", str(error)) from None
    for left in (data / "tapes").glob("*.partial-*"):  # of a gateway that was killed while it wrote
        shutil.rmtree(left, ignore_errors=True)
    try:
        return simulated_tape(wanted, data, progress)
    except InputError as error:
        raise FeedFault("TapeNotWritten", str(error)) from None


def _inside(artifacts: Path, path: str) -> Path:
    given = PurePosixPath(path)
    if given.is_absolute() or ".." in given.parts:
        raise FeedFault(
            "TapeOutsideStore", f"spec.tape.path {path!r} leaves the artifact store; give a path that starts in it"
        )
    return artifacts / given


def _recorded(folder: Path) -> Tape:
    if not (folder / MANIFEST_NAME).is_file():
        raise FeedFault(
            "TapeMissing", f"{folder}: no tape here; put it into the artifact store, or correct spec.tape.path"
        )
    try:
        return Tape.open(folder)
    except InputError as error:
        raise FeedFault("TapeDamaged", str(error)) from None


def _check_instruments(config: FeedConfig, tape: Tape) -> None:
    wanted = [Instrument.from_mapping(facts) for facts in config.instruments]
    try:
        remap(tape.instruments, wanted, f"{tape.folder}")
    except InputError as error:
        raise FeedFault("InstrumentsDiffer", str(error)) from None


def _check_kinds(tape: Tape) -> None:
    """Bars fill at the next open, which no gateway knows yet: a replay in one process is for them."""
    counts = tape.manifest["counts_by_kind"]
    if counts.get("BAR") and not counts.get("QUOTE"):
        text = f"{tape.folder}: has bars only, which no gateway serves; replay it in one process: alphatrade replay"
        raise FeedFault("BarsHaveNoPace", text)
