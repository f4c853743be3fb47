"""An identity at the API server: one kept connection, requests as they go over the wire, answers as it gives them."""

import http.client
import json
import ssl
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

Document = dict[str, Any]
MERGE = "application/merge-patch+json"


@dataclass(frozen=True)
class Request:
    """One request. path: with its query.  impersonate: a user to act as."""

    method: str
    path: str
    body: Document | None = None
    content_type: str = "application/json"
    impersonate: str = ""


@dataclass(frozen=True)
class Answer:
    """What came back. message: of the Status that a refusal is."""

    status: int
    body: Document

    @property
    def message(self) -> str:
        """The server's words."""
        return str(self.body.get("message", ""))


@dataclass
class Caller:
    """Who asks. user: the name that the server knows it by.  token: empty for a certificate, or for nobody."""

    user: str
    server: str
    tls: ssl.SSLContext = field(repr=False)
    token: str = field(default="", repr=False)
    _connection: http.client.HTTPSConnection | None = field(default=None, repr=False)

    def ask(self, request: Request) -> Answer:
        """Send a request; a connection that the server has closed is made anew, once."""
        try:
            return self._sent(request)
        except (http.client.HTTPException, ConnectionError):
            self.close()
            return self._sent(request)

    def close(self) -> None:
        """Let the connection go."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _sent(self, request: Request) -> Answer:
        if self._connection is None:
            host = urlsplit(self.server).netloc
            self._connection = http.client.HTTPSConnection(host, context=self.tls, timeout=30)
        body = None if request.body is None else json.dumps(request.body)
        self._connection.request(request.method, request.path, body, self._headers(request))
        response = self._connection.getresponse()
        return Answer(response.status, _document(response.read()))

    def _headers(self, request: Request) -> dict[str, str]:
        headers = {"Accept": "application/json", "Content-Type": request.content_type}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if request.impersonate:
            headers["Impersonate-User"] = request.impersonate
        return headers


def _document(content: bytes) -> Document:
    """Read an answer; some, such as a log, are no JSON."""
    try:
        found = json.loads(content or b"{}")
    except ValueError:
        return {"message": content.decode(errors="replace")}
    return found if isinstance(found, dict) else {"message": str(found)}
