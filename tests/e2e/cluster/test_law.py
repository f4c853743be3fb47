"""The law and the spec while strategies trade: tightened, loosened, suspended, changed, deleted with a position."""

import json
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from e2e.cluster import market
from e2e.cluster.books import Journal, journal, journals, journals_of, trades
from e2e.cluster.market import HOUSE, SYMBOL, Manifest
from e2e.cluster.place import Place, together
from e2e.cluster.runtime_journal import kept
from kube_fixtures import Installed, trading_namespace

NAMES = ("resized", "gone", "paused", "changed")
TIGHT = "tight"
FLAGS = {"exploration": True}
SETTLES_S = 5.0
READER = "reader"


@pytest.fixture(scope="module")
def desk(installed: Installed) -> Iterator[Place]:
    """Four strategies that turn round all the time, on one feed at 20x and one account, seen to trade."""
    with trading_namespace(installed.kube, "law") as name:
        place = Place(installed.kube, name)
        place.apply(market.law(), market.law(TIGHT), market.house(), market.account(law=HOUSE), market.feed())
        place.apply(
            market.strategy("resized", under=TIGHT),
            market.strategy("gone"),
            market.strategy("paused"),
            market.strategy("changed", featureFlags=FLAGS),
        )
        together(*(lambda name=name: trades(place, name, 2) for name in NAMES))
        yield place


def sizes(position: int, order: int) -> Manifest:
    """Return the part of a RiskTemplate's spec that bounds sizes, in lots."""
    return {"instruments": [{"symbol": SYMBOL, "maxPositionLots": position, "maxOrderLots": order}]}


def largest(seen: Journal, number: int) -> int:
    """Return the largest order placed after a command's number, lots."""
    return max((lots for _, lots, _ in seen.placed_after(number)), default=0)


def test_a_tightened_law_acts_without_a_restart(desk):
    pod = desk.pod_identity("Strategy", "resized")
    desk.patch("RiskTemplate", TIGHT, sizes(100, 200))
    desk.until_condition("RiskTemplate", TIGHT, "InForce")

    def within() -> bool:
        return abs(journal(desk, "resized").position) <= 100

    desk.until("resized is within its new limit", within)
    number = len(journal(desk, "resized").commands)
    trades(desk, "resized")
    seen = journals(desk, "resized")
    assert len(seen) == 1, "it goes on with its session"
    assert 0 < largest(seen[0], number) <= 200
    assert np.abs(seen[0].positions[-3:]).max() <= 100
    assert desk.pod_identity("Strategy", "resized") == pod
    assert set(desk.denied("resized")) & {"SIZE", "INVENTORY"}, "a turn from what it held was too large"
    desk.until_ready("Strategy", "resized")


def test_a_loosened_law_waits_and_the_old_one_goes_on(desk):
    before = desk.status("RiskTemplate", TIGHT)["effective"]["instruments"]
    pod, number = desk.pod_identity("Strategy", "resized"), len(journal(desk, "resized").commands)
    desk.patch("RiskTemplate", TIGHT, sizes(1_000, 2_000))
    message = desk.until_condition("RiskTemplate", TIGHT, "Loosened", "AwaitsProposal")
    assert f"instruments[{SYMBOL}].maxPositionLots stays {before[0]['maxPositionLots']}, 1000 waits" in message
    trades(desk, "resized")
    time.sleep(SETTLES_S)
    assert desk.status("RiskTemplate", TIGHT)["effective"]["instruments"] == before
    assert 0 < largest(journal(desk, "resized"), number) <= before[0]["maxOrderLots"]
    assert desk.pod_identity("Strategy", "resized") == pod


def test_a_flag_above_the_ceiling_is_off_and_told(desk):
    message = desk.until_condition("Strategy", "changed", "FlagNotAllowed", "FlagNotAllowed")
    assert "spec.featureFlags.exploration" in message
    config = desk.kube.get("configmap", desk.child("Strategy", "changed"), namespace=desk.namespace)
    session = json.loads(config["data"]["config.json"])["session"]
    assert not any(session["policy"]["envelope"]["flags"].values())
    desk.until_ready("Strategy", "changed")


