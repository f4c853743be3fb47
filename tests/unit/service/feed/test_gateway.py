"""What a feed gateway opens, what it says of itself, and what it asks of the operator."""

import json
import shutil

import grpc
import pytest

from alphatrade.config import digest_of, to_json
from alphatrade.mtls import Certificates
from alphatrade.v1 import control_pb2, control_pb2_grpc
from alphatrade.v1.policy_pb2 import Policy
from alphatrade_runtime.loop.simulated import simulated_tape
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.instrument import Instrument
from alphatrade_runtime.market.simulator import parse_config, simulate
from alphatrade_runtime.service.feed import gateway as gateways
from alphatrade_runtime.service.feed.config import parse, read
from alphatrade_runtime.service.feed.main import health_of
from alphatrade_runtime.service.transport.link import Link
from certificates import identity_of
from unit.service.feed.conftest import FEED, config_of, take_all, tape_feed
from unit.service.feed.tapes import BTC, START_NS, busy, joined, make, same

OPERATOR = identity_of("operator", "alphatrade")
SIMULATION = {"seed": 5, "duration_ns": 60 * 10**9}


def simulator_feed(config=SIMULATION, speed="Max", record=False):
    return {"type": "simulator", "config": config, "speed": speed, "record": record}


@pytest.fixture
def control(issue):
    """Talk to a gateway as the operator."""
    links = []

    def control(running):
        links.append(Link(running.endpoint.target, FEED, Certificates(issue(OPERATOR))))
        return control_pb2_grpc.RuntimeControlStub(links[-1].channel())

    yield control
    for link in links:
        link.close()


def status(stub):
    return stub.GetStatus(control_pb2.GetStatusRequest()).status


def test_a_simulation_is_the_tape_of_one_process(gateway, subscribe, tmp_path):
    facts = config_of({}).instruments
    expected = simulated_tape(parse_config(SIMULATION, facts), tmp_path / "one-process")
    with gateway(simulator_feed()) as running:
        feed = subscribe(running)
        assert feed.facts(10).digest == expected.digest
        assert same(joined(take_all(feed)), expected.rows())
        assert running.gateway.status().active_source == "simulator: AlphaTrade market simulator (simulated)"


def test_a_simulation_is_kept_and_used_again(gateway, tmp_path):
    with gateway(simulator_feed()) as running:
        folder = running.gateway.served.tape.folder
    assert folder.is_relative_to(tmp_path / "data" / "tapes")
    written = (folder / "tape.arrow").stat().st_mtime_ns
    with gateway(simulator_feed()):
        assert (folder / "tape.arrow").stat().st_mtime_ns == written


def test_a_simulation_that_is_not_whole_is_made_again(gateway, tmp_path):
    with gateway(simulator_feed()) as running:
        folder, digest = running.gateway.served.tape.folder, running.gateway.served.tape.digest
    with (folder / "tape.arrow").open("r+b") as file:
        file.seek(5_000)
        file.write(b"damage")
    left = folder.with_name(f"{folder.name}.partial-1")
    left.mkdir()
    with gateway(simulator_feed()) as running:
        assert running.gateway.served.tape.digest == digest
    assert not left.exists()


def test_progress_is_told_while_a_simulation_is_written(gateway, monkeypatch):
    told = []
    real = gateways.Gateway._progress

    def progress(self, share):
        real(self, share)
        told.append((self.state().phase, health_of(self)))

    monkeypatch.setattr(gateways.Gateway, "_progress", progress)
    with gateway(simulator_feed()):
        pass
    assert told
    assert {phase for phase, _ in told} == {"Preparing"}
    assert all(not health.ready and health.live and "is being written: " in health.reason for _, health in told)


