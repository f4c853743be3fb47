"""What a feed gateway answers the operator: what it does, and what a new configuration asks of it."""

from alphatrade.config import digest_of
from alphatrade.v1 import control_pb2
from alphatrade.v1.control_pb2 import ApplyResponse, PodStatus
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.service.feed.config import parse
from alphatrade_runtime.service.feed.gateway import Gateway

_NEW_POD = "a feed's source, pace and instruments are those of its pod; the pod must be started anew"


class FeedControl:
    """The feed's side of RuntimeControl. document: the configuration in force, the bytes of its ConfigMap."""

    def __init__(self, gateway: Gateway, document: bytes, code_hash: str) -> None:
        self._gateway, self._digest, self._code_hash = gateway, digest_of(document), code_hash

    def apply(self, document: bytes) -> ApplyResponse:
        """Say what a configuration comes to; nothing of a feed changes without a new pod. Raises InputError."""
        if digest_of(document) == self._digest:
            return ApplyResponse(outcome=control_pb2.APPLY_OUTCOME_UNCHANGED)
        if parse(document, "document").owner != self._gateway.config.owner:
            raise InputError("document: owner: that of another feed; send it to that feed's pod")
        return ApplyResponse(outcome=control_pb2.APPLY_OUTCOME_RESTART_REQUIRED, detail=_NEW_POD)

    def status(self) -> PodStatus:
        """Return what the gateway does now."""
        return PodStatus(document_digest=self._digest, code_hash=self._code_hash, feed=self._gateway.status())
