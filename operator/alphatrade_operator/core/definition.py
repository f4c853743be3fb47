"""What a kind says about itself beside its fields: names, columns, status."""

from dataclasses import dataclass
from typing import Literal

from alphatrade_operator.core.status import StatusPart


@dataclass(frozen=True, slots=True)
class Column:
    """A column of `kubectl get`; priority 1 shows it with -o wide only."""

    name: str
    path: str
    description: str
    type: Literal["string", "integer", "boolean", "date"] = "string"
    priority: int = 0


READY = Column("Ready", '.status.conditions[?(@.type=="Ready")].status', "Whether it does what it is there for.")
WHY = Column("Why", '.status.conditions[?(@.type=="Ready")].reason', "Why it is ready, or not.")
MESSAGE = Column("Message", '.status.conditions[?(@.type=="Ready")].message', "The same in words.", priority=1)
AGE = Column("Age", ".metadata.creationTimestamp", "Time since it was made.", type="date")


@dataclass(frozen=True, slots=True)
class Definition:
    """Names and columns of a kind; status: None when it has none."""

    plural: str
    short: str
    columns: tuple[Column, ...]
    status: type[StatusPart] | None
