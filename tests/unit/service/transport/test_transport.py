"""gRPC between pods: who may call, streams that end with their certificate, links that outlive it."""

import threading
import time
from contextlib import contextmanager
from datetime import timedelta

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from alphatrade.mtls import Certificates, channel_options
from alphatrade.v1 import control_pb2, control_pb2_grpc
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.service.transport.ending import ending_of
from alphatrade_runtime.service.transport.guard import KINDS, refusal_of
from alphatrade_runtime.service.transport.link import Link
from alphatrade_runtime.service.transport.server import Service, serve_grpc
from certificates import Authority, identity_of

FEED, STRATEGY, OPERATOR = identity_of("feed", "btc"), identity_of("strategy", "trend"), identity_of("operator", "op")
CONTROL = control_pb2.DESCRIPTOR.services_by_name["RuntimeControl"]


class Control(control_pb2_grpc.RuntimeControlServicer):
    """A servicer whose stream says one thing and then waits to be ended."""

    def __init__(self):
        self.deadlines = []

    def Apply(self, request, context):
        return control_pb2.ApplyResponse()

    def GetStatus(self, request, context):
        self.deadlines.append(context.time_remaining())
        return control_pb2.GetStatusResponse(status=control_pb2.PodStatus(epoch=7))

    def WatchStatus(self, request, context):
        ending, woken = ending_of(context), threading.Event()
        ending.on_asked(woken.set)
        yield control_pb2.WatchStatusResponse(status=control_pb2.PodStatus(epoch=7))
        woken.wait(10)
        ending.finish()


class Deaf(Control):
    """A servicer whose stream does not hear that it is to end."""

    def WatchStatus(self, request, context):
        yield control_pb2.WatchStatusResponse()
        while context.is_active():
            time.sleep(0.05)


@contextmanager
def serving(folder, servicer=None, kinds=frozenset({"operator"}), **more):
    servicer = servicer or Control()
    join = lambda server: control_pb2_grpc.add_RuntimeControlServicer_to_server(servicer, server)  # noqa: E731
    server = serve_grpc("127.0.0.1:0", Certificates(folder), [Service(CONTROL, join, kinds, **more)])
    try:
        yield server
    finally:
        server.stop(0)


def at(server):
    return f"127.0.0.1:{server.port}"


@contextmanager
def linked(target, folder, identity=FEED):
    link = Link(target, identity, Certificates(folder))
    try:
        yield link
    finally:
        link.close()


def status(link):
    return control_pb2_grpc.RuntimeControlStub(link.channel()).GetStatus(control_pb2.GetStatusRequest())


def watch(link):
    return control_pb2_grpc.RuntimeControlStub(link.channel()).WatchStatus(control_pb2.WatchStatusRequest())


def refused(call):
    with pytest.raises(grpc.RpcError) as error:
        call()
    return error.value.code().name, error.value.details()


def test_the_kind_that_a_method_is_for_may_call_it(issue):
    with serving(issue(FEED)) as server, linked(at(server), issue(OPERATOR)) as link:
        assert status(link).status.epoch == 7
        assert next(watch(link)).status.epoch == 7


def test_another_kind_is_told_so(issue):
    with serving(issue(FEED)) as server, linked(at(server), issue(STRATEGY)) as link:
        for call in (lambda: status(link), lambda: next(watch(link))):
            code, details = refused(call)
            assert code == "PERMISSION_DENIED"
            assert "is for operator, not for strategy desk/trend" in details


def test_a_method_can_be_for_others_than_its_service(issue):
    only_status = {"GetStatus": frozenset({"strategy"})}
    with (
        serving(issue(FEED), by_method=only_status) as server,
        linked(at(server), issue(STRATEGY)) as link,
    ):
        assert status(link).status.epoch == 7
        assert refused(lambda: next(watch(link)))[0] == "PERMISSION_DENIED"


@pytest.mark.parametrize(
    ("identity", "kinds", "code"),
    [
        (None, KINDS, "UNAUTHENTICATED"),
        ("", KINDS, "UNAUTHENTICATED"),
        ("spiffe://example.org/ns/a/operator/b/c", KINDS, "UNAUTHENTICATED"),
        ("spiffe://alphatrade.io/ns/a/operator/b", KINDS, "UNAUTHENTICATED"),
        (OPERATOR, frozenset(), "PERMISSION_DENIED"),
        (identity_of("root", "x"), KINDS, "PERMISSION_DENIED"),
        (OPERATOR, frozenset({"operator"}), None),
    ],
)
def test_who_is_refused(identity, kinds, code):
    refusal = refusal_of(identity, kinds, "/a/b")
    assert (refusal and refusal[0].name) == code


def test_a_caller_without_an_identity_is_refused(issue, authority, tmp_path):
    certificate, key = authority.leaf("https://example.org/someone")
    credentials = grpc.ssl_channel_credentials(authority.pem, key, certificate)
    with (
        serving(issue(FEED)) as server,
        grpc.secure_channel(at(server), credentials, channel_options(FEED)) as channel,
    ):
        stub = control_pb2_grpc.RuntimeControlStub(channel)
        code, details = refused(lambda: stub.GetStatus(control_pb2.GetStatusRequest(), timeout=5))
    assert code == "UNAUTHENTICATED"
    assert "no identity of ours" in details


