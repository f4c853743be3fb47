"""When a pod whose StatefulSet was changed is replaced: in its session break, when asked, or when nothing trades in it.

A StatefulSet of ours replaces no pod by itself, so an upgrade of the operator leaves all of them as they are. Pure.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from alphatrade.names import CHILD_PREFIXES
from alphatrade.v1.control_pb2 import StrategyStatus
from alphatrade_operator.core.live import Meta
from alphatrade_operator.core.plan import Condition
from alphatrade_operator.workload.course import SOON_S, Course
from alphatrade_operator.workload.live import Live
from alphatrade_operator.workload.report import time_of
from alphatrade_operator.workload.verdict import moving

ROLL = "alphatrade.io/roll"  # on the resource: UID of the pod that may go at once
CONDITION = "RollPending"
LEAST_BREAK_NS = 120 * 10**9  # of real time: a session starts, reads back its books and reconciles
_AT_REST = ("Drained", "Ended", "Failed")
_OF_OTHERS = ("JournalOfOtherCode", "CarryOfNewerVersion")  # only a pod of another image can go on
_BUSY = {"Starting": "the session starts", "Draining": "it gets flat first"}


@dataclass(frozen=True, slots=True)
class Trader:
    """A Strategy and its pod, as those who share its account or a gateway with it see it."""

    name: str
    meta: Meta
    live: Live

    @property
    def said(self) -> StrategyStatus:
        """What its runtime says; empty when it does not answer."""
        return self.live.status.strategy if self.live.status else StrategyStatus()

    @property
    def is_new(self) -> bool:
        """Whether its pod is on its way: being made, or not serving yet."""
        if not self.live.replicas or self.live.outdated:
            return False
        pod = self.live.pod
        return pod is None or pod.deleting or self.live.status is None or self.said.phase == "Starting"

    @property
    def rests(self) -> bool:
        """Whether it may lose its gateway: no pod, nothing that trades, or in its break."""
        return not self.live.replicas or self.said.phase in _AT_REST or breaks(self.said)


@dataclass(frozen=True, slots=True)
class Roll:
    """Whether a pod of an older revision goes now, and why, or why not."""

    due: bool
    reason: str
    message: str


def breaks(said: StrategyStatus) -> bool:
    """Whether a strategy's exchange is closed for long enough. A stream's clock stands still meanwhile."""
    if not said.in_break:
        return False
    left_ns = said.break_edge_ns - said.session_ns
    return said.pace != "Realtime" or not said.break_edge_ns or left_ns >= LEAST_BREAK_NS


def of_strategy(meta: Meta, live: Live, calendar: str, others: Iterable[Trader]) -> Roll | None:
    """Return what becomes of a strategy's pod; None when it is of its StatefulSet's revision.

    others: Strategies of the same account; one of them at a time.
    """
    if not live.outdated or live.pod is None:
        return None
    if live.pod.deleting:
        return _rolling()
    asked = _asked(meta, live)
    held = None if asked and _cannot_speak(live) else _held(live)
    if held is None:
        held = _after(meta.name, others)
    if held is not None:
        return held
    said = live.status.strategy if live.status else StrategyStatus()
    if asked or _nothing_runs(live) or _is_over(said) or breaks(said):
        return _rolling()
    how = _how("strategy", meta)
    if said.break_edge_ns:
        text = f"it rolls in its session break ({calendar}), next at {time_of(said.break_edge_ns)} session time, or"
        return Roll(False, "WaitsForSessionBreak", f"{_changed(live)}; {text} at once by {how}")
    return Roll(False, "NoSessionBreak", f"{_changed(live)}; calendar {calendar} has no break: roll it by {how}")


def of_gateway(meta: Meta, live: Live, kind: str, first: Iterable[tuple[str, Live]], traders: Iterable[Trader]) -> (
    Roll | None
):  # fmt: skip
    """Return what becomes of a gateway's pod; None when it is of its StatefulSet's revision.

    kind: broker or feed.  first: what rolls before it besides its strategies, as Kind/name.  traders: who uses it.
    """
    if not live.outdated or live.pod is None:
        return None
    if live.pod.deleting or _nothing_runs(live):
        return _rolling()
    users = list(traders)
    before = [f"Strategy/{user.name}" for user in users if user.live.outdated or user.is_new]
    before += [name for name, other in first if other.outdated]
    if before:
        text = f"{_changed(live)}; it rolls when {', '.join(before)} of its users did"
        return Roll(False, "WaitsForItsUsers", text)
    flattening = [user.name for user in users if user.said.phase == "Flattening"]
    if flattening:
        return _flattens(live, f"Strategy/{flattening[0]}")
    if _asked(meta, live) or all(user.rests for user in users):
        return _rolling()
    trading = ", ".join(user.name for user in users if not user.rests)
    text = f"it rolls when all of its Strategies are in a session break ({trading} not yet)"
    return Roll(False, "WaitsForSessionBreak", f"{_changed(live)}; {text}, or at once by {_how(kind, meta)}")


def rolled(course: Course, roll: Roll | None) -> Course:
    """Return a course with the roll in it, where it has the pod stay and nothing else is under way."""
    if roll is None or not roll.due or not course.replicas or course.push is not None or course.restart:
        return course
    verdict = moving(roll.reason, roll.message)
    return replace(course, verdict=verdict, restart=True, look_again_s=SOON_S)


def pending(roll: Roll | None) -> tuple[Condition, ...]:
    """Return what the status shows while a pod is of an older revision."""
    return () if roll is None else (Condition(CONDITION, True, roll.reason, roll.message),)


def look_again(roll: Roll | None) -> float | None:
    """Return when to look again at what waits for others, whose changes come without a word."""
    return None if roll is None else 2 * SOON_S


def _held(live: Live) -> Roll | None:
    """Say what a roll has to wait for in the pod itself, whoever asks."""
    said = live.status.strategy if live.status else StrategyStatus()
    if _nothing_runs(live):
        return None
    if live.stranger is not None:
        return Roll(False, live.stranger.reason, f"{_changed(live)}; {live.stranger.message}")
    if live.status is None:
        return Roll(False, "PodSilent", f"{_changed(live)}; it waits until the pod answers the operator")
    if said.phase == "Flattening" or said.kill_state == "FLATTENING":
        return _flattens(live, "it")
    if said.phase in _BUSY:
        return Roll(False, "PodBusy", f"{_changed(live)}; it waits: {_BUSY[said.phase]}")
    if said.reason == "BrokerNotLinked":
        text = "it waits for its order session, so that nothing is in doubt behind it"
        return Roll(False, "PodBusy", f"{_changed(live)}; {text}")
    return None


def _after(name: str, others: Iterable[Trader]) -> Roll | None:
    """Say who of the same account goes first: who is on the way, then by name."""
    for other in others:
        waits = other.live.outdated and (other.name < name) and _would_go(other)
        if other.is_new or waits or (other.live.outdated and other.live.pod is not None and other.live.pod.deleting):
            text = f"Strategy {other.name} of the same account rolls first; they go one at a time"
            return Roll(False, "WaitsForStrategy", text)
    return None


def _would_go(other: Trader) -> bool:
    return _held(other.live) is None and (breaks(other.said) or _asked(other.meta, other.live))


def _nothing_runs(live: Live) -> bool:
    """Whether no container of the pod ever came up: nothing is lost with it.

    One that crashed may come back by itself and replay its journal, which the next code could not.
    """
    pod = live.pod
    return pod is not None and live.status is None and not pod.ready and not pod.started


def _cannot_speak(live: Live) -> bool:
    """Whether waiting for the pod's word is in vain."""
    return live.stranger is not None or (live.status is None and live.pod is not None and live.pod.fault is not None)


def _is_over(said: StrategyStatus) -> bool:
    """Whether a session is over, or only another image can go on with it. Other failures may mend by themselves."""
    return said.phase in ("Drained", "Ended") or (said.phase == "Failed" and said.reason in _OF_OTHERS)


def _asked(meta: Meta, live: Live) -> bool:
    return live.pod is not None and meta.annotations.get(ROLL) == live.pod.ref.uid


def _rolling() -> Roll:
    return Roll(True, "Rolling", "its pod ends in order; the next one is of the new revision")


def _flattens(live: Live, who: str) -> Roll:
    return Roll(
        False, "KillSwitchFlattens", f"{_changed(live)}; a kill switch flattens {who}: it rolls when that is done"
    )


def _changed(live: Live) -> str:
    old = live.pod.revision.rpartition("-")[2] if live.pod else ""
    return f"its pod is of revision {old}, its StatefulSet of {live.revision.rpartition('-')[2]}"


def _how(kind: str, meta: Meta) -> str:
    named = meta.name if kind == "strategy" else f"{CHILD_PREFIXES[kind]}/{meta.name}"
    return f"`kubectl alphatrade roll {named} -n {meta.namespace}`"
