"""The attributed share, counted by hand: every order that left counts, and each link is by id in storage."""

import pytest

from alphatrade_runtime.market.orders import Command, OrderState
from alphatrade_runtime.reflection.diary.attribution import ATTRIBUTED, LACKS, attribution, minded
from unit.reflection.minded_run import action, belief, candidate, order, probe, route, write

NO_CHOICE, NO_BELIEF, FEW_PROBES, NO_WORDS = LACKS

# Notional in 1e10 quanta: AAA (0) is worth 10,000 a tick·lot, BBB (1) 2,000,000.
ORDERS = [
    order(1, 1, qty=10, price=600_000),  # 6, attributed
    order(1, 1, qty=10, price=600_000, event=101, state=int(OrderState.ACCEPTED)),  # what became of it is no order
    order(2, 2, qty=2, price=30_000, instrument=1),  # 12, attributed with three probes
    order(3, 3, qty=5, price=600_000),  # 3, two probes
    order(4, 4, qty=1, price=600_000),  # 0.6, no belief
    order(5, 5, qty=1, price=600_000),  # 0.6, no choice
    order(6, 6, qty=99, price=600_000, state=int(OrderState.DENIED)),  # never left
    order(7, 1, qty=1, price=30_000, instrument=1),  # 6, the choice of that decision was another instrument's
    order(8, 8, qty=3, price=600_000),  # 1.8, its diary row is missing
    order(1, 9, qty=7, price=600_000, event=int(Command.CANCEL), state=int(OrderState.PENDING_CANCEL)),
]
ROWS = {
    "orders": ORDERS,
    "decisions": [action(made) for made in ORDERS if made["event"] == Command.NEW and made["order_id"] not in (6, 8)],
    "routes": [route(k, candidate(0), instrument=1 if k == 2 else 0) for k in (1, 2, 3, 4, 8)],
    "belief_snapshots": [belief(1), belief(2, 1), belief(3), belief(8), belief(4, 1)],
    "probes": [probe(1, 4), probe(2, 3, 1), probe(3, 2), probe(3, 6, 1), probe(4, 6), probe(5, 6), probe(8, 6)],
}


def test_a_hand_counted_run(tmp_path):
    found = attribution(write(tmp_path / "run", ROWS))
    assert found.orders == {ATTRIBUTED: 2, FEW_PROBES: 1, NO_BELIEF: 1, NO_CHOICE: 2, NO_WORDS: 1}
    assert found.notional == {
        ATTRIBUTED: 18 * 10**10, FEW_PROBES: 3 * 10**10, NO_BELIEF: 6 * 10**9, NO_CHOICE: 66 * 10**9,
        NO_WORDS: 18 * 10**9,
    }  # fmt: skip
    assert found.total == 7
    assert found.share == pytest.approx(2 / 7)
    assert found.notional_share == pytest.approx(0.6)


@pytest.mark.parametrize("known", range(7))
def test_an_order_with_fewer_than_three_probes_is_not_attributed(tmp_path, known):
    rows = {**ROWS, "orders": ORDERS[:1], "probes": [probe(1, known)]}
    found = attribution(write(tmp_path / "run", rows))
    assert found.orders == {ATTRIBUTED if known >= 3 else FEW_PROBES: 1}
    assert found.share == (1.0 if known >= 3 else 0.0)


@pytest.mark.parametrize(
    ("stream", "lack"), [("routes", NO_CHOICE), ("belief_snapshots", NO_BELIEF), ("probes", FEW_PROBES)]
)
def test_a_part_that_was_off_attributes_nothing(tmp_path, stream, lack):
    rows = {name: each for name, each in {**ROWS, "orders": ORDERS[:1]}.items() if name != stream}
    found = attribution(write(tmp_path / "run", rows))
    assert found.orders == {lack: 1}
    assert found.notional_share == 0.0


def test_probes_of_another_belief_do_not_count(tmp_path):
    rows = {**ROWS, "orders": ORDERS[:1], "probes": [{**probe(1, 6), "belief_id": 2}]}
    assert attribution(write(tmp_path / "run", rows)).orders == {FEW_PROBES: 1}


def test_a_run_without_orders_has_no_share(tmp_path):
    found = attribution(write(tmp_path / "run", {**ROWS, "orders": []}))
    assert (found.total, found.share, found.notional_share) == (0, None, None)


def test_only_a_run_with_an_understanding_loop_is_minded(tmp_path):
    assert minded(write(tmp_path / "with", {"drift": []}))
    assert not minded(write(tmp_path / "without", {}))
