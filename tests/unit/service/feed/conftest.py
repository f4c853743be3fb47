"""A feed gateway on loopback with real certificates, and subscribers to it."""

from contextlib import contextmanager
from pathlib import Path

import pytest

from alphatrade.config import Endpoint, FeedConfig, Owner, to_json
from alphatrade.mtls import Certificates
from alphatrade_runtime.loop.live_clock import Clocks
from alphatrade_runtime.service.control import ControlService, EpochFile, control_service
from alphatrade_runtime.service.feed.client import RemoteFeed
from alphatrade_runtime.service.feed.control import FeedControl
from alphatrade_runtime.service.feed.gateway import Gateway
from alphatrade_runtime.service.feed.service import market_data_service
from alphatrade_runtime.service.transport.server import serve_grpc
from certificates import UID, identity_of
from unit.service.feed.tapes import BTC, ETH

FEED, STRATEGY = identity_of("feed", "btc"), identity_of("strategy", "trend")


def config_of(feed):
    """Return the configuration of a gateway for BTC and ETH."""
    return FeedConfig(
        owner=Owner(namespace="desk", name="btc", uid=UID),
        identity=FEED,
        feed=feed,
        instruments=[one.to_mapping() for one in (BTC, ETH)],
        calendar="24/7",
    )


def tape_feed(path="tape", speed="Max", record=False):
    """Return the feed of a tape in the artifact store."""
    return {"type": "tape", "path": str(path), "speed": speed, "record": record}


class Running:
    """A gateway that serves; `endpoint` is where."""

    def __init__(self, gateway, server):
        self.gateway, self.server = gateway, server
        self.endpoint = Endpoint(target=f"127.0.0.1:{server.port}", identity=FEED)


@pytest.fixture
def gateway(tmp_path, issue):
    """Start gateways: `with gateway(feed) as running`."""

    @contextmanager
    def start(feed, data=None, clocks=None, listen="127.0.0.1:0", settled=True):
        config = config_of(feed)
        data = data or tmp_path / "data"
        Path(data).mkdir(exist_ok=True)
        made = Gateway(config, data, tmp_path, clocks or Clocks())
        feed = FeedControl(made, to_json(config), "c" * 64)
        control = ControlService(feed.apply, feed.status, EpochFile(tmp_path / "epoch"))
        made.changed = control.changed
        services = [market_data_service(made), control_service(control)]
        server = serve_grpc(listen, Certificates(issue(FEED)), services)
        try:
            made.start()
            if settled:
                made.settled.wait(30)
            yield Running(made, server)
        finally:
            made.stop()
            server.stop(0)

    return start


@pytest.fixture
def subscribe(issue):
    """Subscribe: `subscribe(running, "LOCAL")`; all are closed at the end."""
    opened = []

    def subscribe(running, view="LOCAL", instruments=(BTC, ETH), identity=STRATEGY, certificates=None, **more):
        certificates = certificates or Certificates(issue(identity))
        opened.append(RemoteFeed(running.endpoint, certificates, view, instruments, **more))
        return opened[-1]

    yield subscribe
    for feed in opened:
        feed.close()


def take_all(feed, seconds=20.0):
    """Take and acknowledge all batches until the feed has ended."""
    spans = []
    while not feed.ended:
        batch = feed.take(seconds)
        if batch is None:
            break
        spans.append(batch.rows)
        feed.acknowledge(batch.number)
    return spans
