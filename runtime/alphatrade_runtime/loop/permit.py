"""A permit to explore, as a session is handed it while it runs: from the moment on that the journal has it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from alphatrade_runtime.loop.core import Core
from alphatrade_runtime.loop.mind_link import mind_of


@dataclass(frozen=True, slots=True)
class Permit:
    """share_bps: of the flow; 0 takes a permit away.  until_ns: on this process's monotonic clock.

    epoch: of the operator that gave it.
    """

    share_bps: int
    until_ns: int
    epoch: int

    def to_meta(self, until_ns: int) -> dict[str, Any]:
        """Return what the journal of a session on a stream's clock keeps. until_ns: on the session's clock."""
        return {"permit": {"share_bps": self.share_bps, "until_ns": until_ns, "epoch": self.epoch}}


def take_permit(core: Core, share_bps: int, until_ns: int, epoch: int) -> None:
    """Put a permit in force; nothing happens where nothing can explore. until_ns: on the session's clock."""
    mind = mind_of(core)
    if mind is not None:
        mind.permit(share_bps, until_ns, epoch)


def take_kept(core: Core, kept: Mapping[str, Any]) -> None:
    """Put a permit in force that a journal kept."""
    take_permit(core, int(kept["share_bps"]), int(kept["until_ns"]), int(kept["epoch"]))