FAULTS = [
    (tape_feed("nowhere"), "TapeMissing", "put it into the artifact store"),
    (tape_feed("/etc"), "TapeOutsideStore", "a path that starts in it"),
    (tape_feed("../other"), "TapeOutsideStore", "a path that starts in it"),
    (tape_feed("damaged"), "TapeDamaged", "import the data again"),
    (tape_feed("cut"), "TapeDamaged", "import the data again"),
    (tape_feed("manifest"), "TapeDamaged", "edited after the tape was written"),
    (tape_feed("lacks"), "InstrumentsDiffer", "has no instrument ETH"),
    (tape_feed("bars", speed="Realtime"), "BarsHaveNoPace", "replay it in one process"),
    (tape_feed("bars", speed="Max"), "BarsHaveNoPace", "replay it in one process"),
    (simulator_feed({"sed": 1}), "SimulatorConfigInvalid", "sed"),
]


@pytest.fixture
def store(tmp_path):
    """An artifact store with tapes of every fault."""
    for name in ("damaged", "cut", "manifest"):
        make(tmp_path / name, [START_NS, START_NS + 1])
    data = tmp_path / "damaged" / "tape.arrow"
    data.write_bytes(data.read_bytes()[:-9] + b"something")
    (tmp_path / "cut" / "tape.arrow").unlink()
    manifest = tmp_path / "manifest" / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"rows": 2', '"rows": 3'))
    simulate({**SIMULATION, "instruments": [BTC.to_mapping()]}, tmp_path / "lacks")
    bars = {"seed": 1, "start": "2016-01-04T00:00:00Z", "bars": {"duration": "1d", "calendar": "XNYS", "count": 50}}
    simulate(parse_config(bars, config_of({}).instruments), tmp_path / "bars")


@pytest.mark.parametrize(("feed", "reason", "says"), FAULTS, ids=[f"{r}-{k}" for k, (_, r, _) in enumerate(FAULTS)])
def test_what_cannot_be_served_is_said_and_the_gateway_lives(gateway, control, subscribe, store, feed, reason, says):
    with gateway(feed) as running:
        told = status(control(running)).feed
        assert (told.phase, told.reason) == ("Failed", reason)
        assert says in told.message
        health = health_of(running.gateway)
        assert health.live
        assert not health.ready
        assert reason in health.reason
        subscriber = subscribe(running)
        assert subscriber.take(0.3) is None
        assert f"FAILED_PRECONDITION: {reason}" in subscriber.reason


def test_a_tape_that_is_put_there_later_is_served(gateway, subscribe, tmp_path, monkeypatch):
    monkeypatch.setitem(gateways.RETRY_S, "TapeMissing", 0.05)
    make(tmp_path / "elsewhere", [START_NS, START_NS + 1])
    with gateway(tape_feed()) as running:
        feed = subscribe(running)
        assert running.gateway.state().reason == "TapeMissing"
        shutil.move(tmp_path / "elsewhere", tmp_path / "tape")
        assert len(joined(take_all(feed)).seq) == 2


def test_a_full_volume_is_said(gateway, small_disk):
    with gateway(simulator_feed({**SIMULATION, "duration_ns": 3_600 * 10**9}), data=small_disk) as running:
        state = running.gateway.state()
    assert state.reason == "TapeNotWritten"
    assert "free some space" in state.message
    assert not list(small_disk.rglob("tape.arrow"))


def test_a_clock_that_cannot_be_kept_is_said(gateway, small_disk, tmp_path):
    make(tmp_path / "tape", [START_NS, START_NS + 1])
    (small_disk / "filler").write_bytes(bytes(shutil.disk_usage(small_disk).free))
    with gateway(tape_feed(speed="Realtime"), data=small_disk) as running:
        assert running.gateway.state().reason == "VolumeNotWritable"


