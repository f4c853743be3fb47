"""`/healthz`, `/readyz`, `/metrics`: GET only, without TLS, bounded in connections and in patience."""

import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from alphatrade.telemetry import CONTENT_TYPE, Registry
from alphatrade_runtime.market.faults import InputError

MAX_CONNECTIONS = 16  # probes, a scraper or two, a person; more is a mistake or an attack
PATIENCE_S = 5.0  # for a client that sends its request slowly or does not read its answer
_TEXT = "text/plain; charset=utf-8"

Answer = tuple[HTTPStatus, str, bytes]


@dataclass(frozen=True)
class Health:
    """What the probes ask. ready: it serves. live False asks for a restart of the pod. reason: for people, one line."""

    ready: bool
    reason: str = ""
    live: bool = True


class HttpServer:
    """A running server; `port` is the one it got."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self._server = server
        self.port = int(server.server_address[1])
        self._thread = threading.Thread(target=server.serve_forever, args=(0.1,), name="http", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening; answers under way are not waited for."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def serve_http(listen: str, health: Callable[[], Health], registry: Registry) -> HttpServer:
    """Serve on `host:port` in threads of its own. `health` is called from them, and must not wait.

    Raises InputError when it cannot listen there.
    """
    host, _, port = listen.rpartition(":")
    if not port.isdecimal() or int(port) > 65_535:
        raise InputError(f"--http {listen}: give host:port, such as 0.0.0.0:8080")
    paths: Mapping[str, Callable[[], Answer]] = {
        "/healthz": lambda: _healthz(health()),
        "/readyz": lambda: _readyz(health()),
        "/metrics": lambda: (HTTPStatus.OK, CONTENT_TYPE, registry.text()),
    }
    try:
        return HttpServer(_Server((host.strip("[]"), int(port)), paths))
    except OSError as error:
        raise InputError(f"--http {listen}: {error.strerror or error}; free the address or give another") from None


def _healthz(health: Health) -> Answer:
    return _said(HTTPStatus.OK if health.live else HTTPStatus.SERVICE_UNAVAILABLE, health.reason)


def _readyz(health: Health) -> Answer:
    ready = health.ready and health.live
    return _said(HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE, health.reason)


def _said(status: HTTPStatus, reason: str) -> Answer:
    said = reason or ("ok" if status is HTTPStatus.OK else "not ready, and no reason is known")
    return status, _TEXT, said.encode() + b"\n"


class _Server(ThreadingHTTPServer):
    """A server that turns connections away when it has enough, and says nothing on the console."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 2 * MAX_CONNECTIONS

    def __init__(self, address: tuple[str, int], paths: Mapping[str, Callable[[], Answer]]) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.paths = paths
        self._free = threading.BoundedSemaphore(MAX_CONNECTIONS)
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread, or hang up when all are busy."""
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, and make room for the next."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Let a client that hung up go."""


class _Handler(BaseHTTPRequestHandler):
    timeout = PATIENCE_S
    server: _Server

    def do_GET(self) -> None:
        """Answer one of the three paths."""
        answer = self.server.paths.get(self.path.partition("?")[0])
        if answer is None:
            known = " ".join(self.server.paths)
            self._send(HTTPStatus.NOT_FOUND, _TEXT, f"there is {known}\n".encode())
            return
        try:
            status, kind, body = answer()
        except Exception as error:
            status, kind, body = HTTPStatus.INTERNAL_SERVER_ERROR, _TEXT, f"{type(error).__name__}: {error}\n".encode()
        self._send(status, kind, body)

    def _refuse(self) -> None:
        self._send(HTTPStatus.METHOD_NOT_ALLOWED, _TEXT, b"GET only\n")

    do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = _refuse

    def _send(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if status is HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET")
        self.end_headers()
        self.wfile.write(body)

    def version_string(self) -> str:
        """Name no software."""
        return "alphatrade"

    def log_message(self, format: str, *args: Any) -> None:
        """Probes every few seconds are no news."""
