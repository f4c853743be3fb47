"""The product's own processes on the loopback, as pods run them: feed gateway, strategy runtime, broker gateway.

Each is `alphatrade serve KIND` with certificates of its own. A runtime trades only while it can list kill switches; for
it the API server is one on the loopback that has none.

    python -m bench.pods ACCOUNT_FOLDER strategy ...     `alphatrade serve` with the service account's files elsewhere
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from alphatrade.config import BrokerConfig, Client, Endpoint, FeedConfig, KillScope, Owner, StrategyConfig, to_json
from alphatrade_runtime.loop.build import instrument_of
from alphatrade_runtime.loop.identity import identify
from alphatrade_runtime.market.schema import Rows
from alphatrade_runtime.market.tape import write_tape
from alphatrade_runtime.policy.document import parse_session
from certificates import UID, Authority, identity_of

NAMESPACE = "desk"
FEED, BROKER, STRATEGY = (identity_of(kind, "bench", NAMESPACE) for kind in ("feed", "broker", "strategy"))
OWNER = Owner(namespace=NAMESPACE, name="bench", uid=UID)
PATIENCE_S = 600.0
_LOOK_S = 0.05


def free_port() -> int:
    """Return a port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Pod:
    """One process. folder: its files; data: its volume."""

    def __init__(self, kind: str, folder: Path, authority: Authority) -> None:
        self.kind, self.folder, self.data = kind, folder, folder / "data"
        self.target, self.http = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
        self._tls = authority.write(folder / "tls", identity_of(kind, "bench", NAMESPACE))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, config: bytes, artifacts: Path, account: Path, environment: dict[str, str]) -> None:
        """Start it; it may not be ready yet."""
        self.data.mkdir()
        path = self.folder / "config.json"
        path.write_bytes(config)
        words = [
            sys.executable, "-m", "bench.pods", account, self.kind, "--config", path, "--tls", self._tls,
            "--data", self.data, "--artifacts", artifacts, "--listen", self.target, "--http", self.http,
        ]  # fmt: skip
        with (self.folder / "output.txt").open("wb") as log:
            self._process = subprocess.Popen(
                [str(word) for word in words], stdout=log, stderr=log, env={**os.environ, **environment}
            )

    def ready(self) -> tuple[bool, str]:
        """Return what the probe is told. Raises RuntimeError with its last words when it has ended."""
        assert self._process is not None
        if self._process.poll() is not None:
            raise RuntimeError(f"{self.kind} ended: {(self.folder / 'output.txt').read_text()}")
        try:
            with urllib.request.urlopen(f"http://{self.http}/readyz", timeout=5) as answer:
                return True, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return False, error.read().decode()
        except OSError:
            return False, ""

    def until(self, words: str) -> None:
        """Wait until its probe says so. Raises RuntimeError."""
        deadline = time.monotonic() + PATIENCE_S
        while words not in (said := self.ready()[1]):
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.kind}: not {words!r} within {PATIENCE_S:.0f} s: {said}")
            time.sleep(_LOOK_S)

    def stop(self) -> None:
        """End it in order."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(PATIENCE_S)


class Desk:
    """One strategy on one tape in real time, in a folder; its pods run from `start` to `close`.

    session: a session document in mode Paper.
    """

    def __init__(self, folder: Path, session: dict[str, Any], rows: Rows) -> None:
        from unit.service.kill.fake_api import FakeApi

        self._session: dict[str, Any] = json.loads(json.dumps(session))
        self._artifacts = folder / "artifacts"
        self._instruments = [instrument_of(terms) for terms in parse_session(session).policy.envelope.instruments]
        source = {"type": "bench", "name": "quotes", "simulated": True}
        write_tape(self._artifacts / "tape", rows, self._instruments, source=source)
        self._api = FakeApi(folder / "account")
        authority = Authority.new()
        self.feed, self.broker, self.strategy = (
            Pod(kind, folder / kind, authority) for kind in ("feed", "broker", "strategy")
        )
        self._open = ExitStack()

    def start(self) -> None:
        """Start all three; the feed last, so that its clock begins when the others wait for it."""
        self._start(self.broker, self._broker_config())
        self._start(self.strategy, self._strategy_config())
        self.broker.until("Serving")
        self.strategy.until("FeedNotConnected")
        self._start(self.feed, self._feed_config())

    def close(self) -> None:
        """End all of them."""
        self._open.close()
        self._api.down()

    def _start(self, pod: Pod, config: bytes) -> None:
        where = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(self._api.port)}
        pod.start(config, self._artifacts, self._api.folder, where)
        self._open.callback(pod.stop)

    def _feed_config(self) -> bytes:
        feed = {"type": "tape", "path": "tape", "speed": "Realtime", "record": False}
        instruments = [dict(one.to_mapping()) for one in self._instruments]
        return to_json(
            FeedConfig(owner=OWNER, identity=FEED, feed=feed, instruments=instruments, calendar="24/7")
        )  # fmt: skip

    def _broker_config(self) -> bytes:
        session, policy = self._session, self._session["policy"]
        entitled = identify(parse_session(session), {}).policy_hash
        client = Client(identity=STRATEGY, session=session, feed=self._feed_endpoint, policy_hashes=[entitled])
        return to_json(
            BrokerConfig(
                owner=OWNER,
                identity=BROKER,
                environment="Paper",
                exchange=session["exchange"],
                initial_cash=policy["initial_cash"],
                currency=policy["currency"],
                law=policy["envelope"],
                clients=[client],
            )
        )

    def _strategy_config(self) -> bytes:
        kill = KillScope(own_namespace=NAMESPACE, operator_namespace=NAMESPACE, labels={})
        broker = Endpoint(target=self.broker.target, identity=BROKER)
        return to_json(
            StrategyConfig(
                owner=OWNER,
                identity=STRATEGY,
                session=self._session,
                feed=self._feed_endpoint,
                broker=broker,
                kill=kill,
                run="Trade",
            )
        )

    @property
    def _feed_endpoint(self) -> Endpoint:
        return Endpoint(target=self.feed.target, identity=FEED)


def _serve(account: Path) -> None:
    """Be `alphatrade serve`; where a pod's service account is mounted is no setting of the product's."""
    from alphatrade_runtime.cli.main import main
    from alphatrade_runtime.service.kill.api_server import ApiServer

    within = ApiServer.in_cluster
    setattr(ApiServer, "in_cluster", lambda environ: within(environ, account))  # noqa: B010 (typed as a method)
    sys.argv = ["alphatrade", "serve", *sys.argv[2:]]
    main()


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
