"""The account's law over its sessions: what is denied, what never is, and that the account is their sum."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphatrade_runtime.execution.broker.account import Account
from alphatrade_runtime.execution.broker.account_store import AccountStore
from alphatrade_runtime.execution.broker.exchange_log import ExchangeLog
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.orders import Command, OrderFlag, Purpose, Report, TimeInForce
from alphatrade_runtime.market.schema import Status
from alphatrade_runtime.policy.document import parse_session
from alphatrade_runtime.risk.codes import Code
from unit.execution.account_stories import Desk, account_of, law_of, order, seat_of, told
from unit.execution.stepped_runs import NEVER, exchange_of, replayed, stepped
from unit.loop.made_tapes import made_rows, with_events
from unit.loop.mixed_sessions import mixed
from unit.risk.law_session import MID, NAV, SECOND_NS, START_NS, STEP_NS, TICK_LOT, TapeByHand, session, targets

DAY_NS = 86_400 * SECOND_NS
DENIED = 100
LATER_NS = START_NS + 6 * STEP_NS
ROWS = with_events(made_rows(2_000, 7), 1)


@pytest.fixture(scope="module")
def run():
    document = mixed()
    return document, *replayed(document, ROWS)


# With the strategy's own law


def test_a_strategy_within_its_limits_is_never_denied_by_an_account_of_the_same_template(run):
    document, commands, reports, core = run
    account = account_of(document)
    exchange = exchange_of(document, ROWS, seat=seat_of(account, document, ROWS))
    made = stepped(exchange, commands, range(START_NS, START_NS + 200 * SECOND_NS, SECOND_NS))
    assert bytes(made) == bytes(reports)
    totals = account.totals()
    assert (totals.denied, totals.latched_reason) == ({}, "")
    ours = core[0].account[0]
    assert (totals.cash, totals.fees, totals.turnover) == (ours.cash, ours.fees, ours.turnover)
    positions = {f"SIM-{i}": int(core[0].exposures[i].position) for i in range(7)}
    assert totals.positions == positions
    assert totals.working == sum(int(core[0].exposures[i].open_orders) for i in range(7))


def test_the_account_is_worth_what_its_strategy_is(run):
    document, commands, _, core = run
    account = account_of(document)
    stepped(exchange_of(document, ROWS, seat=seat_of(account, document, ROWS)), commands, [])
    assert account.totals().nav == core[0].account[0].nav
    assert account.totals().high_water >= NAV


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 400)), min_size=1, max_size=12))
@settings(max_examples=15)
def test_totals_are_the_sum_over_sessions(run, turns):
    document, commands, _, _ = run
    account = account_of(document)
    exchanges = [exchange_of(document, ROWS, seat=seat_of(account, document, ROWS, f"st/{k}")) for k in range(3)]
    sent, reports = [0, 0, 0], []
    for k, n in turns:
        span = commands[sent[k] : sent[k] + n]
        if len(span) == 0:
            continue
        exchanges[k].submit(span)
        sent[k] += n
        reports.append(exchanges[k].advance(int(span["ts_ns"].max())))
    terms = parse_session(document).policy.envelope.instruments
    fills = [r for span in reports for r in span if r["type"] == int(Report.FILL)]
    positions = [sum(int(f["qty"]) * int(f["side"]) for f in fills if f["instrument"] == i) for i in range(7)]
    totals = account.totals()
    assert list(totals.positions.values()) == positions
    value = sum(int(f["qty"]) * int(f["side"]) * int(f["price"]) * TICK_LOT for f in fills)
    fees = sum(_fee(f, terms[int(f["instrument"])]) for f in fills)
    assert totals.cash == NAV - value - fees
    assert totals.fees == fees
    assert totals.working == sum(len(exchange.state([]).working) for exchange in exchanges)
    working = account.gate[0].exposures
    for i in range(7):
        leaves = [o for e in exchanges for o in e._venue._resting() if o.instrument == i]
        assert working[i].working_buy == sum(int(o.leaves) for o in leaves if o.side > 0)
        assert working[i].working_sell == sum(int(o.leaves) for o in leaves if o.side < 0)


def _fee(fill, terms):
    value = int(fill["qty"]) * int(fill["price"]) * TICK_LOT
    rate = terms.maker_fee_e7 if fill["maker"] else terms.taker_fee_e7
    return -(-value * rate // 10_000_000)


# Denials


@pytest.mark.parametrize(
    ("limits", "terms", "code"),
    [
        ({"max_notional_bps": 9}, {}, Code.NOTIONAL),
        ({}, {"price": 2 * MID}, Code.PRICE_BAND),
        ({"max_net_exposure_bps": 9}, {}, Code.EXPOSURE),
        ({"max_leverage_bps": 9}, {}, Code.LEVERAGE),
        ({"max_turnover_min_bps": 9}, {}, Code.TURNOVER),
        ({"stop_bps": 10_000, "risk_per_trade_bps": 9}, {}, Code.RISK_PER_TRADE),
        ({}, {"qty": -5}, Code.SIZE),
        ({}, {"qty": 0}, Code.SIZE),
        ({}, {"qty": 2**62}, Code.SIZE),
        ({}, {"price": 0}, Code.SIZE),
        ({}, {"price": -(2**62)}, Code.SIZE),
        ({}, {"price": 2**62}, Code.SIZE),
        ({}, {"instrument": 1}, Code.SYMBOL),
        ({}, {"instrument": 65_000, "command": Command.CANCEL}, Code.SYMBOL),
    ],
)
def test_what_the_account_denies_is_rejected_with_its_code(limits, terms, code):
    desk = Desk(**limits)
    assert desk.send(5, **terms) == [("REJECTED", 1, DENIED + code)]
    assert desk.exchanges["st/a"].state([]).working == {}
    assert desk.account.totals().denied == {code.name: 1}
    assert desk.account.totals().positions == {"SIM-0": 0}


def test_all_sessions_together_keep_one_limit():
    desk = Desk(max_net_exposure_bps=15)
    assert desk.send(5)[-1] == ("FILL", 1, 0)
    assert desk.send(6, key="st/b") == [("REJECTED", 2, DENIED + Code.EXPOSURE)]
    assert desk.send(7, key="st/b", qty=4)[-1] == ("FILL", 3, 0)
    assert desk.account.totals().positions == {"SIM-0": 14}


def test_rates_are_those_of_all_sessions_that_are_on():
    desk = Desk(max_orders_per_s=3)
    for k in range(3):
        assert desk.send(5, key=f"st/{k}")[-1][0] == "FILL"
    assert desk.send(5, key="st/0") == [("REJECTED", 4, DENIED + Code.RATE)]
    desk.exchanges["st/1"]._seat.turn(False)
    assert desk.send(5, key="st/0")[-1][0] == "FILL"
    assert desk.send(5, key="st/2") == [("REJECTED", 6, DENIED + Code.RATE)]
    for k in (0, 2):
        assert desk.send(16, key=f"st/{k}")[-1][0] == "FILL"


def test_a_cancel_is_never_denied_and_an_amend_is_asked_for():
    desk = Desk(max_notional_bps=15)
    assert desk.send(5, tif=TimeInForce.GTC, price=MID - 3) == [("ACCEPTED", 1, 0)]
    amend = {"order_id": 1, "command": Command.AMEND, "price": MID - 3, "tif": TimeInForce.GTC}
    assert desk.send(6, **amend, qty=20) == [("AMEND_REJECTED", 1, DENIED + Code.NOTIONAL)]
    assert desk.send(7, **amend, qty=12) == [("AMENDED", 1, 0)]
    desk.account.put_law(None)
    assert desk.send(8, **amend, qty=13)[0][2] >= DENIED
    assert desk.send(9, order_id=1, command=Command.CANCEL) == [("CANCELED", 1, 0)]


def test_without_a_law_every_order_is_refused():
    desk = Desk()
    desk.send(5)
    desk.account.put_law(None)
    assert desk.send(6)[0][2] == DENIED + Code.KILL
    assert desk.send(7, side=-1, price=MID - 1)[0][2] == DENIED + Code.KILL  # also what would reduce
    flatten = {"side": -1, "price": MID - 1, "purpose": int(Purpose.FLATTEN)}
    assert desk.send(8, **flatten)[0][2] == DENIED + Code.SYMBOL
    desk.account.put_law(law_of(desk.document))
    assert desk.send(9, **flatten)[-1][0] == "FILL"


def test_what_raises_no_exposure_passes_above_a_tightened_limit():
    desk = Desk()
    desk.send(5, qty=10)
    desk.account.put_law(law_of(desk.document, max_net_exposure_bps=5, max_leverage_bps=5))
    assert desk.send(6, qty=1) == [("REJECTED", 2, DENIED + Code.EXPOSURE)]
    assert desk.send(7, side=-1, price=MID - 1, qty=1)[-1] == ("FILL", 3, 0)


def test_reduce_only_is_of_the_sessions_own_position_and_the_venue_tests_it():
    desk = Desk()
    desk.send(5, qty=10)
    desk.send(6, key="st/b", side=-1, price=MID - 1, qty=10)
    assert desk.account.totals().positions == {"SIM-0": 0}
    closing = {"side": -1, "price": MID - 1, "order_flags": int(OrderFlag.REDUCE_ONLY)}
    assert desk.send(7, **closing, qty=11) == [("REJECTED", 3, 2)]  # by the venue
    assert desk.send(8, **closing, qty=10)[-1] == ("FILL", 4, 0)


def test_a_halted_market_and_a_silent_one_are_the_accounts_too():
    halted = Desk(TapeByHand().quotes(5).status(Status.HALTED).quotes(20))
    assert halted.send(8) == [("REJECTED", 1, DENIED + Code.SESSION)]
    silent = Desk(TapeByHand().quotes(5).quote(dt=10 * SECOND_NS))
    assert silent.send(50) == [("REJECTED", 1, DENIED + Code.STALE)]


def test_a_client_order_id_is_used_once():
    desk = Desk()
    desk.send(5, order_id=7)
    assert desk.send(6, order_id=7) == [("REJECTED", 7, DENIED + Code.DUP)]


def test_instruments_of_a_later_law_join_and_those_it_leaves_out_are_refused():
    two = session(targets((1, 1.0)), n=2)
    desk = Desk()
    desk.send(5)
    desk.account.put_law(law_of(two))
    assert desk.account.symbols == ["SIM-0", "SIM-1"]
    assert desk.send(6)[-1][0] == "FILL"
    desk.account.put_law(law_of(session(targets((1, 1.0)), n=2, symbols=["SIM-1"])))
    assert desk.send(7) == [("REJECTED", 3, DENIED + Code.SYMBOL)]


def test_a_law_of_too_many_instruments_leaves_none_in_force():
    desk = Desk()
    with pytest.raises(InputError, match="65 instruments; an account holds 64"):
        desk.account.put_law(law_of(session(targets((1, 1.0)), n=65)))
    assert desk.send(5)[0][0] == "REJECTED"


@given(
    st.integers(-(2**63), 2**63 - 1), st.integers(-(2**63), 2**63 - 1), st.sampled_from([-1, 1]), st.integers(0, 4),
    st.sampled_from([Command.NEW, Command.AMEND]), st.integers(0, 3), st.integers(0, 2),
)  # fmt: skip
@settings(max_examples=150)
def test_the_law_answers_to_every_order_and_wrapped_numbers_open_nothing(
    desk_with_a_position, price, qty, side, tif, command, flags, purpose
):
    desk = desk_with_a_position
    desk.ids += 1
    order_id = desk.ids if command is Command.NEW else 1
    made = order(order_id, LATER_NS, side=side, price=price, qty=qty, tif=tif, command=command)
    made["order_flags"], made["purpose"] = flags, purpose
    before = desk.account.totals().positions["SIM-0"]
    desk.exchanges["st/a"].submit(made)
    reports = desk.exchanges["st/a"].advance(LATER_NS)
    assert len(reports) >= 1
    after = desk.account.totals().positions["SIM-0"]
    assert abs(after) <= max(abs(before), 50_000)
    if not 1 <= qty <= 100_000 and command is Command.NEW:
        assert told(reports) == [("REJECTED", order_id, DENIED + Code.SIZE)]


@pytest.fixture(scope="module")
def desk_with_a_position():
    desk = Desk()
    desk.send(5, qty=100)
    return desk


# Behind a kill


def test_a_rebuilt_session_decides_the_same(run, tmp_path):
    document, commands, _, _ = run
    tight = {"max_net_exposure_bps": 200, "max_orders_per_s": 4}

    def opened(log):
        account = account_of(document, **tight)
        return account, exchange_of(document, ROWS, log, seat=seat_of(account, document, ROWS))

    account, exchange = opened(None)
    whole = stepped(exchange, commands, [])
    denied = account.totals().denied
    assert denied.keys() >= {"EXPOSURE", "RATE"}
    made, sent = [], 0
    for k in (150, 151, 300, len(commands)):
        log = ExchangeLog(tmp_path)
        account, exchange = opened(log)
        exchange.submit(commands[sent:k])
        cut = int(commands["ts_ns"][k - 1]) if k < len(commands) else NEVER
        made.append(exchange.advance(cut))
        sent = k
        log.close()
    assert bytes(np.concatenate(made)) == bytes(whole)
    assert account.totals().denied == denied


def test_other_cash_than_the_account_began_with_is_refused(tmp_path):
    store = AccountStore(tmp_path)
    account = Account(NAV, store)
    account.keep(account.counters())
    with pytest.raises(InputError, match="delete the BrokerConnection and its volume"):
        Account(NAV + 1, store)
