"""The command line: `alphatrade COMMAND`. Exit codes: 0 good, 1 differs or fault of ours, 2 bad input, 3 a breach."""

import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated

import typer

from alphatrade_operator.kubectl import main as kubectl
from alphatrade_operator.kubectl.kubectl import KubectlError
from alphatrade_operator.resources import ResourceError
from alphatrade_runtime.cli import (
    belief,
    catalog,
    compare,
    diary,
    drift,
    explain,
    graph,
    importing,
    kill,
    plugin,
    redteam,
    report,
    run,
    serve,
    tape,
)
from alphatrade_runtime.market.faults import InputError

BAD_INPUT, INTERRUPTED, OUR_FAULT = 2, 130, 1

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


@app.callback()
def alphatrade(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Trade simulated and recorded markets under a law that no strategy can get around.

    \b
    First steps:
      alphatrade run -f examples/quickstart             trade a simulated market; prints digests and a report
      alphatrade signals                                the built-in strategies and their parameters
      alphatrade plugin check my.py                     test a strategy of your own
      alphatrade import capture.gz --out tapes/mine     make a tape of recorded data
      alphatrade replay tapes/mine -f my-session        trade that tape

    \b
    Every command explains itself: alphatrade COMMAND --help
    Exit codes: 0 good, 1 two runs differ, 2 bad input (one line says what to do),
    3 a breach: the auditor, a strategy's fault, or books that do not agree.
    """


app.command("run", short_help="Trade a session: strategy, feed, law.")(run.run)
app.command("replay", short_help="Trade a recorded tape.")(run.replay)
app.command("redteam", short_help="Trade a session through faults, and judge it.")(redteam.redteam)
app.command("compare", short_help="Find the first row at which two runs differ.")(compare.compare)
app.command("explain", short_help="Say why a policy traded and not another.")(explain.explain)
app.command("graph", short_help="Diagnose the graph of a run's fast weights.")(graph.graph)
app.command("report", short_help="Print a run's table; write its report anew.")(report.report)
app.command("import", short_help="Make a tape of recorded data.")(importing.import_data)
app.add_typer(tape.app, name="tape")
app.add_typer(diary.app, name="diary")
app.add_typer(plugin.app, name="plugin")
app.add_typer(belief.app, name="belief")
app.add_typer(drift.app, name="drift")
app.command("render", short_help="Print a session as JSON.")(run.render)
app.command("kill", short_help="Engage the kill switch of a running session.")(kill.kill)
app.command("verify", short_help="Replay a run from its journal.")(kill.verify)
app.command("serve", short_help="Run a pod; what the operator starts.")(serve.serve)
app.command("roll", short_help="Replace pods of a cluster that an upgrade left behind.")(kubectl.roll)
app.command("decommission", short_help="Give a trading namespace of a cluster up.")(kubectl.decommission)
app.command("uninstall", short_help="Take AlphaTrade off a cluster.")(kubectl.uninstall)
app.command("signals", short_help="List the built-in strategies.")(catalog.signals)
app.command("features", short_help="List what a strategy can read.")(catalog.features)


def main() -> None:
    """Run the command line and leave with its exit code."""
    sys.exit(call(sys.argv[1:]))


def call(arguments: Sequence[str]) -> int:
    """Run one command line; returns the exit code. Errors are lines `error: ...` on stderr."""
    given = [argument for argument in arguments if argument != "--debug"]
    return guarded(lambda: _invoke(given), debug=len(given) < len(arguments))


def _invoke(arguments: list[str]) -> int | None:
    """Run the command itself: `command.main` would take a Ctrl-C, and with it the note on how to go on."""
    command = typer.main.get_command(app)
    try:
        with command.make_context("alphatrade", arguments) as context:
            return command.invoke(context)
    except typer.Exit as end:
        return end.exit_code


def guarded(work: Callable[[], int | None], *, debug: bool = False) -> int:
    """Do the work of a command; returns its exit code, or that of the error that ended it."""
    try:
        code = work()
        sys.stdout.flush()
        return int(code or 0)
    except BrokenPipeError:
        sys.stderr.close()  # the reader, such as `head`, has seen enough
        return 0
    except (KeyboardInterrupt, typer.Abort) as error:
        _say(["stopped", *getattr(error, "__notes__", [])])
        return INTERRUPTED
    except typer.TyperException as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            print(error.format_message())
            return 0
        _say([_usage(error)])
        return BAD_INPUT
    except Exception as error:
        if debug:
            traceback.print_exc()
        lines, code = _lines(error)
        _say(lines)
        return code


def _lines(error: Exception) -> tuple[list[str], int]:
    """Return what to say of an error, a line each, and the exit code."""
    if isinstance(error, ResourceError):
        return list(error.problems), BAD_INPUT
    if isinstance(error, KubectlError):
        return [str(error)], kubectl.code_of(error)
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename is not None else ""
        return [f"{where}{error.strerror or error}; check the path, its permissions and the disk"], BAD_INPUT
    if type(error).__name__ in _KNOWN or isinstance(error, InputError):
        return [str(error)], BAD_INPUT
    text = f"{type(error).__name__}: {error}"
    return [f"a fault of this program, not of your input: {text}; --debug shows where"], OUR_FAULT


_KNOWN = (
    "PluginError",
    "DiaryStalled",
    "JournalStalled",
)  # by name: their modules load the compiler, which --help need not wait for


def _usage(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "alphatrade"
    return f"{error.format_message().rstrip('.')}; see `{command} --help`"


def _say(lines: Sequence[str]) -> None:
    for line in _flat(lines):
        print(f"error: {line}", file=sys.stderr)


def _flat(lines: Sequence[str]) -> Iterator[str]:
    yield from (" ".join(line.split()) for line in lines)
