"""The script of `helm test`: what it asks for, and what it says when the answer is no."""

import runpy
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from alphatrade_operator.kube.resources import OURS

SCRIPT = Path(__file__).resolve().parents[3] / "charts" / "alphatrade" / "files" / "check_installation.py"


@pytest.fixture(scope="module")
def script():
    return SimpleNamespace(**runpy.run_path(str(SCRIPT)))


@pytest.fixture
def answering():
    """Serve one answer to every GET; return a function from (code, text) to the URL."""
    servers = []

    def serve(code, text):
        class Answer(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(code)
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_):
                pass

        server = HTTPServer(("127.0.0.1", 0), Answer)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def test_it_asks_for_every_kind_of_the_group(script):
    assert {resource.plural for resource in OURS} == script.PLURALS


def test_a_ready_operator_is_no_problem(script, answering):
    assert script.operator_ready(answering(200, "ok")) == ""


def test_an_operator_that_is_not_ready_says_why(script, answering):
    assert script.operator_ready(answering(503, "no Lease")).endswith("says 503: no Lease")


def test_an_operator_that_is_not_there_names_its_logs(script, answering):
    url = answering(200, "ok")
    gone = url.rpartition(":")[0] + ":1"
    assert "kubectl logs deploy/alphatrade-operator" in script.operator_ready(gone)
