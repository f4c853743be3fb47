"""The API server taken away from runtimes that trade. Late: whatever else runs on the cluster feels it, too."""

import time
from dataclasses import dataclass

from alphatrade_runtime.market.schema import Control
from e2e.cluster.books import journal
from e2e.cluster.connections import cut_every
from e2e.cluster.desks import SPARE, WALL
from e2e.cluster.market import kill_switch
from e2e.cluster.operators import led_by, operator_of
from e2e.cluster.runtime_journal import account_for, alive_at, kept
from e2e.cluster.stops import acknowledged, obeyed
from e2e.cluster.too_many import too_many_requests

STALENESS_S = 10  # killSwitch.maxStaleness, as it is when nothing is said
MARGIN_S = 1.0  # between the last answer and the moment at which the test took the server away; turns of the loop
CUT_S, CUTS = 5.0, 8  # the study watch_cut.py goes on for five minutes
SERVER = "kube-apiserver"
NS = 10**9


@dataclass(frozen=True)
class Outage:
    """When the API server was away, by the time of day, ns."""

    since_ns: int
    until_ns: int


def frozen(backend, seconds):
    """Keep the server from answering for just so long: one that is stopped takes seconds more to start."""
    daemon = backend.daemon(SERVER)
    since_ns = time.time_ns()
    daemon.freeze()
    try:
        time.sleep(seconds)
    finally:
        daemon.thaw()
    return Outage(since_ns, time.time_ns())


def stopped(backend, seconds):
    """Stop the server for so long."""
    daemon = backend.daemon(SERVER)
    since_ns = time.time_ns()
    daemon.stop()
    try:
        time.sleep(seconds)
        until_ns = time.time_ns()
    finally:
        daemon.start()
    return Outage(since_ns, until_ns)


def test_away_for_half_of_the_staleness_nothing_halts(trader, backend):
    outage = frozen(backend, STALENESS_S / 2)
    trader.quote()
    assert held(trader, outage.since_ns) == []
    assert placed_within(trader, outage.since_ns, outage.until_ns), "it went on quoting meanwhile"
    trader.sound()


def test_away_for_twice_the_staleness_it_halts_in_time_and_resumes_by_itself(trader, backend):
    outage = stopped(backend, 2 * STALENESS_S)
    halted_in_time_and_resumed(trader, outage)


def test_refused_for_too_many_requests_it_halts_in_time_and_resumes_by_itself(trader):
    place, before = trader.place, (operator_of(trader.place.kube), led_by(trader.place.kube))
    place.apply(kill_switch("seen", "Armed"))
    place.until_condition("KillSwitch", "seen", "Armed")
    with too_many_requests(place):
        since_ns = time.time_ns()
        place.apply(kill_switch("unseen", "Armed"))
        time.sleep(STALENESS_S * 1.5)
        assert place.status("KillSwitch", "unseen") == {}, "the operator was answered all the same"
        until_ns = time.time_ns()
    halted_in_time_and_resumed(trader, Outage(since_ns, until_ns))
    place.until_condition("KillSwitch", "unseen", "Armed")
    assert (operator_of(place.kube), led_by(place.kube)) == before, "nobody took over, so nothing changes hands"


def test_watches_cut_again_and_again_halt_nobody_and_a_stop_is_heard(trader, spare, backend):
    since_ns = time.time_ns()
    with cut_every(backend, CUT_S) as counts:
        trader.place.until("half of the cuts", lambda: len(counts) >= CUTS / 2)
        trader.place.apply(kill_switch(SPARE, "Halt", {"alphatrade.io/metadata.name": SPARE}))
        last = obeyed(spare.place, SPARE, SPARE, "Halt")
        acknowledged(spare.place, SPARE, 1)
        trader.place.until("all of the cuts", lambda: len(counts) >= CUTS)
    trader.quote()
    assert min(counts) > 0, f"nothing was cut: {counts}"
    assert (held(trader, since_ns), held(spare, since_ns)) == ([], [])
    theirs = journal(spare.place, SPARE, SPARE)
    assert (theirs.placed_after(last), theirs.working) == ([], [])
    assert account_for(spare.place, SPARE, SPARE) > 0
    trader.sound()


def halted_in_time_and_resumed(desk, outage):
    """Hold what a desk did while its lists failed against the fault table, by both journals."""
    desk.quote()
    (stale, stale_ns), (fresh, fresh_ns) = held(desk, outage.since_ns)
    assert (stale, fresh) == (Control.KILL_STALE, Control.KILL_FRESH)
    assert outage.since_ns < stale_ns < outage.since_ns + (STALENESS_S + MARGIN_S) * NS
    assert fresh_ns > outage.until_ns
    assert placed_within(desk, outage.since_ns, stale_ns), "it went on quoting until then"
    assert placed_within(desk, stale_ns + NS // 2, fresh_ns) == []
    ours, theirs = kept(desk.place, WALL)[-1], desk.logs()[-1]
    assert alive_at(ours.session_ns(stale_ns + NS), theirs) == []
    desk.place.until_phase(WALL, "Trading")
    assert desk.metric("alphatrade_kill_latched_state") == 0.0
    desk.sound()


def held(desk, since_ns):
    """List when the runtime was held for want of kill switches and let go again since then, by the time of day."""
    ours = kept(desk.place, desk.name)[-1]
    both = [(what, ours.wall_ns(at)) for what, at in ours.controls if what in (Control.KILL_STALE, Control.KILL_FRESH)]
    return [(what, at) for what, at in both if at >= since_ns]


def placed_within(desk, since_ns, until_ns):
    """List when orders arrived at the broker within a time, by the time of day."""
    ours, theirs = kept(desk.place, WALL)[-1], desk.logs()[-1]
    times = [ours.wall_ns(int(theirs.commands["ts_ns"][number - 1])) for number in theirs.placed]
    return [at for at in times if since_ns < at < until_ns]
