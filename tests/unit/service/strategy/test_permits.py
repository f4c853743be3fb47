"""The keeper of a permit on a clock of its own: when it asks, what ends a permit, whose word it takes."""

from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from hypothesis import given
from hypothesis import strategies as st

from alphatrade.v1.permits_pb2 import RenewPermitResponse
from alphatrade_runtime.loop.permit import Permit
from alphatrade_runtime.service.control.epoch import EpochFile, EpochRefused
from alphatrade_runtime.service.strategy.permits import RETRY_S, SOONEST_S, PermitKeeper, Unanswered

SECOND = 1_000_000_000
TTL_S = 30


def answer(share=400, ttl_s=TTL_S, reason="", epoch=3):
    return RenewPermitResponse(share_bps=share, ttl=Duration(seconds=ttl_s), frozen_reason=reason, epoch=epoch)


class Operator:
    """Answers what a test lets it, after a time on the clock that it shares with the keeper."""

    def __init__(self):
        self.now_ns, self.takes_s, self.answers, self.asked, self.woken = 5 * SECOND, 0.0, answer(), [], 0

    def __call__(self, epoch):
        self.asked.append(epoch)
        self.now_ns += int(self.takes_s * SECOND)
        if self.answers is None:
            raise Unanswered("away")
        return self.answers

    def clock(self):
        return self.now_ns

    def wake(self):
        self.woken += 1


@pytest.fixture
def operator():
    return Operator()


@pytest.fixture
def epochs(tmp_path):
    made = EpochFile(tmp_path)
    made.admit(3)
    return made


@pytest.fixture
def keeper(operator, epochs):
    return PermitKeeper(operator, epochs, operator.clock, operator.wake)


def share(keeper):
    return keeper.held().share_bps


def test_a_pod_that_starts_has_none(keeper):
    assert keeper.held() == Permit(0, 0, 0)
    assert keeper.why_not == "NotAsked"


def test_it_holds_from_when_it_was_sent_for(keeper, operator):
    operator.takes_s = 2.0
    sent_ns = operator.now_ns
    wait_s = keeper.renew()
    assert keeper.held() == Permit(400, sent_ns + TTL_S * SECOND, 3)
    assert (keeper.why_not, operator.woken) == ("", 1)
    assert wait_s == pytest.approx(TTL_S / 3 - 2.0)


def test_it_ends_on_our_own_clock(keeper, operator):
    keeper.renew()
    operator.now_ns += TTL_S * SECOND - 1
    assert share(keeper) == 400
    operator.now_ns += 1
    assert keeper.held() == Permit(0, 0, 3)
    assert keeper.why_not == "PermitExpired"


def test_one_that_came_too_late_holds_nothing(keeper, operator):
    operator.takes_s = TTL_S
    keeper.renew()
    assert share(keeper) == 0


def test_an_operator_that_is_away_leaves_the_permit_to_its_end(keeper, operator):
    keeper.renew()
    operator.answers = None
    operator.now_ns += 10 * SECOND
    assert keeper.renew() == RETRY_S
    assert share(keeper) == 400
    operator.now_ns += 20 * SECOND
    assert share(keeper) == 0
    assert keeper.why_not == "OperatorUnreachable"
    assert keeper.renew() == RETRY_S


@pytest.mark.parametrize(("left_s", "wait_s"), [(30, RETRY_S), (6, 2.0), (1, SOONEST_S), (0, RETRY_S), (-9, RETRY_S)])
def test_towards_its_end_it_is_asked_for_more_often(keeper, operator, left_s, wait_s):
    keeper.renew()
    operator.answers = None
    operator.now_ns += (TTL_S - left_s) * SECOND
    assert keeper.renew() == pytest.approx(wait_s)


@pytest.mark.parametrize("reason", ["DriftWarning", "NotLeading", "BudgetMissing"])
def test_a_refusal_ends_it_at_once(keeper, operator, reason):
    keeper.renew()
    operator.answers = answer(0, reason=reason)
    assert keeper.renew() == RETRY_S
    assert keeper.held() == Permit(0, 0, 3)
    assert keeper.why_not == reason
    operator.answers = answer(200)
    keeper.renew()
    assert share(keeper) == 200


