"""What pods said last, and for how long that counts: an old answer is no answer."""

from collections.abc import Callable
from dataclasses import dataclass

from alphatrade.v1.control_pb2 import PodStatus
from alphatrade_operator.core.plan import Pushed

SILENCE_POLLS = 3  # so many polls in a row may go unanswered
SILENCE_S = 5.0  # and at least so long


@dataclass(frozen=True, slots=True)
class _Report:
    status: PodStatus
    at_s: float


class Reports:
    """Reports by namespace and child name. clock: monotonic seconds."""

    def __init__(self, poll_s: float, clock: Callable[[], float]) -> None:
        self._silence_s = max(SILENCE_S, SILENCE_POLLS * poll_s)
        self._clock = clock
        self._reports: dict[tuple[str, str], _Report] = {}
        self._pushed: dict[str, Pushed] = {}

    def status(self, namespace: str, child_name: str) -> PodStatus | None:
        """Return what a pod said lately; None when it does not answer."""
        report = self._reports.get((namespace, child_name))
        if report is None or self._clock() - report.at_s > self._silence_s:
            return None
        return report.status

    def take(self, namespace: str, child_name: str, status: PodStatus) -> PodStatus | None:
        """Take a report; return the one before it, None when that was none or too old to count."""
        before = self.status(namespace, child_name)
        self._reports[(namespace, child_name)] = _Report(status, self._clock())
        return before

    def drop(self, namespace: str, child_name: str) -> bool:
        """Forget a pod that is gone or silent for too long; return whether it had counted until now."""
        if self.status(namespace, child_name) is not None:
            return False
        return self._reports.pop((namespace, child_name), None) is not None

    def pushed(self, identity: str) -> Pushed | None:
        """Return what a pod answered to the last Push."""
        return self._pushed.get(identity)

    def check(self, identity: str, in_force: str) -> None:
        """Forget that a pod agreed to a configuration when it says later that another one is in force."""
        pushed = self._pushed.get(identity)
        if pushed is not None and pushed.outcome in ("Applied", "Unchanged") and pushed.digest != in_force:
            del self._pushed[identity]

    def answered(self, identity: str, pushed: Pushed | None) -> None:
        """Take an answer to a Push; None when another pod has taken the place of the one that gave it."""
        if pushed is None:
            self._pushed.pop(identity, None)
        else:
            self._pushed[identity] = pushed


_GROWING: dict[str, tuple[str, ...]] = {
    "strategy": (
        "session_ns", "working", "nav", "pnl", "drawdown_bps", "kill_list_age_ms", "positions", "counts", "latency_ns",
        "mind",
    ),
    "feed": ("rows_sent",),
    "broker": ("reconciled_at_ns", "commands", "denied", "refused", "nav"),
}  # fmt: skip


def urgent_part(status: PodStatus) -> bytes:
    """Return the part of a report whose change matters at once, to compare: all but what grows with trading."""
    kept = PodStatus()
    kept.CopyFrom(status)
    kind = kept.WhichOneof("part")
    if kind is not None:
        for field in _GROWING[kind]:
            getattr(kept, kind).ClearField(field)
    if kind == "strategy" and kept.strategy.HasField("exploration"):
        kept.strategy.exploration.ClearField("exploring")
        kept.strategy.exploration.ClearField("normal")
    return kept.SerializeToString(deterministic=True)
