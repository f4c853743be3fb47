"""An API server that lists and watches KillSwitch objects over real HTTPS, and can be made to misbehave.

It stands in for the network: faults that a real API server shows only when it is stopped at the right moment. That
the two speak the same language is what tests/api/kill holds.
"""

import ipaddress
import json
import queue
import socket
import ssl
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from alphatrade_runtime.service.kill import ApiServer

TOKEN = "token-1"


def certificate(folder: Path) -> tuple[Path, Path]:
    """Write a self-signed certificate for 127.0.0.1 and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "fake")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "ca.crt", folder / "tls.key"
    paths[0].write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    pkcs8 = serialization.PrivateFormat.PKCS8
    paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, pkcs8, serialization.NoEncryption()))
    return paths


def kill_switch(name, mode="Halt", namespace="prod", generation=1, **spec):
    """Return an object as the API server gives it."""
    metadata = {"name": name, "namespace": namespace, "uid": f"uid-{name}", "generation": generation}
    if mode != "Armed":
        spec.setdefault("reason", "drill")
    return {
        "apiVersion": "alphatrade.io/v1alpha1",
        "kind": "KillSwitch",
        "metadata": metadata,
        "spec": {"mode": mode, **spec},
    }


class FakeApi:
    """A running fake. token: what it takes.  lists, watches: requests answered.

    on_list, on_watch: called with the request's handler; when they return True they have answered it.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, (self.authority, self._key) = folder, certificate(folder)
        (folder / "token").write_text(TOKEN + "\n")
        self.token = TOKEN
        self.objects: dict[tuple[str, str], dict] = {}
        self.lists = self.watches = 0
        self.queries: list[dict[str, str]] = []
        self.on_list = self.on_watch = lambda handler: False
        self._watching: list[tuple[str, queue.Queue]] = []
        self._lock = threading.Lock()
        self._server = self._listening(0)

    @property
    def address(self) -> ApiServer:
        """Where it is."""
        return ApiServer("127.0.0.1", self.port, self.authority, self.folder / "token")

    def up(self) -> None:
        """Listen, on the port of before."""
        self._server = self._listening(self.port)

    def _listening(self, port: int) -> "_Server":
        server = _Server(("127.0.0.1", port), self)
        self.port = int(server.server_address[1])
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return server

    def down(self) -> None:
        """Stop listening and cut every connection."""
        self._server.shutdown()
        self._server.server_close()
        self.cut()

    def cut(self) -> None:
        """Cut every connection."""
        for connection in list(self._server.connections):
            with suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)

    def apply(self, *objects) -> None:
        """Store objects and tell watchers."""
        for given in objects:
            metadata = given["metadata"]
            key = metadata["namespace"], metadata["name"]
            with self._lock:
                kind = "MODIFIED" if key in self.objects else "ADDED"
                self.objects[key] = given
            self.tell(metadata["namespace"], kind, given)

    def delete(self, namespace, name) -> None:
        """Remove an object and tell watchers."""
        with self._lock:
            gone = self.objects.pop((namespace, name))
        self.tell(namespace, "DELETED", gone)

    def tell(self, namespace, kind, given) -> None:
        """Send an event to those who watch a namespace."""
        with self._lock:
            for place, events in self._watching:
                if place == namespace:
                    events.put(json.dumps({"type": kind, "object": given}).encode() + b"\n")

    def of(self, namespace) -> list[dict]:
        """Return the objects of a namespace."""
        with self._lock:
            return [given for (place, _), given in sorted(self.objects.items()) if place == namespace]

    def subscribe(self, namespace) -> queue.Queue:
        """Return a queue of events that begins with all that is there."""
        events: queue.Queue = queue.Queue()
        for given in self.of(namespace):
            events.put(json.dumps({"type": "ADDED", "object": given}).encode() + b"\n")
        with self._lock:
            self._watching.append((namespace, events))
        return events


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address, api: FakeApi) -> None:
        self.api = api
        self.connections: set = set()
        super().__init__(address, _Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(api.authority, api._key)
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def process_request(self, request, client_address):
        self.connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request):
        self.connections.discard(request)
        with suppress(OSError):
            socket.socket.shutdown(request, socket.SHUT_RDWR)
        request.close()

    def handle_error(self, request, client_address):
        pass


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self):
        api, split = self.server.api, urlsplit(self.path)
        self.query = {name: values[0] for name, values in parse_qs(split.query).items()}
        self.namespace = split.path.split("/")[-2]
        api.queries.append(self.query)
        if self.headers["Authorization"] != f"Bearer {api.token}":
            return self.send(401, b"{}")
        if "watch" in self.query:
            return None if api.on_watch(self) else self._watch()
        return None if api.on_list(self) else self._list()

    def _list(self):
        api = self.server.api
        api.lists += 1
        items, first, limit = api.of(self.namespace), int(self.query.get("continue", 0)), int(self.query["limit"])
        metadata = {"resourceVersion": "7"}
        if first + limit < len(items):
            metadata["continue"] = str(first + limit)
        self.send(200, json.dumps({"metadata": metadata, "items": items[first : first + limit]}).encode())

    def _watch(self):
        api = self.server.api
        api.watches += 1
        self.begin()
        events = api.subscribe(self.namespace)
        deadline = time.monotonic() + float(self.query["timeoutSeconds"])
        while time.monotonic() < deadline:
            with suppress(queue.Empty):
                self.chunk(events.get(timeout=0.5))
        self.chunk(b"")

    def begin(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def send(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        pass
