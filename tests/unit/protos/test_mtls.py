"""Certificates between pods: read whole, replaced in place, and a peer that is who it says."""

from concurrent import futures
from contextlib import contextmanager
from datetime import timedelta

import grpc
import pytest

from alphatrade import mtls
from alphatrade.names import dns_names, server_name
from certificates import DAY, Authority, identity_of

FEED, STRATEGY = identity_of("feed", "btc"), identity_of("strategy", "trend")


@pytest.fixture(scope="module")
def authority():
    return Authority.new()


@pytest.fixture
def feed(authority, tmp_path):
    return authority.write(tmp_path / "feed", FEED)


@pytest.fixture
def client(authority, tmp_path):
    return authority.write(tmp_path / "client", STRATEGY)


class Echo(grpc.GenericRpcHandler):
    """Answer every call with who asked."""

    def service(self, details):
        def answer(request, context):
            return f"{mtls.peer_identity(context)} {mtls.peer_expiry(context):%Y}".encode()

        return grpc.unary_unary_rpc_method_handler(answer)


@contextmanager
def serving(folder):
    server = grpc.server(futures.ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((Echo(),))
    port = server.add_secure_port("127.0.0.1:0", mtls.server_credentials(mtls.Certificates(folder)))
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()


def ask(target, folder, expected=FEED):
    with mtls.channel(target, expected, mtls.Certificates(folder)) as channel:
        try:
            return channel.unary_unary("/any/thing", bytes, bytes)(b"", timeout=5).decode().split()[0]
        except grpc.RpcError as error:
            return error.code().name


def test_a_server_knows_its_peer_and_when_it_expires(feed, client):
    with serving(feed) as target:
        assert ask(target, client) == STRATEGY


@pytest.mark.parametrize(
    "expected",
    [
        identity_of("feed", "eth"),
        identity_of("broker", "btc"),
        identity_of("feed", "btc", namespace="other"),
        identity_of("feed", "btc", uid="ffffffff-0000-4000-8000-000000000000"),
    ],
)
def test_a_server_of_another_identity_is_not_talked_to(feed, client, expected):
    with serving(feed) as target:
        assert ask(target, client, expected) == "UNAVAILABLE"


def test_a_client_of_a_foreign_authority_is_refused(feed, tmp_path, authority):
    folder = Authority.new().write(tmp_path / "foreign", STRATEGY)
    (folder / "ca.crt").unlink()
    (folder / "ca.crt").write_bytes(authority.pem)  # it trusts us; we do not trust it
    with serving(feed) as target:
        assert ask(target, folder) == "UNAVAILABLE"


def test_a_server_of_a_foreign_authority_is_not_talked_to(client, tmp_path):
    with serving(Authority.new().write(tmp_path / "foreign", FEED)) as target:
        assert ask(target, client) == "UNAVAILABLE"


def test_an_expired_client_is_refused(feed, authority, tmp_path):
    folder = authority.write(tmp_path / "old", STRATEGY, since=-2 * DAY, lifetime=-timedelta(minutes=1))
    with serving(feed) as target:
        assert ask(target, folder) == "UNAVAILABLE"


def test_an_expired_server_is_not_talked_to(client, authority, tmp_path):
    with serving(authority.write(tmp_path / "old", FEED, since=-2 * DAY, lifetime=-timedelta(minutes=1))) as target:
        assert ask(target, client) == "UNAVAILABLE"


def test_a_client_without_a_certificate_is_refused(feed, authority):
    with (
        serving(feed) as target,
        grpc.secure_channel(target, grpc.ssl_channel_credentials(authority.pem), mtls.channel_options(FEED)) as channel,
        pytest.raises(grpc.RpcError) as refused,
    ):
        channel.unary_unary("/any/thing", bytes, bytes)(b"", timeout=5)
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE


def test_a_server_serves_what_was_put_in_place_of_its_certificate(authority, client, tmp_path):
    folder = authority.write(tmp_path / "feed", identity_of("feed", "before"))
    with serving(folder) as target:
        assert ask(target, client) == "UNAVAILABLE"
        authority.write(folder, FEED)
        assert ask(target, client) == STRATEGY


def test_a_replaced_certificate_is_noticed(authority, client):
    certificates = mtls.Certificates(client)
    first = certificates.current()
    assert certificates.current() is first
    authority.write(client, STRATEGY, lifetime=2 * DAY)
    assert certificates.current().generation == 2
    assert certificates.current().not_after > first.not_after


def test_a_half_replaced_certificate_leaves_the_one_before(authority, client):
    certificates = mtls.Certificates(client)
    _, key = authority.leaf(STRATEGY)
    real = (client / "tls.key").resolve()
    before = real.read_bytes()
    real.write_bytes(key)
    assert certificates.current().generation == 1
    real.write_bytes(before)
    assert certificates.current().key == before


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("tls.crt", None, "tls.crt: No such file"),
        ("tls.key", b"nonsense", "tls.key: no PEM key"),
        ("ca.crt", b"nonsense", "ca.crt: no PEM certificate"),
        ("tls.crt", b"", "tls.crt: no PEM certificate"),
    ],
)
def test_a_damaged_folder_names_the_file(client, name, content, says):
    path = (client / name).resolve()
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(mtls.CertificateFault, match=says):
        mtls.Certificates(client)


def test_a_certificate_of_no_identity_of_ours_is_refused(authority, tmp_path):
    with pytest.raises(mtls.CertificateFault, match="no identity of ours"):
        mtls.Certificates(authority.write(tmp_path / "stranger", "https://example.org"))


def test_the_name_that_a_channel_asks_for_is_one_that_the_operator_issues():
    assert server_name(FEED) in dns_names("mdf-btc-0a1b2c3d", "desk")


@pytest.mark.parametrize("uri", ["", "spiffe://alphatrade.io/ns/desk/feed/btc", identity_of("client", "desk")])
def test_an_identity_without_a_server_has_no_name(uri):
    with pytest.raises(ValueError, match="no identity of a strategy, feed, broker or operator"):
        server_name(uri)
