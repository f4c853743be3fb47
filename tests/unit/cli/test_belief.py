"""`alphatrade belief train`: a file that the printed block names, and that a run of the same folder takes."""

import json

import pytest
import yaml

from alphatrade_runtime.cli.main import call


@pytest.fixture
def session(repository, tmp_path):
    """The learning example, two minutes of it; return its folder."""
    text = (repository / "examples" / "learning" / "session.yaml").read_text().replace("duration: 20m", "duration: 2m")
    (tmp_path / "session.yaml").write_text(text)
    return tmp_path


def test_what_it_prints_is_what_a_run_takes(session, capsys):
    out = session / "weights.npz"
    assert call(["belief", "train", "-f", str(session), "--out", str(out), "--folds", "3"]) == 0
    printed = capsys.readouterr().out
    assert "right signs" in printed
    block = yaml.safe_load(printed.splitlines()[-1])
    text = (session / "session.yaml").read_text()
    features = "trade_flow_1s]\n"
    assert text.count(features) == 1
    (session / "session.yaml").write_text(
        text.replace(features, f"{features}      weights: {json.dumps(block['weights'])}\n")
    )
    artifacts = session / "artifacts"
    assert call(["run", "-f", str(session), "--speed", "Max", "--artifacts", str(artifacts)]) == 0
    capsys.readouterr()
    assert call(["belief", "train", "-f", str(session), "--out", str(out)]) == 2
    assert "trained already" in capsys.readouterr().err


def test_json_has_the_figures_of_each_fold(session, capsys):
    out = session / "weights.npz"
    assert call(["belief", "train", "-f", str(session), "--out", str(out), "--folds", "3", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["digest"].startswith("sha256:")
    assert told["spread_bps"] > 0.0
    assert [fold["fold"] for fold in told["folds"]] == [0, 1, 2]
    assert all(0.0 <= fold["hit"] <= 1.0 and fold["test"] > 0 for fold in told["folds"])


def test_a_session_without_a_belief_is_refused(repository, tmp_path, capsys):
    folder = repository / "examples" / "quickstart"
    assert call(["belief", "train", "-f", str(folder), "--out", str(tmp_path / "weights.npz")]) == 2
    assert "the session has no belief; add its block" in capsys.readouterr().err
    assert not (tmp_path / "weights.npz").exists()


def test_a_method_that_is_none_is_refused_before_anything_is_replayed(session, capsys):
    out = session / "weights.npz"
    assert call(["belief", "train", "-f", str(session), "--out", str(out), "--method", "lasso"]) == 2
    assert "training method lasso: choose one of ridge, rls" in capsys.readouterr().err
