"""Which engines take part in which benchmark, and how each is started."""

import sys
from pathlib import Path

from bench.peers.install import python_of
from bench.peers.process import Engine

OURS = "alphatrade"
EVERY = 20  # decisions between two flips of P2's aggressive strategy
STRATEGIES = {"passive": 0, "aggressive": EVERY}
DEPTHS = ("roivector", "hashmap")
HOPS = (2, 3)
DECIDERS = ((OURS, "decide"), ("grpcio echo", "echo"))


def ours(mode: str, tape: str, setting: str = "", name: str = OURS) -> Engine:
    """Our engine, in this interpreter's environment; `mode` is what ours.py serves."""
    return Engine(name, Path(sys.executable), "bench.ours", (tape, mode, setting))


def hftbacktest_quotes(path: Path) -> list[Engine]:
    """Both depth structures of hftbacktest on P1's quotes."""
    python = python_of("hftbacktest")
    return [_peer(f"hftbacktest {depth}", python, "hbt_quotes", str(path), depth) for depth in DEPTHS]


def hftbacktest_capture(path: Path, strategy: str, every: int) -> list[Engine]:
    """Both depth structures of hftbacktest on P2's rows."""
    python = python_of("hftbacktest")
    return [
        _peer(f"hftbacktest {depth}", python, "hbt_capture", str(path), strategy, str(every), depth) for depth in DEPTHS
    ]


def nautilus(module: str, path: Path) -> Engine:
    """nautilus_trader's backtest (nautilus_quotes) or live engines (nautilus_latency)."""
    return _peer("nautilus_trader", python_of("nautilus_trader"), module, str(path))


def decide_and_echo(events: str) -> tuple[Engine, Engine]:
    """`Decide` and a bare grpcio echo, each as client and server."""
    python = Path(sys.executable)
    served = (Engine(name, python, "bench.decide_echo", (events, kind)) for name, kind in DECIDERS)
    return next(served), next(served)


def pods_and_hops(rows: str) -> tuple[Engine, list[Engine]]:
    """The three pods' processes, and bare grpcio chains: of as many hops as they have between them, and of one more."""
    python = Path(sys.executable)
    bare = [Engine(f"grpcio, {n} bare hops", python, "bench.bare_hops", (rows, str(n))) for n in HOPS]
    return Engine(OURS, python, "bench.hops", (rows,)), bare


def bar_peers(path: Path) -> list[Engine]:
    """The engines that read bars only."""
    return [
        _peer("vectorbt", python_of("vectorbt"), "vectorbt_bars", str(path)),
        _peer("backtesting.py", python_of("backtesting"), "backtesting_bars", str(path)),
    ]


def _peer(name: str, python: Path, module: str, *arguments: str) -> Engine:
    return Engine(name, python, f"bench.peers.{module}", arguments)