@pytest.mark.parametrize(
    "bad",
    [answer(400, reason="Frozen"), answer(0), answer(10_001), answer(ttl_s=0), answer(ttl_s=-1), answer(ttl_s=601)],
)
def test_an_answer_that_contradicts_itself_permits_nothing(keeper, operator, bad):
    keeper.renew()
    operator.answers = bad
    keeper.renew()
    assert share(keeper) == 0


def test_a_later_operator_is_learnt_and_asked_again_at_once(keeper, operator, epochs):
    operator.answers = answer(0, reason="EpochTooLow", epoch=7)
    keeper._ask = lambda epoch: operator.asked.append(epoch) or (answer(epoch=7) if epoch == 7 else operator.answers)
    keeper.renew()
    assert operator.asked == [3, 7]
    assert (keeper.held().epoch, epochs.highest, share(keeper)) == (7, 7, 400)


def test_an_operator_of_the_past_is_not_believed(keeper, operator, epochs):
    keeper.renew()
    epochs.admit(4)  # as Apply brings it
    operator.answers = answer(500, epoch=3)
    keeper.renew()
    assert keeper.held() == Permit(400, 5 * SECOND + TTL_S * SECOND, 3)  # what it gave before goes on to its end
    operator.answers = answer(500, epoch=4)
    keeper.renew()
    assert keeper.held().epoch == 4


def test_one_that_was_replaced_while_it_answered_is_not_believed(keeper, operator, epochs):
    def ask(epoch):
        epochs.admit(9)
        return answer(epoch=epoch)

    keeper._ask = ask
    keeper.renew()
    assert (share(keeper), keeper.why_not) == (0, "OperatorReplaced")


def test_where_epochs_cannot_be_read_nothing_is_permitted(operator, tmp_path):
    (tmp_path / "epoch.json").write_text("{")
    keeper = PermitKeeper(operator, EpochFile(tmp_path), operator.clock)
    keeper.renew()
    assert (share(keeper), keeper.why_not) == (0, "EpochUnknown")


def test_the_thread_asks_until_it_is_told_to_end(operator, epochs):
    keeper = PermitKeeper(operator, epochs, operator.clock, operator.wake)
    keeper.start()
    for _ in range(200):
        if operator.asked:
            break
        keeper._stop.wait(0.01)
    keeper.close()
    assert not keeper._thread.is_alive()
    assert operator.asked == [3]


class Seen:
    """Epochs in memory, as EpochFile keeps them on disk."""

    def __init__(self):
        self.highest = 3

    def admit(self, epoch):
        if epoch < self.highest:
            raise EpochRefused("one of the past")
        self.highest = epoch


ANSWERS = st.builds(
    answer, st.integers(0, 10_000), st.integers(1, 60), st.sampled_from(["", "", "Frozen"]), st.integers(1, 6)
)
WAITS_NS, TAKES_S = st.integers(0, 40 * SECOND), st.sampled_from([0.0, 0.5, 4.0])


@given(steps=st.lists(st.tuples(WAITS_NS, TAKES_S, st.none() | ANSWERS), max_size=12))
def test_nothing_is_held_that_was_not_given_and_has_not_ended(steps):
    operator = Operator()
    epochs: Any = Seen()
    keeper = PermitKeeper(operator, epochs, operator.clock)
    before = keeper.held()
    for wait_ns, operator.takes_s, operator.answers in steps:
        operator.now_ns += wait_ns
        operator.asked.clear()
        keeper.renew()
        held, told = keeper.held(), operator.answers
        if held.share_bps == 0:
            continue
        assert operator.now_ns < held.until_ns
        if held != before:
            sent_ns = operator.now_ns - int(operator.takes_s * SECOND)  # of the last time that it asked
            assert held == Permit(told.share_bps, sent_ns + told.ttl.seconds * SECOND, told.epoch)
            assert (told.frozen_reason, told.epoch) == ("", epochs.highest)
            before = held
        else:
            assert told is None or told.epoch < epochs.highest
