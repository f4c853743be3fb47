"""A Strategy with all of the understanding loop on: its status tells regime and drift, and kills cost nothing learnt.

On the stream's clock, so that what its session comes to is what a run in one process comes to that nobody disturbed.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from alphatrade_runtime.perception.regime.labels import NAMES, title
from alphatrade_runtime.policy.hashes import code_hash, installed_code
from alphatrade_runtime.reflection.diary import chain, segments
from alphatrade_runtime.reflection.diary.verify import verify
from cluster.backend import Backend
from e2e.cluster.ceilings import allowed
from e2e.cluster.compiled import compiled_in
from e2e.cluster.desks import Desk
from e2e.cluster.faults import BACK_S, killed
from e2e.cluster.market import SYMBOL, Manifest, account, feed, law, resource, strategy
from e2e.cluster.place import Place
from e2e.cluster.runtime_journal import kept, settled
from e2e.command_line import alphatrade, run_folder
from kube_fixtures import Installed, trading_namespace

NAME = "mind"
SPEED, DURATION = "30x", "1h"  # 2 min, and as long as the pod is away: the stream waits for it
FLAGS = ("fastWeights", "linearAttention")
EXPLORER, BUDGET_BPS = "explorer", 500
POLICIES = {
    "trend": ("ema_cross", {"fast": 3, "slow": 8}, "Market"),
    "revert": ("mean_reversion", {"window": 8, "enter": 0.8, "exit": 0.2}, "PassiveQuote"),
    "breakout": ("breakout", {"window": 8, "exit_window": 4}, "Pegged"),
}
FEATURES = ["spread_ticks", "book_imbalance", "order_flow_1s", "return_ticks", "volatility_ticks", "trade_flow_1s"]
STREAMS = {"belief_snapshots", "regimes", "probes", "routes"}
NORM = f'alphatrade_fast_weights_norm_ratio{{instrument="{SYMBOL}"}}'
STATES = ("Learning", "Quiet", "Warn", "Alert")
MINUTE_S = 90.0  # figures that move are written once a minute
CODE = "from alphatrade_runtime.policy.hashes import code_hash, installed_code; print(code_hash(installed_code()))"


def minded() -> Manifest:
    """Return a Strategy whose market is classified, watched, remembered, and traded by whoever did best in it."""
    policies = [
        {
            "name": name,
            "signal": {"ref": ref, "params": params},
            "executionTopology": {"type": topology},
        }
        for name, (ref, params, topology) in POLICIES.items()
    ]
    genotype = {
        "policies": policies,
        "belief": {"features": FEATURES, "halfLife": 500},
        "regime": {"type": "Hmm", "fastHalfLife": 20, "slowHalfLife": 200},
        "probes": {},
        "drift": {},
        "router": {"switchingCostBps": "0.01"},
    }
    flags = dict.fromkeys(FLAGS, True)
    return strategy(
        NAME, on=NAME, under=NAME, genotype=genotype, featureFlags=flags, brokerConnectionRef={"name": NAME}
    )  # fmt: skip


def explorer() -> list[Manifest]:
    """Return a Strategy that tries its second best policy on the same feed, with a budget and an account of its own."""
    kept = minded()["spec"]["genotype"]["policies"]
    spec = {
        "maxFlowShareBps": BUDGET_BPS, "mutateEveryDecisions": 20, "permitTTL": "10s",
        "freeze": {"driftWarning": False}, "release": {"quietDecisions": 20},
    }  # fmt: skip
    tries = strategy(
        EXPLORER, on=NAME, under=EXPLORER, genotype={"policies": kept}, featureFlags={"exploration": True},
        brokerConnectionRef={"name": EXPLORER}, explorationBudgetRef={"name": EXPLORER},
    )  # fmt: skip
    return [resource("ExplorationBudget", EXPLORER, spec), law(EXPLORER), account(EXPLORER, EXPLORER), tries]


def manifests() -> list[Manifest]:
    return [feed(NAME, SPEED, DURATION), law(NAME), account(NAME, NAME), minded()]


@dataclass(frozen=True)
class Undisturbed:
    """The same in one process. digests: of its records, the mind's too.  regime: the last one it recorded."""

    digests: Mapping[str, str]
    regime: str


@dataclass(frozen=True)
class Told:
    """The desk after its session. seen: rows of `kubectl get` while it traded.  norms: of the weights at each kill."""

    desk: Desk
    here: Undisturbed
    seen: list[dict[str, str]] = field(default_factory=list)
    norms: list[float] = field(default_factory=list)

    @property
    def status(self) -> Any:
        return self.desk.place.status("Strategy", NAME)


