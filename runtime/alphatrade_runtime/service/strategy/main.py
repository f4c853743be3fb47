"""A strategy runtime as a process: `alphatrade serve strategy`."""

import os
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from alphatrade.mtls import Certificates
from alphatrade.names import parse_identity
from alphatrade.telemetry import Registry
from alphatrade_runtime.loop.live_clock import ClockFacts
from alphatrade_runtime.loop.live_session import new_live_core
from alphatrade_runtime.loop.live_warm import warm_up
from alphatrade_runtime.loop.stream_warm import warm_up_stream
from alphatrade_runtime.policy.hashes import code_hash, installed_code
from alphatrade_runtime.service.control import ControlService, EpochFile, control_service
from alphatrade_runtime.service.decide.service import DecisionService, decision_service
from alphatrade_runtime.service.http import Health, serve_http
from alphatrade_runtime.service.http.calls import MeasuredCalls
from alphatrade_runtime.service.kill.api_server import ApiServer
from alphatrade_runtime.service.kill.latch import Latch
from alphatrade_runtime.service.kill.watch import KillWatch
from alphatrade_runtime.service.strategy.config import Terms, by_permit, read
from alphatrade_runtime.service.strategy.permits import PermitKeeper, asks
from alphatrade_runtime.service.strategy.phase import FAILED, STARTING
from alphatrade_runtime.service.strategy.runtime import Parts, Runtime
from alphatrade_runtime.service.strategy.steering import PodSteering
from alphatrade_runtime.service.transport.pod import on_signals, own_certificates
from alphatrade_runtime.service.transport.server import GrpcServer, serve_grpc

OWN_EXCHANGE = "own"  # mode Sim has no account


def serve(config_path: Path, tls: Path, data: Path, artifacts: Path, listen: str, http: str) -> int:
    """Run a strategy until SIGTERM or SIGINT; return the exit code. Raises InputError when it cannot start.

    artifacts: not used; the market comes from the feed gateway.
    """
    terms = read(config_path)
    certificates = own_certificates(tls, terms.config.identity)
    stop = on_signals()
    registry = Registry("strategy", terms.config.owner.name)
    with ExitStack() as opened:
        wake = threading.Event()
        watch = _watch(terms, wake)
        opened.callback(watch.close)
        control: list[ControlService] = []
        home = account_folder(terms, data)
        epochs = EpochFile(data)
        keeper = _permits(terms, certificates, epochs, wake, opened)
        steering = PodSteering(terms, watch, Latch(home), registry, lambda: control[0].changed(), permits=keeper)
        decision = DecisionService(terms.session)
        parts = Parts(certificates, home, registry, steering, stop, code_hash(installed_code()), wake, decision.use)
        runtime = Runtime(parts)
        control.append(ControlService(runtime.apply, runtime.status, epochs))
        runtime.changed = control[0].changed
        opened.callback(serve_http(http, lambda: health_of(runtime), registry).close)
        services = [control_service(control[0]), decision_service(decision)]
        server = serve_grpc(listen, certificates, services, interceptors=[MeasuredCalls(registry)])
        opened.callback(server.stop)
        watch.start()
        if keeper is not None:
            keeper.start()
        opened.callback(_keep_serving(runtime, server, registry, certificates, stop))
        _warm_up(terms)
        runtime.run()
    return 0


def account_folder(terms: Terms, data: Path) -> Path:
    """Return where sessions and latch of the strategy's account lie: another account is another beginning."""
    broker = terms.config.broker
    parsed = parse_identity(broker.identity) if broker is not None else None
    return data / "accounts" / (parsed[3] if parsed is not None else OWN_EXCHANGE)


def health_of(runtime: Runtime) -> Health:
    """Return what the probes are told: a session that is held lives and is ready; one that starts is not."""
    phase = runtime.phase
    words = ": ".join(part for part in phase if part)
    return Health(ready=phase.name not in (STARTING, FAILED), reason=words)


def _watch(terms: Terms, wake: threading.Event) -> KillWatch:
    staleness = terms.session.policy.envelope.limits.kill_max_staleness_ns
    return KillWatch(terms.config.kill, ApiServer.in_cluster(os.environ), staleness, wake=wake.set)


def _permits(
    terms: Terms, certificates: Certificates, epochs: EpochFile, wake: threading.Event, opened: ExitStack
) -> PermitKeeper | None:
    """Return what keeps the permit of a pod whose session explores by permit, else None."""
    if terms.config.permits is None or not by_permit(terms.session):
        return None
    ask, close = asks(terms.config.permits, certificates)
    opened.callback(close)
    keeper = PermitKeeper(ask, epochs, wake=wake.set)
    opened.callback(keeper.close)
    return keeper


def _warm_up(terms: Terms) -> None:
    """Load what is compiled, whatever the feed will drive the session by."""
    session = terms.session
    if session.policy.plugins:
        return  # its signals are not known yet
    warm_up(session, new_live_core(session, ClockFacts(0, 0, 1)))
    warm_up_stream(session)


def _keep_serving(
    runtime: Runtime, server: GrpcServer, registry: Registry, certificates: Certificates, stop: threading.Event
) -> Callable[[], None]:
    """Bring the health service up to date until the pod ends; return what waits for that end."""
    expiry = registry.gauge("alphatrade_certificate_expiry_timestamp_seconds")

    def work() -> None:
        while not stop.wait(0.5):
            server.set_serving(health_of(runtime).ready)
            registry.show("alphatrade_phase_state", runtime.phase.name)
            expiry.set(certificates.current().not_after.timestamp())

    thread = threading.Thread(target=work, name="health", daemon=True)
    thread.start()

    def finish() -> None:
        stop.set()
        thread.join()

    return finish
