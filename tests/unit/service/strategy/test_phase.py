"""The phase of a session by what holds it: a row for each."""

import pytest

from alphatrade_runtime.service.strategy.phase import Held, phase_of, phase_of_fault

FREE: dict = {
    "kill_state": "ARMED", "kill_mode": 0, "drains": False, "latched_by": "", "kill_list_stale": False,
    "kill_list_fault": "", "halt": 0, "linked": True, "was_linked": True, "note": "", "feed_connected": True,
    "flat": True, "drawdown": False,
}  # fmt: skip
BY = "Halt by KillSwitch desk/stop: a test"

CASES = [
    ({}, "Trading", ""),
    ({"kill_list_stale": True}, "Halted", "KillSwitchesStale"),
    ({"linked": False, "was_linked": False}, "Starting", "BrokerNotLinked"),
    ({"linked": False}, "Halted", "BrokerNotLinked"),
    ({"feed_connected": False}, "Halted", "FeedNotConnected"),
    ({"halt": 4}, "Halted", "Resuming"),
    ({"kill_list_stale": True, "linked": False}, "Halted", "KillSwitchesStale"),
    ({"kill_state": "TRIPPED", "kill_mode": 1, "latched_by": BY}, "Reducing", "KillSwitch"),
    ({"kill_state": "TRIPPED", "kill_mode": 2, "latched_by": BY}, "Latched", "KillSwitch"),
    ({"kill_state": "HALTED", "kill_mode": 2, "latched_by": BY, "linked": False}, "Latched", "KillSwitch"),
    ({"kill_state": "FLATTENING", "kill_mode": 3, "latched_by": BY}, "Flattening", "KillSwitch"),
    ({"kill_state": "HALTED", "kill_mode": 3, "latched_by": BY}, "Latched", "KillSwitch"),
    ({"kill_state": "HALTED", "kill_mode": 2, "latched_by": BY, "drains": True, "flat": False}, "Latched",
     "HaltHoldsPosition"),
    ({"kill_state": "TRIPPED", "kill_mode": 2, "drawdown": True}, "Latched", "Drawdown"),
    ({"kill_state": "TRIPPED", "kill_mode": 2}, "Latched", "AuditorViolation"),
    ({"drains": True}, "Draining", ""),
    ({"drains": True, "kill_state": "FLATTENING", "kill_mode": 3}, "Draining", ""),
    ({"drains": True, "kill_state": "HALTED", "kill_mode": 3, "flat": False}, "Draining", "CannotFlatten"),
]  # fmt: skip


@pytest.mark.parametrize(("held", "name", "reason"), CASES)
def test_what_holds_it_says_the_phase(held, name, reason):
    phase = phase_of(Held(**{**FREE, **held}))
    assert (phase.name, phase.reason) == (name, reason)
    if name != "Trading":
        assert phase.message


def test_why_there_is_no_session_is_told():
    phase = phase_of(Held(**{**FREE, "linked": False, "was_linked": False, "note": "PolicyNotEntitled: wait"}))
    assert phase.message == "PolicyNotEntitled: wait"


@pytest.mark.parametrize(
    ("fault", "name", "reason"),
    [
        ("/data/journal: its journal is of another code; go on with the same", "Failed", "JournalOfOtherCode"),
        ("/data/journal: its carry record is newer: schema 2", "Failed", "CarryOfNewerVersion"),
        ("/data/journal: its carry record is damaged (no schema)", "Failed", "CarryDamaged"),
        ("/data/journal: No space left on device", "Failed", "DiskFull"),
        ("broker bc:7443: AccountLatched: a strategy of this account was stopped", "Latched", "AccountLatched"),
        ("broker bc:7443: ModeNotFit: mode Sim has no order session", "Failed", "BrokerRefuses"),
        ("feed mdf:7443: another tape", "Failed", "FeedDiffers"),
        ("/data: the journal cannot be read", "Failed", "JournalDamaged"),
        ("policy: no such signal", "Failed", "InvalidSession"),
    ],
)
def test_a_fault_s_phase(fault, name, reason):
    assert phase_of_fault(fault) == (name, reason, fault)
