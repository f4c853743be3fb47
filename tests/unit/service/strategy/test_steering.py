"""What a session in a pod is told: by kill switches, by the age of their list, by the operator's configuration."""

import json
from pathlib import Path
from typing import Any

import pytest

from alphatrade.config import Endpoint, KillScope, Owner, StrategyConfig, to_json
from alphatrade.telemetry import Registry
from alphatrade_runtime.loop.permit import Permit
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.schema import Control
from alphatrade_runtime.service.kill.kill_switch import Engagement
from alphatrade_runtime.service.kill.latch import Latch
from alphatrade_runtime.service.strategy.config import parse
from alphatrade_runtime.service.strategy.steering import PodSteering
from e2e.live_story import document

HALT = Engagement("desk", "stop", "u-1", 1, "Halt", "a test", 0, 1)
REDUCE = Engagement("desk", "slow", "u-2", 1, "Reduce", "a test", 0, 1)


class Watch:
    """What the loop sees of the kill-switch watch."""

    def __init__(self):
        self.found, self.stale, self.fault, self.configured = [], False, "", []

    def poll(self):
        found, self.found = self.found, []
        return found

    def configure(self, scope, staleness_ns):
        self.configured.append((scope, staleness_ns))


def configured(run="Trade", labels=None, **instrument):
    session = document(Path("tape"))
    session["policy"]["envelope"]["instruments"][0] |= instrument
    return to_json(
        StrategyConfig(
            owner=Owner(namespace="desk", name="alpha", uid="u"),
            identity="spiffe://alphatrade.io/ns/desk/strategy/alpha/u",
            session=session,
            feed=Endpoint(target="feed:7443", identity="spiffe://alphatrade.io/ns/desk/feed/f/u"),
            broker=Endpoint(target="broker:7443", identity="spiffe://alphatrade.io/ns/desk/broker/b/u"),
            kill=KillScope(own_namespace="desk", operator_namespace="system", labels=labels or {}),
            run=run,
        )
    )


def terms(*args, **more):
    return parse(configured(*args, **more), "document")


@pytest.fixture
def watch():
    return Watch()


@pytest.fixture
def told():
    """Once for every acknowledgement."""
    return []


@pytest.fixture
def steering(watch, tmp_path, told):
    made = PodSteering(terms(), watch, Latch(tmp_path), Registry("strategy", "alpha"), lambda: told.append(1))
    made.begin()
    return made


def controls(steering):
    return [directive.control for directive in steering.pending()]


def test_a_kill_switch_is_latched_before_it_is_handed_over_and_acknowledged_behind_its_effect(steering, watch, told):
    watch.found = [HALT]
    (directive,) = steering.pending()
    assert directive.control is Control.HALT
    assert steering.latch.strongest == HALT
    assert not steering.latch.acknowledgements()
    steering.done(directive, 41)
    (said,) = steering.latch.acknowledgements()
    assert (said.name, said.last_command) == ("stop", 41)
    assert told == [1]
    steering.done(directive, 99)
    assert steering.latch.acknowledgements()[0].last_command == 41


def test_the_same_kill_switch_is_handed_over_once(steering, watch):
    watch.found = [HALT, HALT]
    assert controls(steering) == [Control.HALT]
    watch.found = [HALT]
    assert controls(steering) == []


def test_another_session_begins_with_what_was_latched(steering, watch, tmp_path):
    watch.found = [REDUCE, HALT]
    first = steering.pending()
    steering.done(first[0], 1)
    again = PodSteering(terms(), watch, Latch(tmp_path), Registry("strategy", "alpha"), lambda: None)
    again.begin()
    assert controls(again) == [Control.HALT]  # waiting for its effect, and the strongest
    steering.done(first[1], 2)
    once_more = PodSteering(terms(), watch, Latch(tmp_path), Registry("strategy", "alpha"), lambda: None)
    once_more.begin()
    assert controls(once_more) == [Control.HALT]


def test_a_stale_list_holds_and_a_fresh_one_lets_go(steering, watch):
    watch.stale = True
    assert controls(steering) == [Control.KILL_STALE]
    assert controls(steering) == []
    watch.stale = False
    assert controls(steering) == [Control.KILL_FRESH]
    assert controls(steering) == []


