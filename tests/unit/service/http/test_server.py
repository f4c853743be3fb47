"""Probes and metrics over HTTP: three paths, GET only, and no client can hold it up."""

import http.client
import socket
import time

import pytest

from alphatrade.telemetry import Registry
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.service.http import Health, serve_http
from alphatrade_runtime.service.http import server as server_module
from alphatrade_runtime.service.http.server import MAX_CONNECTIONS


@pytest.fixture
def said():
    return [Health(True)]


@pytest.fixture
def server(said):
    registry = Registry("feed", "btc")
    registry.gauge("alphatrade_feed_subscribers").set(2)
    running = serve_http("127.0.0.1:0", lambda: said[0], registry)
    yield running
    running.close()


def ask(server, path, method="GET"):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request(method, path)
        response = connection.getresponse()
        return response.status, response.read().decode(), response.getheader("Content-Type")
    finally:
        connection.close()


def test_a_pod_that_serves_is_ready(server):
    assert ask(server, "/healthz")[:2] == (200, "ok\n")
    assert ask(server, "/readyz?verbose")[:2] == (200, "ok\n")


@pytest.mark.parametrize(
    ("health", "live", "ready", "body"),
    [
        (Health(False, "Starting: waits for the feed"), 200, 503, "Starting: waits for the feed\n"),
        (Health(False), 200, 503, "not ready, and no reason is known\n"),
        (Health(True, "Trading"), 200, 200, "Trading\n"),
        (Health(True, "the loop stands still", live=False), 503, 503, "the loop stands still\n"),
    ],
)
def test_the_reason_is_in_the_body(server, said, health, live, ready, body):
    said[0] = health
    assert ask(server, "/healthz")[0] == live
    assert ask(server, "/readyz")[:2] == (ready, body)


def test_metrics_are_in_prometheus_text_format(server):
    status, body, kind = ask(server, "/metrics")
    assert (status, kind) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert 'alphatrade_feed_subscribers{feed="btc"} 2.0\n' in body
    assert "process_resident_memory_bytes" in body


@pytest.mark.parametrize("path", ["/", "/metrics/", "/healthz/../metrics", "/status"])
def test_there_is_nothing_else(server, path):
    status, body, _ = ask(server, path)
    assert (status, body) == (404, "there is /healthz /readyz /metrics\n")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_can_be_changed(server, method):
    assert ask(server, "/metrics", method)[0] == 405


def test_a_health_that_raises_is_not_healthy(server, said):
    said[0] = None
    status, body, _ = ask(server, "/readyz")
    assert status == 500
    assert body.startswith("AttributeError")


def test_silent_clients_cannot_take_all_connections_for_long(server, monkeypatch):
    monkeypatch.setattr(server_module._Handler, "timeout", 0.5)
    silent = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(MAX_CONNECTIONS)]
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                if ask(server, "/healthz")[0] == 200:
                    return
            except (ConnectionError, http.client.HTTPException):
                time.sleep(0.2)  # turned away: all connections are taken, until their patience ends
        pytest.fail("silent clients kept the probe out")
    finally:
        for connection in silent:
            connection.close()


def test_one_connection_too_many_is_turned_away_at_once(server):
    silent = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(MAX_CONNECTIONS)]
    time.sleep(0.3)  # until the last of them is taken
    with socket.create_connection(("127.0.0.1", server.port), timeout=3) as one_more:
        assert one_more.recv(1) == b"", "closed, long before those that are silent lose their place"
    for connection in silent:
        connection.close()


def test_a_client_that_hangs_up_is_no_news(server, capfd):
    for request in (b"", b"GET", b"\xff\xfe\r\n\r\n", b"GET /metrics HTTP/1.1\r\n" + b"a: b\r\n" * 200 + b"\r\n"):
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(request)
    assert ask(server, "/healthz")[0] == 200
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("listen", ["8080x", "nowhere", "127.0.0.1:99999", "192.0.2.1:0"])
def test_an_address_that_cannot_be_had_is_named(listen):
    with pytest.raises(InputError, match=f"--http {listen}"):
        serve_http(listen, lambda: Health(True), Registry("feed", "btc"))


def test_a_port_is_free_again_after_close(server):
    server.close()
    again = serve_http(f"127.0.0.1:{server.port}", lambda: Health(True), Registry("feed", "btc"))
    assert ask(again, "/healthz")[0] == 200
    again.close()
