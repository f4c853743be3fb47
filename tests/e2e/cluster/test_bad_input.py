"""What is wrong in one namespace ends as a condition with a reason and a fix; everybody else goes on.

All of it is applied at once, beside a good strategy, while another namespace trades in real time.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import pytest

from alphatrade_operator.kubectl.reasons import REASONS
from e2e.cluster import market
from e2e.cluster.books import trades
from e2e.cluster.examples import in_process, named
from e2e.cluster.market import QUOTES, Manifest, feed, resource, strategy
from e2e.cluster.operators import operator_of
from e2e.cluster.place import Place, together
from e2e.cluster.runtime_journal import settled
from e2e.cluster.small_volume import small_volume
from e2e.cluster.wire import expiry_of, secret_of
from kube_fixtures import ARTIFACTS, AS_CONTROLLER, Installed, trading_namespace

GOOD, NEIGHBOUR, SMALL = "good", "neighbour", "small"
LONGEST = "x" * 63
INSTRUMENTS = feed()["spec"]["instruments"]
SIMULATOR = feed()["spec"]["simulator"]
ABSENT_MAP = {"configMapRef": {"name": "mine", "key": "mine.py"}, "digest": "sha256:" + "0" * 64}


def tape(name: str, path: str) -> Manifest:
    """Return a feed that reads a tape."""
    return resource("MarketDataFeed", name, {"tape": {"path": path}, "instruments": INSTRUMENTS})


def simulated(name: str, config: Manifest, **instrument: str) -> Manifest:
    """Return a simulated feed with settings and an instrument of its own."""
    instruments = [{**INSTRUMENTS[0], **instrument}]
    return resource("MarketDataFeed", name, {"simulator": {**SIMULATOR, "config": config}, "instruments": instruments})


# What is applied, its reason, and what its message says: which field, and what to do.
BAD: list[tuple[Manifest, str, tuple[str, ...]]] = [
    (
        strategy("absent-feed", on="feeds"), "ReferenceNotFound",
        ("spec.marketDataFeedRef.name: no MarketDataFeed 'feeds'", "did you mean feed?", "add it, or correct"),
    ),
    (
        strategy("absent-account", brokerConnectionRef={"name": "papr"}), "ReferenceNotFound",
        ("spec.brokerConnectionRef.name: no BrokerConnection 'papr'", "did you mean paper?"),
    ),
    (
        strategy("absent-law", under="defualt"), "ReferenceNotFound",
        ("spec.riskTemplateRef.name: no RiskTemplate 'defualt'", "did you mean default?"),
    ),
    (
        strategy("elsewhere", on="theirs"), "ReferenceNotFound",
        ("no MarketDataFeed 'theirs' in namespace bad-",),
    ),
    (
        strategy("wrong-instrument", instruments=["SIM-Z"]), "InvalidSpec",
        ("spec.instruments[0]: 'SIM-Z' is not in MarketDataFeed/feed; did you mean SIM-A?",),
    ),
    (
        strategy("absent-image", runtimeImage="localhost/nowhere:1"), "ImageCannotBePulled",
        ("image localhost/nowhere:1 of container strategy", "correct it, or load it into the nodes"),
    ),
    (
        strategy("absent-map", plugins=[ABSENT_MAP]), "ConfigMapNotFound",
        ("spec.plugins[0].configMapRef.name: no ConfigMap 'mine' in namespace bad-", "add it"),
    ),
    (
        strategy("too-large", resources={"requests": {"cpu": "500"}}), "Unschedulable",
        ("Insufficient cpu", "make room, or change spec.resources"),
    ),
    (
        tape("outside", "../../etc"), "InvalidSpec",
        ("spec.tape.path: '../../etc' is outside the artifact store; write a path that starts in it",),
    ),
    (
        tape("absent-tape", "nowhere"), "ClaimNotFound",
        (f"no PersistentVolumeClaim {ARTIFACTS} in this namespace; make it",),
    ),
    (
        simulated("odd-money", {}, lotSize="0.0000001"), "InvalidSpec",
        ("spec.instruments[0].lotSize: tickSize x lotSize x multiplier is 0.1 units", "give a larger lotSize"),
    ),
    (
        simulated("unknown-setting", {"volatilty": 1}), "SimulatorConfigInvalid",
        ("simulator.volatilty: unknown field; did you mean volatility?",),
    ),
    (
        market.account("lawless", law="nowhere"), "ReferenceNotFound",
        ("spec.riskTemplateRef: no RiskTemplate 'nowhere'", "add it"),
    ),
]  # fmt: skip
NAMES = [manifest["metadata"]["name"] for manifest, _, _ in BAD]


@dataclass(frozen=True)
class Street:
    """bad: the namespace in which things are wrong.  other: one that trades.  operator: its pod and its restarts.

    since: when the neighbour became Ready.
    """

    bad: Place
    other: Place
    operator: tuple[str, int]
    since: str


@pytest.fixture(scope="module")
def street(installed: Installed) -> Iterator[Street]:
    kube = installed.kube
    with trading_namespace(kube, "bad") as bad, trading_namespace(kube, "beside") as beside:
        here, there = Place(kube, bad), Place(kube, beside)
        there.apply(
            market.law(), feed("theirs", "Realtime"), market.account(), strategy(NEIGHBOUR, QUOTES, on="theirs")
        )
        there.until_phase(NEIGHBOUR, "Trading")
        running, since = operator_of(installed.kube), ready_since(there)
        here.apply(market.law(), feed("feed", "Realtime"), market.account(), strategy(GOOD, QUOTES), strategy(LONGEST))
        here.apply(*(manifest for manifest, _, _ in BAD))
        yield Street(here, there, running, since)


def ready_since(place: Place) -> str:
    """Return when the neighbour became Ready, and that it is."""
    conditions = place.status("Strategy", NEIGHBOUR)["conditions"]
    return next(one["status"] + one["lastTransitionTime"] for one in conditions if one["type"] == "Ready")


@pytest.mark.parametrize(("manifest", "reason", "words"), BAD, ids=NAMES)
def test_it_is_a_condition_with_a_reason_and_a_fix(street, manifest, reason, words):
    kind, name = manifest["kind"], manifest["metadata"]["name"]
    said = street.bad.until_condition(kind, name, reason)
    assert [part for part in words if part not in said] == []
    assert street.bad.condition(kind, name)[0] == "False"
    assert street.bad.condition(kind, name, "Stalled")[:2] == ("True", reason)
    assert reason in REASONS


def test_what_is_good_among_them_trades(street):
    together(*(partial(street.bad.until_phase, name, "Trading") for name in (GOOD, LONGEST)))
    trades(street.bad, GOOD)


def test_a_tape_that_is_not_in_its_store(street):
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": ARTIFACTS},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    street.bad.apply(claim)
    said = street.bad.until_condition("MarketDataFeed", "absent-tape", "TapeMissing")
    assert said == "/artifacts/nowhere: no tape here; put it into the artifact store, or correct spec.tape.path"


def test_what_is_mended_trades(street):
    street.bad.patch("Strategy", "absent-feed", {"marketDataFeedRef": {"name": "feed"}})
    street.bad.until_phase("absent-feed", "Trading")


@pytest.mark.parametrize("damage", ["deleted", "overwritten"])
def test_a_certificate_that_is_gone_is_issued_anew(street, damage):
    child, before = street.bad.child("Strategy", GOOD), secret_of(street.bad, "Strategy", GOOD)
    identity = street.bad.pod_identity("Strategy", GOOD)
    if damage == "deleted":
        street.bad.kubectl("delete", "secret", child, *AS_CONTROLLER)
    else:
        patch = json.dumps({"data": {"tls.crt": "bm9uZQ=="}})
        street.bad.kubectl("patch", "secret", child, "--type=merge", "-p", patch, *AS_CONTROLLER)
    street.bad.until("another certificate", lambda: _issued_again(street.bad, before))
    trades(street.bad, GOOD)
    assert street.bad.pod_identity("Strategy", GOOD) == identity
    assert street.bad.condition("Strategy", GOOD)[:2] == ("True", "Trading")


def _issued_again(place: Place, before: dict[str, bytes]) -> bool:
    now = secret_of(place, "Strategy", GOOD)
    if now["tls.crt"] in (before["tls.crt"], b"none"):
        return False
    assert expiry_of(now) > expiry_of(before)
    return True


def test_a_full_volume_stops_trading_and_loses_nothing(street, backend, tmp_path):
    trader = strategy(SMALL, on=SMALL, brokerConnectionRef={"name": SMALL})
    gateways = (feed(SMALL, "Max", "10m"), market.account(SMALL))
    street.bad.apply(*gateways, named(trader, SMALL, suspend=True))
    with small_volume(street.bad, backend, "Strategy", SMALL, "400k") as volume:
        street.bad.patch("Strategy", SMALL, {"suspend": False})
        said = street.bad.until_condition("Strategy", SMALL, "DiskFull")
        assert "No space left on device" in said
        assert "trading stops: free space on the disk" in said
        volume.grow("32m")
        street.bad.until_phase(SMALL, "Ended")
        digests = street.bad.status("Strategy", SMALL)["digests"]
        settled(street.bad, SMALL, SMALL)
    assert digests == in_process([market.law(), *gateways, trader], tmp_path)


def test_the_operator_and_the_namespace_beside_went_on(street, installed):
    assert operator_of(installed.kube) == street.operator
    trades(street.other, NEIGHBOUR)
    assert ready_since(street.other) == street.since
    for kind, name in (("Strategy", NEIGHBOUR), ("MarketDataFeed", "theirs"), ("BrokerConnection", market.ACCOUNT)):
        assert street.other.pod_identity(kind, name)[1] == 0
