"""What the operator measures, by the names of the shared registry."""

from collections.abc import Mapping

from alphatrade.telemetry import Registry
from alphatrade_operator.core.plan import Key
from alphatrade_operator.core.queue import KeyQueue
from alphatrade_operator.kube.lease import Lease
from alphatrade_operator.kube.resources import OURS
from alphatrade_operator.kube.store import Store


class Measures:
    """The metrics of the process."""

    def __init__(self) -> None:
        self._registry = Registry("operator")

    def reconciled(self, kind: str, result: str, took_s: float) -> None:
        """Count what became of a key."""
        self._registry.counter("alphatrade_operator_reconciles_total", kind=kind, result=result).add()
        self._registry.histogram("alphatrade_operator_reconcile_duration_seconds", kind=kind).observe(took_s)
        if result == "failed":
            self._registry.counter("alphatrade_operator_errors_total", kind=kind).add()

    def wrote(self, verb: str, kind: str) -> None:
        """Count a write to the API server."""
        self._registry.counter("alphatrade_operator_writes_total", kind=kind).add()

    def called(self, method: str, code: str, took_s: float) -> None:
        """Count and time a call to the operator's own server."""
        self._registry.counter("alphatrade_grpc_requests_total", method=method, grpc_code=code).add()
        self._registry.histogram("alphatrade_grpc_request_duration_seconds", method=method).observe(took_s)

    def issued(self) -> None:
        """Count a certificate."""
        self._registry.counter("alphatrade_operator_certificates_issued_total").add()

    def authority_until(self, unix_s: float) -> None:
        """Say until when the authority is valid."""
        self._registry.gauge("alphatrade_certificate_expiry_timestamp_seconds").set(unix_s)

    def law_faults(self, count: int) -> None:
        """Say how much of the API server's share of the law is not as installed."""
        self._registry.gauge("alphatrade_operator_law_faults").set(count)

    def text(self, queue: KeyQueue[Key], lease: Lease, store: Store) -> bytes:
        """Return all of them, those of the moment taken now."""
        self._registry.gauge("alphatrade_operator_queue_keys").set(len(queue))
        self._registry.gauge("alphatrade_operator_lease_epoch").set(lease.epoch)
        self._registry.gauge("alphatrade_operator_lease_held_state").set(lease.held)
        for resource in OURS:
            objects = store.list(resource.kind)
            not_ready = sum(1 for manifest in objects if not _is_ready(manifest))
            self._registry.gauge("alphatrade_operator_objects", kind=resource.kind).set(len(objects))
            self._registry.gauge("alphatrade_operator_not_ready_objects", kind=resource.kind).set(not_ready)
        return self._registry.text()


def _is_ready(manifest: Mapping[str, object]) -> bool:
    status = manifest.get("status")
    conditions = status.get("conditions") if isinstance(status, Mapping) else None
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions or ())
