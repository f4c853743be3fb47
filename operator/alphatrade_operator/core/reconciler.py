"""What a kind brings along to be reconciled; `reconcilers.py` lists all of them."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from alphatrade_operator.core.plan import Key, Manifest, Plan, View


class Cluster(Protocol):
    """What a handler may touch: the cache, and one way to act on a plan."""

    @property
    def view(self) -> View:
        """Return the cache."""
        ...

    async def apply(self, key: Key, plan: Plan) -> float | None:
        """Make the plan true; return the seconds until the next look, or None."""
        ...


Reconcile = Callable[[Key, Cluster, datetime], Awaitable[float | None]]


def _all(manifest: Manifest) -> object:
    return manifest


def _nothing(manifest: Manifest) -> Iterable[Key]:
    return ()


Referrers = Callable[[View, Key], Iterable[Key]]


@dataclass(frozen=True, slots=True)
class Reconciler:
    """A kind that is reconciled, or looked at because others' decisions read it.

    kind: as in YAML.  reconcile: handlers.reconcile of its folder, called only while the object is there; None when
    there is nothing to reconcile.
    referrers: facts.referrers of its folder: given a changed (perhaps gone) object of this kind, the keys of others
    whose decision reads it.
    refers_to: facts.refers_to of its folder: whom an object of this kind names, whose decision reads who names them.
    read_by_others: facts.read_by_others of its folder: all that those decisions read of an object; while that is the
    same they need not look. All of it, when left out.
    """

    kind: str
    reconcile: Reconcile | None
    referrers: Referrers
    read_by_others: Callable[[Manifest], object] = _all
    refers_to: Callable[[Manifest], Iterable[Key]] = _nothing
