"""Run profiles: which clock, feed and broker the one step function is given.

A profile whose real adapter is missing refuses to start; nothing stands in for it.
"""

from dataclasses import dataclass

from alphatrade_runtime.market.faults import InputError


@dataclass(frozen=True)
class Profile:
    """One way to run. `refusal` says why it cannot start; None means that it can."""

    name: str
    mode: str
    clock: str
    feed: str
    broker: str
    refusal: str | None = None


_NO_VENUE = "no venue adapter is built"

PROFILES = (
    Profile("sim", "Sim", "event time", "seeded market simulator, or a tape it wrote", "simulated exchange"),
    Profile("replay", "Sim", "event time", "a recorded tape", "simulated exchange"),
    Profile(
        "paper",
        "Paper",
        "Realtime: the wall; above it: event time",
        "a tape or the simulator, at its pace or faster",
        "paper exchange",
    ),
    Profile("live_shadow", "LiveShadow", "wall clock", "a venue's feed", "none: orders are recorded", _NO_VENUE),
    Profile("live", "Live", "wall clock", "a venue's feed", "a venue", _NO_VENUE),
)


def startable(name: str) -> Profile:
    """Return the profile that may start. Raises InputError when it is unknown or its adapters are missing."""
    for profile in PROFILES:
        if profile.name != name:
            continue
        if profile.refusal is None:
            return profile
        raise InputError(f"profile {name}: refused to start, {profile.refusal}; use {_others()}")
    raise InputError(f"profile {name}: no such profile; use {_others()}")


def _others() -> str:
    return ", ".join(profile.name for profile in PROFILES if profile.refusal is None)