def test_another_policy_trades_after_the_first_got_flat(desk):
    pod, policy = desk.pod_identity("Strategy", "changed"), desk.status("Strategy", "changed")["activePolicyHash"]
    first = journal(desk, "changed").session
    slower = {"ref": "ema_cross", "params": {"fast": 3, "slow": 5}}
    desk.apply(market.strategy("changed", slower, featureFlags=FLAGS))

    def replaced() -> bool:
        status = desk.status("Strategy", "changed")
        return bool(status["activePolicyHash"] != policy and status["phase"] == "Trading")

    desk.until("another policy trades", replaced)
    trades(desk, "changed")
    before, now = journals(desk, "changed")
    assert (before.session, before.position, before.working) == (first, 0, [])
    assert now.session != first
    assert desk.pod_identity("Strategy", "changed")[0] != pod[0]
    status = desk.status("Strategy", "changed")
    assert status["desiredPolicyHash"] == status["activePolicyHash"]


def test_a_suspended_strategy_gets_flat_has_no_pod_and_trades_again(desk):
    desk.until("paused holds something", lambda: journal(desk, "paused").position)
    desk.patch("Strategy", "paused", {"suspend": True})
    desk.until_condition("Strategy", "paused", "Suspended")
    desk.until("its pod is gone", lambda: desk.gone("pod", desk.pod("Strategy", "paused")))
    desk.until_phase("paused", "Suspended")
    (seen,) = journals(desk, "paused")
    assert (seen.position, seen.working) == (0, [])
    time.sleep(SETTLES_S)
    assert len(journal(desk, "paused").commands) == len(seen.commands)

    desk.patch("Strategy", "paused", {"suspend": False})
    trades(desk, "paused")
    desk.until_ready("Strategy", "paused")


def test_deleted_with_a_position_it_gets_flat_and_goes_and_its_diary_stays(desk, installed):
    desk.until("gone holds something", lambda: journal(desk, "gone").position)
    uid, child = desk.uid("Strategy", "gone"), desk.child("Strategy", "gone")
    desk.kubectl("delete", "strategy", "gone", "--timeout=120s")
    (seen,) = journals_of(desk, uid)
    assert (seen.position, seen.working) == (0, [])
    for kind, name in (("pod", f"{child}-0"), ("statefulset", child), ("service", child), ("secret", child)):
        desk.until(f"{kind} {name} is gone", lambda kind=kind, name=name: desk.gone(kind, name))
    bindings = desk.kube.kubectl("-n", installed.namespace, "get", "rolebindings", "-o", "name")
    assert f"{desk.namespace}.{child}" not in bindings

    desk.apply(reader(f"data-{child}-0", installed.image))
    desk.kubectl("wait", "--for=condition=Ready", f"pod/{READER}", "--timeout=60s")
    folder = desk.run(READER, "sh", "-c", "ls -d /data/accounts/*/sessions/*").split()[-1]
    said = desk.run(READER, "alphatrade", "diary", "verify", folder)
    assert "every row is the one that was hashed" in said
    fills = desk.files(READER, folder)["fills.chain.jsonl"]
    closed = json.loads(fills.splitlines()[-1])
    assert closed["rows"] == len(seen.fills), closed


def test_its_name_used_again_finds_nothing_of_the_old(desk):
    desk.apply(market.strategy("gone"))
    trades(desk, "gone", 2)
    assert (len(journals(desk, "gone")), len(kept(desk, "gone")), desk.latch("gone")) == (1, 1, [])


def reader(claim: str, image: str) -> Manifest:
    """Return a pod that does nothing but look at a volume."""
    mount = {"name": "data", "mountPath": "/data", "readOnly": True}
    restricted: dict[str, Any] = {
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    container = {
        "name": READER,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["sleep", "600"],
        "securityContext": restricted,
        "volumeMounts": [mount, {"name": "tmp", "mountPath": "/tmp"}],
    }
    spec = {
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 0,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
        "volumes": [
            {"name": "data", "persistentVolumeClaim": {"claimName": claim, "readOnly": True}},
            {"name": "tmp", "emptyDir": {}},
        ],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": READER}, "spec": spec}
