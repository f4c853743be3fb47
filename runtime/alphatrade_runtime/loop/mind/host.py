"""An understanding loop beside a session's state: its memory, what it writes, its packets, its checkpoint."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.loop.mind.state import MIND_DTYPE, STREAM_DTYPES, SYMBOL_DTYPE
from alphatrade_runtime.market.faults import InputError

_OWN = "symbols"  # an address of this process's own


class Mind:
    """The memory of one. shared: (1,) of MIND_DTYPE.  symbols: one an instrument, of SYMBOL_DTYPE.

    streams: the record streams that its parts write.
    """

    def __init__(self, instruments: int, streams: tuple[str, ...]) -> None:
        self.shared = np.zeros(1, MIND_DTYPE).view(np.recarray)
        self.symbols = np.zeros(instruments, SYMBOL_DTYPE).view(np.recarray)
        self.streams: Mapping[str, np.dtype[Any]] = {name: STREAM_DTYPES[name] for name in streams}
        self._counts = self.shared["out_n"][0]
        self._buffers = {
            name: self.shared[f"out_{name}"][0].view(np.ndarray).view(dtype) for name, dtype in STREAM_DTYPES.items()
        }

    def take(self) -> Iterator[tuple[str, npt.NDArray[np.void]]]:
        """Give the rows written since the last time, by stream; they are valid until the loop goes on."""
        for at, name in enumerate(STREAM_DTYPES):
            rows = self._buffers[name][: int(self._counts[at])]
            self._counts[at] = 0
            if name in self.streams:
                yield name, rows

    def report(self, folder: Path | None) -> None:
        """Put on disk what must be there before another order leaves."""

    def state(self) -> npt.NDArray[np.uint8]:
        """Return a copy of both records' bytes."""
        return np.concatenate([_bytes(self.shared), _bytes(self.symbols)])

    def restore(self, state: npt.NDArray[np.uint8]) -> None:
        """Put them back. Raises InputError when they are of another configuration."""
        shared, symbols = _bytes(self.shared), _bytes(self.symbols)
        if len(state) != len(shared) + len(symbols):
            raise InputError("checkpoint: of another understanding loop; delete it to start the run again")
        own = int(self.shared[_OWN][0])
        shared[:] = state[: len(shared)]
        symbols[:] = state[len(shared) :]
        self.shared[_OWN] = own


def _bytes(records: Any) -> npt.NDArray[np.uint8]:
    view: npt.NDArray[np.uint8] = records.view(np.ndarray).view(np.uint8).reshape(-1)
    return view
