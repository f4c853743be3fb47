"""The simulated exchange, rule by rule: queues, takers, time in force, flags, amends, refusals, times of reports."""

import pytest

from alphatrade_runtime.execution.venue_state import RING
from alphatrade_runtime.market.orders import OrderFlag, Reason, TimeInForce
from alphatrade_runtime.market.schema import Status
from unit.execution.venue_by_hand import Venue
from unit.risk.law_mutants import Mutant, damaged

pytestmark = pytest.mark.twin
IOC, FOK, GTC, AT_OPEN = TimeInForce.IOC, TimeInForce.FOK, TimeInForce.GTC, TimeInForce.AT_OPEN
POST, REDUCE = OrderFlag.POST_ONLY, OrderFlag.REDUCE_ONLY
BUY, SELL = 1, -1


def at_best(side=BUY, qty=5, **options):
    """An order of ours behind 10 displayed lots at the best of its side."""
    venue = Venue(**options).new(side, 100 if side > 0 else 102, qty)
    venue.take()
    return venue


# Resting: (what happens, lots ahead of us afterwards, fills)
QUEUE = {
    "joins_behind_what_is_displayed": (lambda v: v, 10, []),
    "a_trade_at_our_price_moves_us": (lambda v: v.trade(100, 4, SELL), 6, []),
    "a_trade_on_the_other_side_does_not": (lambda v: v.trade(100, 4, BUY), 10, []),
    "an_unsigned_trade_does_not": (lambda v: v.trade(100, 4, 0), 10, []),
    "exactly_what_stood_ahead_traded": (lambda v: v.trade(100, 10, SELL), 0, []),
    "one_more_reaches_us": (lambda v: v.trade(100, 11, SELL), 0, [(100, 1)]),
    "no_more_than_our_leaves": (lambda v: v.trade(100, 99, SELL), None, [(100, 5)]),
    "in_parts": (
        lambda v: v.trade(100, 12, SELL).trade(100, 2, SELL).trade(100, 2, SELL),
        None,
        [(100, 2), (100, 2), (100, 1)],
    ),
    "a_smaller_level_moves_us": (lambda v: v.quote(bid_size=3), 3, []),
    "a_larger_level_does_not": (lambda v: v.quote(bid_size=30), 10, []),
    "a_trade_through_fills_all_at_our_price": (lambda v: v.trade(99, 1, SELL), None, [(100, 5)]),
    "a_trade_above_does_nothing": (lambda v: v.trade(101, 99, SELL), 10, []),
    "the_opposite_best_at_our_price_fills_all": (lambda v: v.quote(98, 100), None, [(100, 5)]),
    "the_opposite_best_beyond_fills_at_our_price": (lambda v: v.quote(97, 99), None, [(100, 5)]),
    "the_level_emptied_and_came_back": (lambda v: v.quote(bid=99).quote(bid=100), 0, []),
    "a_better_bid_keeps_our_place": (lambda v: v.quote(bid=101).quote(bid=100, bid_size=20), 10, []),
    "a_crossed_quote_is_not_matched": (lambda v: v.quote(101, 99), 10, []),
    "an_empty_quote_is_not_matched": (lambda v: v.quote(0, 100), 10, []),
}


@pytest.mark.parametrize("case", QUEUE)
@pytest.mark.parametrize("model", ["risk_averse", "probabilistic"])
def test_resting_bid(case, model):
    happens, front, fills = QUEUE[case]
    venue = happens(at_best(model=model))
    if model == "probabilistic" and case == "a_smaller_level_moves_us":
        assert 0 <= venue.front <= 3
    elif front is not None:
        assert venue.front == front
    assert venue.fills() == fills
    assert venue.books[0].resting == (0 if front is None else 1)
    assert venue.books[0].position == sum(lots for _, lots in fills)


@pytest.mark.parametrize(
    ("happens", "fills"),
    [
        (lambda v: v.trade(102, 12, BUY), [(102, 2)]),
        (lambda v: v.trade(103, 1, BUY), [(102, 5)]),
        (lambda v: v.trade(102, 12, SELL), []),
        (lambda v: v.quote(102, 104), [(102, 5)]),
        (lambda v: v.quote(103, 104), [(102, 5)]),
    ],
)
def test_resting_ask_is_the_mirror(happens, fills):
    venue = happens(at_best(SELL))
    assert venue.fills() == fills
    assert venue.books[0].position == -sum(lots for _, lots in fills)


