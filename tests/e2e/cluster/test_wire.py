"""Mutual TLS on a real cluster: who is refused, certificates that rotate under a session, a client with its own feed.

Certificates live a minute and a half here. One session in real time trades from the first story to the last, which
counts what became of its orders.
"""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest

from alphatrade import mtls
from alphatrade.names import identity
from alphatrade.v1.decision_pb2_grpc import DecisionStub
from alphatrade.v1.market_pb2 import MARKET_VIEW_LOCAL, SubscribeRequest, SubscribeStart
from alphatrade.v1.market_pb2_grpc import MarketDataStub
from alphatrade_runtime.market.tape import Tape
from alphatrade_runtime.service.decide.service import OVERTAKEN
from alphatrade_runtime.service.transport.ending import EXPIRED
from certificates import UID, Authority
from cluster.kubectl import Kube
from e2e.cluster import market
from e2e.cluster.books import journals, trades
from e2e.cluster.market import QUOTES
from e2e.cluster.place import Place, together
from e2e.cluster.runtime_journal import account_for, kept
from e2e.cluster.wire import Answer, authority, certificates_live, expiry_of, forwarded, identity_of, log_on, secret_of
from kube_fixtures import trading_namespace
from unit.service.decide.decided import records_of, replayed, requests

LIFE_S = 90
ROTATIONS = 3
TRADER, OTHER = "trader", "other"
EXPIRY = "alphatrade_certificate_expiry_timestamp_seconds"
PODS = (("Strategy", TRADER), ("MarketDataFeed", "feed"), ("BrokerConnection", market.ACCOUNT))


@dataclass
class Desk:
    """Two strategies in real time on one feed, each at an account of its own.

    first: the trader's certificate from before the first rotation.  seen: when the certificates expire that each pod
    has used so far, Unix time.
    """

    place: Place
    kube: Kube
    first: dict[str, bytes]
    seen: dict[tuple[str, str], set[float]] = field(default_factory=dict)

    def look(self) -> bool:
        """Note the certificates in use; tell whether every pod's has rotated often enough."""
        for kind, name in PODS:
            metrics = self.place.metrics(self.place.pod(kind, name))  # a gateway's have its own name as a label
            found = {value for metric, value in metrics.items() if metric.partition("{")[0] == EXPIRY and value}
            self.seen.setdefault((kind, name), set()).update(found)
        return all(len(self.seen.get(pod, ())) > ROTATIONS for pod in PODS)

    def log_on(self, who: str, pem: Mapping[str, bytes] | None = None, *, mounted: bool = False) -> Answer:
        """Log on at the trader's account from a Strategy's pod, asking for what the trader may."""
        pod = self.place.pod("Strategy", who)
        return log_on(self.place, pod, market.ACCOUNT, TRADER, pem, mounted=mounted)

    def refused(self) -> float:
        """Return how many logons the trader's broker refused for who asked."""
        counts = self.place.metrics(self.place.pod("BrokerConnection", market.ACCOUNT))
        return counts.get('alphatrade_broker_logons_refused_total{broker="paper",reason="IdentityNotAdmitted"}', 0)


@pytest.fixture(scope="module")
def desk(installed) -> Iterator[Desk]:
    kube = installed.kube
    with certificates_live(kube, LIFE_S), trading_namespace(kube, "wire") as namespace:
        place = Place(kube, namespace)
        place.apply(
            market.law(),
            market.feed("feed", "Realtime", "30m"),
            market.account(),
            market.account("theirs"),
            market.strategy(TRADER, QUOTES),
            market.strategy(OTHER, brokerConnectionRef={"name": "theirs"}),
        )
        together(*(partial(place.until_phase, name, "Trading") for name in (TRADER, OTHER)))
        made = Desk(place, kube, secret_of(place, "Strategy", TRADER))
        made.look()
        yield made


@pytest.fixture
def client(desk, tmp_path) -> Path:
    """A client's certificate, issued for a day from the operator's authority."""
    who = identity(desk.place.namespace, "client", "notebook", UID)
    return authority(desk.kube).write(tmp_path / "tls", who)


def test_certificates_live_as_long_as_the_operator_is_told(desk):
    left = expiry_of(desk.first) - datetime.now(UTC)
    assert timedelta(0) < left <= timedelta(seconds=LIFE_S)


def test_a_strategy_is_let_in_with_its_own_certificate_and_has_one_session(desk):
    said = desk.log_on(TRADER, mounted=True)
    assert (said.code, said.words.partition(":")[0]) == ("ABORTED", "SessionHeld")


def test_a_pod_with_the_certificate_of_another_strategy_is_refused(desk):
    said = desk.log_on(OTHER, mounted=True)
    assert (said.code, said.words.partition(":")[0]) == ("PERMISSION_DENIED", "IdentityNotAdmitted")
    assert identity_of(desk.place, "Strategy", OTHER) in said.words
    desk.place.until("the gateway counts it", lambda: desk.refused() == 1)


