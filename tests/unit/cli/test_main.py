"""Every command teaches itself; what goes wrong is one line on stderr and an exit code."""

import pytest
import typer

from alphatrade_runtime.cli.main import app, call, guarded
from alphatrade_runtime.market.faults import InputError

COMMANDS = [
    ["run"], ["replay"], ["compare"], ["explain"], ["redteam"], ["report"], ["import"], ["render"], ["kill"],
    ["verify"], ["signals"], ["features"], ["serve"], ["roll"], ["decommission"], ["uninstall"],
    ["tape", "info"], ["diary", "verify"], ["diary", "show"], ["diary", "sql"], ["plugin", "check"], ["plugin", "pin"],
    ["drift", "calibrate"], ["belief", "train"], ["graph"],
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_says_what_it_does_and_shows_an_example(command, capsys):
    assert call([*command, "--help"]) == 0
    shown = capsys.readouterr().out
    assert "Example" in shown
    assert f"alphatrade {' '.join(command)}" in shown or command == ["features"]


def test_every_command_is_in_the_table_above():
    commands = getattr(typer.main.get_command(app), "commands")  # noqa: B009 (the type hides it)
    found = {
        (name, *inner)
        for name, command in commands.items()
        for inner in [[sub] for sub in getattr(command, "commands", {})] or [[]]
    }
    assert found == {tuple(command) for command in COMMANDS}


@pytest.mark.parametrize("group", [[], ["belief"], ["diary"], ["drift"], ["plugin"], ["tape"]])
def test_nothing_asked_for_shows_the_help(group, capsys):
    assert call(group) == 0
    assert "Usage" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run"], "--folder"),
        (["no-such"], "no-such"),
        (["run", "-f", "no/such/folder"], "no/such/folder"),
        (["report", "no-such-run"], "no-such-run"),
        (["tape", "info", "no/such/tape"], "manifest.json: missing"),
        (["import", "no/such/file", "--out", "x"], "no such file"),
        (["plugin", "pin", "no/such.py"], "cannot be read"),
        (["kill", "no-such-run", "--mode", "Halt"], "no-such-run"),
        (["run", "-f", "examples/quickstart", "--speed", "fast"], "--speed fast"),
        (["run", "-f", "examples/quickstart", "--signal", "mine"], "--plugin"),
        (["run", "-f", "examples/quickstart", "--loop"], "--loop: only for a run by the wall clock; add --speed Realt"),
        (["run", "-f", "examples/quickstart", "--speed", "20x", "--loop"], "--loop: only for a run by the wall clock"),
        (["run", "-f", "examples/quickstart", "--speed", "20x", "--broker", "x"], "--broker: only for a run by the wa"),
        (["run", "-f", "examples/quickstart", "--broker", "x"], "--broker: only for a run by the wall clock"),
        (["run", "-f", "examples/quickstart", "--duration", "2"], "--duration: only for a run at Realtime or a multi"),
        (["run", "-f", "examples/quickstart", "--strategy", "other"], "quickstart"),
        (["drift", "calibrate", "--target", "1000"], "--target: say of which reference; add --reference N"),
        (["drift", "calibrate", "--reference", "0", "--law", "cauchy"], "law: 'cauchy' is unknown; give one of gaus"),
        (["redteam", "-f", "examples/quickstart", "--scenario", "flood"], "--scenario flood: no such one; choose from"),
        (["redteam", "-f", "examples/quickstart", "--severity", "low"], "--severity low: no such one; choose from Low"),
        (["redteam", "-f", "examples/daily-bars"], "examples/daily-bars"),
        (["serve", "pigeon"], "serve pigeon: no such pod; choose one of strategy, feed, broker"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments, said, capsys, monkeypatch, repository):
    monkeypatch.chdir(repository)
    assert call(arguments) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("error: ")
    assert shown.err.count("\n") == 1
    assert said in shown.err


def test_an_error_of_ours_is_called_one_and_debug_shows_where(capsys):
    def broken():
        raise ZeroDivisionError("by nought")

    assert guarded(broken) == 1
    assert "a fault of this program" in capsys.readouterr().err
    assert guarded(broken, debug=True) == 1
    assert "Traceback" in capsys.readouterr().err


def test_a_message_of_several_lines_is_told_in_one(capsys):
    def refuse():
        raise InputError("a.yaml: wrong\n  in two lines")

    assert guarded(refuse) == 2
    assert capsys.readouterr().err == "error: a.yaml: wrong in two lines\n"


def test_so_is_one_of_a_librarys_errors(capsys):
    def broken():
        raise RuntimeError("first\nsecond")

    assert guarded(broken) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_a_stop_by_hand_says_how_to_go_on(capsys):
    def stopped():
        error = KeyboardInterrupt()
        error.add_note("the same command goes on")
        raise error

    assert guarded(stopped) == 130
    assert capsys.readouterr().err == "error: stopped\nerror: the same command goes on\n"


def test_a_stop_by_hand_of_a_command_is_told_in_full(capsys, monkeypatch):
    def stopped(*arguments, **options):
        error = KeyboardInterrupt()
        error.add_note("the same command goes on")
        raise error

    monkeypatch.setattr("alphatrade_runtime.cli.session.read_plan", stopped)
    assert call(["run", "-f", "examples/quickstart"]) == 130
    assert capsys.readouterr().err == "error: stopped\nerror: the same command goes on\n"


def test_the_catalogs_name_every_signal_and_feature(capsys):
    assert call(["signals"]) == 0
    shown = capsys.readouterr().out
    for name in ("ema_cross", "mean_reversion", "order_flow_imbalance", "breakout", "two_sided_quote"):
        assert f"{name} (" in shown
    assert "no description" not in shown
    assert call(["features"]) == 0
    assert "book_imbalance" in capsys.readouterr().out
