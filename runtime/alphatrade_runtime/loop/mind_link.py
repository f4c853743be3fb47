"""What the loop knows of its mind: that there may be one beside a state, what it writes, and how to keep it.

The understanding loop (loop/mind) is reached by address and found here, so that a session without it loads none of it.
"""

import weakref
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.loop.core import Core, part
from alphatrade_runtime.loop.mind_outlook import ExplorationOutlook, InstrumentOutlook

# fields of the loop's state that are this process's own
MIND_ADDRESSES = ("think", "note", "watch", "booked", "room", "sent", "mind")


class Mind(Protocol):
    """The state of an understanding loop beside the state of its run.

    streams: the record streams that it writes, and their rows.
    """

    streams: Mapping[str, np.dtype[Any]]

    def take(self) -> Iterator[tuple[str, npt.NDArray[np.void]]]:
        """Give the rows written since the last time, by stream; they are valid until the loop goes on."""
        ...

    def report(self, folder: Path | None) -> None:
        """Put on disk what must be there before another order leaves. folder: of the record streams."""
        ...

    def outlook(self) -> list[InstrumentOutlook]:
        """Return what it shows of itself now, one an instrument."""
        ...

    def exploration(self) -> ExplorationOutlook | None:
        """Return what it explores; None where it does not."""
        ...

    def permit(self, share_bps: int, until_ns: int, epoch: int) -> None:
        """Take a permit to explore, until session time until_ns; share_bps 0 takes the one before away."""
        ...

    def state(self) -> npt.NDArray[np.uint8]:
        """Return a copy of all that the rest of the run depends on."""
        ...

    def restore(self, state: npt.NDArray[np.uint8]) -> None:
        """Put it back. Raises InputError when it is of another configuration."""
        ...


_MINDS: dict[int, Mind] = {}


def attach(core: Core, mind: Mind, addresses: Mapping[str, int]) -> None:
    """Give a state its mind, for as long as the state lives. addresses: by MIND_ADDRESSES; 0 is not called."""
    loop = part(core, "loop")
    for name in MIND_ADDRESSES:
        loop[name] = addresses[name]
    _MINDS[addresses["mind"]] = mind
    weakref.finalize(core, _MINDS.pop, addresses["mind"], None)


def mind_of(core: Core) -> Mind | None:
    """Return the mind of a state; None when it has none."""
    return _MINDS.get(int(part(core, "loop")[0].mind))


def streams_of(core: Core) -> Mapping[str, np.dtype[Any]]:
    """Return the record streams that a state's mind writes; none without one."""
    mind = mind_of(core)
    return {} if mind is None else mind.streams
