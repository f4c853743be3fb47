"""What steers a session in a pod: kill switches, their latch, the age of their list, permits, the configuration.

The trading loop asks every few milliseconds and is never made to wait, but for the latch: what was engaged is on the
disk before it counts.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from alphatrade.telemetry import Registry
from alphatrade_runtime.loop.permit import Permit
from alphatrade_runtime.loop.steering import Directive
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.schema import Control
from alphatrade_runtime.service.kill.kill_switch import Engagement
from alphatrade_runtime.service.kill.latch import Latch
from alphatrade_runtime.service.kill.watch import KillWatch
from alphatrade_runtime.service.strategy.config import Terms
from alphatrade_runtime.service.strategy.permits import PermitKeeper

_NS_PER_MS = 1_000_000
ACCOUNT = "account"
_NONE = Permit(0, 0, 0)


class PodSteering:
    """One pod's steering; `begin` once for each session. acknowledged: called when a kill switch had its effect.

    turned: called at every look; stopped: with every kill switch that had its effect.
    terms: the configuration in force.  wanted: one that needs another session, or None.
    permits: None where nothing explores.
    """

    def __init__(
        self,
        terms: Terms,
        watch: KillWatch,
        latch: Latch,
        registry: Registry,
        acknowledged: Callable[[], None],
        turned: Callable[[], None] = lambda: None,
        permits: PermitKeeper | None = None,
    ) -> None:
        self.terms = terms
        self.wanted: Terms | None = None
        self.watch, self.latch, self.permits = watch, latch, permits
        self._explores, self._permitted = False, _NONE  # the session under way, and what it was told
        self._registry, self._acknowledged, self.turned = registry, acknowledged, turned
        self.stopped: Callable[[Engagement], None] = lambda engagement: None
        self._queue: deque[Directive] = deque()
        self._lock = threading.Lock()
        self._held = self._draining = False
        self.ending = False  # the session under way is to end, whatever the configuration says

    def begin(self, explores: bool = False) -> None:
        """Start a session: what was latched holds from its first moment, and what is asked for is asked for again.

        explores: whether it does, by permit.
        """
        with self._lock:
            self._queue.clear()
            self._held = self._draining = self.ending = False
        self._explores, self._permitted = explores, _NONE
        if explores:
            self._queue.append(_permit(_NONE))  # whatever its journal says: a session begins without a permit
        held = self.latch.strongest
        known = [*self.latch.waiting, *([] if held is None or held in self.latch.waiting else [held])]
        self._queue.extend(_kill(engagement) for engagement in known)

    def offer(self, terms: Terms) -> bool:
        """Take a configuration from the operator; return whether the running session goes on under it."""
        with self._lock:
            if not self.terms.runs_on_with(terms):
                self.wanted = terms
                return False
            if not terms.drains and self._draining:
                self.wanted = terms  # a session that gets flat does not trade again
                return False
            limits = terms.document != self.terms.document
            self.terms, self.wanted = terms, None
            if limits:
                self.offer_limits()
        staleness = terms.session.policy.envelope.limits.kill_max_staleness_ns
        self.watch.configure(terms.config.kill, staleness)
        return True

    def heed_account(self, mode: str, by: str) -> None:
        """Take the account's word that this strategy was stopped, where its own latch has nothing as strong."""
        engagement = Engagement("", ACCOUNT, ACCOUNT, 1, mode, by, 0, time.monotonic_ns())
        held = self.latch.strongest
        if held is None or held.control < engagement.control:
            self._engage(engagement)

    def _engage(self, engagement: Engagement) -> None:
        """Latch, and let it have its effect: also where the disk is full, but then it is never acknowledged."""
        with suppress(InputError):
            if not self.latch.engage(engagement):
                return
        self._queue.append(_kill(engagement))

    def offer_limits(self) -> None:
        """Let the session under way take the limits of the configuration in force."""
        self._queue.append(Directive(None, limits=self.terms.document, facts={"reason": "limits"}))

    @property
    def drains(self) -> bool:
        """Whether the session under way is to get flat and end."""
        return self.ending or self.terms.drains

    def pending(self) -> Sequence[Directive]:
        """Return what is to be done now."""
        self.turned()
        for engagement in self.watch.poll():
            self._engage(engagement)
        self._hold_or_release()
        self._hand_permit()
        if self.drains and not self._draining and not self._halted:
            self._draining = True
            self._queue.append(Directive(Control.DRAIN, facts={"reason": "to get flat in order"}))
        found = []
        while self._queue:
            found.append(self._queue.popleft())
        return found

    def done(self, directive: Directive, last_command: int) -> None:
        """Acknowledge a kill switch."""
        engagement = directive.about
        if not isinstance(engagement, Engagement) or engagement not in self.latch.waiting:
            return
        took_ns = time.monotonic_ns() - engagement.arrived_ns if engagement.arrived_ns else 0
        self.stopped(engagement)
        try:
            self.latch.acknowledge(engagement, last_command, time.time_ns(), took_ns // _NS_PER_MS)
        except InputError:
            return  # the disk is full: it had its effect, and is told of once it can be kept
        latency = self._registry.histogram("alphatrade_kill_acknowledgement_latency_seconds", mode=engagement.mode)
        latency.observe(took_ns * 1e-9)
        self._acknowledged()

    @property
    def _halted(self) -> bool:
        """A Halt holds positions too: only a Flatten, or people, may move them then."""
        held = self.latch.strongest
        return held is not None and held.control >= Control.HALT

    def _hand_permit(self) -> None:
        """Let the session have the permit that holds now; this is also where one ends, as its time is up."""
        if self.permits is None or not self._explores:
            return
        held = self.permits.held()
        if held != self._permitted:
            self._permitted = held
            self._queue.append(_permit(held))

    def _hold_or_release(self) -> None:
        stale = self.watch.stale
        if stale and not self._held:
            self._queue.append(Directive(Control.KILL_STALE, facts={"reason": self.watch.fault or "list is too old"}))
        elif not stale and self._held:
            self._queue.append(Directive(Control.KILL_FRESH, facts={"reason": "kill switches are read again"}))
        self._held = stale


def _permit(permit: Permit) -> Directive:
    return Directive(None, permit=permit)


def _kill(engagement: Engagement) -> Directive:
    facts: dict[str, Any] = {
        "kill": engagement.mode,
        "reason": engagement.reason,
        "by": f"{engagement.namespace}/{engagement.name}",
        "uid": engagement.uid,
        "generation": engagement.generation,
    }
    return Directive(engagement.control, engagement.slippage_bps, facts, about=engagement)
