"""Damage law, books or venue, run a scenario: the auditor, which knows nothing of them, must name what went wrong."""

import pytest

from alphatrade_runtime.market.schema import Control, Kind
from unit.risk.law_mutants import Mutant, damaged
from unit.risk.law_scenarios import SCENARIOS
from unit.risk.law_session import MID, TapeByHand, quotes, run, session, targets

pytestmark = pytest.mark.twin
TEN_LOTS = {"max_position_lots": 10, "max_order_lots": 20}


def of(name):
    """A scenario by its name."""
    return lambda: run(SCENARIOS[name].document, SCENARIOS[name].tape)


def odd_fees():
    terms = {**TEN_LOTS, "taker_fee_e7": 333, "lot_size": "0.001"}
    return run(session(targets((1, 1.0)), terms=terms), TapeByHand().quotes(4))


def held():
    return run(session(targets((1, 1.0)), terms={**TEN_LOTS, "taker_fee_e7": 450}), TapeByHand().quotes(4))


def funded():
    tape = TapeByHand().quotes(3).row(Kind.FUNDING, price=10_000).quote()
    return run(session(targets((1, 1.0)), terms=TEN_LOTS, funding="tape"), tape)


def still_resting():
    wish = quotes((1, MID - 5, 10, 0, 0))
    return run(session(wish, exchange={"entry_latency_ns": 0}), TapeByHand().quotes(2))


def halted():
    wish = quotes((1, MID - 5, 10, 0, 0), (4, MID - 6, 10, 0, 0))
    return run(session(wish), TapeByHand().quotes(2).control(Control.HALT).quotes(5))


def unasked(code, line):
    return ("risk.law", f"    util[_{code}] = {line}", f"    util[_{code}] = 0")


SEEN = {  # what is damaged: (module, old, new), a run, the rule that must name it
    "no price band": (
        unasked("PRICE_BAND", "outside_band(request, view, limits, band_bps)"),
        of("band_bid_above"),
        "PRICE_BAND",
    ),
    "no size": (unasked("SIZE", "bad_size(request, instrument)"), of("size_most_above"), "SIZE"),
    "no inventory": (
        unasked("INVENTORY", "too_much_inventory(after, instrument) if raises else 0"),
        of("inventory_above"),
        "INVENTORY",
    ),
    "no open orders": (
        unasked("OPEN_ORDERS", "too_many_open(request, exposure, limits)"),
        of("open_orders_above"),
        "OPEN_ORDERS",
    ),
    "no kill": (unasked("KILL", "kill_blocks(request, exposure, account)"), halted, "KILL"),
    "fees are not paid": (
        ("execution.orders", "account.cash -= side * value + fee", "account.cash -= side * value"),
        held,
        "CASH",
    ),
    "fees are wrong": (("execution.orders", "account.fees += fee", "account.fees += fee + 1"), held, "FEE"),
    "fees are rounded for us": (
        (
            "execution.orders",
            "return whole * rate_e7 - (-(part * rate_e7)) // 10_000_000 + flat_fee",
            "return whole * rate_e7 + flat_fee",
        ),
        odd_fees,
        "FEE",
    ),
    "fills do not move the position": (
        ("execution.orders", "exposure.position += side * qty", "exposure.position += side * (qty - 1)"),
        held,
        "POSITION",
    ),
    "marked twice": (
        (
            "execution.orders",
            "account.marked += side * qty * view.mark2 * instrument.half_mult",
            "account.marked += 2 * side * qty * view.mark2 * instrument.half_mult",
        ),
        held,
        "NAV",
    ),
    "turnover is not counted": (("risk.law", "account.turnover += value", "pass"), held, "TURNOVER"),
    "funding is not told": (("loop.rows", "account.funding += paid", "pass"), funded, "CASH"),
    "fills beyond the limit": (
        (
            "execution.exchange",
            "_FILL, order_id, i, side, price, lots, leaves, 0, 0)",
            "_FILL, order_id, i, side, price + 40 * side, lots, leaves, 0, 0)",
        ),
        held,
        "FILL_PRICE",
    ),
    "leaves are not told": (
        ("loop.emit", "    row.leaves = order.leaves\n", "    row.leaves = order.leaves + 1\n"),
        still_resting,
        "LEAVES",
    ),
    "an order changes sides": (
        ("loop.emit", "    row.side = order.side\n", "    row.side = order.side if event < 100 else -order.side\n"),
        still_resting,
        "ORDER_CHANGED",
    ),
}
CONTROLS = [held, odd_fees, funded, still_resting, halted]


@pytest.mark.parametrize("case", SEEN)
def test_the_auditor_names_what_was_damaged(case):
    (module, old, new), story, rule = SEEN[case]
    with damaged(Mutant(case, module, old, new, ())):
        found = {violation.rule for violation in story().violations}
    assert rule in found


@pytest.mark.parametrize("story", CONTROLS)
def test_the_auditor_finds_nothing_in_the_undamaged_run(story):
    assert story().violations == []
