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
    duration: Annotated[float | None, typer.Option(min=0.1, help="Wall clock: end after so many seconds.")] = None,
    loop: Annotated[bool, typer.Option("--loop", help="Wall clock: start the feed again at its end.")] = False,
    broker: Annotated[Path | None, typer.Option(help="Wall clock: socket of a paper exchange; see render.")] = None,
) -> int:
    """Trade a session: its strategy, on its feed, under its risk template.

    The folder holds the same YAML that a cluster takes. The run is kept under
    artifacts/KIND/YYYY/MM/DD/RUN_ID/ with its diary, run.json and report.html. Run it again and the three
    digests are the same. Killed, the same command goes on from the last checkpoint.

    \b
    Examples:
      alphatrade run -f examples/quickstart
      alphatrade run -f examples/quickstart --plugin my.py       your own strategy under the same law
      alphatrade run -f examples/quickstart --speed 200x         on the wall clock, 200 times as fast
    """
    from alphatrade_runtime.cli.session import by_wall_clock, read_plan

    plan = read_plan(folder, strategy, plugin=plugin, signal=signal, speed=speed)
    if by_wall_clock(plan.session):
        return trade_live(plan, artifacts, duration_s=duration, loop=loop, broker=broker)
    _refuse(duration=duration, loop=loop, broker=broker)
    return trade(plan, artifacts, checkpoint_every)


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
    return trade(plan, artifacts, checkpoint_every)


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


def _refuse(**given: Any) -> None:
    """Refuse options that only the wall clock has a use for."""
    from alphatrade_runtime.market.faults import InputError

    for name, value in given.items():
        if value:
            raise InputError(f"--{name}: only for a run by the wall clock; add --speed Realtime, or leave it out")


def trade_live(plan: Any, base: Path, **how: Any) -> int:
    """Run a plan by the wall clock, print what it came to, return the exit code."""
    from alphatrade_runtime.cli.execute import execute_live
    from alphatrade_runtime.cli.feeds import open_tape
    from alphatrade_runtime.cli.summary import print_summary

    engine = plan.engine()  # refuses what cannot run before a market is simulated for it
    with open_tape(plan, base) as tape:
        finished = execute_live(engine, plan, tape, base, **how)
    print_summary(finished.folder)
    return BREACH if finished.breached else 0


def trade(plan: Any, base: Path, checkpoint_s: float = 5.0) -> int:
    """Run a plan, print what it came to, return the exit code."""
    from alphatrade_runtime.cli.execute import execute
    from alphatrade_runtime.cli.feeds import open_tape
    from alphatrade_runtime.cli.screen import remark
    from alphatrade_runtime.cli.summary import print_summary

    for text in plan.remarks:
        remark(text)
    engine = plan.engine()  # refuses what cannot run before a market is simulated for it
    with open_tape(plan, base) as tape:
        finished = execute(engine, plan, tape, base, checkpoint_s)
    print_summary(finished.folder)
    return BREACH if finished.breached else 0
