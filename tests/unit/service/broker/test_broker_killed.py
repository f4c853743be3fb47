"""Real processes, real signals: a gateway that is killed, or whose feed is, comes back with no word lost or doubled."""

import json
import time

import numpy as np
import pytest

from alphatrade.config import Endpoint
from alphatrade.mtls import Certificates
from alphatrade_runtime.execution.broker.contract import BrokerLost
from alphatrade_runtime.execution.broker.exchange_log import read_commands, read_reports
from alphatrade_runtime.service.broker.client import GrpcSteppedBroker
from unit.execution.stepped_runs import NEVER, replayed
from unit.loop.made_tapes import made_rows, with_events
from unit.loop.mixed_sessions import mixed
from unit.service.broker.desk import BROKER, HASH, STRATEGY
from unit.service.broker.pods import broker_pod, feed_pod
from unit.service.broker.test_broker_stream import Trader, cuts

ROWS = with_events(made_rows(2_000, 7), 1)
DOCUMENT = mixed()


@pytest.fixture
def pods(tmp_path, issue):
    feed, digest = feed_pod(tmp_path / "feed", issue, DOCUMENT, ROWS)
    broker = broker_pod(tmp_path / "broker", issue, DOCUMENT, feed)
    try:
        feed.start()
        broker.start()
        yield feed, broker, digest
    finally:
        broker.remove()
        feed.remove()


def until_linked(trader):
    until = time.monotonic() + 30
    while True:
        try:
            trader.log_on()
            return
        except BrokerLost:
            assert time.monotonic() < until
            time.sleep(0.1)


def go(trader, cut):
    while True:
        try:
            trader.go(cut)
            return
        except BrokerLost:
            until_linked(trader)


def test_killed_gateways_change_nothing(pods, issue):
    feed, broker, digest = pods
    commands, reports, core = replayed(DOCUMENT, ROWS)
    link = GrpcSteppedBroker(
        Endpoint(target=broker.target, identity=BROKER), Certificates(issue(STRATEGY)), HASH, digest
    )  # fmt: skip
    trader = Trader(link, commands)
    until_linked(trader)
    for k, cut in enumerate(cuts(commands, 10)):
        if k in (3, 6):
            broker.kill()
            broker.start()
        if k == 5:
            feed.kill()
            feed.start()
        if k == 8:  # orders on their way when it dies
            trader.broker.send(commands[trader.sent : trader.sent + 5], trader.sent + 1)
            broker.kill()
            broker.start()
        go(trader, cut)
    assert bytes(trader.reports) == bytes(reports)
    folder = broker.folder / "data" / "sessions" / "11111111-0000-4000-8000-000000000000" / "run-1"
    logged = read_commands(folder)
    assert bytes(logged) == bytes(commands)
    assert len(np.unique(logged["order_id"][logged["command"] == 1])) == (logged["command"] == 1).sum()
    assert bytes(read_reports(folder)) == bytes(reports)
    assert 'alphatrade_broker_commands_total{broker="paper"}' in broker.metrics()
    assert broker.stop() == 0
    kept = json.loads((broker.folder / "data" / "account" / "counters.json").read_bytes())
    assert kept["high_water"] >= core[0].account[0].nav
    assert trader.broker is link
    link.close()
    assert cuts(commands)[-1] == NEVER
