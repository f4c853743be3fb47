"""Which law is in force, who uses it, and when the template may go."""

from datetime import UTC, datetime
from typing import Any

import pytest

from alphatrade_operator.core.plan import Finding, Key
from alphatrade_operator.risk_template.decide import IN_USE, decide
from alphatrade_operator.risk_template.facts import effective_template, gather
from alphatrade_operator.risk_template.model import RiskTemplateStatus
from unit.operator.cache import Cache, namespace, resource

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
KEY = Key("RiskTemplate", "desk", "law")


def spec(**limits):
    return {"instruments": [{"symbol": "BTC", "maxPositionLots": 10, "maxOrderLots": 5}], "limits": limits}


def cache(users=("Strategy/alpha",), **limits):
    found = Cache(resource("RiskTemplate", "law", spec=spec(**limits)))
    for user in users:
        kind, name = user.split("/")
        found.put(resource(kind, name, spec={"riskTemplateRef": {"name": "law"}}))
    return found


def in_force(found) -> Any:
    return effective_template(found, "desk", "law")


def template(found):
    return found.objects[("RiskTemplate", "desk", "law")]


def look(found):
    """Look once, and let what is decided be true."""
    plan = decide(gather(found, KEY), NOW)
    if plan.status is not None:
        template(found)["status"] = dict(plan.status)
    return plan


def conditions(plan):
    return {condition.type: (condition.status, condition.reason) for condition in plan.conditions}


def test_a_first_spec_is_in_force_as_it_is():
    found = cache(maxNotionalBps=300)
    plan = look(found)
    assert conditions(plan) == {"Ready": (True, "InForce"), "AwaitsProposal": (False, "NothingWaits")}
    assert in_force(found).limits.max_notional_bps == 300
    assert plan.status["users"] == ["Strategy/alpha"]
    assert plan.finalizers == (IN_USE,)


def test_a_tightened_spec_is_in_force_before_its_status_is_written():
    found = cache(maxNotionalBps=300)
    look(found)
    template(found)["spec"] = spec(maxNotionalBps=200)
    assert in_force(found).limits.max_notional_bps == 200
    assert conditions(look(found))["AwaitsProposal"] == (False, "NothingWaits")


def test_a_loosened_spec_waits_and_the_old_law_goes_on():
    found = cache(maxNotionalBps=300)
    look(found)
    template(found)["spec"] = spec(maxNotionalBps=400)
    plan = look(found)
    assert conditions(plan) == {"Ready": (True, "InForce"), "AwaitsProposal": (True, "Loosened")}
    assert plan.status["pending"] == [{"field": "limits.maxNotionalBps", "effective": "300", "wanted": "400"}]
    assert "limits.maxNotionalBps stays 300, 400 waits" in plan.conditions[1].message
    assert in_force(found).limits.max_notional_bps == 300


def test_it_goes_on_waiting_over_any_number_of_looks_and_restarts():
    found = cache(maxNotionalBps=300)
    look(found)
    template(found)["spec"] = spec(maxNotionalBps=400)
    assert look(found) == look(found) == look(found)
    assert template(found)["status"]["effective"]["limits"]["maxNotionalBps"] == 300


def test_tightening_and_back_does_not_loosen():
    found = cache(maxNotionalBps=300)
    look(found)
    template(found)["spec"] = spec(maxNotionalBps=100)
    look(found)
    template(found)["spec"] = spec(maxNotionalBps=300)
    look(found)
    assert in_force(found).limits.max_notional_bps == 100


def test_the_hash_is_of_the_law_and_not_of_the_spec():
    found = cache(maxNotionalBps=300)
    before = look(found).status["effectiveHash"]
    template(found)["spec"] = spec(maxNotionalBps=400)
    assert look(found).status["effectiveHash"] == before
    template(found)["spec"] = spec(maxNotionalBps=100)
    assert look(found).status["effectiveHash"] != before


def test_the_status_is_as_its_model_has_it():
    found = cache(maxNotionalBps=300)
    look(found)
    template(found)["spec"] = spec(maxNotionalBps=400)
    status = RiskTemplateStatus.model_validate(look(found).status)
    assert status.user_count == 1
    assert status.effective == effective_template(found, "desk", "law")


@pytest.mark.parametrize(
    ("users", "deleting", "finalizers", "ready"),
    [
        ((), False, (IN_USE,), (True, "InForce")),
        (("Strategy/a", "BrokerConnection/b"), True, (IN_USE,), (False, "InUse")),
        ((), True, (), (True, "InForce")),
    ],
)
def test_it_goes_only_when_nobody_uses_it(users, deleting, finalizers, ready):
    found = cache(users)
    if deleting:
        template(found)["metadata"]["deletionTimestamp"] = "now"
    plan = decide(gather(found, KEY), NOW)
    assert (plan.finalizers, conditions(plan)["Ready"]) == (finalizers, ready)


def test_a_template_of_another_namespace_has_no_users_here():
    found = cache()
    found.put(resource("Strategy", "beta", "other", {"riskTemplateRef": {"name": "law"}}))
    assert gather(found, KEY).users == ("Strategy/alpha",)


def test_a_spec_that_cannot_be_read_leaves_the_law_in_force():
    found = cache(maxNotionalBps=300)
    look(found)
    template(found)["spec"] = spec(maxNotionalBps="lots")
    assert in_force(found).limits.max_notional_bps == 300


def test_a_spec_that_cannot_be_read_from_the_first_is_no_law():
    found = cache(maxNotionalBps="lots")
    law = effective_template(found, "desk", "law")
    assert isinstance(law, Finding)
    assert law.reason == "InvalidSpec"
    plan = look(found)
    assert (conditions(plan), plan.status) == ({"Ready": (False, "InvalidSpec")}, None)


def test_a_law_that_a_newer_operator_wrote_is_neither_forgotten_nor_overwritten():
    found = cache(maxNotionalBps=300)
    look(found)
    template(found)["status"]["effective"]["limits"]["maxMoonPhase"] = 3
    law = effective_template(found, "desk", "law")
    assert isinstance(law, Finding)
    assert law.reason == "LawUnreadable"
    assert "limits.maxMoonPhase" in law.message
    assert decide(gather(found, KEY), NOW).status is None


def test_a_template_that_is_not_there_is_named():
    law = effective_template(Cache(), "desk", "law")
    assert isinstance(law, Finding)
    assert law.reason == "RiskTemplateMissing"


@pytest.mark.parametrize(
    ("users", "given_up", "kept"),
    [((), False, True), ((), True, False), (("Strategy/alpha",), True, True), (("BrokerConnection/a",), True, True)],
)
def test_in_a_namespace_that_was_given_up_it_is_free_to_go_once_unused(users, given_up, kept):
    found = cache(users)
    found.put(namespace("desk", annotations={"alphatrade.io/decommissioned": "ab" * 32} if given_up else {}))
    assert look(found).finalizers == ((IN_USE,) if kept else ())
