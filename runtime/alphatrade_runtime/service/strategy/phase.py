"""In which phase a strategy is, from what holds it. Pure."""

from dataclasses import dataclass
from typing import NamedTuple

STARTING, TRADING, HALTED, REDUCING, FLATTENING, LATCHED = (
    "Starting", "Trading", "Halted", "Reducing", "Flattening", "Latched",
)  # fmt: skip
DRAINING, DRAINED, ENDED, FAILED = "Draining", "Drained", "Ended", "Failed"


class Phase(NamedTuple):
    """name, why as a PascalCase reason, and in words with what to do."""

    name: str
    reason: str = ""
    message: str = ""


@dataclass(frozen=True)
class Held:
    """What a running session is held by. flat: no position and no working order.  note: the last of the loop's."""

    kill_state: str
    kill_mode: int
    drains: bool
    latched_by: str
    kill_list_stale: bool
    kill_list_fault: str
    halt: int
    linked: bool
    was_linked: bool
    note: str
    feed_connected: bool
    flat: bool
    drawdown: bool


_REDUCE, _HALT = 1, 2


def phase_of(held: Held) -> Phase:
    """Return the phase of a session that is on."""
    for look in (_by_kill, _by_drain, _by_hold):
        found = look(held)
        if found is not None:
            return found
    return Phase(TRADING)


def _by_kill(held: Held) -> Phase | None:
    if held.kill_state == "ARMED":
        return None
    if not held.latched_by:
        if held.drawdown:
            return Phase(LATCHED, "Drawdown", "the loss since the highest value passed its limit; nothing trades")
        return None if held.drains else Phase(LATCHED, "AuditorViolation", "books do not add up; nothing trades")
    if held.kill_mode == _REDUCE:
        return Phase(REDUCING, "KillSwitch", f"{held.latched_by}; only reductions pass")
    if held.kill_state == "FLATTENING":
        return Phase(FLATTENING, "KillSwitch", held.latched_by)
    if held.drains and not held.flat:
        text = f"{held.latched_by}: a position is held; engage Flatten, or give it up by the abandon annotation"
        return Phase(LATCHED, "HaltHoldsPosition", text)
    return Phase(LATCHED, "KillSwitch", held.latched_by)


def _by_drain(held: Held) -> Phase | None:
    if not held.drains:
        return None
    if held.kill_state == "HALTED" and not held.flat:
        return Phase(DRAINING, "CannotFlatten", "the position could not be closed; see the book and the slippage bound")
    return Phase(DRAINING, "", "getting flat in order")


def _by_hold(held: Held) -> Phase | None:
    if held.kill_list_stale:
        text = held.kill_list_fault or "kill switches were not listed lately; is the API server in reach?"
        return Phase(HALTED, "KillSwitchesStale", text)
    if not held.linked:
        text = held.note or "no order session; what works is in doubt until reconciled"
        return Phase(HALTED if held.was_linked else STARTING, "BrokerNotLinked", text)
    if not held.feed_connected:
        return Phase(HALTED, "FeedNotConnected", "the feed delivers nothing")
    if held.halt:
        return Phase(HALTED, "Resuming", "waits for good quotes and a clean reconcile")
    return None


_SIGNS = (
    ("carry record is newer", "CarryOfNewerVersion"),
    ("carry record", "CarryDamaged"),
    ("another code", "JournalOfOtherCode"),
    ("No space", "DiskFull"),
    ("broker ", "BrokerRefuses"),
    ("feed ", "FeedDiffers"),
    ("journal", "JournalDamaged"),
)


def phase_of_fault(text: str) -> Phase:
    """Return the phase that a fault leaves; who may not begin at a latched account holds nothing there."""
    if "AccountLatched" in text:
        return Phase(LATCHED, "AccountLatched", text)
    reason = next((reason for sign, reason in _SIGNS if sign in text), "InvalidSession")
    return Phase(FAILED, reason, text)