def test_what_a_serving_gateway_says(gateway, control, subscribe, tmp_path):
    tape = busy(tmp_path / "tape", rows=1_000)
    with gateway(tape_feed(speed="200x", record=True)) as running:
        stub = control(running)
        take_all(subscribe(running, "VENUE"))
        told = status(stub)
        assert told.document_digest == digest_of(to_json(running.gateway.config))
        assert told.code_hash == "c" * 64
        feed = told.feed
        assert (feed.phase, feed.pace, feed.rows, feed.gaps) == ("Serving", "Simulated 200x", 1_000, 0)
        assert feed.digest == tape.digest
        assert feed.rows_sent == 1_000
        assert feed.active_source == "test: made by a test (simulated)"
        assert "is the recording" in feed.message


def asked(document, epoch=1):
    policy = Policy(schema=1, document=document, document_digest=digest_of(document))
    return control_pb2.ApplyRequest(policy=policy, epoch=epoch)


def changed(document, **fields):
    return json.dumps({**json.loads(document), **fields}).encode()


def test_what_a_new_configuration_comes_to(gateway, control, tmp_path):
    make(tmp_path / "tape", [START_NS, START_NS + 1])
    with gateway(tape_feed()) as running:
        stub, document = control(running), to_json(running.gateway.config)
        other = to_json(config_of(tape_feed(speed="2x")))
        for given, outcome, says in (
            (asked(document), "UNCHANGED", ""),
            (asked(other), "RESTART_REQUIRED", "the pod must be started anew"),
            (asked(b"{}"), "REFUSED", "owner"),
            (asked(b"no json"), "REFUSED", "document"),
            (asked(changed(document, feed={"type": "tape"})), "REFUSED", "feed."),
            (asked(changed(document, extra=1)), "REFUSED", "extra"),
            (asked(changed(document, owner={"namespace": "a", "name": "b", "uid": "c"})), "REFUSED", "owner"),
        ):
            answer = stub.Apply(given)
            assert control_pb2.ApplyOutcome.Name(answer.outcome) == f"APPLY_OUTCOME_{outcome}"
            assert says in answer.detail


def test_a_change_of_phase_is_told_to_who_watches(gateway, control, tmp_path, monkeypatch):
    monkeypatch.setitem(gateways.RETRY_S, "TapeMissing", 0.05)
    make(tmp_path / "elsewhere", [START_NS, START_NS + 1])
    with gateway(tape_feed()) as running:
        watch = control(running).WatchStatus(control_pb2.WatchStatusRequest(), timeout=10)
        assert next(watch).status.feed.reason == "TapeMissing"
        shutil.move(tmp_path / "elsewhere", tmp_path / "tape")
        assert next(watch).status.feed.phase == "Serving"


def test_a_strategy_does_not_control_a_feed(gateway, issue, tmp_path):
    make(tmp_path / "tape", [START_NS, START_NS + 1])
    with gateway(tape_feed()) as running:
        link = Link(running.endpoint.target, FEED, Certificates(issue(identity_of("strategy", "trend"))))
        with pytest.raises(grpc.RpcError) as refused:
            status(control_pb2_grpc.RuntimeControlStub(link.channel()))
        link.close()
        assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "mount the ConfigMap"),
        (b"nonsense", "Invalid JSON"),
        (b"{}", "owner: Field required"),
    ],
)
def test_a_configuration_that_cannot_be_read_names_file_and_field(tmp_path, content, says):
    path = tmp_path / "config.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=says) as error:
        read(path)
    assert str(path) in str(error.value)


def test_a_configuration_names_its_first_fault():
    document = to_json(config_of(tape_feed(speed="Fast")))
    with pytest.raises(InputError, match=r"here: feed\.tape\.speed"):
        parse(document, "here")


def test_instruments_of_the_facts_are_those_of_the_tape(gateway, subscribe, tmp_path):
    make(tmp_path / "tape", [START_NS, START_NS + 1])
    with gateway(tape_feed()) as running:
        facts = subscribe(running).facts(10)
    assert [one.to_mapping() for one in facts.instruments] == config_of({}).instruments
    assert all(isinstance(one, Instrument) for one in facts.instruments)
