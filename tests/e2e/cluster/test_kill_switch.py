"""Stop trading by `kubectl apply` of a KillSwitch, and prove by the broker's own journal that it stopped.

One trading floor in two namespaces for all stories, told in order: what was stopped stays stopped, so each takes the
strategies that still trade, or goes further with those that were stopped before.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cluster.settings import ROOT
from e2e.cluster import market
from e2e.cluster.books import Journal, journal, journals, trades
from e2e.cluster.market import ACCOUNT, HOUSE, QUOTES, kill_switch
from e2e.cluster.place import Place, together
from e2e.cluster.stops import OBEYS_S, acknowledged, obeyed
from kube_fixtures import Installed, trading_namespace

DESK, FLOOR = "desk", "story.example/floor"
LOTS = QUOTES["params"]["lots"]
SETTLES_S = 5.0  # those that trade place many orders in that time: the fixture has seen it
OPERATOR = "alphatrade-operator"


@dataclass(frozen=True)
class Floor:
    """Where strategies trade: `slow` in real time, all others at 20x.

    one: `slow` and `fast` quote, `spare` turns round.  two: `far` and `late` turn round.  home: the operator's.
    """

    one: Place
    two: Place
    home: Place
    label: dict[str, str]


@pytest.fixture(scope="module")
def floor(installed: Installed) -> Iterator[Floor]:
    kube = installed.kube
    with trading_namespace(kube, "kill-one") as one, trading_namespace(kube, "kill-two") as two:
        floor = Floor(Place(kube, one), Place(kube, two), Place(kube, installed.namespace), {FLOOR: one})
        try:
            _open(floor)
            yield floor
        finally:
            floor.home.kubectl("delete", "killswitches", "-l", f"{FLOOR}={one}")


def _open(floor: Floor) -> None:
    """Let everybody trade; seen by the broker's journal."""
    one = [
        market.feed("live", "Realtime"),
        market.strategy("slow", QUOTES, on="live", labels=floor.label | {DESK: "making"}),
        market.strategy("fast", QUOTES, labels=floor.label | {DESK: "momentum"}),
        market.strategy("spare", labels=floor.label | {DESK: "spare"}),
    ]
    two = [
        market.strategy("far", labels=floor.label | {DESK: "momentum"}),
        market.strategy("late", labels={DESK: "late"}),
    ]
    for place, made in ((floor.one, one), (floor.two, two)):
        place.apply(market.law(), market.house(), market.account(law=HOUSE), market.feed(), *made)
    everyone = [(floor.one, "slow"), (floor.one, "fast"), (floor.one, "spare"), (floor.two, "far"), (floor.two, "late")]
    together(*(_trading(place, name) for place, name in everyone))


def _trading(place: Place, name: str) -> Callable[[], None]:
    return lambda: trades(place, name, 2)


def later(place: Place, *strategies: str) -> list[Journal]:
    """Return the broker's journals after a time in which those that trade place orders."""
    time.sleep(SETTLES_S)
    return [journal(place, name) for name in strategies]


def shrunk(seen: Journal, number: int) -> bool:
    """Whether less is held than when a command had left; of nothing, nothing can be reduced."""
    held = seen.held_at(number)
    return held == 0 or abs(seen.position) < abs(held)


