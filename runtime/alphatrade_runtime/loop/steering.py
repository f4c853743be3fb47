"""What a session is told from outside: kill switches, holds, new limits, permits to explore, the order to get flat."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from alphatrade_runtime.loop import live_control
from alphatrade_runtime.loop.live_control import KillRequest
from alphatrade_runtime.loop.permit import Permit
from alphatrade_runtime.market.schema import Control


@dataclass(frozen=True)
class Directive:
    """One thing to do before anything else. facts: for the journal. about: what the giver knows it by.

    limits: a session document whose limits take the place of those in force; then `control` is None.
    permit: what may explore from now on; then `control` is None, too.
    """

    control: Control | None
    argument: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict)
    limits: Mapping[str, Any] | None = None
    about: Any = None
    permit: Permit | None = None

    def to_meta(self) -> dict[str, Any]:
        """Return what the journal keeps of it."""
        if self.limits is not None:
            return {"limits": dict(self.limits)}
        return {"control": dict(self.facts)}


class Steering(Protocol):
    """Where directives come from. Asked every few milliseconds; must never wait."""

    def pending(self) -> Sequence[Directive]:
        """Return the directives not yet done, oldest first."""

    def done(self, directive: Directive, last_command: int) -> None:
        """Note that a directive is in the journal and in force, and its cancels, if any, were handed over.

        last_command: number of the last order command that had left before nothing but what it allows could.
        """


class FileSteering:
    """Kill requests as files in a run's folder, as `alphatrade kill` puts them there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def pending(self) -> Sequence[Directive]:
        """Return the requests not yet taken."""
        requests = live_control.pending(self._folder)
        return [Directive(r.mode, r.slippage_bps, r.to_mapping(), about=r) for r in requests]

    def done(self, directive: Directive, last_command: int) -> None:
        """Put the request aside."""
        if isinstance(directive.about, KillRequest):
            live_control.mark_taken(directive.about)