def test_limits_and_labels_are_taken_by_a_running_session(steering, watch):
    tighter = terms(max_position_lots=10, max_order_lots=10)
    assert steering.offer(tighter)
    (directive,) = steering.pending()
    assert directive.control is None
    assert directive.limits == tighter.document
    assert steering.offer(terms(labels={"desk": "b"}, max_position_lots=10, max_order_lots=10))
    assert steering.pending() == []
    assert watch.configured[-1][0].labels == {"desk": "b"}


def test_what_a_running_session_cannot_take_is_left_for_another(steering):
    other = json.loads(configured())
    other["session"]["policy"]["genotype"]["policies"][0]["weight_bps"] = 5_000
    assert not steering.offer(parse(json.dumps(other).encode(), "document"))
    assert steering.wanted is not None
    assert steering.pending() == []


def test_drain_is_asked_for_once_and_is_not_taken_back(steering):
    assert steering.offer(terms(run="Drain"))
    assert controls(steering) == [Control.DRAIN]
    assert controls(steering) == []
    assert not steering.offer(terms(run="Trade"))
    assert steering.wanted is not None


def test_a_halted_session_does_not_trade_to_get_flat(steering, watch):
    watch.found = [HALT]
    steering.offer(terms(run="Drain"))
    assert controls(steering) == [Control.HALT]


def test_a_reduced_session_may_get_flat(steering, watch):
    watch.found = [REDUCE]
    steering.offer(terms(run="Drain"))
    assert controls(steering) == [Control.REDUCE, Control.DRAIN]


def test_the_account_s_word_counts_where_it_is_stronger(steering, watch):
    steering.heed_account("Halt", "KillSwitch desk/stop: a test")
    steering.heed_account("Halt", "KillSwitch desk/stop: a test")
    assert controls(steering) == [Control.HALT]
    steering.heed_account("Reduce", "weaker")
    assert controls(steering) == []
    assert "account" in steering.latch.latched_by


class Keeper:
    """What the loop sees of the keeper of a permit."""

    def __init__(self):
        self.now = Permit(0, 0, 0)

    def held(self):
        return self.now


def permits(steering):
    return [directive.permit for directive in steering.pending()]


def test_a_session_that_explores_begins_without_a_permit_and_is_told_each_change(watch, tmp_path):
    keeper: Any = Keeper()
    made = PodSteering(
        terms(), watch, Latch(tmp_path), Registry("strategy", "alpha"), lambda: None, permits=keeper
    )  # fmt: skip
    made.begin(explores=True)
    assert permits(made) == [Permit(0, 0, 0)]
    assert permits(made) == []
    keeper.now = Permit(400, 9, 3)
    assert permits(made) == [Permit(400, 9, 3)]
    assert permits(made) == []
    keeper.now = Permit(0, 0, 3)
    assert permits(made) == [Permit(0, 0, 3)]
    keeper.now = Permit(400, 19, 3)
    made.pending()
    made.begin(explores=True)  # another session: nothing of a permit is kept, it is handed over anew
    assert permits(made) == [Permit(0, 0, 0), Permit(400, 19, 3)]


def test_a_session_that_does_not_explore_is_told_nothing(watch, tmp_path):
    keeper: Any = Keeper()
    keeper.now = Permit(400, 9, 3)
    made = PodSteering(
        terms(), watch, Latch(tmp_path), Registry("strategy", "alpha"), lambda: None, permits=keeper
    )  # fmt: skip
    made.begin()
    assert made.pending() == []


def test_one_that_explores_where_nobody_permits_it_has_its_permit_taken(steering):
    steering.begin(explores=True)
    assert permits(steering) == [Permit(0, 0, 0)]
    assert permits(steering) == []


def test_a_kill_switch_works_where_the_latch_cannot_be_written(steering, watch, told, tmp_path):
    (tmp_path / "latch.json.partial").mkdir()  # stands in the way of every write
    watch.found = [HALT]
    (directive,) = steering.pending()
    assert directive.control is Control.HALT
    steering.done(directive, 7)
    assert told == []
    assert steering.latch.strongest == HALT


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"run": "Pause"}, "run"),
        ({"extra": 1}, "extra"),
        ({"broker": None}, "broker: mode Paper has an order session"),
        ({"session": {}}, "session"),
    ],
)
def test_a_configuration_at_fault_is_named(change, words):
    given = {**json.loads(configured()), **change}
    with pytest.raises(InputError, match=words):
        parse(json.dumps(given).encode(), "document")
