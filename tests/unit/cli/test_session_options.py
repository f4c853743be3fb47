"""The command's options are laid over a folder's resources."""

import json

import pytest

from alphatrade_runtime.cli.main import call
from alphatrade_runtime.cli.session import clock_of, read_plan
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.plugin.load import digest_of
from alphatrade_runtime.policy.document import parse_session


def test_a_plugin_takes_the_place_of_every_policys_signal(repository, plugin_file):
    path = plugin_file("laid_over")
    plan = read_plan(repository / "examples" / "run-sim", plugin=path)
    genes = plan.session.policy.genotype.policies
    assert {gene.signal.ref for gene in genes} == {"laid_over"}
    assert {gene.signal.digest for gene in genes} == {digest_of(path)}
    assert len(genes) == 5
    assert plan.document["policy"]["plugins"] == [{"path": str(path), "digest": digest_of(path)}]
    assert plan.plugin_digests == {"laid_over": digest_of(path)}


def test_of_several_signals_one_must_be_named(repository, plugin_file):
    path = plugin_file("first_one", "second_one")
    folder = repository / "examples" / "quickstart"
    with pytest.raises(InputError, match="--signal one of first_one, second_one"):
        read_plan(folder, plugin=path)
    plan = read_plan(folder, plugin=path, signal="second_one")
    assert plan.session.policy.genotype.policies[0].signal.ref == "second_one"
    with pytest.raises(InputError, match="declares no signal 'third'"):
        read_plan(folder, plugin=path, signal="third")


def test_a_plugin_that_a_policy_names_already_leaves_the_policies_alone(repository, plugin_file, tmp_path):
    path = plugin_file("named_there")
    folder = tmp_path / "session"
    folder.mkdir()
    for file in (repository / "examples" / "quickstart").glob("*.yaml"):
        text = file.read_text().replace("ref: ema_cross ", "ref: named_there ")
        (folder / file.name).write_text(text.replace("params: {fast: 20, slow: 50}", "params: {}"))
    plan = read_plan(folder, plugin=path)
    assert plan.session.policy.genotype.policies[0].signal.ref == "named_there"


def test_a_feed_given_takes_the_place_of_the_folders(repository):
    plan = read_plan(repository / "examples" / "quickstart", feed={"type": "tape", "path": "some/tape"}, speed="Max")
    assert plan.document["feed"] == {"type": "tape", "path": "some/tape", "speed": "Max", "record": False}


def test_a_rendered_session_is_the_one_that_runs(repository, capsys):
    folder = repository / "examples" / "run-sim"
    assert call(["render", "-f", str(folder), "--speed", "5x"]) == 0
    assert parse_session(json.loads(capsys.readouterr().out)) == read_plan(folder, speed="5x").session


@pytest.mark.parametrize(
    ("speed", "clock"), [("Max", "Max"), ("Realtime", "Wall"), ("1x", "Stream"), ("200x", "Stream")]
)
def test_the_speed_says_which_clock(repository, speed, clock):
    assert clock_of(read_plan(repository / "examples" / "quickstart", speed=speed).session) == clock


@pytest.mark.parametrize("mode", ["Sim", "Paper"])
def test_a_paper_account_has_simulated_time_too(repository, tmp_path, mode):
    for file in (repository / "examples" / "quickstart").glob("*.yaml"):
        (tmp_path / file.name).write_text(file.read_text().replace("mode: Paper", f"mode: {mode}"))
    plan = read_plan(tmp_path)
    assert plan.session.policy.mode == mode
    assert clock_of(plan.session) == "Max"
