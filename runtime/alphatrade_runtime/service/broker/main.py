"""A broker gateway as a process: `alphatrade serve broker`."""

from contextlib import ExitStack
from pathlib import Path

from alphatrade.mtls import Certificates
from alphatrade.telemetry import Registry
from alphatrade.v1.control_pb2 import BrokerStatus
from alphatrade_runtime.loop.live_clock import Clocks
from alphatrade_runtime.policy.hashes import code_hash, installed_code
from alphatrade_runtime.service.broker.config import read
from alphatrade_runtime.service.broker.gateway import Gateway
from alphatrade_runtime.service.broker.market import remote_feeds
from alphatrade_runtime.service.broker.service import broker_service
from alphatrade_runtime.service.broker.warm import warm_up
from alphatrade_runtime.service.control import ControlService, EpochFile, control_service
from alphatrade_runtime.service.http import Health, serve_http
from alphatrade_runtime.service.http.calls import MeasuredCalls
from alphatrade_runtime.service.transport.pod import on_signals, own_certificates
from alphatrade_runtime.service.transport.server import serve_grpc

HOUSE_S = 0.25
QUANTA_PER_UNIT = 1e8


def serve(config_path: Path, tls: Path, data: Path, artifacts: Path, listen: str, http: str) -> int:
    """Serve an account until SIGTERM or SIGINT; return the exit code. Raises InputError when it cannot start.

    artifacts: not used; the market comes from the clients' feeds.
    """
    terms, document = read(config_path)
    certificates = own_certificates(tls, terms.config.identity)
    stop = on_signals()
    registry = Registry("broker", terms.config.owner.name)
    health = [Health(ready=False, reason="Starting")]
    with ExitStack() as opened:
        opened.callback(serve_http(http, lambda: health[0], registry).close)
        warm_up(terms.exchange)
        gateway = Gateway(
            terms, document, data, remote_feeds(certificates), Clocks(), code_hash(installed_code())
        )  # fmt: skip
        opened.callback(gateway.close)
        control = ControlService(gateway.apply, gateway.status, EpochFile(data))
        gateway.changed = control.changed
        services = [broker_service(gateway.sessions), control_service(control)]
        server = serve_grpc(listen, certificates, services, interceptors=[MeasuredCalls(registry)])
        opened.callback(server.stop)
        opened.callback(gateway.stop)  # before the server's: reports of cancels still leave
        server.set_serving(True)
        while not stop.wait(HOUSE_S):
            gateway.keep_house()
            health[0] = _keep_watch(gateway, certificates, registry)
    return 0


def _keep_watch(gateway: Gateway, certificates: Certificates, registry: Registry) -> Health:
    """Bring metrics up to date; return what the probes are told."""
    status = gateway.status().broker
    registry.show("alphatrade_phase_state", status.phase)
    for name, total in (
        ("alphatrade_broker_commands_total", status.commands),
        ("alphatrade_broker_reports_total", gateway.sessions.reports()),
        ("alphatrade_reconciliations_total", gateway.reconciliations),
        ("alphatrade_breaks_total", status.breaks),
    ):
        registry.counter(name).reach(total)
    for code, count in status.denied.items():
        registry.counter("alphatrade_denials_total", code=code).reach(count)
    for reason, count in status.refused.items():
        registry.counter("alphatrade_broker_logons_refused_total", reason=reason).reach(count)
    for name, value in (
        ("alphatrade_broker_sessions", status.sessions),
        ("alphatrade_nav_account_currency", status.nav / QUANTA_PER_UNIT),
        ("alphatrade_kill_latched_state", bool(status.latched_by)),
        ("alphatrade_certificate_expiry_timestamp_seconds", certificates.current().not_after.timestamp()),
    ):
        registry.gauge(name).set(value)
    return _health(status)


def _health(status: BrokerStatus) -> Health:
    """A gateway whose volume is full still cancels and reports; it lives and is not ready."""
    words = f"{status.phase}: {status.message}" if status.message else status.phase
    return Health(ready=status.phase == "Serving", reason=words)
