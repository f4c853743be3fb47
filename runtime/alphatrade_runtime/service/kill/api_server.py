"""Read KillSwitch objects from the API server with the standard library: one thing is asked, in two ways.

The kubernetes package takes half a second and 32 MiB to import (measured; urllib3 a tenth of a second and 11 MiB) of
the three seconds that a pod has until its first decision. http.client and ssl are there already: /metrics uses them.
"""

import json
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from alphatrade.names import GROUP, VERSION
from alphatrade_runtime.market.faults import InputError

ACCOUNT_FOLDER = Path("/var/run/secrets/kubernetes.io/serviceaccount")
PAGE = 256  # objects a request; fewer when they are so large that a page would not fit
MAX_PAGE_BYTES = 32 << 20
MAX_EVENT_BYTES = 4 << 20  # twice what the API server stores in one object, escaped
MAX_OBJECTS = 20_000
WATCH_S = 120  # the server ends a watch by then; a silent one is given up a little later
_PATIENCE_S = 10.0
_CHUNK = 1 << 16


class ApiFault(Exception):
    """A request that brought no usable answer: one line that says why, and what to do where that is known."""


class TooLarge(ApiFault):
    """An answer past its bound."""


@dataclass(frozen=True)
class ApiServer:
    """Where the API server is, and files that are read anew whenever they are needed: both are rotated."""

    host: str
    port: int
    authority: Path
    token: Path

    @classmethod
    def in_cluster(cls, environ: Mapping[str, str], folder: Path = ACCOUNT_FOLDER) -> "ApiServer":
        """Return the one that this pod's service account is for. Raises InputError outside a pod."""
        host, port = environ.get("KUBERNETES_SERVICE_HOST", ""), environ.get("KUBERNETES_SERVICE_PORT", "443")
        if not host or not port.isdecimal():
            raise InputError("KUBERNETES_SERVICE_HOST: not set; kill switches can only be watched from within a pod")
        return cls(host, int(port), folder / "ca.crt", folder / "token")


