"""The API server taken away from runtimes that trade. Last of all: whatever else runs on the cluster feels it, too."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from alphatrade_runtime.market.schema import Control
from cluster.backend import Backend
from e2e.cluster.desks import WALL, Desk
from e2e.cluster.place import Place
from e2e.cluster.runtime_journal import alive_at, kept
from kube_fixtures import Installed, trading_namespace

STALENESS_S = 10  # killSwitch.maxStaleness, as it is when nothing is said
MARGIN_S = 1.0  # between the last answer and the moment at which the test took the server away; turns of the loop
SERVER = "kube-apiserver"
NS = 10**9


@dataclass(frozen=True)
class Outage:
    """When the API server was away, by the time of day, ns."""

    since_ns: int
    until_ns: int


@pytest.fixture(scope="module")
def desk(installed: Installed, backend: Backend) -> Iterator[Desk]:
    with trading_namespace(installed.kube, "api-server") as namespace:
        opened = Desk(Place(installed.kube, namespace), backend, WALL)
        opened.open()
        yield opened


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


def test_away_for_half_of_the_staleness_nothing_halts(desk, backend):
    outage = frozen(backend, STALENESS_S / 2)
    desk.quote()
    assert held(desk) == []
    assert placed_within(desk, outage.since_ns, outage.until_ns), "it went on quoting meanwhile"
    desk.sound()


def test_away_for_twice_the_staleness_it_halts_in_time_and_resumes_by_itself(desk, backend):
    outage = stopped(backend, 2 * STALENESS_S)
    desk.quote()
    (stale, stale_ns), (fresh, fresh_ns) = held(desk)
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


def held(desk):
    """List when the runtime was held for want of kill switches and let go again, by the time of day."""
    ours = kept(desk.place, WALL)[-1]
    return [(what, ours.wall_ns(at)) for what, at in ours.controls if what in (Control.KILL_STALE, Control.KILL_FRESH)]


def placed_within(desk, since_ns, until_ns):
    """List when orders arrived at the broker within a time, by the time of day."""
    ours, theirs = kept(desk.place, WALL)[-1], desk.logs()[-1]
    times = [ours.wall_ns(int(theirs.commands["ts_ns"][number - 1])) for number in theirs.placed]
    return [at for at in times if since_ns < at < until_ns]
