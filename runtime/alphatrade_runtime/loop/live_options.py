"""How a wall-clock session is run, where it is, and what it came to."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alphatrade_runtime.loop.engine import RunResult
from alphatrade_runtime.loop.live_clock import Clocks
from alphatrade_runtime.loop.steering import Steering


@dataclass(frozen=True)
class LiveProgress:
    """Where a session is. Times in ns, money in quanta."""

    session_ns: int
    elapsed_s: float
    counts: Mapping[str, Any]
    nav: int
    positions: tuple[int, ...]
    linked: bool
    kill: Mapping[str, str]


@dataclass(frozen=True)
class LiveResult:
    """What a wall-clock session came to. notes: what a reader must know, breaks included."""

    run: RunResult
    session_id: str
    ended_by: str
    notes: list[str] = field(default_factory=list)

    @property
    def breached(self) -> bool:
        """True when the run must not count as good."""
        return self.run.breached


@dataclass
class LiveOptions:
    """How a session is run. broker: a paper exchange's socket; None: the exchange in this process.

    duration_s: of the wall; None: until the feed ends.  loop: start the feed again at its end.
    stop: asked at every turn; signals: whether SIGTERM and SIGINT end the session in order.
    finished: asked at every turn; why the session is over for good, empty while it is not.
    idle: how a wait is spent.  wake: set whenever something has arrived; None: the broker's link is asked every ms.
    steering: who may halt, drain and tighten; None: kill requests in the run's folder.
    """

    broker: Path | None = None
    duration_s: float | None = None
    loop: bool = False
    audit: bool = True
    progress: Callable[[LiveProgress], None] | None = None
    stop: Callable[[], bool] = lambda: False
    signals: bool = True
    clocks: Clocks = field(default_factory=Clocks)
    steering: Steering | None = None
    finished: Callable[[], str] = lambda: ""
    idle: Callable[[float], None] = time.sleep
    wake: threading.Event | None = None
    plugin_digests: Mapping[str, str] = field(default_factory=dict)
