"""What a session's state says of money, positions and orders: plain views, made once.

numpy's records cost microseconds an access, so each number that is read often has a view of its own.
"""

from typing import Any

import numpy as np

from alphatrade_runtime.loop.core import Core
from alphatrade_runtime.loop.recorder import Recorder

COUNTERS = ("events", "decisions", "orders", "acks")


class Books:
    """Read a running state. Both kinds of session are one."""

    def __init__(self, core: Core, recorder: Recorder) -> None:
        self.core, self.recorder = core, recorder
        self._loop, self._account = np.asarray(core["loop"])[0], np.asarray(core["account"])[0]
        self._exposures, self._slots = np.asarray(core["exposures"])[0], np.asarray(core["slots"])[0]
        self._active, self._out_n = core["active"][0], core["out_n"][0]
        self._head, self._tail = self._loop["commands_head"], self._loop["commands_tail"]
        self._counters = [self._loop[name] for name in COUNTERS]
        self._report, self._drain = self._loop["report"], self._loop["drain"]
        self._minded = int(self._loop["mind"][0]) != 0
        self._n = int(self._loop["instruments"][0])
        self._open = self._exposures["open_orders"][: self._n]

    def drain(self) -> None:
        """Hand the rows written so far to the record streams. Raises DiaryStalled."""
        if self._minded or self._out_n.any() or self._report[0]:  # a mind writes rows of its own
            self.recorder.drain(self.core)

    def counters(self) -> list[int]:
        """Return events, decisions, orders, acks since the session's start."""
        return [int(counter[0]) for counter in self._counters]

    def positions(self) -> tuple[int, ...]:
        """Return our position of each instrument, lots."""
        return tuple(int(lots) for lots in self._exposures["position"][: self._n])

    def nav(self) -> int:
        """Return the account's value, quanta."""
        return int(self._account["nav"][0])

    def has_open_orders(self) -> bool:
        """True while an order of ours may still be filled or reported on."""
        return bool(self._open.any())

    def open_orders(self) -> list[Any]:
        """Return the working orders, SLOT_DTYPE records, by instrument and age."""
        counts = self._exposures["open_orders"]
        return [self._slots[slot] for i in range(self._n) for slot in self._active[i, : counts[i]]]
