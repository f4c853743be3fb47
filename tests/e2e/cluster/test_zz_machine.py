"""Faults of the machine under a desk that trades: its clock stepped, its kubelet and its etcd started anew."""

import time

import pytest

from alphatrade_runtime.loop.rows import GOOD_QUOTES
from alphatrade_runtime.market.schema import Control
from e2e.cluster.books import journal
from e2e.cluster.desks import KINDS, WALL, Desk, beside
from e2e.cluster.examples import named
from e2e.cluster.faults import BACK_S
from e2e.cluster.market import kill_switch
from e2e.cluster.operators import operator_of
from e2e.cluster.runtime_journal import kept
from e2e.cluster.small_volume import small_volume
from e2e.cluster.wall_clock import clock_moved

STEP_S = 0.3  # the law bears 0.1
BORNE_S = 6.0  # killSwitch.maxStaleness, 10 s when nothing is said, but a third of it, in which lists come
BRIM = "brim"
SETTLES_S = 3.0


def test_a_clock_that_steps_halts_until_quotes_are_good_and_the_books_agree(trader):
    before = len(steps(kept(trader.place, WALL)[-1]))
    with clock_moved(STEP_S):
        trader.quote()
    trader.quote()
    ours = kept(trader.place, WALL)[-1]
    forth_and_back = steps(ours)[before:]
    assert len(forth_and_back) == 2
    for place, stepped in forth_and_back:
        resumed = min(int(at) for at in ours.orders["ts_ns"] if at > stepped)  # cancels go out while it is halted
        reconciled = [at for what, at in ours.controls if what is Control.RECONCILED and stepped <= at <= resumed]
        assert reconciled, "it went on before the books were compared"
        assert sum(controls > place and at <= resumed for controls, at in ours.quotes) >= GOOD_QUOTES
    trader.place.until_phase(WALL, "Trading")
    trader.sound()


def steps(ours):
    """List where on its record, among controls, a runtime saw its clock step, and when by the session's time.

    Rows that it had in hand then come behind the step on record, whatever their time says.
    """
    return [(place, at) for place, (what, at) in enumerate(ours.controls) if what is Control.CLOCK_STEP]


@pytest.mark.parametrize("daemon", ["kubelet", "etcd"])
def test_started_anew_beside_it_nothing_halts_and_no_pod_starts_again(trader, backend, daemon):
    place, before, since_ns = trader.place, identities(trader), time.time_ns()
    backend.daemon(daemon).stop()
    backend.daemon(daemon).start()
    away_s = (time.time_ns() - since_ns) / 1e9
    place.apply(kill_switch(f"after-{daemon}", "Armed"))
    place.until_condition("KillSwitch", f"after-{daemon}", "Armed")
    place.until("the node is ready", lambda: ready(place))
    place.until("pods are in reach", trader.placed)  # a kubelet that has just begun knows of none
    trader.quote()
    assert identities(trader) == before
    if away_s < BORNE_S:  # a machine that does other things too may take longer, and then it is to halt
        ours = kept(place, WALL)[-1]
        assert [at for what, at in ours.controls if what is Control.KILL_STALE and ours.wall_ns(at) > since_ns] == []
    trader.sound()


def test_a_volume_that_somebody_fills_stops_trading_until_there_is_room_again(trader, backend):
    place, desk = trader.place, Desk(trader.place, backend, BRIM)
    *others, strategy = beside(BRIM, WALL)
    place.apply(*others, named(strategy, BRIM, suspend=True))
    with small_volume(place, backend, "Strategy", BRIM, "64m") as volume:
        place.patch("Strategy", BRIM, {"suspend": False})
        place.until_phase(BRIM, "Trading", timeout_s=BACK_S)
        desk.quote()
        volume.fill()
        assert "trading stops" in place.until_condition("Strategy", BRIM, "DiskFull")
        stopped = journal(place, BRIM, BRIM)
        assert stopped.working == []
        time.sleep(SETTLES_S)
        assert len(journal(place, BRIM, BRIM).commands) == len(stopped.commands)
        volume.free()
        desk.quote()
        desk.sound()
        assert len(kept(place, BRIM)) == len(desk.logs()) == 1, "it goes on with its session"


def identities(desk):
    """Return the pods of a desk and the operator's, each with how often it was started again."""
    return [*(desk.place.pod_identity(kind, WALL) for kind in KINDS), operator_of(desk.place.kube)]


def ready(place):
    (node,) = place.kube.get("nodes")["items"]
    return any(one["type"] == "Ready" and one["status"] == "True" for one in node["status"]["conditions"])
