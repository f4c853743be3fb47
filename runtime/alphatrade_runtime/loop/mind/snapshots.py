"""Copies of the fast weights at fixed counts of an instrument's decisions, wherever its batches end."""

from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from alphatrade_runtime.loop.mind.state import HAS_FAST
from alphatrade_runtime.reflection.graph.snapshots import FOLDER, KEPT, RhoSnapshot, cut_back, write_snapshot


class Snapshots:
    """Those of a run, by instrument; `kept` holds them while the run is in memory, else they are files.

    The step asks for a drain at each decision that is due, and nothing changes the weights before the next one.
    """

    def __init__(self, shared: Any, symbols: Any, instruments: Sequence[str]) -> None:
        self._shared, self._symbols, self._instruments = shared, symbols, instruments
        self._decisions = np.asarray(symbols["fast"]["decisions"])[:, 0]
        self.kept: list[deque[RhoSnapshot]] = []
        self.begin()

    def begin(self) -> None:
        """Forget what was kept by this process: the state is now another one."""
        self.kept = [deque(maxlen=KEPT) for _ in self._instruments]
        self._told = np.zeros_like(self._decisions)
        self._begun = False

    def keep(self, folder: Path | None) -> None:
        """Keep what is due. folder: of the record streams. Raises InputError when it cannot be written."""
        if self._shared[0].parts & HAS_FAST == 0:
            return
        if not self._begun and folder is not None:
            self._cut_back(folder)
        self._begun = True
        due = (self._decisions % self._shared[0].fast[0].every == 0) & (self._decisions != self._told)
        for i in np.flatnonzero(due).tolist():
            self._keep(i, folder)
            self._told[i] = self._decisions[i]

    def _cut_back(self, folder: Path) -> None:
        """Drop what a killed attempt left of decisions that are still to come: they are made anew."""
        for i in range(len(self._instruments)):
            reached = int(self._symbols[i].decision_id) if self._decisions[i] else -1
            cut_back(folder / FOLDER, i, reached)

    def _keep(self, i: int, folder: Path | None) -> None:
        symbol, every = self._symbols[i], int(self._shared[0].fast[0].every)
        fast = symbol.fast[0]
        taken = RhoSnapshot(
            instrument=i,
            symbol=self._instruments[i],
            decisions=int(fast.decisions),
            decision_id=int(symbol.decision_id),
            every=every,
            rho=(np.asarray(fast.rho) * float(fast.scale)).astype("<f4"),
        )
        symbol.norms[(taken.decisions // every - 1) % KEPT] = fast.norm
        if folder is None:
            self.kept[i].append(taken)
        else:
            write_snapshot(folder / FOLDER, taken)

    def norms(self, i: int) -> list[tuple[int, float]]:
        """Return the norm of the weights of instrument i at its snapshots and now, each with its decisions so far."""
        every, decisions = int(self._shared[0].fast[0].every), int(self._decisions[i])
        taken = decisions // every
        told = [(k * every, float(self._symbols[i].norms[(k - 1) % KEPT])) for k in range(1, taken + 1)][-KEPT:]
        if decisions % every or not taken:
            told.append((decisions, float(self._symbols[i].fast[0].norm)))
        return told
