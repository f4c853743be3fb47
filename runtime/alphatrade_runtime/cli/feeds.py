"""Open the tape of a session: the one it names, or one that the market simulator writes once and keeps."""

import hashlib
from pathlib import Path

import alphatrade_runtime
from alphatrade_runtime.cli.session import Plan
from alphatrade_runtime.loop.artifacts import cached_tape
from alphatrade_runtime.market.simulator import SimulatorConfig, parse_config, simulate
from alphatrade_runtime.market.tape import Tape
from alphatrade_runtime.policy.canonical import canonical
from alphatrade_runtime.policy.document import TapeFeed

_SOURCES = ("market", "numerics")


def open_tape(plan: Plan, base: Path) -> Tape:
    """Return a session's tape, its bytes checked; what is simulated is kept under `base`. Raises InputError."""
    feed, instruments = plan.session.feed, plan.document["policy"]["envelope"]["instruments"]
    if isinstance(feed, TapeFeed):
        return Tape.open(feed.path)
    config = parse_config(feed.config, instruments)
    folder = cached_tape(base, tape_key(config), lambda path: simulate(config, path, replace=True), Tape.open)
    return Tape.open(folder, verify=False)


def tape_key(config: SimulatorConfig) -> str:
    """Name a simulated tape by all that its bytes depend on: the configuration and the simulator's sources."""
    digest = hashlib.sha256(canonical(config.resolved()))
    root = Path(alphatrade_runtime.__file__).parent
    for path in sorted(path for name in _SOURCES for path in (root / name).rglob("*.py")):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return f"simulated-{digest.hexdigest()[:16]}"
