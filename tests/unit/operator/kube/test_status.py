"""What is written of a status, when it is left as it is, and what its changes tell."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alphatrade_operator.core.plan import Condition, Event
from alphatrade_operator.kube.status import compose

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
READY = Condition("Ready", True, "Serving", "serves")
NOT_READY = Condition("Ready", False, "Starting", "the pod is being made")


def live(status=None, managed=True, generation=3):
    owned: dict[str, Any] = {f"f:{name}": {} for name in status or {} if name != "conditions"}
    conditions = (status or {}).get("conditions", [])
    owned["f:conditions"] = {f'k:{{"type":"{one["type"]}"}}': {} for one in conditions}
    entry = {"manager": "me", "operation": "Apply", "subresource": "status", "fieldsV1": {"f:status": owned}}
    metadata = {"name": "a", "generation": generation, "managedFields": [entry] if managed else []}
    return {"metadata": metadata, "status": status or {}}


def written(conditions=(READY,), fields=None, snapshot=None, there=None, now=NOW):
    return compose(there or live(), "me", fields or {}, snapshot or {}, conditions, now)


def after(**given):
    return live(written(**given).status)


def test_a_first_status_is_written_whole():
    found = written(fields={"phase": "Serving", "nothing": None}, snapshot={"rows": 5})
    assert found.changed
    assert found.status == {
        "observedGeneration": 3,
        "phase": "Serving",
        "rows": 5,
        "conditions": [
            {
                "type": "Ready",
                "status": "True",
                "observedGeneration": 3,
                "lastTransitionTime": "2026-01-05T12:00:00Z",
                "reason": "Serving",
                "message": "serves",
            }
        ],
    }


def test_the_same_again_is_no_change_and_no_event():
    found = written(fields={"phase": "x"}, there=after(fields={"phase": "x"}), now=NOW + timedelta(hours=1))
    assert (found.changed, found.urgent, found.events) == (False, False, ())


def test_the_order_of_conditions_is_no_change():
    stalled = Condition("Stalled", False, "Fine", "")
    assert not written((READY, stalled), there=after(conditions=(stalled, READY))).changed


def test_a_snapshot_alone_can_wait():
    found = written(snapshot={"rows": 6}, there=after(snapshot={"rows": 5}))
    assert (found.changed, found.urgent) == (True, False)


@pytest.mark.parametrize(
    "given",
    [
        {"fields": {"phase": "y"}},
        {"fields": {}},
        {"fields": {"phase": "x", "more": 1}},
        {"fields": {"phase": "x"}, "conditions": (NOT_READY,)},
        {"fields": {"phase": "x"}, "conditions": ()},
        {"fields": {"phase": "x"}, "conditions": (Condition("Ready", True, "Serving", "other words"),)},
    ],
)
def test_everything_else_cannot_wait(given):
    found = written(**given, there=after(fields={"phase": "x"}))
    assert (found.changed, found.urgent) == (True, True)


def test_a_new_generation_is_written():
    there = live(written().status, generation=4)
    assert written(there=there).urgent


def test_the_time_of_a_transition_stays_while_the_answer_does():
    later = NOW + timedelta(minutes=5)
    same = written((Condition("Ready", True, "Other", ""),), there=after(), now=later)
    other = written((NOT_READY,), there=after(), now=later)
    assert same.status["conditions"][0]["lastTransitionTime"] == "2026-01-05T12:00:00Z"
    assert other.status["conditions"][0]["lastTransitionTime"] == "2026-01-05T12:05:00Z"


def test_a_condition_of_another_manager_is_not_ours_to_compare():
    there = after()
    there["status"]["conditions"].append({"type": "Theirs", "status": "True"})
    assert not written(there=there).changed


def test_a_field_that_nobody_of_ours_wrote_is_taken_out_at_once():
    there = after(fields={"phase": "x"})
    there["status"] |= {"acknowledged": 7, "phase": "x"}
    found = written(fields={"phase": "x"}, there=there)
    assert (found.changed, found.urgent, found.strays) == (True, True, ("acknowledged",))
    assert written(fields={"phase": "x", "acknowledged": 0}, there=there).strays == (), "what is written needs no more"


def test_a_field_of_another_manager_of_ours_is_no_stray():
    there = after()
    there["status"]["verdict"] = 1
    entry = {"manager": "me-too", "subresource": "status", "fieldsV1": {"f:status": {"f:verdict": {}}}}
    there["metadata"]["managedFields"].append(entry)
    assert written(there=there).strays == ()


def test_conditions_alone_take_nothing_out():
    there = after()
    there["status"]["effective"] = {}
    assert compose(there, "me", None, {}, (READY,), NOW).strays == ()


def test_unknown_is_said_so():
    assert written((Condition("Ready", None, "NoWord", ""),)).status["conditions"][0]["status"] == "Unknown"


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        ((), (READY,), (Event("Normal", "Serving", "serves"),)),
        ((), (NOT_READY,), (Event("Warning", "Starting", "the pod is being made"),)),
        (
            (),
            (NOT_READY, Condition("Reconciling", True, "Starting", "")),
            (Event("Normal", "Starting", "the pod is being made"),),
        ),
        ((), (Condition("Stalled", False, "Fine", ""),), ()),
        ((), (Condition("Stalled", True, "Broken", "mend it"),), (Event("Warning", "Broken", "mend it"),)),
        ((READY,), (Condition("Ready", True, "Serving", "other words"),), ()),
        ((NOT_READY,), (READY,), (Event("Normal", "Serving", "serves"),)),
        (
            (NOT_READY,),
            (Condition("Ready", False, "NoImage", "load it"),),
            (Event("Warning", "NoImage", "load it"),),
        ),
        ((READY,), (Condition("Ready", None, "NoWord", ""),), ()),
        (
            (),
            (Condition("Ready", False, "Bad", "x"), Condition("Accepted", False, "Bad", "x")),
            (Event("Warning", "Bad", "x"),),
        ),
    ],
)
def test_a_transition_tells_one_event(before, now, told):
    there = after(conditions=before) if before else None
    assert written(now, there=there).events == told
