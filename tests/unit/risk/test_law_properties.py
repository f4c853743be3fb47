"""The law as a function: total, exact, in order; money and reservations hold whatever fills arrive."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphatrade_runtime.execution.orders import book_fill, fee_of
from alphatrade_runtime.market.orders import OrderFlag, Purpose, TimeInForce
from alphatrade_runtime.market.schema import Control, Status
from alphatrade_runtime.market.view import INSTRUMENT_DTYPE, VIEW_DTYPE
from alphatrade_runtime.risk import law
from alphatrade_runtime.risk.codes import CODE_COUNT, Code, KillState
from alphatrade_runtime.risk.state import (
    ACCOUNT_DTYPE,
    EXPOSURE_DTYPE,
    LIMITS_DTYPE,
    RATE_RING,
    REDUCE_BREAK,
    REDUCE_DAY_DRAWDOWN,
    REQUEST_DTYPE,
)

N = 2
ANY = st.integers(-(2**63), 2**63 - 1)
LOTS = st.integers(0, 2**20)
SECOND = 10**9


def rows(dtype, n=1):
    return np.zeros(n, dtype).view(np.recarray)


class Asked:
    """Everything that the law reads, with values under which any sane order passes."""

    def __init__(self):
        self.request = rows(REQUEST_DTYPE)[0]
        self.exposures, self.views = rows(EXPOSURE_DTYPE, N), rows(VIEW_DTYPE, N)
        self.instruments, self.ring = rows(INSTRUMENT_DTYPE, N), np.zeros(RATE_RING, np.int64)
        self.limits, self.account = rows(LIMITS_DTYPE)[0], rows(ACCOUNT_DTYPE)[0]
        self.util = np.full(CODE_COUNT, 7, np.uint16)
        for view, instrument in zip(self.views, self.instruments):
            view.bid, view.ask, view.mark2, view.quote_ts = 9_999, 10_001, 20_000, 100 * SECOND
            view.status = int(Status.TRADING)
            instrument.mult, instrument.half_mult, instrument.allowed = 10**6, 5 * 10**5, 1
            instrument.max_quote_age_ns, instrument.max_position = SECOND, 1_000
            instrument.max_order, instrument.min_order, instrument.initial_margin_bps = 1_000, 1, 1_000
        for name in LIMITS_DTYPE.names or ():
            if name != "bar_mode":
                setattr(self.limits, name, 10_000)
        self.limits.stream_stale_ns = SECOND
        self.limits.max_orders_per_s = self.limits.max_orders_per_min = 100
        account = self.account
        account.now = account.stream_ts = 100 * SECOND
        account.nav = account.cash = 10**14
        account.session_open, account.flatten_slippage_bps = 1, 50
        request = self.request
        request.side, request.price, request.qty, request.extra, request.order_id = 1, 10_000, 10, 10, 1
        request.ref2 = 20_000

    def ask(self):
        market = (self.views, self.instruments, N)
        return law.check(self.request, self.exposures, *market, self.limits, self.account, self.ring, self.util)


@pytest.mark.twin
def test_a_sane_order_passes():
    assert Asked().ask() == Code.ACCEPT


@pytest.mark.twin
@pytest.mark.parametrize(
    ("spend", "room", "code"),
    [(0, 0, Code.ACCEPT), (0, -5, Code.BUDGET), (5, 5, Code.ACCEPT), (6, 5, Code.BUDGET), (1, 0, Code.BUDGET)],
)
def test_an_exploring_order_answers_to_what_the_budget_has_left(spend, room, code):
    asked = Asked()
    asked.request.spend, asked.request.room = spend, room
    assert asked.ask() == code
    assert (asked.util[Code.BUDGET] > law.FULL) == (code == Code.BUDGET)


def _scribble(record, data, skip=()):
    for name in record.dtype.names:
        if name not in skip and record.dtype[name].shape == ():
            info = np.iinfo(record.dtype[name])
            low, high = int(info.min), int(info.max)
            number = st.one_of(st.integers(max(low, -2), 3), st.integers(low, high))
            setattr(record, name, data.draw(number, label=name))


@pytest.mark.twin
@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning", "ignore:invalid value:RuntimeWarning")
@settings(max_examples=80)
@given(data=st.data())
def test_any_numbers_at_all_get_a_code_that_is_the_first_failing_one(data):
    asked = Asked()
    _scribble(asked.request, data, skip=("instrument", "purpose"))
    asked.request.instrument = data.draw(st.integers(0, N - 1))
    asked.request.purpose = data.draw(st.sampled_from([Purpose.TRADE, Purpose.REDUCE]))
    for record in (*asked.exposures, *asked.views, *asked.instruments, asked.limits):
        _scribble(record, data)
    counters = ("now", "rate_head", "rate_tail_s", "rate_tail_min", "turn_s_at", "turn_min_at")
    _scribble(asked.account, data, skip=counters)
    code = asked.ask()
    above = [k for k in range(CODE_COUNT) if asked.util[k] > law.FULL]
    assert code == (above[0] if above else Code.ACCEPT)


@pytest.mark.twin
@given(observed=st.integers(-(2**62), 2**62), limit=st.integers(-(2**62), 2**62))
def test_utilisation_is_above_full_exactly_above_the_limit(observed, limit):
    share = law.utilisation(np.int64(observed), np.int64(limit))
    assert (share > law.FULL) == (observed > limit)
    assert 0 <= share <= law.CAP


@pytest.mark.twin
@given(limit=st.integers(1, 2**60), k=st.integers(-3, 3))
def test_utilisation_at_the_limit_is_full(limit, k):
    share = law.utilisation(np.int64(max(limit + k, 0)), np.int64(limit))
    assert (share > law.FULL) == (k > 0)


@pytest.mark.twin
@settings(max_examples=200)
@given(a=st.integers(-(2**62), 2**62), b=st.integers(-(2**40), 2**40), c=st.integers(1, 2**30))
def test_a_product_is_exact_or_held_at_the_bound(a, b, c):
    exact = a * b * c
    got = law.product(np.int64(a), np.int64(b), np.int64(c))
    if abs(exact) < 2**59:
        assert got == exact
    else:
        assert abs(got) >= 2**59
        assert (got > 0) == (exact > 0)


def _worst(position, buys, sells):
    up, down = position + buys, position - sells
    return (abs(up), 1 if up >= 0 else -1) if abs(up) >= abs(down) else (abs(down), 1 if down >= 0 else -1)


def _expected(asked):
    """The money codes again, in Python's unbounded integers and from the text of the law alone."""
    request, account, limits = asked.request, asked.account, asked.limits
    i, side, extra = int(request.instrument), int(request.side), int(request.extra)
    nav = int(account.nav)
    net = gross = margin = 0
    raises = False
    for k in range(N):
        exposure, instrument, view = asked.exposures[k], asked.instruments[k], asked.views[k]
        position, buys, sells = int(exposure.position), int(exposure.working_buy), int(exposure.working_sell)
        before, _ = _worst(position, buys, sells)
        if k == i:
            buys, sells = buys + extra * (side > 0), sells + extra * (side < 0)
        worst, sign = _worst(position, buys, sells)
        if k == i:
            raises, worst_here = worst > before, worst
        value = worst * int(view.mark2) * int(instrument.half_mult)
        net, gross = net + sign * value, gross + value
        margin += -(-value // 10_000) * int(instrument.initial_margin_bps)
    share = {name: nav // 10_000 * int(limits[name]) for name in LIMITS_DTYPE.names or ()}
    value = int(request.qty) * int(request.price) * int(asked.instruments[i].mult)
    instrument = asked.instruments[i]
    distance = abs(2 * int(request.price) - int(request.ref2)) * 10_000
    taking = request.tif != TimeInForce.GTC or (
        request.price >= asked.views[i].ask if side > 0 else request.price <= asked.views[i].bid
    )
    band = int(limits.band_marketable_bps if taking else limits.band_limit_bps)
    if not int(instrument.min_order) <= request.qty <= int(instrument.max_order):
        return Code.SIZE
    if value > share["max_notional_bps"]:
        return Code.NOTIONAL
    if distance > band * int(request.ref2):
        return Code.PRICE_BAND
    if raises and worst_here > int(instrument.max_position):
        return Code.INVENTORY
    if raises and abs(net) > share["max_net_exposure_bps"]:
        return Code.EXPOSURE
    if raises and gross > share["max_leverage_bps"]:
        return Code.LEVERAGE
    if raises and margin > nav:
        return Code.MARGIN
    if raises and value > share["max_turnover_min_bps"]:
        return Code.TURNOVER
    if raises and -(-value // 10_000) * int(limits.stop_bps) > share["risk_per_trade_bps"]:
        return Code.RISK_PER_TRADE
    return Code.ACCEPT


@pytest.mark.twin
@settings(max_examples=200)
@given(data=st.data())
def test_the_money_codes_are_what_unbounded_integers_say(data):
    asked = Asked()
    draw = data.draw
    request = asked.request
    request.instrument, request.side = draw(st.integers(0, N - 1)), draw(st.sampled_from([-1, 1]))
    request.qty = request.extra = draw(st.integers(1, 1_100))
    request.price = draw(st.integers(9_900, 10_100))
    request.tif = draw(st.sampled_from([TimeInForce.GTC, TimeInForce.IOC]))
    for exposure in asked.exposures:
        exposure.position = draw(st.integers(-1_000, 1_000))
        exposure.working_buy, exposure.working_sell = draw(st.integers(0, 500)), draw(st.integers(0, 500))
    for name, most in (
        ("max_notional_bps", 2_000), ("max_net_exposure_bps", 2_000), ("max_leverage_bps", 3_000),
        ("max_turnover_min_bps", 2_000), ("risk_per_trade_bps", 20), ("stop_bps", 200), ("band_limit_bps", 120),
        ("band_marketable_bps", 60),
    ):  # fmt: skip
        asked.limits[name] = draw(st.integers(1, most), label=name)
    for instrument in asked.instruments:
        instrument.initial_margin_bps = draw(st.sampled_from([0, 1_000, 100_000]))
    asked.limits.max_turnover_hour_bps = 1_000_000
    assert asked.ask() == _expected(asked)


@pytest.mark.twin
@pytest.mark.parametrize(("qty", "price", "mult"), [
    (2**33, 2**31, 2), (3_000_000_000, 1_000_000, 6_148), (2**47, 2**47, 10**6), (1, 2**48, 2**40),
])  # fmt: skip
def test_an_order_too_large_to_count_never_passes(qty, price, mult):
    asked = Asked()
    asked.request.qty = asked.request.extra = qty
    asked.request.price, asked.request.ref2 = price, 2 * price
    asked.instruments[0].mult, asked.instruments[0].half_mult = mult, mult // 2
    asked.instruments[0].max_order = asked.instruments[0].max_position = 2**48
    asked.limits.max_notional_bps = 10_000_000
    assert asked.ask() == Code.NOTIONAL


@pytest.mark.twin
@pytest.mark.parametrize("price", [0, -1, 2**48 + 1, 2**62, 2**63 - 1])
def test_no_price_that_no_market_has(price):
    asked = Asked()
    asked.request.price = price
    with np.errstate(over="ignore"):
        assert asked.ask() == Code.SIZE


REDUCING = [  # position, working buys, working sells, side, extra: may it pass reduce-only?
    (10, 0, 0, -1, 10, True), (10, 0, 0, -1, 11, False), (10, 0, 4, -1, 6, True), (10, 0, 4, -1, 7, False),
    (10, 0, 0, 1, 1, False), (-10, 0, 0, 1, 10, True), (-10, 4, 0, 1, 7, False), (-10, 0, 0, -1, 1, False),
    (0, 0, 0, 1, 1, False), (0, 0, 0, -1, 1, False), (10, 99, 0, -1, 10, True),
]  # fmt: skip
HOLDS = {
    "flag": (lambda a: setattr(a.request, "order_flags", int(OrderFlag.REDUCE_ONLY)), Code.INVENTORY),
    "break": (lambda a: setattr(a.account, "reduce_only", REDUCE_BREAK), Code.INVENTORY),
    "day": (lambda a: setattr(a.account, "reduce_only", REDUCE_DAY_DRAWDOWN), Code.DRAWDOWN),
    "both": (lambda a: setattr(a.account, "reduce_only", REDUCE_DAY_DRAWDOWN | REDUCE_BREAK), Code.INVENTORY),
    "kill": (lambda a: _kill(a, Control.REDUCE), Code.KILL),
}


def _kill(asked, mode):
    asked.account.kill_state, asked.account.kill_mode = int(KillState.TRIPPED), int(mode)


@pytest.mark.twin
@pytest.mark.parametrize("hold", HOLDS)
@pytest.mark.parametrize(("position", "buys", "sells", "side", "extra", "passes"), REDUCING)
def test_reduce_only_counts_same_side_leaves(position, buys, sells, side, extra, passes, hold):
    asked = Asked()
    asked.exposures[0].position, asked.exposures[0].working_buy, asked.exposures[0].working_sell = position, buys, sells
    asked.request.side, asked.request.qty, asked.request.extra = side, extra, extra
    engage, code = HOLDS[hold]
    engage(asked)
    assert asked.ask() == (Code.ACCEPT if passes else code)


AMENDS = [  # leaves now, wanted leaves: lots asked of SIZE and NOTIONAL, lots beyond those reserved
    (10, 10, 10, 0),
    (10, 15, 15, 5),
    (10, 4, 10, 0),
]


@pytest.mark.twin
@pytest.mark.parametrize(("leaves", "wanted", "asked_lots", "extra"), AMENDS)
def test_amend_is_asked_with_the_larger_of_old_and_new(leaves, wanted, asked_lots, extra):
    from alphatrade_runtime.loop import act
    from alphatrade_runtime.loop.build import build
    from alphatrade_runtime.policy.document import parse_session
    from unit.risk.law_session import quotes, session

    core = build(parse_session(session(quotes())), None, bar_mode=False)
    c = core[0]
    c.views[0].mark2, c.views[0].bid, c.views[0].ask, c.views[0].quote_ts = 20_000, 9_999, 10_001, 1
    c.account[0].now = c.account[0].stream_ts = 1
    act.send_new(c, 0, 1, 9_990, leaves, int(TimeInForce.GTC), 0, int(Purpose.TRADE))
    slot = c.active[0, 0]
    c.slots[slot].state = 3
    act.send_amend(c, 0, slot, 9_991, wanted)
    assert (c.request[0].qty, c.request[0].extra) == (asked_lots, extra)
    assert c.exposures[0].working_buy == leaves + extra
    assert c.loop[0].denied == 0


@pytest.mark.twin
def test_a_day_drawdown_lets_an_amend_of_a_raising_order_not_pass():
    asked = Asked()
    asked.request.is_amend, asked.request.extra = 1, 0
    asked.exposures[0].working_buy = asked.exposures[0].position = 10
    asked.account.reduce_only = REDUCE_DAY_DRAWDOWN
    assert asked.ask() == Code.DRAWDOWN


FLATTEN_FAULTS = {
    Code.ACCEPT: lambda a: None,
    Code.SYMBOL: lambda a: setattr(a.instruments[0], "allowed", 0),
    Code.SIZE: lambda a: setattr(a.instruments[0], "max_order", 9),
    Code.PRICE_BAND: lambda a: setattr(a.request, "price", 9_949),
    Code.INVENTORY: lambda a: setattr(a.exposures[0], "position", 9),
    Code.DUP: lambda a: setattr(a.account, "max_order_id", 1),
}


@pytest.mark.twin
@pytest.mark.parametrize("code", FLATTEN_FAULTS, ids=lambda code: code.name)
def test_a_flatten_answers_to_its_five_checks_only(code):
    asked = Asked()
    _kill(asked, Control.FLATTEN)
    asked.exposures[0].position = 10
    asked.request.side, asked.request.price = -1, 9_950
    asked.request.purpose, asked.request.order_flags = int(Purpose.FLATTEN), int(OrderFlag.REDUCE_ONLY)
    asked.views[0].status, asked.views[0].quote_ts, asked.account.nav = int(Status.HALTED), 0, -1
    asked.limits.max_open_orders = asked.limits.max_orders_per_s = asked.limits.max_notional_bps = 0
    asked.account.reduce_only = REDUCE_DAY_DRAWDOWN | REDUCE_BREAK
    FLATTEN_FAULTS[code](asked)
    assert asked.ask() == code


@pytest.mark.twin
@pytest.mark.parametrize("blind", ["kill", "session", "stale", "rate", "open"])
def test_the_same_order_to_trade_does_not_pass(blind):
    asked = Asked()
    asked.exposures[0].position = 10
    asked.request.side = -1
    {
        "kill": lambda: _kill(asked, Control.FLATTEN),
        "session": lambda: setattr(asked.views[0], "status", int(Status.CLOSED)),
        "stale": lambda: setattr(asked.views[0], "quote_ts", 0),
        "rate": lambda: setattr(asked.limits, "max_orders_per_s", 0),
        "open": lambda: setattr(asked.limits, "max_open_orders", 0),
    }[blind]()
    assert asked.ask() != Code.ACCEPT


@pytest.mark.twin
@settings(max_examples=200)
@given(
    rate=st.integers(-1_000, 10_000), flat=st.integers(0, 10**9),
    value=st.one_of(st.integers(0, 2**60), st.integers(0, 10**9)),
)  # fmt: skip
def test_a_fee_is_exact_and_rounded_against_us(rate, flat, value):
    assert fee_of(value, rate, flat) == -(-value * rate // 10**7) + flat


@pytest.mark.twin
@settings(max_examples=100)
@given(
    fills=st.lists(
        st.tuples(st.sampled_from([-1, 1]), st.integers(1, 50), st.integers(9_000, 11_000), st.booleans()), max_size=30
    ),
    mark2=st.integers(18_000, 22_000),
)
def test_money_is_conserved_by_fills(fills, mark2):
    asked = Asked()
    account, exposure, view, instrument = asked.account, asked.exposures[0], asked.views[0], asked.instruments[0]
    view.mark2, instrument.maker_fee_e7, instrument.taker_fee_e7, instrument.flat_fee = mark2, -50, 450, 7
    start = int(account.cash)
    spent = paid = turned = position = 0
    for side, qty, price, maker in fills:
        paid += book_fill(account, exposure, view, instrument, side, price, qty, maker, 1)
        spent += side * qty * price * 10**6
        turned += qty * price * 10**6
        position += side * qty
        assert account.cash == start - spent - paid
        assert account.nav == account.cash + position * mark2 * 500_000
    assert (exposure.position, account.fees, account.turnover) == (position, paid, turned)
    assert account.turn_minute == account.turn_hour == turned
