"""Who may call what: every call's peer has an identity of ours, of a kind that the method is for."""

from collections.abc import Callable, Mapping
from typing import Any

import grpc

from alphatrade.mtls import expired, peer_expiry, peer_identity
from alphatrade.names import parse_identity
from alphatrade_runtime.service.transport.ending import EXPIRED, OpenStreams

KINDS = frozenset({"strategy", "feed", "broker", "operator", "client"})
_NO_IDENTITY = "the certificate carries no identity of ours; use the one that the operator issued to this pod"


class Guard(grpc.ServerInterceptor):  # type: ignore[type-arg]
    """Refuse callers without an identity, of a kind that a method is not for, or with an expired certificate.

    kinds: by method, as `/package.Service/Method`; a method that is not in it is for no one.
    """

    def __init__(self, kinds: Mapping[str, frozenset[str]], streams: OpenStreams) -> None:
        self._kinds, self._streams = kinds, streams

    def intercept_service(
        self, continuation: Callable[[Any], Any], handler_call_details: grpc.HandlerCallDetails
    ) -> Any:
        """Return the method's handler behind the checks."""
        handler = continuation(handler_call_details)
        return handler and self._guarded(handler, handler_call_details.method)

    def _guarded(self, handler: Any, method: str) -> Any:
        kinds = self._kinds.get(method, frozenset())
        name = _NAMES[handler.request_streaming, handler.response_streaming]
        behavior = getattr(handler, name)
        streaming = handler.request_streaming or handler.response_streaming

        def checked(request: Any, context: grpc.ServicerContext) -> Any:
            if refusal := refusal_of(peer_identity(context), kinds, method):
                context.abort(*refusal)
            if expired(peer_expiry(context)):
                context.abort(grpc.StatusCode.UNAUTHENTICATED, EXPIRED)
            if streaming:
                self._streams.add(context)
            return behavior(request, context)

        make = getattr(grpc, f"{name}_rpc_method_handler")
        return make(checked, handler.request_deserializer, handler.response_serializer)


_NAMES = {
    (False, False): "unary_unary",
    (False, True): "unary_stream",
    (True, False): "stream_unary",
    (True, True): "stream_stream",
}


def refusal_of(identity: str | None, kinds: frozenset[str], method: str) -> tuple[grpc.StatusCode, str] | None:
    """Return why a caller is refused; None when it is not."""
    parsed = parse_identity(identity) if identity else None
    if parsed is None:
        return grpc.StatusCode.UNAUTHENTICATED, _NO_IDENTITY
    namespace, kind, name, _ = parsed
    if kind in kinds:
        return None
    allowed = " and ".join(sorted(kinds)) or "no one"
    return grpc.StatusCode.PERMISSION_DENIED, f"{method} is for {allowed}, not for {kind} {namespace}/{name}"
