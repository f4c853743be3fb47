"""A cluster that was brought up for a command goes with it, whatever became of the command; one found up stays."""

import os
import signal
import sys
from typing import Any

import pytest

from cluster.__main__ import TERMINATED, around
from cluster.kubectl import Kube
from cluster.settings import ClusterError


class Recorded:
    """A backend that keeps what was done with it."""

    name = "recorded"

    def __init__(self, tmp_path, up=False, fails=False):
        self.done, self._up, self._fails, self._kube = [], up, fails, Kube(tmp_path / "config", os.environ["PATH"])

    def is_up(self):
        return self._up

    def up(self):
        self.done.append("up")
        if self._fails:
            raise ClusterError("the node did not start")

    def down(self):
        self.done.append("down")

    def kube(self):
        return self._kube


@pytest.fixture(autouse=True)
def own_signal():
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def python(code):
    return [sys.executable, "-c", code]


@pytest.mark.parametrize("code", [0, 3])
def test_down_after_the_command_and_its_exit_code(tmp_path, code):
    backend: Any = Recorded(tmp_path)
    assert around(backend, python(f"raise SystemExit({code})")) == code
    assert backend.done == ["up", "down"]


def test_found_up_and_left_up(tmp_path):
    backend: Any = Recorded(tmp_path, up=True)
    assert around(backend, python("")) == 0
    assert backend.done == ["up"]


def test_down_after_a_start_that_failed(tmp_path):
    backend: Any = Recorded(tmp_path, fails=True)
    with pytest.raises(ClusterError):
        around(backend, python(""))
    assert backend.done == ["up", "down"]


def test_down_after_sigterm(tmp_path):
    backend: Any = Recorded(tmp_path)
    with pytest.raises(SystemExit) as ended:
        around(backend, python(f"import os, time; os.kill({os.getpid()}, 15); time.sleep(60)"))
    assert ended.value.code == TERMINATED
    assert backend.done == ["up", "down"]


def test_the_command_reaches_the_cluster_by_its_environment(tmp_path):
    backend: Any = Recorded(tmp_path)
    code = f"import os; raise SystemExit(os.environ['KUBECONFIG'] != {str(tmp_path / 'config')!r})"
    assert around(backend, python(code)) == 0
