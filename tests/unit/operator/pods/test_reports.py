"""What pods said counts for a while; what grows with trading is no urgent news."""

import pytest

from alphatrade.v1.control_pb2 import Acknowledgement, BrokerStatus, FeedStatus, PodStatus, StrategyStatus
from alphatrade_operator.core.plan import Key, Pushed
from alphatrade_operator.pods.reports import Reports, urgent_part
from alphatrade_operator.pods.targets import target_of, targets
from unit.operator.cache import Cache

STRATEGY = PodStatus(epoch=1, document_digest="d", strategy=StrategyStatus(phase="Trading", nav=5))


class Clock:
    now_s = 0.0

    def __call__(self):
        return self.now_s


def reports_at(clock, poll_s=2.0):
    return Reports(poll_s, clock)


def test_a_report_counts_until_three_polls_were_missed():
    clock = Clock()
    reports = reports_at(clock)
    assert reports.status("desk", "st-a") is None
    reports.take("desk", "st-a", STRATEGY)
    clock.now_s = 6.0
    assert reports.status("desk", "st-a") == STRATEGY
    clock.now_s = 6.1
    assert reports.status("desk", "st-a") is None


def test_taking_returns_the_one_before():
    reports = reports_at(Clock())
    assert reports.take("desk", "st-a", STRATEGY) is None
    assert reports.take("desk", "st-a", PodStatus()) == STRATEGY


def test_a_silent_pod_is_dropped_once_and_only_when_it_has_been_silent_for_long():
    clock = Clock()
    reports = reports_at(clock)
    reports.take("desk", "st-a", STRATEGY)
    assert not reports.drop("desk", "st-a")
    clock.now_s = 7.0
    assert reports.drop("desk", "st-a")
    assert not reports.drop("desk", "st-a")


@pytest.mark.parametrize(
    ("outcome", "in_force", "kept"),
    [
        ("Applied", "d1", True),
        ("Applied", "d0", False),
        ("Unchanged", "d0", False),
        ("Refused", "d0", True),
        ("RestartRequired", "d0", True),
    ],
)
def test_an_agreement_is_forgotten_when_the_pod_says_otherwise(outcome, in_force, kept):
    reports = reports_at(Clock())
    reports.answered("id", Pushed("d1", outcome, ""))
    reports.check("id", in_force)
    assert (reports.pushed("id") is not None) == kept


def test_another_pod_has_answered_nothing():
    reports = reports_at(Clock())
    reports.answered("id", Pushed("d1", "Refused", ""))
    reports.answered("id", None)
    assert reports.pushed("id") is None


@pytest.mark.parametrize(
    ("one", "other", "urgent"),
    [
        (StrategyStatus(nav=1, positions={"A": 1}, counts={"fills": 1}), StrategyStatus(nav=2), False),
        (StrategyStatus(session_ns=1, kill_list_age_ms=4, latency_ns={"p50": 1}), StrategyStatus(), False),
        (StrategyStatus(phase="Trading"), StrategyStatus(phase="Latched"), True),
        (StrategyStatus(), StrategyStatus(acknowledged=[Acknowledgement(name="stop")]), True),
        (StrategyStatus(), StrategyStatus(latched_by="x"), True),
        (StrategyStatus(), StrategyStatus(digests={"diary": "x"}), True),
        (FeedStatus(rows_sent=1), FeedStatus(rows_sent=2), False),
        (FeedStatus(subscribers=1), FeedStatus(subscribers=2), True),
        (BrokerStatus(commands=1, nav=1, denied={"RATE": 1}), BrokerStatus(), False),
        (BrokerStatus(breaks=1), BrokerStatus(), True),
    ],
)
def test_what_is_urgent(one, other, urgent):
    kind = {"StrategyStatus": "strategy", "FeedStatus": "feed", "BrokerStatus": "broker"}[type(one).__name__]
    before, after = (PodStatus(**{kind: part}) for part in (one, other))
    assert (urgent_part(before) != urgent_part(after)) == urgent


def test_another_configuration_in_force_is_urgent():
    assert urgent_part(PodStatus(document_digest="a")) != urgent_part(PodStatus(document_digest="b"))


def pod(kind="strategy", ip="10.0.0.9", phase="Running", **labels):
    names = {"alphatrade.io/kind": kind, "alphatrade.io/owner": "alpha", "alphatrade.io/owner-uid": "u1"}
    metadata = {"name": "st-alpha-u1-0", "namespace": "desk", "uid": "p1", "labels": {**names, **labels}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "status": {"podIP": ip, "phase": phase}}


def test_a_pod_is_asked_by_its_own_address_as_its_owner():
    (target,) = targets(Cache(pod()))
    assert target.owner == Key("Strategy", "desk", "alpha")
    assert (target.child, target.address) == ("st-alpha-u1", "10.0.0.9:7443")
    assert target.identity == "spiffe://alphatrade.io/ns/desk/strategy/alpha/u1"


def test_an_address_of_six_is_written_in_brackets():
    (target,) = targets(Cache(pod(ip="fd00::9")))
    assert target.address == "[fd00::9]:7443"


@pytest.mark.parametrize(
    "manifest",
    [pod("namespace"), pod(ip=None), pod(phase="Pending"), pod(**{"alphatrade.io/owner": ""})],
)
def test_what_does_not_run_or_is_none_of_ours_is_not_asked(manifest):
    assert target_of(manifest) is None
