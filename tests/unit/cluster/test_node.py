"""PID 1 of the local node, with programs that only sleep in place of the daemons."""

import time
from pathlib import Path

import pytest

from cluster import node
from cluster.daemons import Daemon, daemons
from cluster.local_node import DAEMONS, LocalNode
from cluster.network import up_commands
from cluster.node_process import node_command
from cluster.settings import State


@pytest.fixture
def state(tmp_path):
    state = State(tmp_path)
    state.logs.mkdir(parents=True)
    state.held.mkdir()
    return state


@pytest.fixture
def supervisor(state, monkeypatch):
    both = [Daemon("first", ["sleep", "60"]), Daemon("second", ["sleep", "60"], needs=("first",))]
    monkeypatch.setattr(node, "daemons", lambda state: both)
    made = node.Supervisor(state)
    yield made
    for daemon in both:
        if daemon.process is not None:
            daemon.process.kill()
            daemon.process.wait()


def rounds(supervisor, n=1):
    for _ in range(n):
        for daemon in supervisor.daemons:
            daemon.not_before = 0.0  # the pause before a restart is not waited for
            supervisor._look_after(daemon)


def running(supervisor):
    return [daemon.name for daemon in supervisor.daemons if daemon.running()]


def end(daemon):
    daemon.process.kill()
    daemon.process.wait()


def test_a_daemon_starts_when_what_it_needs_is_ready(supervisor, state):
    rounds(supervisor)
    assert running(supervisor) == ["first"]
    rounds(supervisor)
    assert running(supervisor) == ["first", "second"]
    assert int((state.run / "first.pid").read_text()) == supervisor.daemons[0].process.pid


def test_a_daemon_that_ended_is_started_again(supervisor):
    rounds(supervisor, 2)
    end(supervisor.daemons[0])
    rounds(supervisor, 2)
    assert running(supervisor) == ["first", "second"]


def test_a_daemon_that_is_held_stays_stopped_until_it_is_not(supervisor, state):
    rounds(supervisor, 2)
    (state.held / "first").touch()
    end(supervisor.daemons[0])
    rounds(supervisor, 3)
    assert running(supervisor) == ["second"]
    (state.held / "first").unlink()
    rounds(supervisor)
    assert running(supervisor) == ["first", "second"]


def test_it_ends_with_its_lifetime(supervisor):
    start = time.monotonic()
    supervisor.run(0.1)
    assert time.monotonic() - start < 5


def test_every_daemon_that_tests_may_stop_is_one_of_the_node(state):
    assert set(DAEMONS) <= {daemon.name for daemon in daemons(state)}


def test_the_node_starts_in_namespaces_of_its_own_that_end_with_it(state):
    words = node_command(state, 10).argv
    assert words[:2] == ("nsenter", "--net=/run/netns/alphatrade")
    assert {"--mount", "--pid", "--uts", "--kill-child=KILL"} <= set(words)
    assert Path(words[-3]).name == "node.py"
    assert words[-2:] == (str(state.root), "10")


def test_nothing_meant_for_the_cluster_may_leave_the_machine():
    lines = [" ".join(command.argv) for command in up_commands()]
    guards = [f"ip route replace unreachable {cidr} metric 4096" for cidr in ("10.244.0.0/16", "10.96.0.0/16")]
    assert set(guards) <= set(lines[:3])
    assert "ip -n alphatrade route add unreachable default metric 4096" in lines


def test_the_audit_log_is_read_with_the_files_that_the_server_left_behind(state):
    (state.logs / "audit-2026-01-05T12-00-00.000.log").write_text('{"n": 1, "by": "us"}\n{"n": 2}\n')
    (state.logs / "audit.log").write_text('{"n": 3, "by": "us"}\n{"n": 4, "by": "us", "cu')
    assert [event["n"] for event in LocalNode(state).audit_events()] == [1, 2, 3]
    assert [event["n"] for event in LocalNode(state).audit_events(having='"us"')] == [1, 3]
