"""`alphatrade kill` and `alphatrade verify`: a run by the wall clock, while it runs and afterwards."""

from typing import Annotated

import typer

from alphatrade_runtime.cli import options

BREACH = 3


def kill(
    run: options.RunArgument,
    mode: Annotated[
        str, typer.Option(help="Reduce: only reductions. Halt: cancel all, stop. Flatten: close, then halt.")
    ],
    reason: Annotated[str, typer.Option(help="Why, for the diary.")] = "asked for on the command line",
    max_slippage: Annotated[
        int, typer.Option(min=0, max=9_999, help="Flatten: furthest from the mid, in bps; 0: the risk template's.")
    ] = 0,
    artifacts: options.Artifacts = options.ARTIFACTS,
) -> int:
    """Engage the kill switch of a session that runs by the wall clock. It latches: a restart does not undo it.

    \\b
    Example:
      alphatrade kill artifacts/paper/.unfinished/run-1f2e3d4c5b6a7988 --mode Flatten --reason "news"
    """
    from alphatrade_runtime.loop.artifacts import find_run
    from alphatrade_runtime.loop.live_control import request_kill

    folder = find_run(artifacts, run)
    request_kill(folder, mode, reason, max_slippage)
    print(f"{mode} asked for; {folder} says in its diary when it was done")
    return 0


def verify(run: options.RunArgument, artifacts: options.Artifacts = options.ARTIFACTS) -> int:
    """Replay a wall-clock run from its input journal and compare its digests. Exit code 3 when one differs.

    \\b
    Example:
      alphatrade verify artifacts/paper/2026/01/05/run-1f2e3d4c5b6a7988
    """
    from alphatrade_runtime.cli.session import load_plugins, plugin_digests_of
    from alphatrade_runtime.loop.artifacts import find_run
    from alphatrade_runtime.loop.recovery import read_facts
    from alphatrade_runtime.loop.recovery import verify as verify_run

    folder = find_run(artifacts, run)
    found = verify_run(folder, plugin_digests_of(load_plugins(read_facts(folder).document)))
    for name, digest in found.digests.items():
        print(
            f"{name} {digest}{'' if digest == found.recorded.get(name) else f', recorded {found.recorded.get(name)}'}"
        )
    for violation in found.violations:
        print(f"violation: {violation.text}")
    print("the journal gives the same bytes" if found.agrees else "the journal gives other bytes than were recorded")
    return 0 if found.agrees else BREACH
