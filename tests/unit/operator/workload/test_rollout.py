"""Where a configuration stands, for every answer that a pod gives or does not give."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphatrade.config import digest_of
from alphatrade.v1.control_pb2 import PodStatus
from alphatrade_operator.core.plan import Finding, ObjectRef, Pushed
from alphatrade_operator.workload.live import Live
from alphatrade_operator.workload.pod import PodFacts
from alphatrade_operator.workload.quantity import canonical_cpu, canonical_memory
from alphatrade_operator.workload.rollout import Step, step_of
from alphatrade_operator.workload.verdict import MAX_MESSAGE, Verdict, conditions, moving, stuck

WANTED, OLD = b"{}", b"[]"


def live(in_force=None, answer=None, ready=True, template="t", pod=True):
    ref = ObjectRef("v1", "Pod", "desk", "st-a-0", "u")
    return Live(
        document=OLD,
        replicas=1,
        pod=PodFacts(ref, ready, False, True, template, None) if pod else None,
        status=PodStatus(document_digest=digest_of(in_force)) if in_force is not None else None,
        pushed=Pushed(digest_of(answer[0]), answer[1], "") if answer else None,
        files="",
    )


STEPS = [
    (live(pod=False), Step.ABSENT),
    (live(ready=False), Step.ABSENT),
    (live(), Step.SILENT),
    (live(WANTED), Step.IN_FORCE),
    (live(WANTED, ready=False), Step.IN_FORCE),  # one that halts is not ready, and answers
    (live(OLD), Step.ASK),
    (live(OLD, (OLD, "Refused")), Step.ASK),  # that was an answer to another question
    (live(OLD, (WANTED, "Applied")), Step.TAKEN),
    (live(OLD, (WANTED, "Unchanged")), Step.TAKEN),
    (live(OLD, (WANTED, "Refused")), Step.REFUSED),
    (live(OLD, (WANTED, "RestartRequired")), Step.RESTART),
    (live(WANTED, template="other"), Step.RESTART),
]


@pytest.mark.parametrize(("there", "step"), STEPS, ids=[f"{i}-{step.value}" for i, (_, step) in enumerate(STEPS)])
def test_where_a_configuration_stands(there, step):
    assert step_of(WANTED, there, "t") is step


def test_a_verdict_is_written_as_kstatus_reads_it():
    def written(verdict):
        return {condition.type: condition.status for condition in conditions(verdict)}

    assert written(Verdict(True, "Serving", "")) == {"Ready": True}
    assert written(Verdict(None, "PodSilent", "", "Moving")) == {"Ready": None, "Reconciling": True}
    assert written(moving("Starting", "")) == {"Ready": False, "Reconciling": True}
    assert written(stuck(Finding("InvalidSpec", ""))) == {"Ready": False, "Stalled": True}


def test_a_message_fits_its_field():
    assert {len(condition.message) for condition in conditions(stuck(Finding("A", "x" * 9_999)))} == {MAX_MESSAGE}


@given(st.integers(1, 10**6))
def test_an_amount_of_cpu_is_the_same_however_it_is_written(thousandths):
    assert canonical_cpu(f"{thousandths}m") == canonical_cpu(f"{thousandths / 1_000:.3f}")


@given(st.integers(1, 10**6), st.sampled_from([("Ki", 2**10), ("Mi", 2**20), ("Gi", 2**30), ("k", 10**3), ("", 1)]))
def test_a_canonical_amount_of_memory_is_the_same_and_stays(number, unit):
    name, size = unit
    text = canonical_memory(f"{number}{name}")
    units = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
    digits = text.rstrip("KMGTik")
    assert int(digits) * units.get(text[len(digits) :], 1) == number * size
    assert name.endswith("i") == text.endswith("i")


@pytest.mark.parametrize(
    ("given_text", "kept"), [("1Gi", "1Gi"), ("1024Mi", "1Gi"), ("1500Mi", "1500Mi"), ("1M", "1M")]
)
def test_amounts_of_memory(given_text, kept):
    assert canonical_memory(given_text) == kept