def test_a_caller_of_a_foreign_authority_does_not_get_through_the_handshake(issue, tmp_path):
    folder = Authority.new().write(tmp_path / "foreign", OPERATOR)
    with serving(issue(FEED)) as server, linked(at(server), folder) as link:
        assert refused(lambda: status(link))[0] == "UNAVAILABLE"


def test_health_and_reflection_answer_every_kind(issue):
    with serving(issue(FEED)) as server, linked(at(server), issue(STRATEGY)) as link:
        health = health_pb2_grpc.HealthStub(link.channel())
        ask = health_pb2.HealthCheckRequest(service=CONTROL.full_name)
        assert health.Check(ask).status == health_pb2.HealthCheckResponse.NOT_SERVING
        server.set_serving(True)
        assert health.Check(ask).status == health_pb2.HealthCheckResponse.SERVING
        reflect = reflection_pb2_grpc.ServerReflectionStub(link.channel())
        asked = iter([reflection_pb2.ServerReflectionRequest(list_services="")])
        listed = next(reflect.ServerReflectionInfo(asked)).list_services_response.service
        assert {CONTROL.full_name, "grpc.health.v1.Health"} <= {service.name for service in listed}


def test_a_unary_call_has_a_deadline_even_when_none_is_named(issue):
    servicer = Control()
    with serving(issue(FEED), servicer) as server, linked(at(server), issue(OPERATOR)) as link:
        status(link)
    assert 0 < servicer.deadlines[0] <= 5


def test_a_stream_ends_with_its_certificate_and_says_so(issue):
    folder = issue(OPERATOR, lifetime=timedelta(seconds=2))
    with serving(issue(FEED)) as server, linked(at(server), folder) as link:
        stream = watch(link)
        next(stream)
        code, details = refused(lambda: next(stream))
        assert code == "UNAUTHENTICATED"
        assert "has expired" in details
        assert refused(lambda: status(link))[0] == "UNAUTHENTICATED"  # over the same connection


def test_a_stream_that_does_not_hear_is_cut(issue, monkeypatch):
    monkeypatch.setattr("alphatrade_runtime.service.transport.ending.PATIENCE_S", 0.2)
    folder = issue(OPERATOR, lifetime=timedelta(seconds=2))
    with serving(issue(FEED), Deaf()) as server, linked(at(server), folder) as link:
        stream = watch(link)
        next(stream)
        assert refused(lambda: next(stream))[0] == "CANCELLED"


def test_a_stopping_server_ends_its_streams_and_says_so(issue):
    with serving(issue(FEED)) as server, linked(at(server), issue(OPERATOR)) as link:
        stream = watch(link)
        next(stream)
        began = time.monotonic()
        server.stop(5)
        assert refused(lambda: next(stream)) == ("UNAVAILABLE", "this pod stops; connect again")
        assert time.monotonic() - began < 2
        assert len(server.streams) == 0


def test_a_link_takes_a_renewed_certificate(issue, authority):
    folder = issue(OPERATOR, lifetime=timedelta(seconds=2))
    with serving(issue(FEED)) as server, linked(at(server), folder) as link:
        channel = link.channel()
        assert status(link).status.epoch == 7
        assert link.channel() is channel
        authority.write(folder, OPERATOR)
        time.sleep(2.1)
        assert status(link).status.epoch == 7
        assert link.channel() is not channel


def test_a_stream_goes_on_over_the_replacement_of_a_certificate(issue, authority):
    folder = issue(OPERATOR)
    with serving(issue(FEED)) as server, linked(at(server), folder) as link:
        stream = watch(link)
        next(stream)
        authority.write(folder, OPERATOR)
        assert status(link).status.epoch == 7
        server.streams.end(grpc.StatusCode.ABORTED, "asked")
        assert refused(lambda: next(stream)) == ("ABORTED", "asked")


def test_a_link_finds_a_server_that_comes_back(issue):
    with serving(issue(FEED)) as server, linked(at(server), issue(OPERATOR)) as link:
        assert status(link).status.epoch == 7
        port = server.port
        server.stop(0)
        assert refused(lambda: status(link))[0] == "UNAVAILABLE"
        back = serve_again(issue, port)
        try:
            assert eventually(lambda: status(link).status.epoch == 7)
        finally:
            back.stop(0)


def serve_again(issue, port):
    join = lambda server: control_pb2_grpc.add_RuntimeControlServicer_to_server(Control(), server)  # noqa: E731
    service = Service(CONTROL, join, frozenset({"operator"}))
    return serve_grpc(f"127.0.0.1:{port}", Certificates(issue(FEED)), [service])


def eventually(look, seconds=10):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if look():
                return True
        except grpc.RpcError:
            pass
        time.sleep(0.02)
    return False


def test_a_port_that_is_taken_is_an_error(issue):
    with serving(issue(FEED)) as server, pytest.raises(InputError, match="cannot be bound"):
        serve_again(issue, server.port)


def test_a_link_that_is_closed_cancels_what_is_under_way(issue):
    with serving(issue(FEED)) as server, linked(at(server), issue(OPERATOR)) as link:
        stream = watch(link)
        next(stream)
        link.close()
        assert refused(lambda: next(stream))[0] == "CANCELLED"
