"""The first thing that anybody does: install, apply examples/quickstart, see it trade; then a signal of one's own.

The quickstart's time is the market's, as fast as it goes, so that its digests are known from a run in one process.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from alphatrade.names import NAME_LABEL
from alphatrade_runtime.market.orders import Command, Report
from alphatrade_runtime.plugin.load import digest_of
from alphatrade_runtime.reflection.diary import chain, segments
from alphatrade_runtime.reflection.diary.verify import verify
from e2e.cluster.books import Journal, journal
from e2e.cluster.compiled import compiled_in
from e2e.cluster.examples import PLUGIN, QUICKSTART, in_process, named, rendered
from e2e.cluster.market import kill_switch
from e2e.cluster.place import Place, together
from e2e.cluster.plugin_image import plugin_image
from e2e.command_line import digests
from kube_fixtures import trading_namespace

READY_S = 60.0
NAME = "quickstart"
BY_MAP, BY_IMAGE, CHANGED = "by-map", "by-image", "changed"
FILE = PLUGIN / "my_cross.py"


@dataclass(frozen=True)
class Desk:
    """The quickstart after its session. ready_s: from `kubectl apply` until it was Ready.

    here: the digests of the same YAML in one process of this tree.
    """

    place: Place
    ready_s: float
    here: Mapping[str, str]

    @property
    def status(self):
        return self.place.status("Strategy", NAME)

    @property
    def pod(self):
        return self.place.pod("Strategy", NAME)


@pytest.fixture(scope="module")
def desk(installed, tmp_path_factory) -> Iterator[Desk]:
    with trading_namespace(installed.kube, NAME) as namespace:
        place = Place(installed.kube, namespace)
        start_s = time.monotonic()
        place.kubectl("apply", "-k", QUICKSTART)
        place.until_ready("Strategy", NAME)
        ready_s = time.monotonic() - start_s
        print(f"Ready {ready_s:.1f} s after kubectl apply")
        here = in_process(rendered(place.kube, QUICKSTART).values(), tmp_path_factory.mktemp("here"))
        place.until_phase(NAME, "Ended")
        yield Desk(place, ready_s, here)


@pytest.fixture(scope="module")
def booked(desk) -> Journal:
    return journal(desk.place, NAME)


@pytest.fixture(scope="module")
def diary(desk, tmp_path_factory) -> Path:
    """The session's folder as it lies on the pod's volume."""
    account = desk.place.uid("BrokerConnection", "paper")
    folder = tmp_path_factory.mktemp("diary")
    for name, content in desk.place.files(desk.pod, f"/data/accounts/{account}/sessions/000001").items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def test_it_is_ready_within_a_minute_of_kubectl_apply(desk):
    assert desk.ready_s <= READY_S


def test_its_orders_crossed_to_the_broker_gateways_pod_and_fills_came_back(desk, booked):
    news = booked.commands[booked.commands["command"] == int(Command.NEW)]
    assert len(news) == desk.status["orders"] > 20
    assert set(booked.fills["order_id"]) <= set(news["order_id"])
    assert len(booked.fills) == desk.status["fills"] > 20
    assert [{"symbol": "SIM-A", "lots": booked.position}] == desk.status["positions"]
    assert int(Report.REJECTED) not in booked.reports["type"]
    assert desk.place.status("BrokerConnection", "paper")["phase"] == "Serving"


def test_nothing_of_what_the_image_brings_was_compiled(desk):
    assert compiled_in(desk.place.kube, desk.place.namespace, desk.pod) == []


def test_its_diary_grew_on_its_volume_and_every_hash_of_it_holds(desk, diary):
    claim = desk.place.kube.get("pvc", f"data-{desk.pod}", namespace=desk.place.namespace)
    assert claim["status"]["phase"] == "Bound"
    assert verify(diary) == []
    manifests = {stream: segments.read_manifest(diary, stream) for stream in segments.streams_in(diary)}
    assert len(manifests["decisions"].entries) > 10  # batch by batch, not at once
    assert chain.run_digests({stream: manifest.head for stream, manifest in manifests.items()}) == desk.here


def test_kubectl_get_says_what_it_does(desk):
    shown = desk.place.row("Strategy", NAME)
    status = desk.status
    assert shown.pop("AGE")
    assert shown == {
        "NAME": NAME, "MODE": "Paper", "PHASE": "Ended", "REGIME": "", "DRIFT": "", "PNL": status["pnl"],
        "DRAWDOWN": str(status["drawdownBps"]), "ORDERS": str(status["orders"]), "FILLS": str(status["fills"]),
        "READY": "True", "WHY": "Ended",
    }  # fmt: skip
    assert status["pace"] == "Simulated Max"
    assert "the session is over: its feed has ended" in desk.place.kubectl("get", "st", NAME, "-o", "wide")


def test_its_digests_are_those_of_a_run_in_one_process(desk):
    assert desk.status["digests"] == desk.here
    assert set(desk.here) == {"diary", "fills", "pnl"}


def test_and_of_a_run_in_its_own_pod(desk):
    text = yaml.safe_dump_all(rendered(desk.place.kube, QUICKSTART).values())
    run = "mkdir /tmp/yaml && cat > /tmp/yaml/session.yaml && alphatrade run -f /tmp/yaml --artifacts /tmp/artifacts"
    said = desk.place.kubectl("exec", "-i", desk.pod, "--", "sh", "-c", run, stdin=text)
    assert digests(said) == desk.here


def test_kubectl_explain_is_a_manual(desk):
    said = " ".join(desk.place.kubectl("explain", "strategy.spec").split())
    assert "One strategy in one mode." in said
    assert "riskTemplateRef <Object> -required- RiskTemplate that it obeys." in said
    assert "<no description>" not in desk.place.kubectl("explain", "strategy.spec", "--recursive")


@pytest.fixture(scope="module")
def own(desk, backend, tmp_path_factory) -> Place:
    """The quickstart's feed with three more strategies, whose signal is a file of the user's own.

    Each has an account: the law of one would hold them together, and who comes first is a matter of arrival.
    """
    example = rendered(desk.place.kube, PLUGIN)
    strategy, pinned = example["Strategy"], example["Strategy"]["spec"]["plugins"][0]
    image = {"image": plugin_image(backend, tmp_path_factory.mktemp("image"), FILE), "digest": pinned["digest"]}
    desk.place.apply(
        example["ConfigMap"],
        *(named(example["BrokerConnection"], name) for name in (BY_MAP, BY_IMAGE, CHANGED)),
        _on_its_own_account(strategy, BY_MAP),
        _on_its_own_account(strategy, BY_IMAGE, plugins=[image]),
        _on_its_own_account(strategy, CHANGED, plugins=[{**pinned, "digest": "sha256:" + "0" * 64}]),
    )
    return desk.place


def _on_its_own_account(strategy, name, **spec):
    return named(strategy, name, brokerConnectionRef={"name": name}, **spec)


@pytest.fixture(scope="module")
def traded(own) -> Place:
    together(*(lambda name=name: own.until_phase(name, "Ended", timeout_s=240) for name in (BY_MAP, BY_IMAGE)))
    return own


def test_a_file_whose_digest_is_another_is_not_run(own):
    said = own.until_condition("Strategy", CHANGED, "PluginDigestMismatch")
    assert digest_of(FILE) in said
    assert own.condition("Strategy", CHANGED)[0] == "False"
    assert "orders" not in own.status("Strategy", CHANGED)
    assert own.pod_identity("Strategy", CHANGED)[1] == 0


@pytest.mark.parametrize("name", [BY_MAP, BY_IMAGE])
def test_a_file_of_ones_own_trades_as_it_does_in_one_process(traded, name, tmp_path):
    example = rendered(traded.kube, PLUGIN)
    pinned = {"file": str(FILE), "digest": digest_of(FILE)}
    strategy = _on_its_own_account(example["Strategy"], name, plugins=[pinned])
    others = [example["MarketDataFeed"], named(example["BrokerConnection"], name), example["RiskTemplate"]]
    assert traded.status("Strategy", name)["digests"] == in_process([*others, strategy], tmp_path)


def test_an_image_is_copied_from_by_a_container_that_ends(traded):
    by_map, by_image = (_pod_spec(traded, name) for name in (BY_MAP, BY_IMAGE))
    assert "initContainers" not in by_map
    given = traded.get("Strategy", BY_IMAGE)["spec"]["plugins"][0]["image"]
    assert [one["image"] for one in by_image["initContainers"]] == [given]
    for name in (BY_MAP, BY_IMAGE):
        assert traded.run(traded.pod("Strategy", name), "cat", "/plugins/0/my_cross.py") == FILE.read_text()


def test_a_stop_after_the_end_is_acknowledged_behind_all_that_left(desk):
    desk.place.apply(kill_switch("afterwards", "Halt", {NAME_LABEL: NAME}))
    desk.place.until_condition("KillSwitch", "afterwards", "Acknowledged")
    (latched,) = desk.place.latch(NAME)
    assert latched["effect"]["last_command"] == len(journal(desk.place, NAME).commands) > 0


def _pod_spec(place, name):
    return place.kube.get("pod", place.pod("Strategy", name), namespace=place.namespace)["spec"]
