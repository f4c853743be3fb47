"""`alphatrade redteam`: what it prints, writes and returns."""

import json

import pytest

from alphatrade_runtime.cli import redteam as command
from alphatrade_runtime.cli.main import call
from alphatrade_runtime.report.redteam import rules


def command_line(*more):
    return ["redteam", "-f", "examples/quickstart", "--scenario", "halt_reopen", "--severity", "Low", *more]


@pytest.mark.parametrize(("found", "code"), [("", 0), ("lost it all", 1)])
def test_the_command_prints_a_matrix_and_says_why(found, code, capsys, monkeypatch, repository):
    monkeypatch.chdir(repository)
    monkeypatch.setattr(rules, "finding", lambda facts: found)
    assert call(command_line()) == code
    shown = capsys.readouterr().out
    assert "halt_reopen" in shown
    assert ("SESSION in" in shown) is (code == 0)
    assert ("Fail halt_reopen Low: lost it all" in shown) is (code == 1)
    assert shown.splitlines()[-1] == f"{1 - code} of 1 passed"


def test_json_is_the_same_bytes_twice_and_in_the_folder_too(capsys, monkeypatch, repository, tmp_path):
    monkeypatch.chdir(repository)
    texts = []
    for out in ([], ["--out", str(tmp_path / "deep" / "matrix")]):
        assert call(command_line("--json", *out)) == 0
        texts.append(capsys.readouterr().out)
    texts.append((tmp_path / "deep" / "matrix" / command.NAME).read_text())
    assert texts[0] == texts[1] == texts[2]
    told = json.loads(texts[0])
    verdict = told["verdicts"][0]
    assert told["seed"] == verdict["seed"] == 1
    assert verdict["verdict"] == "Pass"
    assert verdict["answer"] == "SESSION"
    assert {name: digest[:7] for name, digest in verdict["digests"].items()} == dict.fromkeys(
        ("diary", "fills", "pnl"), "sha256:"
    )
    assert verdict["digests"] != told["base"]["digests"]
