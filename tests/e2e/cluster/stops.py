"""Waiting for a KillSwitch to be obeyed: by its own status, and by the runtime's own word."""

from typing import Any

from e2e.cluster.place import Place

OBEYS_S = 30.0  # long, for the machine does other things too; how fast it is, P8 of the benchmarks says


def acknowledged(place: Place, name: str, matched: int) -> None:
    """Wait until a KillSwitch says that everyone whom it matches has obeyed."""
    place.until_condition("KillSwitch", name, "Acknowledged", timeout_s=OBEYS_S)
    status = place.status("KillSwitch", name)
    assert (status["matched"], status["acknowledged"], status.get("silent", [])) == (matched, matched, [])
    assert status["engagement"].startswith(place.uid("KillSwitch", name))
    assert "slowestAcknowledgement" in status


def obeyed(place: Place, strategy: str, name: str, mode: str) -> int:
    """Wait for a runtime's own word, on its volume, that a KillSwitch had its effect there.

    Returns the number of the last order command that had left by then.
    """

    def effect() -> Any:
        latched = [one for one in place.latch(strategy) if (one["name"], one["mode"]) == (name, mode)]
        return latched[0]["effect"] if latched else None

    return int(place.until(f"{strategy} obeys {mode} of {name}", effect, OBEYS_S)["last_command"])
