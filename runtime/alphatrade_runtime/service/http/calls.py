"""Rate, errors and duration of every gRPC method of a server."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import grpc

from alphatrade.telemetry import Registry

_REQUESTS = "alphatrade_grpc_requests_total"
_DURATION = "alphatrade_grpc_request_duration_seconds"
_STREAMS = "alphatrade_grpc_streams"


class MeasuredCalls(grpc.ServerInterceptor):  # type: ignore[type-arg]  # generic for the type checker only
    """Count the calls of a synchronous server, time the unary ones, show the streams that are open."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def intercept_service(self, continuation: Callable[[Any], Any], handler_call_details: Any) -> Any:
        """Return the handler, measured."""
        handler = continuation(handler_call_details)
        if handler is None:
            return None
        method = handler_call_details.method.rpartition("/")[2]
        if handler.unary_unary is not None:
            return grpc.unary_unary_rpc_method_handler(
                self._unary(method, handler.unary_unary), handler.request_deserializer, handler.response_serializer
            )
        if not handler.response_streaming:
            return handler
        make = (
            grpc.stream_stream_rpc_method_handler if handler.request_streaming else grpc.unary_stream_rpc_method_handler
        )
        inner = handler.stream_stream if handler.request_streaming else handler.unary_stream
        return make(self._stream(method, inner), handler.request_deserializer, handler.response_serializer)

    def _unary(self, method: str, inner: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        def measured(request: Any, context: Any) -> Any:
            started = time.monotonic()
            try:
                answer = inner(request, context)
            except BaseException:
                self._count(method, _code(context, grpc.StatusCode.UNKNOWN))
                raise
            self._registry.histogram(_DURATION, method=method).observe(time.monotonic() - started)
            self._count(method, _code(context, grpc.StatusCode.OK))
            return answer

        return measured

    def _stream(self, method: str, inner: Callable[[Any, Any], Iterator[Any]]) -> Callable[[Any, Any], Iterator[Any]]:
        def measured(request: Any, context: Any) -> Iterator[Any]:
            gauge = self._registry.gauge(_STREAMS, method=method)
            gauge.inc()
            ended = grpc.StatusCode.CANCELLED  # the generator is closed before its end
            try:
                yield from inner(request, context)
                ended = grpc.StatusCode.OK
            except Exception:
                ended = grpc.StatusCode.UNKNOWN
                raise
            finally:
                gauge.dec()
                self._count(method, _code(context, ended))

        return measured

    def _count(self, method: str, code: grpc.StatusCode) -> None:
        self._registry.counter(_REQUESTS, method=method, grpc_code=code.name).add()


def _code(context: Any, otherwise: grpc.StatusCode) -> grpc.StatusCode:
    code = context.code()
    return code if isinstance(code, grpc.StatusCode) else otherwise
