"""Bring configurations to running pods, each once."""

import logging
from collections.abc import Callable
from typing import Literal

from alphatrade.config import digest_of
from alphatrade.names import parse_identity, server_name
from alphatrade.v1.control_pb2 import ApplyOutcome
from alphatrade_operator.core.dispatch import OWNER_KINDS
from alphatrade_operator.core.plan import Key, Push, Pushed, View
from alphatrade_operator.pods.client import PodClient, PodSilent
from alphatrade_operator.pods.poller import Reported
from alphatrade_operator.pods.reports import Reports
from alphatrade_operator.pods.targets import target_of

Outcome = Literal["Applied", "Unchanged", "RestartRequired", "Refused"]
_OUTCOMES: dict[int, Outcome] = {
    ApplyOutcome.APPLY_OUTCOME_APPLIED: "Applied",
    ApplyOutcome.APPLY_OUTCOME_UNCHANGED: "Unchanged",
    ApplyOutcome.APPLY_OUTCOME_RESTART_REQUIRED: "RestartRequired",
}
_log = logging.getLogger(__name__)


class Pusher:
    """Pushes with the epoch of the view. require: raises unless the Lease is held, whose epoch that is."""

    def __init__(
        self, view: View, client: PodClient, reports: Reports, reported: Reported, require: Callable[[], None]
    ) -> None:
        self._view, self._client, self._reports, self._reported = view, client, reports, reported
        self._require = require

    async def push(self, push: Push) -> bool:
        """Send it unless the pod has it or has answered to it; return whether the pod could be asked.

        Raises NotLeading: who stands by has seen the leader's epoch, and a pod would take that from anybody.
        """
        digest = digest_of(push.document)
        namespace, child = _pod_of(push.identity)
        if self._has(push.identity, namespace, child, digest):
            return True
        address = self._address(namespace, child)
        if address is None:
            return False
        self._require()
        try:
            answer = await self._client.apply(address, push.identity, push.document, self._view.epoch)
        except PodSilent as error:
            _log.info("push not answered", extra={"identity": push.identity, "error": str(error)})
            return False
        outcome = _OUTCOMES.get(answer.outcome, "Refused")  # one that is not known is none that was agreed to
        self._reports.answered(push.identity, Pushed(digest, outcome, answer.detail))
        _log.info("pushed", extra={"identity": push.identity, "digest": digest, "outcome": outcome})
        self._reported(_owner(push.identity), True, 0.0)
        return True

    def _has(self, identity: str, namespace: str, child: str, digest: str) -> bool:
        status, answered = self._view.pod_status(namespace, child), self._reports.pushed(identity)
        if status is not None and status.document_digest == digest:
            return True
        return answered is not None and answered.digest == digest

    def _address(self, namespace: str, child: str) -> str | None:
        pod = self._view.get("Pod", namespace, f"{child}-0")
        target = None if pod is None else target_of(pod)
        return None if target is None else target.address


def _pod_of(identity: str) -> tuple[str, str]:
    """Return namespace and child name of an identity that has a server."""
    child, namespace, _ = server_name(identity).rsplit(".", 2)
    return namespace, child


def _owner(identity: str) -> Key:
    parsed = parse_identity(identity)
    if parsed is None:
        raise ValueError(f"{identity!r} is no identity of ours")
    namespace, kind, name, _ = parsed
    return Key(OWNER_KINDS[kind], namespace, name)
