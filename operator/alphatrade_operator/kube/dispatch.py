"""Take news of objects into the cache, and put those whom it concerns on the queue."""

from collections.abc import Iterable, Mapping, Sequence

from alphatrade.names import KIND_LABEL
from alphatrade_operator.core.dispatch import concerned, is_urgent
from alphatrade_operator.core.live import key_of, meta_of
from alphatrade_operator.core.plan import Key, Manifest, View
from alphatrade_operator.core.queue import KeyQueue
from alphatrade_operator.core.reconciler import Reconciler
from alphatrade_operator.kube.store import Change, Store

_TOGETHER_S = 0.1


class Dispatcher:
    """The one way into the cache. reconcilers: by kind."""

    def __init__(self, store: Store, view: View, queue: KeyQueue[Key], reconcilers: Mapping[str, Reconciler]) -> None:
        self._store, self._view, self._queue, self._reconcilers = store, view, queue, reconcilers

    def observe(self, kind: str, manifest: Manifest) -> None:
        """Take an object as it is said to be."""
        before = self._concerned_before(kind, manifest)
        self._dispatch(self._store.put(kind, manifest), before)

    def lost(self, kind: str, manifest: Manifest) -> None:
        """Take an object as gone."""
        before = self._concerned_before(kind, manifest)
        self._dispatch(self._store.remove(kind, manifest), before)

    def relisted(
        self, kind: str, manifests: Sequence[Manifest], list_version: int, namespace: str | None = None
    ) -> int:
        """Take a complete list, of a namespace or of all; return how many objects it corrected."""
        changes = self._store.replace(kind, manifests, list_version, namespace)
        for change in changes:
            self._dispatch(change, self._referred_before(kind, change))
        return len(changes)

    def requeue_all(self) -> None:
        """Put every key on the queue: the repair round."""
        for reconciler in self._reconcilers.values():
            if reconciler.reconcile is not None:
                for manifest in self._store.list(reconciler.kind):
                    self._queue.add(key_of(manifest))

    def reported(self, owner: Key, urgent: bool, delay_s: float) -> None:
        """Take that a pod says something new: what matters at once, and what a snapshot may wait for."""
        manifest = self._store.get(owner.kind, owner.namespace, owner.name)
        if manifest is None:
            return
        for key in concerned(self._view, manifest, self._reconcilers) if urgent else (owner,):
            self._queue.add(key, _wait_s(key, owner) if urgent else delay_s)

    def _same_to_others(self, change: Change) -> bool:
        """Whether nothing changed that a decision about another object reads, as when an operator writes a status."""
        if change.before is None or change.after is None:
            return False
        read = self._reconcilers[change.after["kind"]].read_by_others
        return read(change.before) == read(change.after)

    def _concerned_before(self, kind: str, manifest: Manifest) -> tuple[Key, ...]:
        """Return whom the object concerned until now: a reference that is taken away concerns the one it named."""
        metadata = manifest["metadata"]
        known = self._store.get(kind, metadata.get("namespace", ""), metadata["name"])
        return () if known is None else tuple(concerned(self._view, known, self._reconcilers))

    def _referred_before(self, kind: str, change: Change) -> Iterable[Key]:
        reconciler = self._reconcilers.get(kind)
        return () if change.before is None or reconciler is None else reconciler.refers_to(change.before)

    def _dispatch(self, change: Change | None, before: Iterable[Key]) -> None:
        if change is None:
            return
        if meta_of(change.manifest).labels.get(KIND_LABEL) == "authority":
            self.requeue_all()  # every certificate has to be looked at
        own = key_of(change.manifest)
        concerns = (*before, *concerned(self._view, change.manifest, self._reconcilers))
        if own in concerns and self._same_to_others(change):
            concerns = (own,)
        for key in dict.fromkeys(concerns):
            self._queue.add(key, _wait_s(key, own), fresh=key == own and change.of_spec)


def _wait_s(key: Key, changed: Key) -> float:
    """Return seconds in which more news may come: who goes before all others is not to be looked at for each of them.

    A thousand strategies that obey a KillSwitch at the same time would each have all thousand counted.
    """
    return _TOGETHER_S if is_urgent(key) and key != changed else 0.0
