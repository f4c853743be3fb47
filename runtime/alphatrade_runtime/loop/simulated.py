"""Tapes that the market simulator writes once and keeps, in one process and in a feed gateway alike."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import alphatrade_runtime
from alphatrade_runtime.loop.artifacts import cached_tape
from alphatrade_runtime.market.simulator import SimulatorConfig, simulate
from alphatrade_runtime.market.tape import Tape
from alphatrade_runtime.policy.canonical import canonical

_SOURCES = ("market", "numerics")


def simulated_tape(config: SimulatorConfig, base: Path, progress: Callable[[float], None] | None = None) -> Tape:
    """Return the tape of a simulation, kept under `<base>/tapes`, its bytes checked. Raises InputError."""
    key = tape_key(config)
    folder = cached_tape(base, key, lambda path: simulate(config, path, replace=True, progress=progress), Tape.open)
    return Tape.open(folder, verify=False)


def tape_key(config: SimulatorConfig) -> str:
    """Name a simulated tape by all that its bytes depend on: the configuration and the simulator's sources."""
    digest = hashlib.sha256(canonical(config.resolved()))
    root = Path(alphatrade_runtime.__file__).parent
    for path in sorted(path for name in _SOURCES for path in (root / name).rglob("*.py")):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return f"simulated-{digest.hexdigest()[:16]}"