class Reader:
    """One connection to the API server, kept open between requests; for one thread, but `cut` and `end` are for any."""

    def __init__(self, server: ApiServer) -> None:
        self._server = server
        self._connection: HTTPSConnection | None = None
        self._socket: socket.socket | None = None
        self._page = PAGE
        self._ended = False

    def list_all(self, namespace: str, timeout_s: float) -> list[Any]:
        """Return all KillSwitch objects of a namespace, as a quorum of etcd has them. Raises ApiFault.

        Without a resourceVersion the API server answers with nothing older than the moment of the request.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                return self._pages(namespace, deadline)
            except TooLarge:
                if self._page == 1:
                    raise
                self._page = max(self._page // 4, 1)

    def watch(self, namespace: str) -> Iterator[tuple[str, Any]]:
        """Yield (type, object) of changes; those that are there already come first, as ADDED.

        A watch without a resourceVersion begins with the state of the moment: it needs no list, and is never too
        late. Ends when the server ends it. Raises ApiFault.
        """
        with _faults(self):
            query = {"watch": "1", "allowWatchBookmarks": "true", "timeoutSeconds": str(WATCH_S)}
            response = self._get(namespace, query, _PATIENCE_S)
            self._patience(WATCH_S + _PATIENCE_S)
            while line := response.readline(MAX_EVENT_BYTES + 1):
                if len(line) > MAX_EVENT_BYTES:
                    raise TooLarge(f"an event has more than {MAX_EVENT_BYTES >> 20} MiB")
                yield _event(line)
            self.close()

    def cut(self) -> None:
        """End what another thread waits for in this connection."""
        waiting = self._socket
        if waiting is not None:
            try:
                # That of SSLSocket would pull its state from under the other thread.
                socket.socket.shutdown(waiting, socket.SHUT_RDWR)
            except OSError:
                return

    def end(self) -> None:
        """Cut, and begin nothing more: what waits in another thread ends with ApiFault."""
        self._ended = True
        self.cut()

    def close(self) -> None:
        """Let the connection go."""
        connection, self._connection, self._socket = self._connection, None, None
        if connection is not None:
            connection.close()

    def _pages(self, namespace: str, deadline: float) -> list[Any]:
        objects: list[Any] = []
        query = {"limit": str(self._page)}
        while True:
            with _faults(self):
                answer = self._answer(namespace, query, deadline)
            items, follows = _items(answer)
            objects += items
            if not follows:
                return objects
            if len(objects) >= MAX_OBJECTS:
                raise ApiFault(f"more than {MAX_OBJECTS} kill switches; delete those that nobody needs")
            query = {"limit": str(self._page), "continue": follows}

    def _answer(self, namespace: str, query: Mapping[str, str], deadline: float) -> bytes:
        response = self._get(namespace, query, _left(deadline))
        parts: list[bytes] = []
        size = 0
        while True:
            self._patience(_left(deadline))
            part = response.read1(_CHUNK)
            if not part:
                return b"".join(parts)
            parts.append(part)
            size += len(part)
            if size > MAX_PAGE_BYTES:
                raise TooLarge(f"a list has more than {MAX_PAGE_BYTES >> 20} MiB")

    def _get(self, namespace: str, query: Mapping[str, str], timeout_s: float) -> HTTPResponse:
        """Send a request; once more when a kept connection turns out to be closed."""
        fresh = self._connection is None
        try:
            response = self._ask(namespace, query, timeout_s)
        except (ConnectionError, HTTPException, ssl.SSLEOFError):
            self.close()
            if fresh:
                raise
            response = self._ask(namespace, query, timeout_s)
        if response.status != 200:
            raise ApiFault(_refusal(response, namespace))
        return response

    def _ask(self, namespace: str, query: Mapping[str, str], timeout_s: float) -> HTTPResponse:
        path = f"/apis/{GROUP}/{VERSION}/namespaces/{quote(namespace, safe='')}/killswitches?{urlencode(query)}"
        connection = self._connect(timeout_s)
        connection.request("GET", path, headers={"Authorization": f"Bearer {self._token()}"})
        return connection.getresponse()

    def _connect(self, timeout_s: float) -> HTTPSConnection:
        if self._connection is not None and self._connection.sock is None:
            self.close()  # the server asked for that
        if self._connection is None:
            context = ssl.create_default_context(cafile=str(self._server.authority))
            connection = HTTPSConnection(self._server.host, self._server.port, timeout=timeout_s, context=context)
            self._connection = connection
            connection.connect()
            self._socket = connection.sock
        if self._ended:
            raise ApiFault("no longer wanted")
        self._patience(timeout_s)
        return self._connection

    def _patience(self, timeout_s: float) -> None:
        if self._socket is not None:
            self._socket.settimeout(timeout_s)

    def _token(self) -> str:
        return self._server.token.read_text(encoding="ascii").strip()


@contextmanager
def _faults(reader: Reader) -> Iterator[None]:
    """Turn what can go wrong with a connection into an ApiFault, and let the connection go."""
    try:
        yield
    except BaseException as error:
        reader.close()
        if isinstance(error, TimeoutError):
            raise ApiFault("no answer in time") from None
        if isinstance(error, (OSError, HTTPException, ValueError)):
            raise ApiFault(f"{type(error).__name__}: {error}") from None
        raise


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _items(answer: bytes) -> tuple[list[Any], str]:
    """Return the objects of a page, and where the next one goes on; empty when it was the last."""
    try:
        page = json.loads(answer)
        items, metadata = page["items"], page["metadata"]
        follows = metadata.get("continue", "")
    except (ValueError, RecursionError, TypeError, KeyError, AttributeError):
        raise ApiFault("an answer that is no list") from None
    if not isinstance(items, list) or not isinstance(follows, str):
        raise ApiFault("an answer that is no list")
    return items, follows


def _event(line: bytes) -> tuple[str, Any]:
    try:
        event = json.loads(line)
        return str(event["type"]), event["object"]
    except (ValueError, RecursionError, TypeError, KeyError):
        raise ApiFault("a change that cannot be read") from None


def _refusal(response: HTTPResponse, namespace: str) -> str:
    fix = {
        401: "mount a token of this pod's service account",
        403: f"bind the runtime's Role in namespace {namespace}: list and watch on killswitches",
        404: "install the CRDs",
    }.get(response.status)
    return f"{response.status} {response.reason}" + (f"; {fix}" if fix else "")
