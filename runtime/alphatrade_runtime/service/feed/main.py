"""A feed gateway as a process: `alphatrade serve feed`."""

from contextlib import ExitStack
from pathlib import Path

from alphatrade.mtls import Certificates
from alphatrade.telemetry import Registry
from alphatrade_runtime.loop.live_clock import Clocks
from alphatrade_runtime.policy.hashes import code_hash, installed_code
from alphatrade_runtime.service.control import ControlService, EpochFile, control_service
from alphatrade_runtime.service.feed.config import read
from alphatrade_runtime.service.feed.control import FeedControl
from alphatrade_runtime.service.feed.gateway import Gateway
from alphatrade_runtime.service.feed.service import market_data_service
from alphatrade_runtime.service.http import Health, serve_http
from alphatrade_runtime.service.http.calls import MeasuredCalls
from alphatrade_runtime.service.transport.pod import on_signals, own_certificates
from alphatrade_runtime.service.transport.server import GrpcServer, serve_grpc

HOUSE_S = 0.5
_SERVES = ("Serving", "Ended")


def serve(config_path: Path, tls: Path, data: Path, artifacts: Path, listen: str, http: str) -> int:
    """Serve a feed until SIGTERM or SIGINT; return the exit code. Raises InputError when it cannot start.

    A tape that is missing or damaged is no reason to end: the pod says so, and what to do.
    """
    config, document = read(config_path)
    certificates = own_certificates(tls, config.identity)
    gateway = Gateway(config, data, artifacts, Clocks())
    registry = Registry("feed", config.owner.name)
    feed = FeedControl(gateway, document, code_hash(installed_code()))
    control = ControlService(feed.apply, feed.status, EpochFile(data))
    gateway.changed = control.changed
    services = [market_data_service(gateway), control_service(control)]
    stop = on_signals()
    with ExitStack() as opened:
        opened.callback(serve_http(http, lambda: health_of(gateway), registry).close)
        server = serve_grpc(listen, certificates, services, interceptors=[MeasuredCalls(registry)])
        opened.callback(server.stop)
        opened.callback(gateway.stop)
        gateway.start()
        while not stop.wait(HOUSE_S):
            keep_house(gateway, server, certificates, registry)
    return 0


def health_of(gateway: Gateway) -> Health:
    """Return what the probes are told: a gateway that prepares or has failed lives, and is not ready."""
    state = gateway.state()
    words = f"{state.phase}: {state.reason}: {state.message}" if state.message else state.phase
    return Health(ready=state.phase in _SERVES, reason=words)


def keep_house(gateway: Gateway, server: GrpcServer, certificates: Certificates, registry: Registry) -> None:
    """Bring health and metrics up to date."""
    status = gateway.status()
    server.set_serving(status.phase in _SERVES)
    registry.show("alphatrade_phase_state", status.phase)
    registry.counter("alphatrade_feed_rows_sent_total").reach(status.rows_sent)
    for name, value in (
        ("alphatrade_feed_subscribers", status.subscribers),
        ("alphatrade_feed_tape_rows", status.rows),
        ("alphatrade_feed_tape_gaps", status.gaps),
        ("alphatrade_feed_unacknowledged_batches", gateway.unacknowledged()),
        ("alphatrade_certificate_expiry_timestamp_seconds", certificates.current().not_after.timestamp()),
    ):
        registry.gauge(name).set(value)
