"""Turns: no tenant's flood delays another's key by more than a number of keys that the flood does not change."""

from hypothesis import given
from hypothesis import strategies as st

from alphatrade_operator.core.lanes import URGENT_RUN, Lanes
from alphatrade_operator.core.queue import KeyQueue

TENANTS = "abcde"
KEYS = st.lists(st.tuples(st.sampled_from(TENANTS), st.booleans(), st.integers(0, 10_000)), unique=True)


def lanes_of(keys):
    lanes: Lanes[tuple[str, bool, int]] = Lanes(tenant=lambda key: key[0], urgent=lambda key: key[1])
    for key in keys:
        lanes.put(key)
    return lanes


def drained(lanes):
    return list(iter(lanes.take, None))


@given(KEYS)
def test_each_key_gets_its_turn_once(keys):
    assert sorted(drained(lanes_of(keys))) == sorted(keys)


@given(KEYS)
def test_keys_of_one_tenant_and_lane_come_in_the_order_in_which_they_came(keys):
    came, went = [], []
    for tenant in TENANTS:
        for urgent in (True, False):
            came.append([key for key in keys if key[:2] == (tenant, urgent)])
    taken = drained(lanes_of(keys))
    for tenant in TENANTS:
        for urgent in (True, False):
            went.append([key for key in taken if key[:2] == (tenant, urgent)])
    assert went == came


@given(KEYS, st.integers(0, 10_000), st.booleans(), st.integers(0, 300))
def test_a_flood_delays_a_lone_key_by_a_bounded_number_of_keys(keys, others_taken, urgent, flood):
    others = [key for key in keys if key[0] != "e"] + [("a", n % 2 == 0, -1 - n) for n in range(flood)]
    lanes = lanes_of(others)
    for _ in range(min(others_taken, len(others))):
        lanes.take()
    mine = ("e", urgent, 1)
    lanes.put(mine)
    most = (len(TENANTS) + 1) if urgent else len(TENANTS) * (URGENT_RUN + 1)
    assert mine in drained(lanes)[: most + 1]


@given(KEYS)
def test_who_takes_urgent_keys_only_leaves_the_rest(keys):
    lanes = lanes_of(keys)
    urgent = list(iter(lambda: lanes.take(urgent_only=True), None))
    assert sorted(urgent) == sorted(key for key in keys if key[1])
    assert sorted(drained(lanes)) == sorted(key for key in keys if not key[1])


@given(st.integers(1, 500), st.integers(1, 5))
def test_in_the_queue_too_a_flood_is_passed_by(flood, again):
    queue: KeyQueue[tuple[str, bool, int]] = KeyQueue(lambda: 0.0, lambda: 0.0, lambda key: key[0], lambda key: key[1])
    for _ in range(again):
        for n in range(flood):
            queue.add(("a", False, n))
    queue.add(("b", False, 0))
    queue.add(("c", True, 0))
    taken = [queue.take() for _ in range(3)]
    assert taken[0] == ("c", True, 0)
    assert ("b", False, 0) in taken
    assert len(queue) == flood + 2
