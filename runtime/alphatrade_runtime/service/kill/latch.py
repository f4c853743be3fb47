"""What was engaged stays engaged: a file that outlives restarts, sessions, policies and the KillSwitch itself.

The list only grows. An engagement that cannot be written is latched in memory all the same, and the error raised:
trading has stopped by then, and must not go on.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from alphatrade.v1 import control_pb2
from alphatrade_runtime.loop.live_control import MODES
from alphatrade_runtime.market.faults import disk_errors
from alphatrade_runtime.service.kept_file import replace_kept
from alphatrade_runtime.service.kill.kill_switch import Engagement

FILE = "latch.json"
UNREADABLE_LATCH = "UnreadableLatch"
SHOWN = 64  # acknowledgements in a status, the latest; the file has all


@dataclass(frozen=True)
class Effect:
    """When nothing but what the mode allows could leave any more. last_command: number of the last that had left.

    at_ns: time of day.  latency_ms: since the engagement's arrival at this process.
    """

    last_command: int
    at_ns: int
    latency_ms: int


@dataclass(frozen=True)
class Latched:
    """One engagement and its effect; None until it has had it."""

    engagement: Engagement
    effect: Effect | None = None


class Latch:
    """The latch in a folder that is kept for as long as the account is."""

    def __init__(self, folder: Path) -> None:
        """Read what is latched. A file that cannot be read is put aside, and counts as a Halt."""
        self._path = folder / FILE
        self.entries: tuple[Latched, ...] = ()
        with disk_errors(self._path):
            folder.mkdir(parents=True, exist_ok=True)
            given = self._path.read_bytes() if self._path.exists() else None
        if given is not None:
            self._read(given)

    @property
    def strongest(self) -> Engagement | None:
        """The engagement that holds: the strongest mode, the first of them; None when nothing is latched."""
        engagements = (entry.engagement for entry in self.entries)
        return max(engagements, key=lambda engagement: engagement.control, default=None)

    @property
    def waiting(self) -> tuple[Engagement, ...]:
        """Engagements that have not had their effect yet, oldest first."""
        return tuple(entry.engagement for entry in self.entries if entry.effect is None)

    @property
    def latched_by(self) -> str:
        """What latched it, for people; empty when nothing did."""
        held = self.strongest
        if held is None:
            return ""
        if held.name and not held.namespace:
            return f"{held.reason}, as the account says"
        name = f"KillSwitch {held.namespace}/{held.name}" if held.name else "a KillSwitch that cannot be read"
        return f"{held.mode} by {name}: {held.reason}"

    def engage(self, engagement: Engagement) -> bool:
        """Latch an engagement; return False when it is there already. Raises InputError when it cannot be written."""
        if any(_same(entry.engagement, engagement) for entry in self.entries):
            return False
        self.entries = (*self.entries, Latched(engagement))
        self._write()
        return True

    def acknowledge(self, engagement: Engagement, last_command: int, at_ns: int, latency_ms: int) -> None:
        """Note an engagement's effect, once. Raises InputError when it cannot be written, KeyError when not latched."""
        effect = Effect(last_command, at_ns, latency_ms)
        found = [k for k, entry in enumerate(self.entries) if _same(entry.engagement, engagement)]
        if not found:
            raise KeyError(f"{engagement.namespace}/{engagement.name}: not latched; engage it first")
        entry = self.entries[found[0]]
        if entry.effect is None:
            self.entries = (*self.entries[: found[0]], replace(entry, effect=effect), *self.entries[found[0] + 1 :])
            self._write()

    def acknowledgements(self) -> list[control_pb2.Acknowledgement]:
        """Return the latest effects, as a status tells them."""
        return [_told(entry.engagement, entry.effect) for entry in self.entries[-SHOWN:] if entry.effect is not None]

    def _read(self, given: bytes) -> None:
        try:
            listed = json.loads(given)
            self.entries = tuple(_entry(item) for item in listed["engagements"])
        except (ValueError, TypeError, KeyError, RecursionError):
            self._put_aside()
            reason = f"{UNREADABLE_LATCH}: {self._path.name} could not be read and was put aside"
            self.engage(Engagement("", "", "", 0, "Halt", reason, 0, 0))

    def _put_aside(self) -> None:
        with disk_errors(self._path):
            count = sum(1 for _ in self._path.parent.glob(f"{FILE}.unreadable-*"))
            os.replace(self._path, self._path.with_name(f"{FILE}.unreadable-{count + 1}"))

    def _write(self) -> None:
        text = json.dumps({"engagements": [_plain(entry) for entry in self.entries]}, indent=1)
        replace_kept(self._path, text + "\n")


def _same(one: Engagement, other: Engagement) -> bool:
    return (one.key, one.generation, one.mode) == (other.key, other.generation, other.mode)


def _plain(entry: Latched) -> dict[str, Any]:
    engagement = {name: value for name, value in asdict(entry.engagement).items() if name != "arrived_ns"}
    return {**engagement, "effect": None if entry.effect is None else asdict(entry.effect)}


def _entry(item: Mapping[str, Any]) -> Latched:
    """Read one entry. Raises KeyError, TypeError or ValueError."""
    effect = item["effect"]
    known = {name: item[name] for name in ("namespace", "name", "uid", "generation", "mode", "reason", "slippage_bps")}
    engagement = Engagement(**known, arrived_ns=0)  # a monotonic time means nothing to another process
    numbers = [engagement.generation, engagement.slippage_bps]
    if effect is not None:
        effect = Effect(**effect)
        numbers += [effect.last_command, effect.at_ns, effect.latency_ms]
    if engagement.mode not in MODES or not all(isinstance(number, int) for number in numbers):
        raise ValueError("no engagement")
    return Latched(engagement, effect)


def _told(engagement: Engagement, effect: Effect) -> control_pb2.Acknowledgement:
    return control_pb2.Acknowledgement(
        namespace=engagement.namespace,
        name=engagement.name,
        uid=engagement.uid,
        generation=engagement.generation,
        mode=engagement.mode,
        latency_ms=effect.latency_ms,
        last_command=effect.last_command,
        at_ns=effect.at_ns,
    )
