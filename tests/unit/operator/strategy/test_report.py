"""What a runtime says, as the status shows it."""

import pytest

from alphatrade.v1.control_pb2 import Acknowledgement
from unit.operator.world import World

HASH = "ab" * 32


def test_the_status_in_units_that_people_read():
    world = World().trading()
    world.say(
        phase="Latched",
        policy_hash=HASH,
        pace="Simulated 200x",
        session_id="s1",
        session_ns=1_767_614_400_123_456_789,
        positions={"AAA": -3, "BBB": 0},
        working=2,
        nav=100_000_050_000_000,
        pnl=-150_000_000,
        drawdown_bps=12,
        counts={"orders": 5, "fills": 4, "violations": 0, "events": 99, "denied_RATE": 2, "denied_SIZE": 1},
        latency_ns={"p50": 1_500, "p99": 9_000, "p999": 12_000},
        kill_list_age_ms=250,
        latched_by="Halt by KillSwitch desk/stop: flood",
        acknowledged=[
            Acknowledgement(
                namespace="desk",
                name="stop",
                uid="u",
                generation=2,
                mode="Halt",
                latency_ms=7,
                at_ns=1_767_614_400 * 10**9,
                last_command=1_234,
            )
        ],
    )
    plan = world.plan()
    assert plan.status == {
        "phase": "Latched",
        "activePolicyHash": HASH,
        "desiredPolicyHash": HASH,
        "stage": "Experiment",
        "pace": "Simulated 200x",
        "violations": 0,
        "killSwitches": [
            {
                "namespace": "desk",
                "name": "stop",
                "generation": 2,
                "mode": "Halt",
                "latencyMs": 7,
                "at": "2026-01-05T12:00:00Z",
                "lastCommand": 1_234,
            }
        ],
        "latched": {"by": "Halt by KillSwitch desk/stop", "reason": "flood", "since": "2026-01-05T12:00:00Z"},
    }
    assert plan.snapshot == {
        "sessionTime": "2026-01-05T12:00:00Z",
        "positions": [{"symbol": "AAA", "lots": -3}],
        "workingOrders": 2,
        "nav": "1000000.5",
        "pnl": "-1.5",
        "drawdownBps": 12,
        "orders": 5,
        "fills": 4,
        "denied": 3,
        "latency": {"p50": "1us500ns", "p99": "9us", "p999": "12us"},
        "killListAge": "250ms",
    }


def test_what_was_latched_without_an_object_is_told_as_the_latch_only():
    world = World().trading()
    world.say(
        phase="Latched",
        latched_by="Halt by KillSwitch /account: the account's word",
        acknowledged=[Acknowledgement(name="account", mode="Halt"), Acknowledgement(mode="Halt", namespace="desk")],
    )
    status = world.plan().status
    assert "killSwitches" not in status
    assert status["latched"]["by"] == "Halt by KillSwitch /account"


def test_since_when_it_is_latched_is_kept():
    world = World().trading()
    world.say(phase="Latched", latched_by="Drawdown: 15%")
    world.look()
    world.objects[("Strategy", "desk", "alpha")]["status"]["latched"]["since"] = "2026-01-01T00:00:00Z"
    assert world.plan().status["latched"]["since"] == "2026-01-01T00:00:00Z"


def test_digests_are_shown_when_all_are_there():
    world, digest = World().trading(), "sha256:" + "1" * 64
    world.say(phase="Ended", digests={"diary": digest})
    assert "digests" not in world.plan().status
    world.say(phase="Ended", digests={"diary": digest, "fills": digest, "pnl": digest})
    assert world.plan().status["digests"] == {"diary": digest, "fills": digest, "pnl": digest}


def test_a_status_that_cannot_be_read_is_begun_anew():
    world = World()
    world.change("Strategy", "alpha", "status.phase", "Dreaming")
    assert world.plan().status == {"phase": "Pending"}


def test_what_no_session_tells_stays_as_it_was_known():
    world = World().trading()
    world.say(phase="Trading", session_id="s1", policy_hash=HASH, positions={"AAA": 3}, nav=10**8, working=1)
    known = world.look().snapshot
    assert known["positions"] == [{"symbol": "AAA", "lots": 3}]
    world.say(phase="Failed", reason="DiskFull", message="full")
    assert world.look().snapshot == known
    world.say(phase="Drained")
    gone = ("positions", "killListAge")
    assert world.look().snapshot == {name: known[name] for name in known if name not in gone} | {"workingOrders": 0}


def test_what_the_runtime_itself_latched_is_shown():
    world = World().trading()
    world.say(phase="Latched", reason="Drawdown", message="the loss passed its limit")
    assert world.plan().status["latched"] == {
        "by": "Drawdown",
        "reason": "the loss passed its limit",
        "since": "2026-01-05T12:00:00Z",
    }


@pytest.mark.parametrize("phase", ["Ended", "Drained"])
def test_what_is_at_rest_tells_nothing_that_changes_for_ever(phase):
    world = World().trading()
    told = []
    for age_ms in (250, 3_250):
        world.say(phase=phase, policy_hash=HASH, kill_list_age_ms=age_ms)
        plan = world.plan()
        told.append((plan.status, plan.snapshot))
    assert told[0] == told[1]