def _no_tls(desk: Desk) -> dict[str, bytes]:
    return {}


def _no_certificate(desk: Desk) -> dict[str, bytes]:
    return {"ca.crt": desk.first["ca.crt"]}


def _of_another_authority(desk: Desk) -> dict[str, bytes]:
    certificate, key = Authority.new().leaf(identity_of(desk.place, "Strategy", TRADER))
    return {"tls.crt": certificate, "tls.key": key, "ca.crt": desk.first["ca.crt"]}


@pytest.mark.parametrize("given", [_no_tls, _no_certificate, _of_another_authority])
def test_a_pod_without_a_certificate_of_ours_does_not_get_through_the_handshake(desk, given):
    said = desk.log_on(TRADER, given(desk))
    assert said.code == "UNAVAILABLE"


def test_a_client_may_not_trade(desk, client):
    pem = {path.name: path.read_bytes() for path in client.glob("*.*") if path.is_file()}
    said = desk.log_on(OTHER, pem)
    assert said.code == "PERMISSION_DENIED"
    assert "is for strategy, not for client" in said.words


def test_a_client_with_its_own_feed_gets_the_replays_decisions_byte_for_byte(desk, client, tmp_path, monkeypatch):
    rows = tape_of(desk, tmp_path).rows()
    with channel_to(desk, "Strategy", TRADER, client) as channel:
        call = DecisionStub(channel).Decide(iter(requests(rows)), timeout=120)
        records = records_of(list(call))
        assert dict(call.trailing_metadata())[OVERTAKEN] == "0"
    assert len(rows.seq) > 10_000
    assert len(records) > 500_000
    assert records == replayed(session_of(desk), rows, monkeypatch)


def test_a_stream_ends_when_the_certificate_of_its_peer_does(desk, tmp_path):
    who = identity(desk.place.namespace, "client", "brief", UID)
    folder = authority(desk.kube).write(tmp_path / "tls", who, lifetime=timedelta(seconds=6))
    with channel_to(desk, "MarketDataFeed", "feed", folder) as channel:
        start = SubscribeStart(view=MARKET_VIEW_LOCAL)
        call = MarketDataStub(channel).Subscribe(iter([SubscribeRequest(start=start)]), timeout=60)
        with pytest.raises(grpc.RpcError) as ended:
            for _ in call:
                pass
    assert (ended.value.code(), ended.value.details()) == (grpc.StatusCode.UNAUTHENTICATED, EXPIRED)


def test_three_rotations_in_a_session_lose_no_order(desk):
    desk.place.until("three rotations in every pod", desk.look, timeout_s=ROTATIONS * LIFE_S)
    trades(desk.place, TRADER)
    (ours,) = kept(desk.place, TRADER)
    (theirs,) = journals(desk.place, TRADER)
    assert len(ours.commands) > 50
    assert _words(theirs.commands)[: len(ours.commands)] == _words(ours.commands)
    assert account_for(desk.place, TRADER) > 0
    counts = desk.place.metrics(desk.place.pod("Strategy", TRADER))
    assert (counts["alphatrade_breaks_total"], counts["alphatrade_violations_total"]) == (0, 0)
    desk.place.until_ready("Strategy", TRADER)  # streams end with their certificates and are begun anew
    for kind, name in PODS:
        assert desk.place.pod_identity(kind, name)[1] == 0


def test_an_expired_certificate_is_refused(desk):
    time.sleep(max(0.0, (expiry_of(desk.first) - datetime.now(UTC)).total_seconds() + 1))
    assert desk.log_on(TRADER, desk.first).code == "UNAVAILABLE"
    assert desk.log_on(TRADER, mounted=True).words.startswith("SessionHeld")


@contextmanager
def channel_to(desk: Desk, kind: str, name: str, tls: Path) -> Iterator[grpc.Channel]:
    """Open a channel to a pod from this machine."""
    with forwarded(desk.place, desk.place.pod(kind, name)) as target:
        channel = mtls.channel(target, identity_of(desk.place, kind, name), mtls.Certificates(tls))
        try:
            yield channel
        finally:
            channel.close()


def tape_of(desk: Desk, folder: Path) -> Tape:
    """Return the tape that the feed serves, from its gateway's volume."""
    for name, content in desk.place.files(desk.place.pod("MarketDataFeed", "feed"), "/data/tapes").items():
        path = folder / "tapes" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (made,) = (folder / "tapes").iterdir()
    return Tape.open(made)


def session_of(desk: Desk) -> dict[str, Any]:
    """Return the session document that the trader's pod runs."""
    config = desk.place.kube.get("configmap", desk.place.child("Strategy", TRADER), namespace=desk.place.namespace)
    return dict(json.loads(config["data"]["config.json"])["session"])


def _words(commands: Any) -> list[tuple[int, ...]]:
    """Return what each command says, but its time."""
    names = ("order_id", "command", "side", "price", "qty")
    return [tuple(int(one[name]) for name in names) for one in commands]
