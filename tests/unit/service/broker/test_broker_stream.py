"""Trade on the stream's clock over real gRPC: the bytes of a replay, once each, through restarts and renewals."""

import numpy as np
import pytest

from alphatrade_runtime.execution.broker.contract import BrokerLost
from alphatrade_runtime.execution.broker.exchange_log import read_commands, read_reports
from alphatrade_runtime.market.faults import InputError
from unit.execution.stepped_runs import NEVER, replayed
from unit.loop.made_tapes import made_rows, with_events
from unit.loop.mixed_sessions import mixed
from unit.service.broker.desk import SECOND, STRATEGY, serving

ROWS = with_events(made_rows(2_000, 7), 1)
DOCUMENT = mixed()


@pytest.fixture(scope="module")
def run():
    commands, reports, core = replayed(DOCUMENT, ROWS)
    return commands, reports, core


@pytest.fixture
def desk(tmp_path, issue):
    with serving(tmp_path / "data", issue, DOCUMENT, ROWS) as made:
        yield made


class Trader:
    """A client that sends commands before time passes them and counts what it gets."""

    def __init__(self, broker, commands, session_id="run-1"):
        self.broker, self.commands, self.session_id = broker, commands, session_id
        self.sent = 0
        self.got: list[np.ndarray] = []

    @property
    def reports(self):
        return np.concatenate(self.got) if self.got else np.zeros(0, np.uint8)

    def log_on(self):
        self.sent, missed = self.broker.logon(self.session_id, len(self.reports))
        if len(missed):
            self.got.append(missed)

    def go(self, cut):
        upto = int(np.searchsorted(self.commands["ts_ns"], cut, side="right"))
        if upto > self.sent:
            self.broker.send(self.commands[self.sent : upto], self.sent + 1)
            self.sent = upto
        made = self.broker.advance(cut)
        if len(made):
            self.got.append(made)


def cuts(commands, n=12):
    return [int(commands["ts_ns"][k]) for k in np.linspace(0, len(commands) - 1, n).astype(int)] + [NEVER]


def test_reports_over_the_wire_are_those_of_a_replay(desk, run):
    commands, reports, core = run
    trader = Trader(desk.stepped(), commands)
    trader.log_on()
    for cut in cuts(commands):
        trader.go(cut)
    assert bytes(trader.reports) == bytes(reports)
    totals = desk.gateway.account.totals()
    assert (totals.denied, totals.nav) == ({}, core[0].account[0].nav)
    books = trader.broker.settle([1, 1 << 40])[1]
    assert books.reports == len(reports)
    assert books.known == frozenset({1})
    assert books.positions == tuple(int(core[0].exposures[i].position) for i in range(7))
    folder = desk.folder / "sessions" / "11111111-0000-4000-8000-000000000000" / "run-1"
    assert len(read_commands(folder)) == len(commands)
    assert bytes(read_reports(folder)) == bytes(reports)


@pytest.mark.parametrize("what", ["client", "gateway", "both"])
def test_a_side_that_goes_away_and_comes_back_loses_and_doubles_nothing(desk, run, what):
    commands, reports, _ = run
    trader = Trader(desk.stepped(), commands)
    trader.log_on()
    for k, cut in enumerate(cuts(commands)):
        trader.go(cut)
        if k % 3 == 2:
            if what in ("client", "both"):
                trader.broker.close()
            if what in ("gateway", "both"):
                desk.restart()
                with pytest.raises(BrokerLost):
                    trader.broker.advance(cut)
            trader.log_on()
    assert bytes(trader.reports) == bytes(reports)


def test_a_link_that_ends_cancels_nothing_on_the_streams_clock(desk, run):
    commands, _, _ = run
    trader = Trader(desk.stepped(), commands)
    trader.log_on()
    trader.go(int(commands["ts_ns"][150]))
    working = trader.broker.settle([])[1].working
    assert working
    trader.broker.close()
    trader.log_on()
    assert trader.broker.settle([])[1].working == working


def test_reports_that_did_not_arrive_come_again(desk, run):
    commands, reports, _ = run
    trader = Trader(desk.stepped(), commands)
    trader.log_on()
    trader.go(int(commands["ts_ns"][150]))
    had = len(trader.reports)
    assert had > 20
    sent, missed = trader.broker.logon("run-1", 7)
    assert sent == trader.sent
    assert bytes(missed) == bytes(reports[7:had])


def test_commands_are_taken_once(desk, run):
    commands, reports, _ = run
    broker = desk.stepped()
    broker.logon("run-1", 0)
    broker.send(commands[:10], 1)
    broker.send(commands[5:20], 6)
    broker.send(commands[:20], 1)
    broker.send(commands[20:], 21)
    assert bytes(broker.advance(NEVER)) == bytes(reports)


