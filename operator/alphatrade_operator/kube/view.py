"""The cache as decisions see it: objects, what pods say, settings, epoch."""

from collections.abc import Callable, Mapping, Sequence

from alphatrade.v1.control_pb2 import PodStatus
from alphatrade_operator.core.plan import Finding, Manifest, Pushed
from alphatrade_operator.kube.store import Store
from alphatrade_operator.pods.reports import Reports
from alphatrade_operator.settings import Settings


class CacheView:
    """A View over a Store and the reports of pods."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        reports: Reports,
        epoch: Callable[[], int],
        law: Callable[[], Finding | None],
    ) -> None:
        self._settings, self._store, self._reports, self._epoch, self._law = settings, store, reports, epoch, law

    @property
    def settings(self) -> Settings:
        """Return the operator's settings."""
        return self._settings

    @property
    def epoch(self) -> int:
        """Return the epoch of this operator."""
        return self._epoch()

    @property
    def law(self) -> Finding | None:
        """Return what the API server does not enforce."""
        return self._law()

    def get(self, kind: str, namespace: str, name: str) -> Manifest | None:
        """Return an object, or None."""
        return self._store.get(kind, namespace, name)

    def list(
        self, kind: str, namespace: str | None = None, labels: Mapping[str, str] | None = None
    ) -> Sequence[Manifest]:
        """Return objects by namespace and name."""
        return self._store.list(kind, namespace, labels)

    def pod_status(self, namespace: str, child_name: str) -> PodStatus | None:
        """Return what a pod said lately; None when it does not answer."""
        return self._reports.status(namespace, child_name)

    def pushed(self, identity: str) -> Pushed | None:
        """Return what a pod answered to the last Push."""
        return self._reports.pushed(identity)
