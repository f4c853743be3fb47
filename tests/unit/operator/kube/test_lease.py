"""Who holds the Lease: never two at once, each with an epoch of its own."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphatrade_operator.kube.errors import Conflict, NotFound, NotLeading, Unavailable
from alphatrade_operator.kube.lease import Lease, Record, Seen, observe, wanted

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


class Clock:
    now_s = 0.0

    def __call__(self):
        return self.now_s


class Server:
    """Keeps one Lease as the API server does: a write with another version than the one there is a conflict."""

    def __init__(self):
        self.lease = None
        self.version = 0
        self.down = False
        self.loses_answers = False

    async def request(self, method, path, body=None, **options):
        if self.down:
            raise Unavailable(f"{method} {path}", 0, "Unreachable", "down")
        if method == "GET":
            if self.lease is None:
                raise NotFound(path, 404, "NotFound", "")
            return self.lease
        there = "" if self.lease is None else self.lease["metadata"]["resourceVersion"]
        if body["metadata"].get("resourceVersion", "") != there:
            raise Conflict(path, 409, "Conflict", "")
        self.version += 1
        self.lease = {"metadata": {"resourceVersion": str(self.version)}, "spec": body["spec"]}
        if self.loses_answers:
            raise Unavailable(f"{method} {path}", 0, "BrokenAnswer", "")
        return self.lease


def lease_of(server, me, clock, duration_s=15.0):
    api: Any = server
    return Lease(api, "sys", me, duration_s, lambda: NOW, clock)


def step(*leases):
    for lease in leases:
        asyncio.run(lease.step())


def test_the_first_takes_it_with_epoch_one():
    one = lease_of(Server(), "one", Clock())
    assert not one.held
    step(one)
    assert (one.held, one.epoch) == (True, 1)


def test_renewing_is_no_transition():
    clock = Clock()
    one = lease_of(Server(), "one", clock)
    for _ in range(5):
        step(one)
        clock.now_s += 5.0
    assert (one.held, one.epoch) == (True, 1)


def test_another_stands_by_until_it_has_not_been_renewed_for_its_whole_duration():
    clock, server = Clock(), Server()
    one, two = lease_of(server, "one", clock), lease_of(server, "two", clock)
    step(one, two)
    assert (one.held, two.held, two.standing_by) == (True, False, True)
    clock.now_s += 14.9
    step(two)
    assert not two.held
    clock.now_s += 0.2
    step(two)
    assert (one.held, two.held, two.epoch) == (False, True, 2)


def test_it_is_lost_before_another_can_take_it():
    clock, server = Clock(), Server()
    one = lease_of(server, "one", clock)
    step(one)
    clock.now_s += 10.1  # two thirds of its duration
    assert not one.held
    with pytest.raises(NotLeading):
        one.require()


def test_a_server_that_was_away_leaves_the_epoch_when_nobody_took_over():
    clock, server = Clock(), Server()
    one = lease_of(server, "one", clock)
    step(one)
    server.down = True
    clock.now_s += 60.0
    with pytest.raises(Unavailable):
        step(one)
    assert not one.held
    server.down = False
    step(one)
    assert (one.held, one.epoch) == (True, 1)


def test_a_renewal_whose_answer_was_lost_does_not_count_but_is_gone_on_with():
    clock, server = Clock(), Server()
    one = lease_of(server, "one", clock)
    server.loses_answers = True
    with pytest.raises(Unavailable):
        step(one)
    assert not one.held
    server.loses_answers = False
    step(one)
    assert (one.held, one.epoch) == (True, 1)


def test_given_up_it_is_free_at_once_and_the_next_epoch_is_higher():
    clock, server = Clock(), Server()
    one, two = lease_of(server, "one", clock), lease_of(server, "two", clock)
    step(one, two)
    asyncio.run(one.release())
    step(two)
    assert (one.held, two.held, two.epoch) == (False, True, 2)


def test_who_lost_it_gives_up_nothing():
    clock, server = Clock(), Server()
    one, two = lease_of(server, "one", clock), lease_of(server, "two", clock)
    step(one)
    clock.now_s += 1.0
    step(two)
    clock.now_s += 16.0
    step(two)
    asyncio.run(one.release())
    step(two)
    assert two.held


def test_waiting_ends_when_it_is_taken():
    async def scene():
        one = lease_of(Server(), "one", Clock())
        waiting = asyncio.create_task(one.wait())
        await asyncio.sleep(0)
        assert not waiting.done()
        await one.step()
        await asyncio.wait_for(waiting, 1.0)

    asyncio.run(scene())


def test_a_record_that_does_not_change_keeps_its_age():
    seen = Seen(Record("one", 1, "5", 15.0), 10.0)
    assert observe(seen, Record("one", 1, "5", 15.0), 20.0).since_s == 10.0
    assert observe(seen, Record("one", 1, "6", 15.0), 20.0).since_s == 20.0


def test_a_lease_of_another_is_not_written():
    assert wanted(Seen(Record("other", 4, "9", 15.0), 0.0), "me", 15.0, NOW, 14.0) is None


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("step"), st.sampled_from(["one", "two", "three"])),
            st.tuples(st.just("wait"), st.floats(0.1, 20.0)),
            st.tuples(st.just("down"), st.booleans()),
            st.tuples(st.just("lose"), st.booleans()),
        ),
        max_size=40,
    )
)
def test_never_two_hold_it_and_epochs_only_grow(moves):
    clock, server = Clock(), Server()
    leases = {name: lease_of(server, name, clock) for name in ("one", "two", "three")}
    highest = 0
    holders: dict[int, str] = {}
    for move, argument in moves:
        if move == "step":
            with suppress(Unavailable):
                step(leases[argument])
        elif move == "wait":
            clock.now_s += argument
        elif move == "down":
            server.down = argument
        else:
            server.loses_answers = argument
        held = [name for name, lease in leases.items() if lease.held]
        assert len(held) <= 1
        for name in held:
            assert leases[name].epoch >= highest
            highest = leases[name].epoch
            assert holders.setdefault(highest, name) == name
