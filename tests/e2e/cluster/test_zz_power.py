"""The node's first process killed, and all with it: the last story, for nothing that ran is there afterwards."""

from e2e.cluster.books import journal
from e2e.cluster.desks import KINDS, SPARE, WALL
from e2e.cluster.market import kill_switch
from e2e.cluster.runtime_journal import account_for, kept, settled
from e2e.cluster.stops import obeyed

BACK_S = 300.0  # a whole cluster starts, and every pod that it had


def test_the_node_gone_and_back_doubles_no_order_and_loses_no_latch(trader, spare, backend):
    place = trader.place
    place.apply(kill_switch(SPARE, "Halt", {"alphatrade.io/metadata.name": SPARE}))
    last = obeyed(place, SPARE, SPARE, "Halt")
    place.kubectl("delete", "killswitch", SPARE)
    trader.quote()
    before, latched = identities(trader), place.latch(SPARE)

    backend.power_cycle()

    place.until("every pod is another container", lambda: all_anew(trader, before), BACK_S)
    place.until("the trader trades", lambda: place.condition("Strategy", WALL)[1] == "Trading", BACK_S)
    trader.quote()
    trader.sound()
    assert len(kept(place, WALL)) == len(trader.logs()) == 1, "one session, whatever befell it"
    place.apply(kill_switch("after-power", "Armed"))
    place.until_condition("KillSwitch", "after-power", "Armed")

    place.until_phase(SPARE, "Latched")
    assert place.latch(SPARE) == latched
    theirs = journal(place, SPARE, SPARE)
    assert (theirs.placed_after(last), theirs.working) == ([], [])
    assert account_for(place, SPARE, SPARE) > 0

    place.apply(kill_switch("flat", "Flatten", {"alphatrade.io/metadata.name": WALL}))
    trader.until("is flat", trader.flat)
    assert settled(place, WALL, WALL) == 0


def identities(desk):
    return [desk.place.pod_identity(kind, WALL) for kind in KINDS]


def all_anew(desk, before):
    """Whether each pod is the one that it was, with another container in it."""
    now = identities(desk)
    return [pod for pod, _ in now] == [pod for pod, _ in before] and all(
        again > once for (_, again), (_, once) in zip(now, before, strict=True)
    )
