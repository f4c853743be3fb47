"""KillSwitch objects as they come from the API server: whom each reaches, and what it asks for.

What cannot be read counts as a Halt of everyone: whoever wrote it wanted something to stop.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from alphatrade.config import KillScope
from alphatrade_runtime.loop.live_control import MODES
from alphatrade_runtime.market.schema import Control
from alphatrade_runtime.service.kill.selector import Selector, Unreadable, read_selector

ARMED = "Armed"
UNREADABLE = "UnreadableKillSwitch"
_NO_REASON = "no reason given"
_MAX_REASON = 240
_MAX_SLIPPAGE_BPS = 9_999


@dataclass(frozen=True)
class Engagement:
    """A kill switch that reaches this runtime. mode: Reduce, Halt or Flatten.

    slippage_bps: 0 is the risk template's.  arrived_ns: monotonic time at which this process had read it.
    """

    namespace: str
    name: str
    uid: str
    generation: int
    mode: str
    reason: str
    slippage_bps: int
    arrived_ns: int

    @property
    def control(self) -> Control:
        """The mode as the loop takes it; the higher number is the stronger."""
        return MODES[self.mode]

    @property
    def key(self) -> tuple[str, str]:
        """What stays the same while one object changes."""
        return self.namespace, self.uid or self.name


@dataclass(frozen=True)
class KillSwitch:
    """One object. cluster: it means all namespaces, when it lies in the operator's.  readable False: means everyone."""

    namespace: str
    name: str
    uid: str
    generation: int
    mode: str
    reason: str
    slippage_bps: int
    cluster: bool
    selector: Selector
    readable: bool = True

    @property
    def key(self) -> str:
        """What tells it from others of its namespace."""
        return self.uid or self.name

    def reaches(self, scope: KillScope) -> bool:
        """Tell whether it is engaged and means a runtime with this scope."""
        if self.mode == ARMED:
            return False
        if not self.readable:
            return True
        own = self.namespace == scope.own_namespace
        everywhere = self.cluster and self.namespace == scope.operator_namespace
        return (own or everywhere) and self.selector.matches(scope.labels)

    def engagement(self, arrived_ns: int) -> Engagement:
        """Return what the loop is told."""
        return Engagement(
            self.namespace, self.name, self.uid, self.generation, self.mode, self.reason, self.slippage_bps, arrived_ns
        )


def read_kill_switch(given: Any, namespace: str) -> KillSwitch:
    """Read an object of a list or a watch of `namespace`. Never raises."""
    metadata = _map(given, "metadata")
    name, uid, generation = metadata.get("name"), metadata.get("uid"), metadata.get("generation")
    known = (
        namespace,
        name if isinstance(name, str) else "",
        uid if isinstance(uid, str) else "",
        generation if isinstance(generation, int) else 0,
    )
    spec = _map(given, "spec")
    if spec.get("mode") == ARMED:
        return KillSwitch(*known, ARMED, "", 0, False, Selector())
    try:
        cluster = _cluster(spec)
        return KillSwitch(
            *known, _mode(spec), _reason(spec), _slippage_bps(spec), cluster, read_selector(spec.get("selector"))
        )
    except Unreadable as fault:
        return KillSwitch(*known, "Halt", f"{UNREADABLE}: {fault}"[:_MAX_REASON], 0, True, Selector(), readable=False)


def _map(given: Any, field: str) -> Mapping[str, Any]:
    part = given.get(field) if isinstance(given, dict) else None
    return part if isinstance(part, dict) else {}


def _mode(spec: Mapping[str, Any]) -> str:
    mode = spec.get("mode")
    if not isinstance(mode, str) or mode not in MODES:
        raise Unreadable(f"mode: {mode!r} is none of {ARMED}, {', '.join(MODES)}")
    return mode


def _cluster(spec: Mapping[str, Any]) -> bool:
    scope = spec.get("scope") or "Namespace"
    if scope not in ("Namespace", "Cluster"):
        raise Unreadable(f"scope: {scope!r} is none of Namespace, Cluster")
    return bool(scope == "Cluster")


def _reason(spec: Mapping[str, Any]) -> str:
    reason = spec.get("reason")
    return reason[:_MAX_REASON] if isinstance(reason, str) and reason else _NO_REASON


def _slippage_bps(spec: Mapping[str, Any]) -> int:
    """0 when absent. A bound of 0 bps becomes 1: to the loop 0 means the template's, which is wider."""
    given = spec.get("maxFlattenSlippageBps")
    if given is None:
        return 0
    if not isinstance(given, int) or isinstance(given, bool) or given < 0:
        raise Unreadable(f"maxFlattenSlippageBps: {given!r} is no number of basis points")
    return min(max(given, 1), _MAX_SLIPPAGE_BPS)
