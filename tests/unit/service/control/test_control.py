"""RuntimeControl over mTLS: operators configure, clients look, changes are told at once and noise is not."""

import threading
import time
from contextlib import contextmanager

import grpc
import pytest

from alphatrade.config import digest_of
from alphatrade.mtls import Certificates
from alphatrade.mtls import channel as channel_to
from alphatrade.v1 import control_pb2, control_pb2_grpc, policy_pb2
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.service.control import ControlService, EpochFile, control_service
from alphatrade_runtime.service.control.service import MAX_DOCUMENT_BYTES, MAX_WATCHERS, essence
from alphatrade_runtime.service.transport.server import serve_grpc
from certificates import identity_of

STRATEGY = identity_of("strategy", "trend")
OPERATOR, CLIENT, FEED = identity_of("operator", "op"), identity_of("client", "desk"), identity_of("feed", "btc")
APPLIED, REFUSED = control_pb2.APPLY_OUTCOME_APPLIED, control_pb2.APPLY_OUTCOME_REFUSED


class Pod:
    """What a pod does with what it is told."""

    def __init__(self):
        self.taken, self.status = [], control_pb2.PodStatus(code_hash="c")
        self.status.strategy.phase = "Trading"
        self.fault = None

    def apply(self, document):
        if self.fault:
            raise self.fault
        self.taken.append(document)
        return control_pb2.ApplyResponse(outcome=APPLIED, policy_hash="p")

    def now(self):
        return self.status


@pytest.fixture
def pod():
    return Pod()


@pytest.fixture
def servicer(pod, tmp_path):
    return ControlService(pod.apply, pod.now, EpochFile(tmp_path / "data"))


@pytest.fixture
def server(servicer, issue):
    running = serve_grpc("127.0.0.1:0", Certificates(issue(STRATEGY)), [control_service(servicer)])
    yield running
    running.stop(0)


@pytest.fixture
def calling(server, issue):
    @contextmanager
    def calling(identity=OPERATOR):
        with channel_to(f"127.0.0.1:{server.port}", STRATEGY, Certificates(issue(identity))) as channel:
            yield control_pb2_grpc.RuntimeControlStub(channel)

    return calling


def request(document=b"{}", epoch=1, **fields):
    policy = policy_pb2.Policy(**{"schema": 1, "document": document, "document_digest": digest_of(document), **fields})
    return control_pb2.ApplyRequest(policy=policy, epoch=epoch)


def refused(call):
    with pytest.raises(grpc.RpcError) as error:
        call()
    return error.value.code().name, error.value.details()


def test_an_operator_applies_and_the_epoch_is_told(calling, pod):
    with calling() as stub:
        response = stub.Apply(request(b'{"a": 1}', epoch=4), timeout=10)
        assert (response.outcome, response.policy_hash) == (APPLIED, "p")
        assert pod.taken == [b'{"a": 1}']
        told = stub.GetStatus(control_pb2.GetStatusRequest(), timeout=10).status
        assert (told.epoch, told.code_hash, told.strategy.phase) == (4, "c", "Trading")
        assert pod.status.epoch == 0, "the pod's own copy is left alone"


@pytest.mark.parametrize("identity", [CLIENT, FEED, STRATEGY])
def test_nobody_else_applies(calling, pod, identity):
    with calling(identity) as stub:
        code, details = refused(lambda: stub.Apply(request(), timeout=10))
    assert code == "PERMISSION_DENIED"
    assert "is for operator" in details
    assert pod.taken == []


def test_clients_look_and_feeds_do_not(calling):
    with calling(CLIENT) as stub:
        assert stub.GetStatus(control_pb2.GetStatusRequest(), timeout=10).status.code_hash == "c"
        assert next(stub.WatchStatus(control_pb2.WatchStatusRequest(), timeout=10)).status.code_hash == "c"
    with calling(FEED) as stub:
        call = lambda: stub.GetStatus(control_pb2.GetStatusRequest(), timeout=10)  # noqa: E731
        assert refused(call)[0] == "PERMISSION_DENIED"