def alphatrade(*words: object) -> subprocess.CompletedProcess[str]:
    """Run `kubectl alphatrade` as people do: kubectl finds the plug-in in PATH."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = ["kubectl", "alphatrade", *map(str, words)]
    return subprocess.run(command, env={**os.environ, "PATH": path}, capture_output=True, text=True, timeout=120)


def test_reduce_lets_only_reductions_pass_whatever_becomes_of_labels_and_of_itself(floor):
    one = floor.one
    one.until("fast holds something", lambda: abs(journal(one, "fast").position) >= LOTS)
    assert journal(one, "fast").grows(0), "until now its position grows now and then"
    one.apply(kill_switch("reduce-momentum", "Reduce", {DESK: "momentum"}))
    acknowledged(one, "reduce-momentum", 1)
    last = obeyed(one, "fast", "reduce-momentum", "Reduce")
    one.until("what it held then shrinks", lambda: shrunk(journal(one, "fast"), last), OBEYS_S)
    assert journal(one, "fast").grows(last) == []

    one.kubectl("label", "strategy", "fast", f"{DESK}=other", "--overwrite")
    (seen,) = later(one, "fast")
    assert seen.grows(last) == []
    acknowledged(one, "reduce-momentum", 1)

    one.kubectl("delete", "killswitch", "reduce-momentum")
    trades(floor.two, "far")
    (seen,) = later(one, "fast")
    assert seen.grows(last) == []
    one.until_condition("Strategy", "fast", "KillSwitch")
    assert one.status("Strategy", "fast")["phase"] == "Reducing"
    assert "reduce-momentum" in one.status("Strategy", "fast")["latched"]["by"]


def test_halt_stops_a_namespace_and_outlives_itself_and_pods(floor):
    one, stopped = floor.one, ("slow", "fast", "spare")
    one.kubectl("apply", "-f", ROOT / "examples/kill/halt.yaml")
    acknowledged(one, "halt-all", 3)
    last = {name: obeyed(one, name, "halt-all", "Halt") for name in stopped}
    seen = dict(zip(stopped, later(one, *stopped), strict=True))
    assert {name: one.placed_after(last[name]) for name, one in seen.items()} == {name: [] for name in stopped}
    assert {name: one.working for name, one in seen.items()} == {name: [] for name in stopped}
    trades(floor.two, "far")
    for name in stopped:
        told = [k for k in one.status("Strategy", name)["killSwitches"] if k["name"] == "halt-all"]
        assert [k["lastCommand"] for k in told] == [last[name]]

    shown = alphatrade("status", "-n", one.namespace)
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.count("Latched") >= 3, shown.stdout
    why = alphatrade("why", "slow", "-n", one.namespace)
    assert "Halt by KillSwitch" in why.stdout, why.stdout + why.stderr
    assert "halt-all" in why.stdout

    one.kubectl("delete", "killswitch", "halt-all")
    before = {name: one.pod_identity("Strategy", name) for name in ("slow", "spare")}
    one.kubectl("delete", "pod", *(one.pod("Strategy", name) for name in before), "--wait=false")
    for name in before:
        one.until(f"{name} is back", lambda name=name: one.pod_identity("Strategy", name)[0] != before[name][0])
        one.until_condition("Strategy", name, "Latched")
    again = dict(zip(stopped, later(one, *stopped), strict=True))
    assert {name: len(one.placed) for name, one in again.items()} == {n: len(o.placed) for n, o in seen.items()}
    assert {name: one.position for name, one in again.items()} == {name: one.position for name, one in seen.items()}
    for name in stopped:
        one.until_phase(name, "Latched")


def test_a_cluster_wide_flatten_ends_flat_in_every_namespace(floor):
    one, two, home = floor.one, floor.two, floor.home
    flat = [(one, "slow"), (one, "fast"), (one, "spare"), (two, "far")]
    two.until("far holds something", lambda: journal(two, "far").position)
    two.apply(kill_switch("everywhere", "Halt", {DESK: "nobody"}, scope="Cluster"))
    two.until_condition("KillSwitch", "everywhere", "ScopeNotAllowed")
    name = f"flatten-{one.namespace}"
    flatten = kill_switch(name, "Flatten", floor.label, scope="Cluster", maxFlattenSlippageBps=300)
    flatten["metadata"]["labels"] |= floor.label
    home.apply(flatten)
    acknowledged(home, name, 4)
    last = [(place, strategy, obeyed(place, strategy, name, "Flatten")) for place, strategy in flat]
    for place, strategy, number in last:
        place.until(f"{strategy} is flat", lambda p=place, s=strategy: journal(p, s).position == 0, OBEYS_S)
        seen = journal(place, strategy)
        assert seen.grows(number) == []
        assert seen.only_flattens(number)
    trades(two, "late")
    assert [journal(place, strategy).position for place, strategy in flat] == [0, 0, 0, 0]
    assert [journal(place, strategy).working for place, strategy in flat] == [[], [], [], []]
    for place, strategy in flat:
        place.until_phase(strategy, "Latched")


def test_it_works_without_the_operator_and_when_it_is_killed(floor):
    two, home = floor.two, floor.home
    try:
        home.kubectl("scale", "deployment", OPERATOR, "--replicas=0")
        home.until("the operator is gone", lambda: not _operators(home))
        halted = alphatrade("halt", "late", "-n", two.namespace, "--reason", "a drill", "--timeout", 5)
        assert halted.returncode == 1, halted.stdout + halted.stderr
        assert "no report after 5 s" in halted.stdout
        last = obeyed(two, "late", "halt-strategy-late", "Halt")
        (seen,) = later(two, "late")
        assert seen.placed_after(last) == []
        assert two.metrics(two.pod("Strategy", "late"))["alphatrade_kill_latched_state"] == 1
    finally:
        home.kubectl("scale", "deployment", OPERATOR, "--replicas=1")
    home.kubectl("wait", "--for=condition=Available", f"deployment/{OPERATOR}", "--timeout=120s")
    acknowledged(two, "halt-strategy-late", 1)
    again = alphatrade("halt", "late", "-n", two.namespace, "--reason", "a drill")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "1 of 1 acknowledged" in again.stdout

    home.kubectl("delete", "pod", *_operators(home), "--grace-period=0", "--force")
    two.apply(kill_switch("close", "Flatten", maxFlattenSlippageBps=300))
    number = obeyed(two, "late", "close", "Flatten")
    two.until("late is flat", lambda: journal(two, "late").position == 0, OBEYS_S)
    assert journal(two, "late").only_flattens(number)
    home.kubectl("wait", "--for=condition=Available", f"deployment/{OPERATOR}", "--timeout=120s")
    acknowledged(two, "close", 2)


def test_the_only_way_out_is_a_new_account(floor):
    two = floor.two
    two.apply(kill_switch("end", "Flatten", maxFlattenSlippageBps=300))
    for name in ("far", "late"):
        obeyed(two, name, "end", "Flatten")
        two.until(f"{name} is flat", lambda name=name: journal(two, name).position == 0, OBEYS_S)
    two.kubectl("delete", "killswitches", "--all")
    floor.home.kubectl("delete", "killswitches", "-l", f"{FLOOR}={floor.one.namespace}")  # else it stops whoever comes

    two.kubectl("delete", "strategy", "late", "--timeout=120s")
    two.apply(market.strategy("late"), market.strategy("again"))
    for name in ("late", "again"):
        assert "AccountLatched" in two.until_condition("Strategy", name, "Latched")
    time.sleep(SETTLES_S)
    assert [journals(two, "late"), journals(two, "again")] == [[], []]

    two.kubectl("delete", "brokerconnection", ACCOUNT, "--timeout=120s")
    two.kubectl("delete", "pvc", "-l", f"alphatrade.io/kind=broker,alphatrade.io/owner={ACCOUNT}", "--timeout=60s")
    two.apply(market.account(law=HOUSE))
    together(*(_trading(two, name) for name in ("far", "late", "again")))


def _operators(home: Place) -> list[str]:
    selector = "app.kubernetes.io/component=operator,app.kubernetes.io/instance=alphatrade"
    return home.kubectl("get", "pods", "-l", selector, "-o", "jsonpath={.items[*].metadata.name}").split()