def test_commands_with_a_gap_before_them_are_refused(desk, run):
    broker = desk.stepped()
    broker.logon("run-1", 0)
    broker.send(run[0][:10], 2)
    with pytest.raises(InputError, match="CommandsMissing: the gateway has 0 commands, these begin with 2"):
        broker.advance(NEVER)


def test_commands_that_are_others_than_before_are_refused(desk, run):
    broker = desk.stepped()
    broker.logon("run-1", 0)
    broker.send(run[0][:10], 1)
    changed = run[0][:10].copy()
    changed["price"][3] += 1
    broker.send(changed, 1)
    with pytest.raises(InputError, match="CommandsDiffer"):
        broker.advance(NEVER)


def test_a_second_link_of_a_session_takes_it_over(desk, run):
    commands, reports, _ = run
    first, second = Trader(desk.stepped(), commands), Trader(desk.stepped(), commands)
    first.log_on()
    first.go(int(commands["ts_ns"][100]))
    second.got = list(first.got)
    second.log_on()
    with pytest.raises(BrokerLost):
        first.go(int(commands["ts_ns"][120]))
    assert second.sent == 101
    second.go(NEVER)
    assert bytes(second.reports) == bytes(reports)


def test_two_strategies_trade_on_one_account(desk, run):
    commands, reports, _ = run
    traders = [Trader(desk.stepped(identity), commands, f"run-{k}") for k, identity in enumerate((STRATEGY, SECOND))]
    for trader in traders:
        trader.log_on()
    for cut in cuts(commands):
        for trader in traders:
            trader.go(cut)
    denied = desk.gateway.account.totals().denied
    assert denied  # together they are twice as large as one may be
    assert bytes(traders[0].reports) != bytes(reports)


def test_cancelling_all_ends_what_works(desk, run):
    commands, _, _ = run
    trader = Trader(desk.stepped(), commands)
    trader.log_on()
    trader.go(int(commands["ts_ns"][150]))
    assert len(trader.broker.cancel_all())
    assert trader.broker.settle([])[1].working == {}


def test_a_certificate_that_is_renewed_mid_session_loses_nothing(desk, run):
    commands, reports, _ = run
    trader = Trader(desk.stepped(), commands)
    trader.log_on()
    for k, cut in enumerate(cuts(commands)):
        if k in (3, 6, 9):
            desk.issue(STRATEGY)
            trader.broker._link._look_ns = 0
        trader.go(cut)
    assert bytes(trader.reports) == bytes(reports)
    assert trader.broker._link._generation == 4


def without_places(counters):
    """Return an account's counters without how far each session's market was read."""
    return {name: value for name, value in vars(counters).items() if name != "sessions"}


def test_an_account_with_one_client_is_the_same_after_any_number_of_restarts(tmp_path, issue, run):
    commands, reports, _ = run
    whole, killed = (
        serving(tmp_path / name, issue, DOCUMENT, ROWS, size=size) for name, size in (("a", 500), ("b", 37))
    )
    with whole as left, killed as right:
        for desk in (left, right):
            trader = Trader(desk.stepped(), commands)
            trader.log_on()
            for k, cut in enumerate(cuts(commands)):
                trader.go(cut)
                if desk is right and k % 2:
                    desk.gateway.keep_counters()
                    desk.restart()
                    trader.log_on()
            assert bytes(trader.reports) == bytes(reports)
        assert without_places(left.gateway.account.counters()) == without_places(right.gateway.account.counters())
        assert left.gateway.account.totals() == right.gateway.account.totals()


def test_two_sessions_come_back_with_all_that_they_had(desk, run):
    commands, _, _ = run
    traders = [Trader(desk.stepped(identity), commands, f"run-{k}") for k, identity in enumerate((STRATEGY, SECOND))]
    for trader in traders:
        trader.log_on()
    for cut in cuts(commands)[:6]:
        for trader in traders:
            trader.go(cut)
    before, had = desk.gateway.account.totals(), [bytes(trader.reports) for trader in traders]
    desk.restart()
    dormant = desk.gateway.account.totals()
    assert (dormant.positions, dormant.cash, dormant.working) == (before.positions, before.cash, before.working)
    for trader in traders:
        trader.log_on()
    after = desk.gateway.account.totals()
    assert (after.positions, after.cash, after.working, after.nav) == (
        before.positions, before.cash, before.working, before.nav,
    )  # fmt: skip
    assert (after.high_water, after.latched_reason) == (before.high_water, "")
    assert [bytes(trader.reports) for trader in traders] == had
    for trader in traders:
        trader.go(NEVER)
