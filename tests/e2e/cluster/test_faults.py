"""Pods killed and told to end while orders work: each comes back and goes on, and no order is doubled or orphaned.

Judged by the broker's own log and the runtime's journal. On the stream's clock none of it may change the session at
all: what it comes to is what a run in one process comes to that nobody disturbed.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import yaml

from alphatrade_runtime.market.orders import Command, Report
from alphatrade_runtime.policy.hashes import code_hash, installed_code
from cluster.backend import Backend
from e2e.cluster.desks import KINDS, STREAM, WALL, Desk, manifests
from e2e.cluster.faults import ended, killed
from e2e.cluster.market import kill_switch
from e2e.cluster.place import Place, together
from e2e.cluster.runtime_journal import Kept, alive_at, kept, places_of, settled
from e2e.command_line import alphatrade, digests
from kube_fixtures import Installed, trading_namespace

CODE = "from alphatrade_runtime.policy.hashes import code_hash, installed_code; print(code_hash(installed_code()))"


@dataclass(frozen=True)
class Told:
    """What befell the desks. digests: of the stream's session, run in one process undisturbed."""

    wall: Desk
    stream: Desk
    digests: dict[str, str]


@pytest.fixture(scope="module")
def told(installed: Installed, backend: Backend, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """Let every kind of pod be killed, then be told to end, on both desks at the same time."""
    with trading_namespace(installed.kube, "faults") as namespace:
        place = Place(installed.kube, namespace)
        wall, stream = Desk(place, backend, WALL), Desk(place, backend, STREAM)
        together(lambda: disturb(wall), lambda: disturb(stream))
        end_it_while_orders_work(wall)
        yield Told(wall, stream, undisturbed(tmp_path_factory.mktemp("undisturbed")))


def disturb(desk):
    desk.open()
    for fault in (killed, ended):
        for kind in KINDS:
            desk.strike(fault, kind)


def end_it_while_orders_work(desk):
    """Tell the runtime to end until orders worked when it did: the last of them may fill on the way."""
    for _ in range(3):
        theirs, ours = desk.logs()[-1], kept(desk.place, desk.name)[-1]
        if standing(theirs, *away(ours.starts[-1], theirs, ours)):
            return
        desk.strike(ended, "Strategy")


def undisturbed(folder):
    for manifest in manifests(STREAM):
        (folder / f"{manifest['kind']}.yaml").write_text(yaml.safe_dump(manifest))
    run = alphatrade("run", "-f", folder, "--speed", "Max", "--artifacts", folder / "artifacts")
    assert run.returncode == 0, run.stderr
    return digests(run.stdout)


def test_every_order_that_arrived_was_decided_once_and_arrived_once(told):
    for desk in (told.wall, told.stream):
        desk.sound()
        assert len(kept(desk.place, desk.name)) == len(desk.logs()) == 1, "one session, whatever befell it"


def test_a_runtime_that_is_told_to_end_cancels_what_works_and_one_that_is_killed_cannot(told):
    theirs, ours = told.wall.logs()[-1], kept(told.wall.place, WALL)[-1]
    killed_at, *ended_at = ours.starts
    assert withdrawn(theirs, *away(killed_at, theirs, ours)) == []
    for start in ended_at:
        left_ns, resumed_ns = away(start, theirs, ours)
        assert withdrawn(theirs, left_ns, resumed_ns) == standing(theirs, left_ns, resumed_ns)
        assert alive_at(resumed_ns, theirs) == []
    assert standing(theirs, *away(ended_at[-1], theirs, ours)), "no order worked whenever it was told to end"


def away(start: int, theirs, ours: Kept) -> tuple[int, int]:
    """Return when the last command before a start arrived, and the first one behind it."""
    first = next(i for i, at in enumerate(places_of(theirs, ours)) if at >= start)
    return int(theirs.commands["ts_ns"][first - 1]), int(theirs.commands["ts_ns"][first])


def standing(theirs, left_ns: int, resumed_ns: int) -> list[int]:
    """List the orders that worked behind the last command and that neither a fill nor a command of theirs ended."""
    filled = theirs.fills[(theirs.fills["leaves"] == 0) & (theirs.fills["exch_ts_ns"] < resumed_ns)]
    return sorted(set(alive_at(left_ns + 1, theirs)) - set(filled["order_id"].tolist()) - asked(theirs))


def asked(theirs) -> set[int]:
    """Return the orders that a command cancelled: one may be on its way when the runtime is told to end."""
    return set(theirs.commands["order_id"][theirs.commands["command"] == int(Command.CANCEL)].tolist())


def withdrawn(theirs, since_ns: int, until_ns: int) -> list[int]:
    """List the orders that were cancelled within a time though no command asked for it."""
    reports = theirs.reports[theirs.reports["type"] == int(Report.CANCELED)]
    within = reports[(reports["exch_ts_ns"] > since_ns) & (reports["exch_ts_ns"] < until_ns)]
    return sorted(set(within["order_id"].tolist()) - asked(theirs))


def test_on_the_streams_clock_nothing_of_it_was_to_be_seen(told):
    place = told.stream.place
    place.until_phase(STREAM, "Ended", timeout_s=300.0)
    code = place.run(place.pod("Strategy", STREAM), "python", "-c", CODE).strip()
    assert code == code_hash(installed_code()), "the image is of another tree: digests hold for one code"
    assert place.status("Strategy", STREAM)["digests"] == told.digests
    settled(place, STREAM, STREAM)
    assert told.stream.metric("alphatrade_broker_linked_state") == 0.0
    assert told.stream.metric("alphatrade_orders_total") >= told.stream.placed()


def test_by_the_wall_clock_it_ends_flat_and_the_books_agree(told):
    told.wall.place.apply(kill_switch("flat", "Flatten"))
    told.wall.until("is flat", told.wall.flat)
    assert settled(told.wall.place, WALL, WALL) == 0