def test_inside_the_spread_nothing_stands_ahead():
    assert Venue().new(BUY, 101, 5).front == 0
    assert Venue().new(BUY, 101, 5).trade(101, 2, SELL).fills() == [(101, 2)]


def test_behind_the_best_we_wait_until_our_level_is_displayed():
    venue = Venue().new(BUY, 99, 5)
    assert venue.order().front_known == 0
    assert venue.trade(99, 50, SELL).fills() == []  # who stood ahead is not known
    venue.quote(bid=99, bid_size=7)
    assert (venue.order().front_known, venue.front) == (1, 7)
    assert venue.trade(99, 8, SELL).fills() == [(99, 1)]


def test_behind_the_best_with_depth_the_level_is_known():
    venue = Venue(ticks=64, quote=False).level(BUY, 100, 10).level(BUY, 99, 7).level(SELL, 102, 10).quote()
    assert venue.new(BUY, 99, 5).front == 7
    assert venue.level(BUY, 99, 3).front == 3
    assert venue.level(SELL, 99, 1).front == 3


def test_without_partial_fills_what_reaches_us_fills_all():
    assert at_best(partial=False).trade(100, 11, SELL).fills() == [(100, 5)]


def test_probabilistic_queue_moves_by_what_left_behind_the_trades():
    averse, probable = at_best(), at_best(model="probabilistic")
    for venue in (averse, probable):
        venue.quote(bid_size=30).trade(100, 2, SELL).quote(bid_size=20)  # 10 left, 2 of them by the trade
    assert averse.front == 8
    assert 0 < probable.front < 8
    counted = at_best(model="probabilistic").quote(bid_size=30).trade(100, 4, SELL).quote(bid_size=26)
    assert counted.front == 6  # the whole change was the trade: nothing more moves


# Takers against 102: 10 lots, on L1 one tick worse for each further 10
TAKING = [  # qty, limit, time in force: what is reported
    (10, 102, IOC, [("FILL", 102, 10, 0)]),
    (11, 102, IOC, [("FILL", 102, 10, 1), ("EXPIRED", 102, 0, Reason.NO_LIQUIDITY)]),
    (11, 103, IOC, [("FILL", 102, 10, 1), ("FILL", 103, 1, 0)]),
    (35, 110, IOC, [("FILL", 102, 10, 25), ("FILL", 103, 10, 15), ("FILL", 104, 10, 5), ("FILL", 105, 5, 0)]),
    (5, 101, IOC, [("EXPIRED", 101, 0, Reason.NO_LIQUIDITY)]),
    (10, 102, FOK, [("FILL", 102, 10, 0)]),
    (11, 102, FOK, [("EXPIRED", 102, 0, Reason.NO_LIQUIDITY)]),
    (20, 103, FOK, [("FILL", 102, 10, 10), ("FILL", 103, 10, 0)]),
    (5, 101, FOK, [("EXPIRED", 101, 0, Reason.NO_LIQUIDITY)]),
    (10, 102, GTC, [("ACCEPTED", 102, 0, 10), ("FILL", 102, 10, 0)]),
    (15, 102, GTC, [("ACCEPTED", 102, 0, 15), ("FILL", 102, 10, 5)]),
]


@pytest.mark.parametrize(("qty", "limit", "tif", "reported"), TAKING)
def test_taking(qty, limit, tif, reported):
    assert Venue().new(BUY, limit, qty, tif).take() == reported


def test_selling_walks_down():
    assert Venue().new(SELL, 98, 25, IOC).fills() == [(100, 10), (99, 10), (98, 5)]


def test_the_remainder_of_a_taking_gtc_rests_first_in_line():
    venue = Venue().new(BUY, 102, 15)
    venue.take()
    assert (venue.order().leaves, venue.front) == (5, 0)
    assert venue.quote(101, 103).fills() == []
    assert venue.trade(102, 2, SELL).fills() == [(102, 2)]
    assert venue.quote(100, 102).fills() == [(102, 3)]


def test_what_we_took_is_gone_until_the_next_quote():
    venue = Venue().new(BUY, 102, 7, IOC)
    assert venue.new(BUY, 103, 5, IOC).fills() == [(102, 7), (102, 3), (103, 2)]
    assert venue.new(BUY, 104, 10, IOC).fills() == [(103, 8), (104, 2)]
    assert venue.new(SELL, 100, 10, IOC).fills() == [(100, 10)]
    assert venue.quote().new(BUY, 102, 10, IOC).fills() == [(102, 10)]


