"""Every rule of the resource definitions on the real API server: one object passes, one is refused with its message."""

import copy
import re

import pytest

from api.crds.api_server import Refused
from resource_documents import document, put
from resource_rules import CHANGES, DECISIONS, STATELESS

NEVER_UPDATED = ("SignOff", "PolicyLedgerEntry")  # not even their labels: a policy adds that to the schema


def cause_of(case, refused):
    """Return the fields at which the API server gives the rule's message."""
    return [field for field, message in refused.causes if message.endswith(f": {case.message}")]


def written(at):
    """Write a path of the table as the API server does."""
    return re.sub(r"\.([0-9]+)", r"[\1]", at) or "<nil>"


@pytest.mark.parametrize("case", STATELESS, ids=str)
def test_a_document_passes_or_is_refused_with_the_rule_s_message(api, case):
    api.create(document(case.kind, case.accepted, case.name))
    with pytest.raises(Refused) as refused:
        api.create(document(case.kind, case.refused, case.refused_name or case.name))
    assert refused.value.status == 422
    assert cause_of(case, refused.value) == [written(case.at)], refused.value.causes


def changed(made, changes):
    after = copy.deepcopy(made)
    for path, value in changes.items():
        put(after, path, value)
    return after


@pytest.mark.parametrize("case", CHANGES, ids=str)
def test_an_object_that_is_there_keeps_what_may_not_change(api, case):
    made = api.create(document(case.kind, case.before, case.name), dry_run=False)
    try:
        if case.kind in NEVER_UPDATED:
            with pytest.raises(Refused, match=r"ValidatingAdmissionPolicy .* never changes"):
                api.replace(changed(made, case.accepted))
        else:
            api.replace(changed(made, case.accepted))
        with pytest.raises(Refused) as refused:
            api.replace(changed(made, case.refused))
        assert written(case.at) in cause_of(case, refused.value), refused.value.causes
    finally:
        api.delete(made)


@pytest.mark.parametrize("case", DECISIONS, ids=str)
def test_a_decision_is_final(api, case):
    made = api.create(document(case.kind), dry_run=False)
    try:
        before = api.replace_status(changed(made, case.before), dry_run=False)
        api.replace_status(changed(before, case.accepted))
        with pytest.raises(Refused) as refused:
            api.replace_status(changed(before, case.refused))
        assert written(case.at) in cause_of(case, refused.value), refused.value.causes
    finally:
        api.delete(made)


@pytest.mark.parametrize("kind", ["GovernanceProposal", "SignOff", "PolicyLedgerEntry", "Replay", "BrokerConnection"])
def test_an_immutable_spec_cannot_be_taken_away_either(api, kind):
    made = api.create(document(kind), dry_run=False)
    try:
        without = copy.deepcopy(made)
        del without["spec"]
        with pytest.raises(Refused, match="spec: Required value"):
            api.replace(without)
    finally:
        api.delete(made)