def test_an_operator_of_the_past_is_refused_before_anything_is_taken(calling, pod):
    with calling() as stub:
        stub.Apply(request(epoch=4), timeout=10)
        code, details = refused(lambda: stub.Apply(request(b'{"old": 1}', epoch=3), timeout=10))
        assert (code, pod.taken) == ("FAILED_PRECONDITION", [b"{}"])
        assert "an operator with epoch 4 was here" in details
        stub.Apply(request(epoch=4), timeout=10)
    assert pod.taken == [b"{}", b"{}"]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"schema": 2}, "policy.schema: 2"),
        ({"document": b""}, "policy.document: 0 bytes"),
        ({"document": b"x" * (MAX_DOCUMENT_BYTES + 1)}, "policy.document"),
        ({"document_digest": "0" * 64}, "policy.document_digest"),
    ],
)
def test_what_is_no_configuration_is_refused(calling, pod, fields, says):
    with calling() as stub:
        code, details = refused(lambda: stub.Apply(request(**fields), timeout=10))
        assert (code, pod.taken) == ("INVALID_ARGUMENT", [])
        assert says in details
        assert stub.GetStatus(control_pb2.GetStatusRequest(), timeout=10).status.epoch == 0


def test_what_the_pod_cannot_take_is_an_answer(calling, pod):
    pod.fault = InputError("session.policy: 65 instruments; split it")
    with calling() as stub:
        response = stub.Apply(request(), timeout=10)
    assert (response.outcome, response.detail) == (REFUSED, "session.policy: 65 instruments; split it")


def test_one_configuration_is_taken_at_a_time(pod, tmp_path):
    inside: list[bytes] = []
    most: list[int] = []

    def slowly(document):
        inside.append(document)
        most.append(len(inside))
        time.sleep(0.02)
        inside.remove(document)
        return control_pb2.ApplyResponse(outcome=APPLIED)

    pod_service = ControlService(slowly, pod.now, EpochFile(tmp_path))
    threads = [threading.Thread(target=pod_service.Apply, args=(request(), None)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 6


def test_a_change_is_told_at_once_and_noise_is_not(calling, pod, servicer):
    with calling() as stub:
        stream = stub.WatchStatus(control_pb2.WatchStatusRequest(), timeout=30)
        assert next(stream).status.strategy.phase == "Trading"
        for nav in range(5):
            pod.status.strategy.nav = nav
            servicer.changed()
        pod.status.strategy.phase = "Latched"
        asked = time.monotonic()
        servicer.changed()
        told = next(stream).status.strategy
        assert (told.phase, told.nav) == ("Latched", 4)
        assert time.monotonic() - asked < 5
        pod.status.strategy.acknowledged.add(name="stop", generation=1)
        assert [a.name for a in next(stream).status.strategy.acknowledged] == ["stop"], "announced or not"
        stream.cancel()


def test_a_new_epoch_is_told(calling):
    with calling() as stub:
        stream = stub.WatchStatus(control_pb2.WatchStatusRequest(), timeout=30)
        assert next(stream).status.epoch == 0
        stub.Apply(request(epoch=9), timeout=10)
        assert next(stream).status.epoch == 9
        stream.cancel()


def test_only_so_many_watch_and_those_that_left_make_room(calling):
    with calling() as stub:
        streams = [stub.WatchStatus(control_pb2.WatchStatusRequest(), timeout=60) for _ in range(MAX_WATCHERS)]
        for stream in streams:
            next(stream)
        one_more = lambda: next(stub.WatchStatus(control_pb2.WatchStatusRequest(), timeout=60))  # noqa: E731
        assert refused(one_more)[0] == "RESOURCE_EXHAUSTED"
        streams[0].cancel()
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                one_more()
                break
            except grpc.RpcError:
                time.sleep(0.05)
        else:
            pytest.fail("the place of a watcher that left stays taken")
        for stream in streams:
            stream.cancel()


def test_watchers_are_let_go_when_the_pod_stops(calling, server):
    with calling() as stub:
        stream = stub.WatchStatus(control_pb2.WatchStatusRequest(), timeout=60)
        next(stream)
        started = time.monotonic()
        server.stop(5)
        assert time.monotonic() - started < 4
        assert refused(lambda: next(stream)) == ("UNAVAILABLE", "this pod stops; connect again")


def test_every_kind_of_pod_has_an_essence():
    feed, broker = control_pb2.PodStatus(), control_pb2.PodStatus()
    feed.feed.phase, broker.broker.phase = "Serving", "Serving"
    feed.feed.rows_sent = 5
    assert len({essence(status) for status in (feed, broker, control_pb2.PodStatus())}) == 3
    before = essence(feed)
    feed.feed.rows_sent = 6
    assert essence(feed) == before
    feed.feed.phase = "Failed"
    assert essence(feed) != before
    broker.broker.commands = 9
    told = essence(broker)
    broker.broker.latched_by = "drawdown"
    assert essence(broker) != told