def test_a_fok_counts_what_we_took():
    venue = Venue().new(BUY, 102, 7, IOC)
    venue.take()
    assert venue.new(BUY, 102, 4, FOK).take() == [("EXPIRED", 102, 0, Reason.NO_LIQUIDITY)]
    assert venue.new(BUY, 102, 3, FOK).fills() == [(102, 3)]


def test_l2_walk_takes_what_each_level_displays():
    venue = Venue(ticks=64, quote=False).level(SELL, 102, 10).level(SELL, 103, 4).level(SELL, 105, 50).quote()
    assert venue.new(BUY, 104, 20, IOC).fills() == [(102, 10), (103, 4)]
    assert venue.new(BUY, 106, 20, IOC).fills() == [(105, 20)]
    assert venue.new(BUY, 106, 40, IOC).fills() == [(105, 30)]


def test_without_partial_fills_a_taker_fills_at_the_best():
    assert Venue(partial=False).new(BUY, 102, 500, IOC).fills() == [(102, 500)]


FLAGGED = [  # side, price, flags, reported
    (BUY, 102, POST, [("EXPIRED", 102, 0, Reason.POST_ONLY_WOULD_TAKE)]),
    (SELL, 100, POST, [("EXPIRED", 100, 0, Reason.POST_ONLY_WOULD_TAKE)]),
    (BUY, 101, POST, [("ACCEPTED", 101, 0, 5)]),
    (SELL, 101, POST, [("ACCEPTED", 101, 0, 5)]),
]


@pytest.mark.parametrize(("side", "price", "flags", "reported"), FLAGGED)
def test_post_only(side, price, flags, reported):
    assert Venue().new(side, price, 5, GTC, flags).take() == reported


REDUCTIONS = [  # bought before, side, lots, accepted
    (5, SELL, 5, True),
    (5, SELL, 6, False),
    (5, BUY, 1, False),
    (0, SELL, 1, False),
    (-5, BUY, 5, True),
    (-5, BUY, 6, False),
]


@pytest.mark.parametrize(("held", "side", "lots", "accepted"), REDUCTIONS)
def test_reduce_only_is_asked_again_at_the_venue(held, side, lots, accepted):
    venue = Venue()
    if held:
        venue.new(1 if held > 0 else -1, 102 if held > 0 else 100, abs(held), IOC)
    venue.take()
    venue.new(side, 110 if side < 0 else 90, lots, GTC, REDUCE)
    assert venue.take() == [
        ("ACCEPTED", 110 if side < 0 else 90, 0, lots)
        if accepted
        else ("REJECTED", 110 if side < 0 else 90, 0, Reason.REDUCE_ONLY)
    ]


def test_reduce_only_counts_what_rests_on_its_side():
    venue = Venue().new(BUY, 102, 5, IOC).new(SELL, 103, 3)
    venue.take()
    assert venue.new(SELL, 104, 3, GTC, REDUCE).take() == [("REJECTED", 104, 0, Reason.REDUCE_ONLY)]
    assert venue.new(SELL, 104, 2, GTC, REDUCE).take() == [("ACCEPTED", 104, 0, 2)]
    assert venue.amend(104, 3).take() == [("AMEND_REJECTED", 104, 0, Reason.REDUCE_ONLY)]


