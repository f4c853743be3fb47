"""`make run-paper` says where it runs and why, and never falls back in silence when a place was asked for."""

import json
import sys

import pytest

from alphatrade_operator.kubectl.kubectl import Kubectl
from alphatrade_operator.resources import load_folder
from alphatrade_operator.strategy.model import Strategy
from alphatrade_runtime.cli import run_paper
from alphatrade_runtime.cli.run_paper import Choice, Seen, choose, look
from alphatrade_runtime.cli.session import read_plan
from alphatrade_runtime.market.faults import InputError

THERE = Seen("kind-dev", ("alphatrade-system",), "")
NOT_THERE = Seen("", (), "no cluster: kubectl is not on the PATH; install it")


@pytest.mark.parametrize(
    ("forced", "seen", "choice"),
    [
        (None, THERE, Choice("cluster", "context kind-dev has the operator, in namespace alphatrade-system")),
        (None, NOT_THERE, Choice("process", "no cluster: kubectl is not on the PATH; install it")),
        ("process", THERE, Choice("process", "--in-process was given")),
        ("cluster", THERE, Choice("cluster", "context kind-dev has the operator, in namespace alphatrade-system")),
    ],
)
def test_where_it_runs(forced, seen, choice):
    assert choose(forced, seen) == choice


def test_a_cluster_that_was_asked_for_is_not_replaced_by_a_process():
    with pytest.raises(InputError, match="--cluster: no cluster"):
        choose("cluster", NOT_THERE)


def _kubectl(folder, monkeypatch, code):
    script = folder / "kubectl"
    script.write_text(f"#!{sys.executable}\nimport sys\nwords = sys.argv[1:]\n{code}\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    return Kubectl()


def test_a_look_finds_the_operator(tmp_path, monkeypatch):
    found = json.dumps({"items": [{"metadata": {"name": "alphatrade-operator", "namespace": "ops"}}]})
    kubectl = _kubectl(tmp_path, monkeypatch, f"print('here' if 'config' in words else {found!r})")
    assert look(kubectl) == Seen("here", ("ops",), "")


def test_a_look_at_a_cluster_without_the_operator(tmp_path, monkeypatch):
    kubectl = _kubectl(tmp_path, monkeypatch, """print('here' if 'config' in words else '{"items": []}')""")
    assert "context here has no operator; helm install" in look(kubectl).fault


def test_a_look_without_kubectl_or_cluster(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert look(Kubectl()).fault == "no cluster: kubectl is not on the PATH; install it"
    kubectl = _kubectl(tmp_path, monkeypatch, "sys.exit('error: current-context is not set')")
    assert look(kubectl).fault == "no cluster: error: current-context is not set"


def test_it_names_the_example_as_it_is():
    (strategy,) = load_folder(run_paper.EXAMPLE).of_kind(Strategy)
    assert strategy.resource.metadata.name == run_paper.STRATEGY
    text = (run_paper.EXAMPLE / "kustomization.yaml").read_text()
    assert f"namespace: {run_paper.NAMESPACE}" in text


def test_the_example_runs_by_the_wall_clock_on_a_paper_account():
    plan = read_plan(run_paper.EXAMPLE)
    assert plan.session.policy.mode == "Paper"
    assert plan.session.feed.speed == "Realtime"


def test_the_time_given_ends_the_looking():
    until = run_paper._Until(0.0)
    with pytest.raises(run_paper._Over):
        until.pause(1.0)
