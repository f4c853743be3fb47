"""The gateway as a process: it starts, answers its probes, is killed and comes back, and ends in order."""

import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

import pytest

from alphatrade.config import Endpoint, to_json
from alphatrade.mtls import Certificates
from alphatrade_runtime.service.feed.client import RemoteFeed
from certificates import identity_of
from unit.service.feed.conftest import FEED, STRATEGY, config_of, take_all, tape_feed
from unit.service.feed.tapes import BTC, ETH, busy, joined, same

_SERVE = """
import sys
from pathlib import Path
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.service.feed.main import serve
try:
    sys.exit(serve(*map(Path, sys.argv[1:5]), *sys.argv[5:]))
except InputError as error:
    print(f"error: {error}", file=sys.stderr)
    sys.exit(2)
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Pod:
    """A gateway's files and addresses."""

    def __init__(self, tmp_path, issue, feed, identity=FEED):
        self.config = tmp_path / "config.json"
        self.config.write_bytes(to_json(config_of(feed)))
        (tmp_path / "data").mkdir(exist_ok=True)
        self.paths = [self.config, issue(identity), tmp_path / "data", tmp_path]
        self.grpc, self.http = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
        self.endpoint = Endpoint(target=self.grpc, identity=FEED)

    @contextmanager
    def running(self):
        command = [sys.executable, "-c", _SERVE, *map(str, self.paths), self.grpc, self.http]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    def page(self, path):
        try:
            with urllib.request.urlopen(f"http://{self.http}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def until(self, path, status, seconds=30):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.page(path)[0] == status:
                return self.page(path)[1]
            time.sleep(0.05)
        raise AssertionError(f"{path} never answered {status}: {self.page(path)}")


@pytest.fixture
def tape(tmp_path):
    return busy(tmp_path / "tape", rows=100_000)


def test_a_killed_gateway_is_gone_on_with_and_a_stopped_one_ends_in_order(tmp_path, issue, tape):
    pod = Pod(tmp_path, issue, tape_feed())
    feed = None
    spans = []
    try:
        with pod.running() as process:
            pod.until("/readyz", 200)
            feed = RemoteFeed(pod.endpoint, Certificates(issue(STRATEGY)), "LOCAL", (BTC, ETH))
            for _ in range(5):
                batch = feed.take(20)
                assert batch is not None
                spans.append(batch.rows)
                feed.acknowledge(batch.number)
            process.send_signal(signal.SIGKILL)
            process.wait(10)
        with pod.running() as process:
            spans += take_all(feed)
            assert same(joined(spans), tape.rows())
            time.sleep(0.6)  # a turn of its housekeeping
            metrics = pod.until("/metrics", 200)
            assert f'alphatrade_feed_tape_rows{{feed="btc"}} {float(len(tape))}' in metrics
            assert 'alphatrade_phase_state{feed="btc",phase="Serving"} 1.0' in metrics
            assert "alphatrade_certificate_expiry_timestamp_seconds" in metrics
            assert "alphatrade_feed_rows_sent_total" in metrics
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
            assert process.stderr.read() == ""
    finally:
        if feed is not None:
            feed.close()


def test_a_gateway_without_its_tape_lives_and_says_so(tmp_path, issue):
    pod = Pod(tmp_path, issue, tape_feed("nowhere"))
    with pod.running() as process:
        pod.until("/healthz", 200)
        end = time.monotonic() + 20
        while "TapeMissing" not in pod.page("/readyz")[1] and time.monotonic() < end:
            time.sleep(0.05)
        code, words = pod.page("/readyz")
        assert code == 503
        assert "Failed: TapeMissing" in words
        assert pod.page("/healthz")[0] == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_a_gateway_with_the_certificate_of_another_does_not_start(tmp_path, issue, tape):
    pod = Pod(tmp_path, issue, tape_feed(), identity_of("feed", "eth"))
    with pod.running() as process:
        assert process.wait(30) == 2
        assert "let the operator issue it" in process.stderr.read()
