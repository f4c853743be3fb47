"""Count the messages of an import: read == used + refused, each fault with the place it was seen first."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from alphatrade_runtime.market.faults import FAULTS, InputError, Severity, check_tolerated, remedy


@dataclass
class FaultLedger:
    """What an import read, used, refused and noticed; strict unless a fault is named in `tolerated`.

    unit is what a message is in this source: "line" or "row".
    """

    path: str
    unit: str
    tolerated: frozenset[str] = frozenset()
    read: int = 0
    used: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    noticed: Counter[str] = field(default_factory=Counter)
    first: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_tolerated(self.tolerated)

    def stops_at(self, fault: str) -> bool:
        """Whether one message with this fault ends the import."""
        return FAULTS[fault].severity is Severity.STOP and fault not in self.tolerated

    def refuse(self, fault: str, place: int, detail: str, count: int = 1) -> None:
        """Count refused messages. Raises InputError when the import is strict about this fault."""
        if self.stops_at(fault):
            raise InputError(f"{self.path}: {self.unit} {place}: {fault}: {detail}; {remedy(fault)}")
        self.refused[fault] += count
        self._seen(fault, place)

    def notice(self, fault: str, place: int, count: int = 1) -> None:
        """Count something odd about messages that are used."""
        self.noticed[fault] += count
        self._seen(fault, place)

    def _seen(self, fault: str, place: int) -> None:
        self.first[fault] = min(place, self.first.get(fault, place))

    def counts(self) -> dict[str, Any]:
        """Return the manifest's `counts`. Raises ArithmeticError when they do not add up."""
        if self.read != self.used + self.refused.total():
            raise ArithmeticError(f"read {self.read} != used {self.used} + refused {self.refused.total()}")
        refused = dict(sorted(self.refused.items()))
        return {"unit": f"{self.unit}s", "read": self.read, "used": self.used, "refused": refused}

    def quality(self) -> dict[str, Any]:
        """Return the manifest's `quality`: by fault its severity, count and first place."""
        counts = self.refused + self.noticed
        return {
            fault: {"severity": FAULTS[fault].severity.value, "count": counts[fault], "first": self.first[fault]}
            for fault in sorted(counts)
        }
