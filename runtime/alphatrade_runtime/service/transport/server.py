"""A pod's gRPC server: mTLS, health, reflection, who may call what, and an end in order."""

from collections.abc import Callable, Mapping, Sequence
from concurrent import futures
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2

from alphatrade.mtls import KEEPALIVE, SIZES, Certificates, server_credentials
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.service.transport.ending import OpenStreams
from alphatrade_runtime.service.transport.guard import KINDS, Guard

MAX_CALLS = 64  # a stream holds a thread; one pod serves a handful
GRACE_S = 5.0
STOPPING = "this pod stops; connect again"
_OPTIONS: list[tuple[str, Any]] = [
    *KEEPALIVE,
    *SIZES,
    ("grpc.so_reuseport", 0),  # a second server on the port is a mistake, not a partner
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 5_000),
]


@dataclass(frozen=True)
class Service:
    """A service to offer: what it is, how its servicer joins a server, which kinds of peer may call its methods.

    by_method: kinds of single methods, by name, in place of `kinds`.
    """

    descriptor: ServiceDescriptor
    join: Callable[[grpc.Server], None]
    kinds: frozenset[str]
    by_method: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def allowed(self) -> dict[str, frozenset[str]]:
        """Return the kinds by full method name."""
        return {
            f"/{self.descriptor.full_name}/{method.name}": self.by_method.get(method.name, self.kinds)
            for method in self.descriptor.methods
        }


class GrpcServer:
    """A server that runs until `stop`. port: where it listens."""

    def __init__(
        self,
        listen: str,
        certificates: Certificates,
        services: Sequence[Service],
        interceptors: Sequence["grpc.ServerInterceptor[Any, Any]"] = (),
    ) -> None:
        self._health = health.HealthServicer()
        self._names = [service.descriptor.full_name for service in services]
        self.streams = OpenStreams()
        offered = [*services, self._health_service()]
        kinds = {method: kinds for service in offered for method, kinds in service.allowed().items()}
        kinds |= dict.fromkeys(_reflection_methods(), KINDS)
        self._pool = futures.ThreadPoolExecutor(MAX_CALLS, thread_name_prefix="grpc")
        self._server = grpc.server(
            self._pool,
            interceptors=[*interceptors, Guard(kinds, self.streams)],
            options=_OPTIONS,
            maximum_concurrent_rpcs=MAX_CALLS,
        )
        for service in offered:
            service.join(self._server)
        reflection.enable_server_reflection([*_names(offered), reflection.SERVICE_NAME], self._server)
        self.port = self._bound(listen, certificates)
        self.set_serving(False)
        self._server.start()

    def set_serving(self, serving: bool) -> None:
        """Say by the health service whether this pod serves."""
        status = health_pb2.HealthCheckResponse.SERVING if serving else health_pb2.HealthCheckResponse.NOT_SERVING
        for name in ("", *self._names):
            self._health.set(name, status)

    def stop(self, grace_s: float = GRACE_S) -> None:
        """Refuse new calls, ask streams to end, and cut what is left after grace_s."""
        self._health.enter_graceful_shutdown()
        stopped = self._server.stop(grace_s)
        self.streams.end(grpc.StatusCode.UNAVAILABLE, STOPPING)
        stopped.wait()
        self.streams.close()
        self._pool.shutdown(wait=False)

    def _bound(self, listen: str, certificates: Certificates) -> int:
        try:
            return self._server.add_secure_port(listen, server_credentials(certificates))
        except RuntimeError:
            self.streams.close()
            raise InputError(f"--listen {listen}: cannot be bound; free the address or give another") from None

    def _health_service(self) -> Service:
        descriptor = health_pb2.DESCRIPTOR.services_by_name["Health"]
        return Service(descriptor, lambda s: health_pb2_grpc.add_HealthServicer_to_server(self._health, s), KINDS)


def serve_grpc(
    listen: str,
    certificates: Certificates,
    services: Sequence[Service],
    *,
    interceptors: Sequence["grpc.ServerInterceptor[Any, Any]"] = (),
) -> GrpcServer:
    """Start a server on `host:port` (port 0: any). Raises InputError when the address is taken.

    Its health says NOT_SERVING until `set_serving(True)`. interceptors: outside of the identity check.
    """
    return GrpcServer(listen, certificates, services, interceptors)


def _names(services: Sequence[Service]) -> list[str]:
    """Return the full names of services."""
    return [service.descriptor.full_name for service in services]


def _reflection_methods() -> list[str]:
    service = reflection_pb2.DESCRIPTOR.services_by_name["ServerReflection"]
    return [f"/{service.full_name}/{method.name}" for method in service.methods]
