"""Decide over mTLS: a client streams a tape and has the replay's diary; whatever it sends, the pod stays up."""

import threading
from contextlib import contextmanager

import grpc
import pytest

from alphatrade.mtls import Certificates
from alphatrade.mtls import channel as channel_to
from alphatrade.v1 import decision_pb2, decision_pb2_grpc
from alphatrade.v1.market_pb2 import MarketEvent
from alphatrade_runtime.policy.document import parse_session
from alphatrade_runtime.service.decide import DecisionService, decision_service, warm_up
from alphatrade_runtime.service.decide.service import MAX_CALLS, OVERTAKEN
from alphatrade_runtime.service.transport.server import serve_grpc
from certificates import identity_of
from unit.loop.made_tapes import made_rows, with_events
from unit.loop.mixed_sessions import mixed
from unit.service.decide.decided import records_of, replayed, requests

STRATEGY, CLIENT = identity_of("strategy", "trend"), identity_of("client", "desk")


@pytest.fixture
def servicer():
    session = parse_session(mixed())
    warm_up(session)
    return DecisionService(session)


@pytest.fixture
def server(servicer, issue):
    running = serve_grpc("127.0.0.1:0", Certificates(issue(STRATEGY)), [decision_service(servicer)])
    yield running
    running.stop(0)


@pytest.fixture
def calling(server, issue):
    @contextmanager
    def calling(identity=CLIENT):
        with channel_to(f"127.0.0.1:{server.port}", STRATEGY, Certificates(issue(identity))) as channel:
            yield decision_pb2_grpc.DecisionStub(channel)

    return calling


@pytest.mark.parametrize("depth", [False, True], ids=["quotes", "depth"])
def test_a_client_has_the_replays_diary(calling, monkeypatch, depth):
    rows = with_events(made_rows(1_500, 7, depth=depth))
    with calling() as stub:
        call = stub.Decide(iter(requests(rows, depth)), timeout=120)
        answers = list(call)
        trailing = dict(call.trailing_metadata())
    assert records_of(answers) == replayed(mixed(), rows, monkeypatch)
    assert trailing[OVERTAKEN] == "0"


def test_calls_at_one_time_do_not_mix(calling, monkeypatch):
    tapes = [made_rows(400, 7, seed=seed) for seed in range(MAX_CALLS)]
    with calling() as stub:
        streams = [stub.Decide(iter(requests(rows)), timeout=120) for rows in tapes]
        found = [b"" for _ in tapes]
        while any(streams):
            for k, stream in enumerate(streams):
                answer = next(stream, None) if stream else None
                found[k] += records_of([answer]) if answer else b""
                streams[k] = stream if answer else None
    assert found == [replayed(mixed(), rows, monkeypatch) for rows in tapes]


def refused(stub, given):
    with pytest.raises(grpc.RpcError) as error:
        list(stub.Decide(iter(given), timeout=60))
    return error.value.code().name, error.value.details()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ([decision_pb2.DecideRequest()], "kind 0"),
        ([decision_pb2.DecideRequest(event=MarketEvent(seq=1, ts_init_ns=2**63 - 1, kind=1))], "ts_init_ns"),
        ([decision_pb2.DecideRequest(event=MarketEvent(seq=1, ts_init_ns=-1, kind=1))], "ts_init_ns"),
        (requests(made_rows(5, 7)) * 2, "seq must be above 5"),
    ],
)
def test_a_stream_that_breaks_a_rule_is_refused_with_a_sentence(calling, given, says):
    with calling() as stub:
        code, details = refused(stub, given)
        assert code == "INVALID_ARGUMENT"
        assert says in details
        assert list(stub.Decide(iter(requests(made_rows(20, 7))), timeout=60)), "and the next call is served"


def test_a_new_configuration_holds_from_the_next_call_on(calling, servicer, monkeypatch):
    rows, tighter = made_rows(400, 7), mixed(limits={"max_open_orders": 1})
    with calling() as stub:
        before = list(stub.Decide(iter(requests(rows)), timeout=60))
        servicer.use(parse_session(tighter))
        after = list(stub.Decide(iter(requests(rows)), timeout=60))
    assert records_of(before) == replayed(mixed(), rows, monkeypatch)
    assert records_of(after) == replayed(tighter, rows, monkeypatch) != records_of(before)


def test_a_policy_that_cannot_run_is_not_the_clients_fault(calling, servicer):
    document = mixed()
    document["policy"]["genotype"]["policies"][0]["signal"]["ref"] = "of_a_plugin"
    servicer.use(parse_session(document))
    with calling() as stub:
        code, details = refused(stub, requests(made_rows(5, 7)))
    assert code == "FAILED_PRECONDITION"
    assert "unknown signal 'of_a_plugin'" in details


def test_a_time_that_the_calendar_does_not_know_is_the_clients_fault(calling, servicer):
    servicer.use(parse_session(mixed(calendar="XHKG")))
    with calling() as stub:
        late = 3_900_000_000_000_000_000
        code, details = refused(stub, [decision_pb2.DecideRequest(event=MarketEvent(seq=1, ts_init_ns=late, kind=1))])
    assert code == "INVALID_ARGUMENT", details
    assert "calendar XHKG: knows" in details


def test_an_empty_call_has_an_empty_answer(calling):
    with calling() as stub:
        assert list(stub.Decide(iter([]), timeout=60)) == []


@pytest.mark.parametrize("kind", ["feed", "broker", "strategy", "operator"])
def test_only_clients_ask(calling, kind):
    with calling(identity_of(kind, "other")) as stub:
        assert refused(stub, [])[0] == "PERMISSION_DENIED"


def test_only_so_many_calls_and_those_that_ended_make_room(calling):
    rows = made_rows(30, 7)
    with calling() as stub:
        waiting = [Held(requests(rows)) for _ in range(MAX_CALLS)]
        streams = [stub.Decide(held, timeout=60) for held in waiting]
        for stream in streams:
            next(stream)
        assert refused(stub, requests(rows))[0] == "RESOURCE_EXHAUSTED"
        for held, stream in zip(waiting, streams, strict=True):
            held.release()
            assert list(stream)
        assert list(stub.Decide(iter(requests(rows)), timeout=60))


class Held:
    """Requests whose end waits for `release`."""

    def __init__(self, given):
        self._given, self._free = iter(given), threading.Event()

    def release(self):
        self._free.set()

    def __iter__(self):
        return self

    def __next__(self):
        given = next(self._given, None)
        if given is None:
            self._free.wait(60)
            raise StopIteration
        return given


def test_a_client_that_vanishes_leaves_nothing_behind(calling):
    rows = made_rows(30, 7)
    for _ in range(2 * MAX_CALLS):
        with calling() as stub:
            held = Held(requests(rows))
            stream = stub.Decide(held, timeout=60)
            next(stream)
            stream.cancel()
            held.release()
    with calling() as stub:
        assert list(stub.Decide(iter(requests(rows)), timeout=60))


def test_a_pod_that_stops_ends_the_calls(calling, server):
    with calling() as stub:
        held = Held(requests(made_rows(30, 7)))
        stream = stub.Decide(held, timeout=60)
        next(stream)
        server.stop(0.2)
        with pytest.raises(grpc.RpcError):
            list(stream)
        held.release()