@pytest.fixture(scope="module")
def told(installed: Installed, backend: Backend, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """Let it trade, kill it twice in mid-learning, and let its feed come to its end."""
    here = undisturbed(tmp_path_factory.mktemp("undisturbed"))  # first: it may have to compile, and the feed waits not
    with allowed(installed.kube, *FLAGS, "exploration"), trading_namespace(installed.kube, NAME) as namespace:
        desk = Desk(Place(installed.kube, namespace), backend, NAME)
        desk.open(*manifests(), *explorer())
        made = Told(desk, here)
        for _ in range(2):
            made.seen.append(desk.place.until("kubectl shows it", lambda: shown(desk.place), MINUTE_S))
            desk.until("learns", lambda: desk.metric(NORM) > 0.0)
            made.norms.append(desk.metric(NORM))
            assert not desk.is_over(), "the session was over before the kill"
            killed(backend, desk.place, desk.place.pod("Strategy", NAME))
            desk.quote()
        desk.place.until_phase(NAME, "Ended", timeout_s=2 * BACK_S)
        yield made


def shown(place: Place) -> dict[str, str] | None:
    """Return what `kubectl get` prints once it prints a regime."""
    row = place.row("Strategy", NAME)
    return row if row["REGIME"] else None


def undisturbed(folder: Path) -> Undisturbed:
    """Run the same YAML in one process."""
    for manifest in manifests():
        (folder / f"{manifest['kind']}.yaml").write_text(yaml.safe_dump(manifest))
    run = alphatrade("run", "-f", folder, "--speed", "Max", "--artifacts", folder / "artifacts")
    assert run.returncode == 0, run.stderr
    records = run_folder(run.stdout)
    last = pq.read_table(segments.parquet_path(records, "regimes"))["after"][-1].as_py()
    return Undisturbed(digests_of(records), title(last))


def digests_of(folder: Path) -> dict[str, str]:
    """Return the digests of a run's records, the mind's too."""
    heads = {stream: segments.read_manifest(folder, stream).head for stream in segments.streams_in(folder)}
    return chain.run_digests(heads)


@pytest.fixture(scope="module")
def records(told: Told, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The session's folder as it lies on the pod's volume."""
    place, folder = told.desk.place, tmp_path_factory.mktemp("records")
    account_uid = place.uid("BrokerConnection", NAME)
    pod = place.pod("Strategy", NAME)
    for name, content in place.files(pod, f"/data/accounts/{account_uid}/sessions/000001").items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def test_kubectl_shows_regime_and_drift_while_it_trades(told):
    for row in told.seen:
        assert row["REGIME"] in NAMES
        assert row["DRIFT"] in STATES
        assert row["PHASE"] == "Trading"


def test_its_status_says_what_it_makes_of_the_instrument(told):
    (mind,) = told.status["mind"]
    assert mind["symbol"] == SYMBOL
    assert {one["name"] for one in mind["shares"]} == set(POLICIES)
    assert 0 < sum(one["bps"] for one in mind["shares"]) <= 10_000 + len(POLICIES)
    assert 0 < mind["sigmaNormBps"] < 10_000
    assert mind["sigmaFaults"] == 0
    assert mind["probesAvailable"] >= 3
    assert mind["drift"] == told.status["drift"]


def test_it_was_killed_in_mid_learning_and_each_time_went_on_with_the_same_session(told):
    assert min(told.norms) > 0.0
    (ours,) = kept(told.desk.place, NAME)
    assert len(ours.starts) == 2
    settled(told.desk.place, NAME, NAME)
    told.desk.sound()


def test_nothing_of_it_was_lost(told):
    place = told.desk.place
    code = place.run(place.pod("Strategy", NAME), "python", "-c", CODE).strip()
    assert code == code_hash(installed_code()), "the image is of another tree: digests hold for one code"
    here = told.here.digests
    assert told.status["digests"] == {name: here[name] for name in ("diary", "fills", "pnl")}


def test_its_records_verify_and_are_those_of_a_run_that_nobody_killed(told, records):
    assert verify(records) == []
    assert set(segments.streams_in(records)) >= STREAMS
    assert digests_of(records) == told.here.digests
    assert "mind" in told.here.digests
    closed = json.loads((records / "closed.json").read_text())
    assert closed["digests"] == told.here.digests


def test_after_the_end_it_still_shows_the_regime_that_it_ended_in(told):
    told.desk.place.until(
        "kubectl shows the last regime", lambda: told.desk.place.row("Strategy", NAME)["REGIME"] == told.here.regime,
        MINUTE_S,
    )  # fmt: skip


def test_by_permit_of_the_operator_a_strategy_explores_within_its_budget(told):
    """Without a permit nothing does, so what it explored says that it had one."""
    place = told.desk.place
    for kind, field_ in (("Strategy", "explorationShareBps"), ("ExplorationBudget", "shareBps")):
        place.until(
            f"{kind} tells a share", lambda at=(kind, field_): place.status(at[0], EXPLORER).get(at[1]), MINUTE_S
        )
        assert 0 < place.status(kind, EXPLORER)[field_] <= BUDGET_BPS
    status = place.status("ExplorationBudget", EXPLORER)
    assert (status["userCount"], status["users"]) == (1, [EXPLORER])
    assert place.condition("ExplorationBudget", EXPLORER)[:2] == ("True", "InForce")


@pytest.mark.parametrize("name", [NAME, EXPLORER])
def test_the_image_brings_the_compiled_loop_along(told, name):
    place = told.desk.place
    assert compiled_in(place.kube, place.namespace, place.pod("Strategy", name)) == []
