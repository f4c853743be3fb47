"""`alphatrade kill` and `alphatrade verify`: a run that keeps a journal, while it runs and afterwards."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alphatrade_runtime.cli import options

if TYPE_CHECKING:
    from alphatrade_runtime.loop.recovery import Verification

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
    """Engage the kill switch of a session that runs, at Realtime or a multiple. It latches: a restart does not undo it.

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
    """Replay a run from its input journal and compare its digests. Exit code 3 when one differs.

    Runs at Realtime and at a multiple such as 200x keep a journal; one at Max is compared by running it again.

    \\b
    Example:
      alphatrade verify artifacts/paper/2026/01/05/run-1f2e3d4c5b6a7988
    """
    from alphatrade_runtime.loop.artifacts import find_run

    found = _verified(find_run(artifacts, run))
    for name, digest in found.digests.items():
        print(
            f"{name} {digest}{'' if digest == found.recorded.get(name) else f', recorded {found.recorded.get(name)}'}"
        )
    for violation in found.violations:
        print(f"violation: {violation.text}")
    print("the journal gives the same bytes" if found.agrees else "the journal gives other bytes than were recorded")
    return 0 if found.agrees else BREACH


def _verified(folder: Path) -> "Verification":
    """Replay the journal of either clock."""
    from alphatrade_runtime.cli.session import load_plugins, plugin_digests_of
    from alphatrade_runtime.loop import recovery, stream_recovery

    streamed = stream_recovery.read_facts(folder)
    if streamed is not None:
        return stream_recovery.verify(folder, streamed, plugin_digests_of(load_plugins(streamed.document)))
    return recovery.verify(folder, plugin_digests_of(load_plugins(recovery.read_facts(folder).document)))
