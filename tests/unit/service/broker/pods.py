"""Feed and broker gateways as processes of their own, to be killed."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from alphatrade.config import BrokerConfig, Client, Endpoint, FeedConfig, Owner, to_json
from alphatrade_runtime.loop.build import instrument_of
from alphatrade_runtime.market.tape import Tape, write_tape
from unit.service.broker.desk import BROKER, FEED, HASH, STRATEGY, paper, session_of

_SERVE = (
    "import sys; from pathlib import Path; from alphatrade_runtime.service.{kind}.main import serve; "
    "sys.exit(serve(*map(Path, sys.argv[1:5]), *sys.argv[5:]))"
)


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Pod:
    """One process; `start` again after `kill` is a restart of the pod on its volume."""

    def __init__(self, kind, folder, tls, config):
        self.kind, self.folder, self.tls = kind, folder, tls
        self.port, self.http = free_port(), free_port()
        for part in ("data", "artifacts"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_bytes(config)
        self.process: subprocess.Popen | None = None

    def start(self):
        arguments = [
            self.folder / "config.json", self.tls, self.folder / "data", self.folder / "artifacts",
            f"127.0.0.1:{self.port}", f"127.0.0.1:{self.http}",
        ]  # fmt: skip
        command = [sys.executable, "-c", _SERVE.format(kind=self.kind), *map(str, arguments)]
        log = (self.folder / "output.txt").open("ab")
        self.process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "PYTHONUNBUFFERED": "1"})
        log.close()
        self.wait_ready()
        return self

    def wait_ready(self, within_s=240.0):
        """Wait until it serves; compiled from nothing that takes a minute or two."""
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            assert self.process is not None
            if self.process.poll() is not None:
                raise RuntimeError((self.folder / "output.txt").read_text())
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.http}/readyz", timeout=1):
                    return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(f"{self.kind} is not ready: {(self.folder / 'output.txt').read_text()}")

    def kill(self):
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        """End it in order; return its exit code."""
        if self.process is None or self.process.poll() is not None:
            return None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)

    def remove(self):
        """End it, however it is."""
        if self.process is not None and self.process.poll() is None:
            self.kill()

    def metrics(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http}/metrics", timeout=5) as answer:
            return answer.read().decode()

    @property
    def target(self):
        return f"127.0.0.1:{self.port}"


def feed_pod(folder: Path, issue, document, rows, speed="Max"):
    """A feed gateway over a tape of these rows; return it and the tape's digest."""
    instruments = [instrument_of(terms) for terms in session_of(document).policy.envelope.instruments]
    (folder / "artifacts").mkdir(parents=True)
    tape = folder / "artifacts" / "tape"
    write_tape(tape, rows, instruments, source={"type": "test", "name": "made by a test", "simulated": True})
    config = FeedConfig(
        owner=Owner(namespace="desk", name="tape", uid="u"), identity=FEED.identity,
        feed={"type": "tape", "path": "tape", "speed": speed, "record": False},
        instruments=[one.to_mapping() for one in instruments], calendar="24/7",
    )  # fmt: skip
    return Pod("feed", folder, issue(FEED.identity), to_json(config)), Tape.open(tape).digest


def broker_pod(folder: Path, issue, document, feed: Pod):
    document = json.loads(json.dumps(paper(document)))
    client = Client(
        identity=STRATEGY, session=document, feed=Endpoint(target=feed.target, identity=FEED.identity),
        policy_hashes=[HASH],
    )  # fmt: skip
    config = BrokerConfig(
        owner=Owner(namespace="desk", name="paper", uid="u"), identity=BROKER, environment="Paper",
        exchange=document["exchange"], initial_cash="1000000", currency="USD", law=document["policy"]["envelope"],
        clients=[client],
    )  # fmt: skip
    return Pod("broker", folder, issue(BROKER), to_json(config))
