"""Watch and list kill switches beside the trading loop, which polls.

A watch is fast and may be cut without a word; a list from quorum every third of the allowed staleness is what counts
(the age of the last complete one, by the time at which it was *asked for*). Nothing here ever takes an engagement
back: what was found is handed over once, and latched by the loop.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from alphatrade.config import KillScope
from alphatrade_runtime.service.kill.api_server import ApiFault, ApiServer, Reader
from alphatrade_runtime.service.kill.kill_switch import Engagement, KillSwitch, read_kill_switch

LISTS_A_STALENESS = 3
RETRY_S = 0.5
_WATCH_RETRIES_S = (0.05, 0.1, 0.2, 0.5, 1.0)
MAX_REMEMBERED = 10_000  # engagements told of; past it only stronger ones than any before are


def _nothing() -> None:
    """Wake nobody."""


@dataclass
class _Namespace:
    """What is known of one namespace. switches: the engaged ones of the last list and of changes since, by key."""

    name: str
    lister: Reader
    watcher: Reader
    asked_ns: int | None = None
    fault: str = ""
    switches: dict[str, KillSwitch] = field(default_factory=dict)
    wanted: threading.Event = field(default_factory=threading.Event)  # a list, now


class KillWatch:
    """The kill switches that reach one runtime, as they come.

    scope: whom it is for; `configure` replaces it.  wake: called from a background thread when `poll` has something.
    """

    def __init__(
        self,
        scope: KillScope,
        api: ApiServer,
        max_staleness_ns: int,
        mono_ns: Callable[[], int] = time.monotonic_ns,
        wake: Callable[[], None] = _nothing,
    ) -> None:
        self._scope, self._max_staleness_ns, self._mono_ns, self._wake = scope, max_staleness_ns, mono_ns, wake
        names = sorted({scope.own_namespace, scope.operator_namespace})
        self._namespaces = [_Namespace(name, Reader(api), Reader(api)) for name in names]
        self._arrived: deque[Engagement] = deque()
        self._told: dict[tuple[str, str], tuple[int, int]] = {}
        self._strongest = 0
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin to list and to watch."""
        for place in self._namespaces:
            for work in (self._list_on, self._watch_on):
                thread = threading.Thread(target=work, args=(place,), name=f"kill-{place.name}"[:15], daemon=True)
                self._threads.append(thread)
                thread.start()

    def close(self) -> None:
        """End the background threads; what waits for the network is cut."""
        self._stop.set()
        for place in self._namespaces:
            place.wanted.set()
            place.lister.end()
            place.watcher.end()
        for thread in self._threads:
            thread.join(2.0)

    def configure(self, scope: KillScope, max_staleness_ns: int) -> None:
        """Go on with other labels and another staleness; what is known is judged again at once."""
        with self._lock:
            self._scope, self._max_staleness_ns = scope, max_staleness_ns
            found = [switch for place in self._namespaces for switch in place.switches.values()]
        self._tell(found)
        for place in self._namespaces:
            place.wanted.set()

    def poll(self) -> list[Engagement]:
        """Return engagements not yet returned: new ones, changed ones, stronger ones. Never waits."""
        found = []
        while self._arrived:
            found.append(self._arrived.popleft())
        return found

    def list_age_ns(self) -> int | None:
        """Return the age of the last complete list of all namespaces; None before the first."""
        asked = [place.asked_ns for place in self._namespaces]
        known = [at for at in asked if at is not None]
        return self._mono_ns() - min(known) if len(known) == len(asked) else None

    @property
    def stale(self) -> bool:
        """Whether nobody may trade: kill switches were not listed, or not lately enough."""
        age = self.list_age_ns()
        return age is None or age > self._max_staleness_ns

    @property
    def fault(self) -> str:
        """Why lists fail now; empty when they do not."""
        return "; ".join(f"kill switches of {place.name}: {place.fault}" for place in self._namespaces if place.fault)

    def _list_on(self, place: _Namespace) -> None:
        while not self._stop.is_set():
            place.wanted.clear()
            wait_s = self._list(place)
            place.wanted.wait(wait_s)
        place.lister.close()

    def _list(self, place: _Namespace) -> float:
        """List once; return how long to wait until the next time, s."""
        period_s = self._max_staleness_ns / LISTS_A_STALENESS / 1e9
        asked_ns, asked = self._mono_ns(), time.monotonic()
        try:
            objects = place.lister.list_all(place.name, period_s)
        except ApiFault as fault:
            place.fault = str(fault)
            return min(RETRY_S, period_s / 2)
        self._take_list(place, [read_kill_switch(given, place.name) for given in objects])
        place.asked_ns = asked_ns
        if place.fault:
            place.fault = ""
            place.watcher.cut()  # what took the lists may have left the watch waiting for nothing
        return max(period_s - (time.monotonic() - asked), 0.0)

    def _watch_on(self, place: _Namespace) -> None:
        tries = 0  # without a word from the server
        while not self._stop.is_set():
            tries += 1
            with suppress(ApiFault):
                for kind, given in place.watcher.watch(place.name):
                    tries = 0
                    if not self._take_change(place, kind, given):
                        break
            self._stop.wait(_WATCH_RETRIES_S[min(tries, len(_WATCH_RETRIES_S) - 1)])
        place.watcher.close()

    def _take_list(self, place: _Namespace, switches: Iterable[KillSwitch]) -> None:
        engaged = {switch.key: switch for switch in switches if switch.mode != "Armed"}
        with self._lock:
            place.switches = engaged
        self._tell(engaged.values())

    def _take_change(self, place: _Namespace, kind: str, given: object) -> bool:
        """Take a change; return False when the watch must begin anew (an ERROR, such as 410 Gone)."""
        if kind not in ("ADDED", "MODIFIED", "DELETED"):
            return kind == "BOOKMARK"
        switch = read_kill_switch(given, place.name)
        gone = kind == "DELETED" or switch.mode == "Armed"
        with self._lock:
            if gone:
                place.switches.pop(switch.key, None)
            else:
                place.switches[switch.key] = switch
        if not gone:
            self._tell([switch])
        return True

    def _tell(self, switches: Iterable[KillSwitch]) -> None:
        """Hand over those that reach us and were not handed over as they are now."""
        arrived_ns, before = self._mono_ns(), len(self._arrived)
        with self._lock:
            for switch in switches:
                if switch.reaches(self._scope):
                    self._tell_one(switch.engagement(arrived_ns))
            news = len(self._arrived) > before
        if news:
            self._wake()

    def _tell_one(self, engagement: Engagement) -> None:
        generation, rank = engagement.generation, int(engagement.control)
        told = self._told.get(engagement.key)
        if told is None and len(self._told) >= MAX_REMEMBERED and rank <= self._strongest:
            return
        last_generation, last_rank = told or (-1, -1)
        if generation <= last_generation and rank <= last_rank:
            return  # lists and watches overtake each other: an older state is no news
        self._told[engagement.key] = (max(generation, last_generation), max(rank, last_rank))
        self._strongest = max(self._strongest, rank)
        self._arrived.append(engagement)
