"""Kinds whose controller is not built say so, each with what to do until then."""

import pytest

from alphatrade_operator.later.decide import COMES_WITH, decide
from unit.operator.world import NOW, message, ready


@pytest.mark.parametrize("kind", sorted(COMES_WITH))
def test_controller_not_built(kind):
    plan = decide(kind, NOW)
    assert ready(plan) == (False, "ControllerNotBuilt")
    assert message(plan).startswith(f"this version has no controller of {kind}: ")
    assert f"It comes with part {COMES_WITH[kind][0]}" in message(plan)
    assert (plan.children, plan.finalizers) == ((), None)


def test_sign_offs_and_ledger_entries_have_no_such_status():
    assert COMES_WITH.keys().isdisjoint({"SignOff", "PolicyLedgerEntry"})