REFUSED = {
    "duplicate id": (lambda v: v.new(BUY, 90, 1, order_id=1).new(BUY, 91, 1, order_id=1), Reason.DUPLICATE_ID),
    "halted": (lambda v: v.status(Status.HALTED).new(BUY, 90, 1), Reason.HALTED),
    "closed": (lambda v: v.status(Status.CLOSED).new(BUY, 90, 1), Reason.HALTED),
    "own ask at the price": (lambda v: v.new(SELL, 101, 1).new(BUY, 101, 1), Reason.SELF_TRADE),
    "own ask below the price": (lambda v: v.new(SELL, 101, 1).new(BUY, 102, 1, IOC), Reason.SELF_TRADE),
    "own bid above the price": (lambda v: v.new(BUY, 101, 1).new(SELL, 100, 1, IOC), Reason.SELF_TRADE),
    "full": (lambda v: [v.new(BUY, 90, 1) for _ in range(9)][-1], Reason.CAPACITY),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals(case):
    act, reason = REFUSED[case]
    reports = act(Venue()).take()
    assert (reports[-1][0], reports[-1][3]) == ("REJECTED", reason)
    assert [r for r in reports[:-1] if r[0] not in ("ACCEPTED", "FILL")] == []


def test_a_halt_ends():
    venue = Venue().status(Status.HALTED).status(Status.TRADING).new(BUY, 90, 1)
    assert venue.take() == [("ACCEPTED", 90, 0, 1)]


def test_orders_rest_and_are_canceled_through_a_halt():
    venue = at_best().status(Status.HALTED)
    assert venue.amend(99, 5).take() == [("AMEND_REJECTED", 100, 0, Reason.HALTED)]
    assert venue.cancel().take() == [("CANCELED", 100, 0, 0)]


def test_cancel_and_what_is_not_there():
    venue = at_best()
    assert venue.cancel().take() == [("CANCELED", 100, 0, 0)]
    assert venue.cancel().take() == [("CANCEL_REJECTED", 0, 0, Reason.UNKNOWN_ORDER)]
    assert venue.amend(99, 5).take() == [("AMEND_REJECTED", 0, 0, Reason.UNKNOWN_ORDER)]
    assert venue.trade(99, 50, SELL).fills() == []


AMENDING = [  # price, new total, reported, lots ahead after
    (100, 5, [("AMENDED", 100, 0, 5)], 6),
    (100, 3, [("AMENDED", 100, 0, 3)], 6),
    (100, 8, [("AMENDED", 100, 0, 8)], 10),
    (101, 5, [("AMENDED", 101, 0, 5)], 0),
    (101, 3, [("AMENDED", 101, 0, 3)], 0),
    (100, 0, [("CANCELED", 100, 0, 0)], None),
    (102, 5, [("AMENDED", 102, 0, 5), ("FILL", 102, 5, 0)], None),
]


@pytest.mark.parametrize(("price", "qty", "reported", "front"), AMENDING)
def test_amend_keeps_its_place_only_at_the_same_price_and_no_more_lots(price, qty, reported, front):
    venue = at_best().trade(100, 4, SELL)
    assert venue.amend(price, qty).take() == reported
    if front is None:
        assert venue.books[0].resting == 0
    else:
        assert venue.front == front


def test_an_amend_counts_what_was_filled():
    venue = at_best().trade(100, 12, SELL)  # 2 of 5 filled
    venue.take()
    assert venue.amend(101, 5).take() == [("AMENDED", 101, 0, 3)]
    assert venue.amend(101, 2).take() == [("CANCELED", 101, 0, 0)]


def test_an_amend_answers_to_post_only_and_the_self_trade_guard():
    venue = Venue().new(BUY, 100, 5, GTC, POST)
    venue.take()
    assert venue.amend(102, 5).take() == [("AMEND_REJECTED", 100, 0, Reason.POST_ONLY_WOULD_TAKE)]
    venue.new(SELL, 101, 1)
    venue.take()
    assert venue.amend(101, 5, order_id=1).take() == [("AMEND_REJECTED", 100, 0, Reason.SELF_TRADE)]
    assert venue.amend(99, 5, order_id=1).take() == [("AMENDED", 99, 0, 5)]


# Bars


def test_at_the_open_fills_at_the_open_whatever_its_limit():
    venue = Venue(quote=False).new(BUY, 100, 5, AT_OPEN)
    assert venue.take() == [("ACCEPTED", 100, 0, 5)]
    assert venue.bar(107, 110, 95).fills() == [(107, 5)]
    assert venue.books[0].position == 5


@pytest.mark.parametrize(
    ("side", "high", "low", "fills"),
    [(BUY, 105, 99, [(100, 5)]), (BUY, 105, 100, []), (SELL, 101, 95, [(100, 5)]), (SELL, 100, 95, [])],
)
def test_a_limit_fills_only_in_a_bar_that_went_through_it(side, high, low, fills):
    venue = Venue(quote=False).new(side, 100, 5)
    venue.take()
    assert venue.bar(102 if side > 0 else 98, high, low).fills() == fills


# Times


def test_reports_arrive_sorted_and_after_the_response_latency():
    venue = Venue(response_ns=50).new(BUY, 102, 25, GTC)
    state = venue.state[0]
    reports = [venue.reports[k % RING] for k in range(state.head, state.tail)]
    assert {int(r.ts_ns - r.exch_ts_ns) for r in reports} == {50}
    assert [int(r.ts_ns) for r in reports] == sorted(int(r.ts_ns) for r in reports)
    assert [int(r.exec_id) for r in reports if r.exec_id] == [1]


def test_a_bar_reports_fills_of_its_open_before_those_of_its_close():
    venue = Venue(quote=False).new(BUY, 90, 1).new(BUY, 100, 5, AT_OPEN)
    venue.take()
    assert venue.bar(95, 99, 80).fills() == [(95, 5), (90, 1)]


def _venue_mutant(name, old, new, test, *arguments):
    return Mutant(name, "execution.exchange", old, new, (test, *arguments))


MUTANTS = [
    _venue_mutant(
        "no_self_trade_guard",
        "return _SELF_TRADE if _meets_own(book, resting, i, command.side, command.price) else 0",
        "return 0",
        "test_refusals",
        "own ask at the price",
    ),
    _venue_mutant(
        "halts_are_ignored",
        "    if book.halted != 0:\n        return _HALTED\n    if (command.",
        "    if (command.",
        "test_refusals",
        "halted",
    ),
    _venue_mutant(
        "ids_repeat",
        "    if command.order_id <= venue.max_order_id:\n        return _DUPLICATE\n",
        "",
        "test_refusals",
        "duplicate id",
    ),
    _venue_mutant(
        "post_only_takes",
        "if takes and (command.order_flags & _POST_ONLY) != 0:",
        "if False:",
        "test_post_only",
        *FLAGGED[0],
    ),
    _venue_mutant(
        "reduce_only_is_not_asked",
        "if (command.order_flags & _REDUCE_ONLY) != 0 and",
        "if False and",
        "test_reduce_only_is_asked_again_at_the_venue",
        *REDUCTIONS[1],
    ),
    _venue_mutant("fok_fills_in_parts", "if command.tif == _FOK and", "if False and", "test_taking", *TAKING[6]),
    _venue_mutant(
        "ioc_rests",
        "    if command.tif == _GTC:\n        _rest(",
        "    if True:\n        _rest(",
        "test_taking",
        *TAKING[1],
    ),
    _venue_mutant(
        "liquidity_is_endless", "gone = min(taken, shown)", "gone = 0", "test_what_we_took_is_gone_until_the_next_quote"
    ),
    _venue_mutant("taken_stays_gone", "    book.taken_ask = 0\n", "", "test_what_we_took_is_gone_until_the_next_quote"),
    _venue_mutant("no_worse_price_on_l1", "price = best + side * level", "price = best", "test_taking", *TAKING[3]),
    _venue_mutant(
        "trades_of_either_side_fill",
        "if order.side == -aggressor:",
        "if True:",
        "test_resting_bid",
        "a_trade_on_the_other_side_does_not",
        "risk_averse",
    ),
    _venue_mutant(
        "no_trade_through",
        "            if through:\n",
        "            if False:\n",
        "test_resting_bid",
        "a_trade_through_fills_all_at_our_price",
        "risk_averse",
    ),
    _venue_mutant(
        "touch_does_not_fill",
        "crossed = book.ask <= order.price",
        "crossed = False",
        "test_resting_bid",
        "the_opposite_best_at_our_price_fills_all",
        "risk_averse",
    ),
    _venue_mutant(
        "amends_keep_their_place",
        "if command.price == order.price and leaves <= order.leaves:",
        "if True:",
        "test_amend_keeps_its_place_only_at_the_same_price_and_no_more_lots",
        *AMENDING[2],
    ),
    _venue_mutant(
        "smaller_amends_lose_it",
        "if command.price == order.price and leaves <= order.leaves:",
        "if False:",
        "test_amend_keeps_its_place_only_at_the_same_price_and_no_more_lots",
        *AMENDING[1],
    ),
    _venue_mutant(
        "limits_fill_at_the_touch_of_a_bar",
        "through = low < order.price",
        "through = low <= order.price",
        "test_a_limit_fills_only_in_a_bar_that_went_through_it",
        BUY,
        105,
        100,
        [],
    ),
    Mutant(
        "queues_are_empty",
        "execution.queues",
        "    order.front = float(displayed)\n    order.traded = 0.0\n",
        "    order.front = 0.0\n    order.traded = 0.0\n",
        ("test_resting_bid", "a_trade_at_our_price_moves_us", "risk_averse"),
    ),
    Mutant(
        "trades_are_counted_twice",
        "execution.queues",
        "change = previous - displayed - order.traded",
        "change = previous - displayed",
        ("test_probabilistic_queue_moves_by_what_left_behind_the_trades",),
    ),
    Mutant(
        "unknown_levels_are_empty",
        "execution.queues",
        "    if order.front_known == 0:\n        return 0\n",
        "",
        ("test_behind_the_best_we_wait_until_our_level_is_displayed",),
    ),
]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_removal_from_the_venue_is_caught(mutant):
    test, *arguments = mutant.caught_by
    globals()[test](*arguments)
    with damaged(mutant), pytest.raises(AssertionError):
        globals()[test](*arguments)
