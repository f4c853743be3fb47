"""`alphatrade run` and `alphatrade replay`."""

# Modules that load the compiler are imported inside the commands: --help must not wait for them.

from pathlib import Path
from typing import Annotated, Any

import typer

from alphatrade_runtime.cli import options

BREACH = 3


def run(
    folder: options.Folder,
    strategy: options.Strategy = None,
    plugin: options.PluginFile = None,
    signal: options.SignalName = None,
    speed: options.Speed = None,
    artifacts: options.Artifacts = options.ARTIFACTS,
    checkpoint_every: options.CheckpointEvery = 5.0,
    duration: Annotated[
        float | None, typer.Option(min=0.1, help="Realtime, or 200x: end after so many seconds of the wall clock.")
    ] = None,
    loop: Annotated[bool, typer.Option("--loop", help="Realtime: start the feed again at its end.")] = False,
    broker: Annotated[Path | None, typer.Option(help="Realtime: socket of a paper exchange; see render.")] = None,
) -> int:
    """Trade a session: its strategy, on its feed, under its risk template.

    The folder holds the same YAML that a cluster takes. The run is kept under
    artifacts/KIND/YYYY/MM/DD/RUN_ID/ with its diary, run.json and report.html. Run it again and the three
    digests are the same. Killed, the same command goes on from the last checkpoint.

    Above Realtime time is that of the rows: at 200x they come 200 times as fast as they came then, and the digests
    are those of Max. At Realtime it is the clock on the wall. Both keep a journal, which `alphatrade verify` replays,
    and hear `alphatrade kill`.

    \b
    Examples:
      alphatrade run -f examples/quickstart
      alphatrade run -f examples/quickstart --plugin my.py       your own strategy under the same law
      alphatrade run -f examples/quickstart --speed 200x         the same at 200 times the feed's own pace
      alphatrade run -f examples/quickstart --speed Realtime     by the wall clock
    """
    from alphatrade_runtime.cli.session import read_plan

    plan = read_plan(folder, strategy, plugin=plugin, signal=signal, speed=speed)
    return trade(plan, artifacts, checkpoint_s=checkpoint_every, duration_s=duration, loop=loop, broker=broker)


def replay(
    tape: Annotated[Path, typer.Argument(help="Folder of a tape, as `alphatrade import` makes it.")],
    folder: options.Folder,
    strategy: options.Strategy = None,
    plugin: options.PluginFile = None,
    signal: options.SignalName = None,
    artifacts: options.Artifacts = options.ARTIFACTS,
    checkpoint_every: options.CheckpointEvery = 5.0,
) -> int:
    """Trade a recorded tape with the strategy and the law of a folder, in simulated time.

    The tape takes the place of the folder's feed; symbols, tick and lot sizes must be those of the folder.

    \b
    Example:
      alphatrade import capture.gz --out artifacts/tapes/mine
      alphatrade replay artifacts/tapes/mine -f examples/capture
    """
    from alphatrade_runtime.cli.session import read_plan

    feed = {"type": "tape", "path": str(tape)}
    plan = read_plan(folder, strategy, plugin=plugin, signal=signal, feed=feed, speed="Max")
    return trade(plan, artifacts, checkpoint_s=checkpoint_every)


def render(
    folder: options.Folder,
    strategy: options.Strategy = None,
    plugin: options.PluginFile = None,
    signal: options.SignalName = None,
    speed: options.Speed = None,
) -> int:
    """Print the session document that a folder makes: all that one run executes, as JSON.

    A paper exchange in a process of its own takes it, and so does Engine in a notebook.

    \b
    Example:
      alphatrade render -f examples/quickstart --speed Realtime > session.json
      python -m alphatrade_runtime.service.paper_exchange --session session.json --socket x.sock --log exchange
      alphatrade run -f examples/quickstart --speed Realtime --broker x.sock
    """
    import json

    from alphatrade_runtime.cli.session import read_plan

    print(json.dumps(read_plan(folder, strategy, plugin=plugin, signal=signal, speed=speed).document, indent=1))
    return 0


def trade(
    plan: Any,
    base: Path,
    *,
    checkpoint_s: float = 5.0,
    duration_s: float | None = None,
    loop: bool = False,
    broker: Path | None = None,
) -> int:
    """Run a plan by the clock that its speed asks for, print what it came to, return the exit code."""
    from alphatrade_runtime.cli import execute
    from alphatrade_runtime.cli.feeds import open_tape
    from alphatrade_runtime.cli.screen import remark
    from alphatrade_runtime.cli.session import clock_of
    from alphatrade_runtime.cli.summary import print_summary

    clock = clock_of(plan.session)
    _refuse(clock, duration=duration_s, loop=loop, broker=broker)
    for text in plan.remarks:
        remark(text)
    engine = plan.engine()  # refuses what cannot run before a market is simulated for it
    with open_tape(plan, base) as tape:
        if clock == "Max":
            finished = execute.execute(engine, plan, tape, base, checkpoint_s)
        elif clock == "Stream":
            finished = execute.execute_stream(engine, plan, tape, base, duration_s=duration_s)
        else:
            finished = execute.execute_live(engine, plan, tape, base, duration_s=duration_s, loop=loop, broker=broker)
    print_summary(finished.folder)
    return BREACH if finished.breached else 0


def _refuse(clock: str, **given: Any) -> None:
    """Refuse options that the clock has no use for."""
    from alphatrade_runtime.market.faults import InputError

    paced = "a run at Realtime or a multiple such as 200x; add --speed"
    places = {"duration": ("Stream", "Wall"), "loop": ("Wall",), "broker": ("Wall",)}
    for name, value in given.items():
        if value and clock not in places[name]:
            where = paced if "Stream" in places[name] else "a run by the wall clock; add --speed Realtime"
            raise InputError(f"--{name}: only for {where}, or leave it out")
