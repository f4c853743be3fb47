"""`make run-paper`: paper trading by the example's clock, on a cluster that has the operator, else in one process.

Both take the same YAML, examples/paper.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from alphatrade_operator.kubectl.kubectl import Kubectl, KubectlError
from alphatrade_runtime.cli import options
from alphatrade_runtime.cli.main import BAD_INPUT, guarded
from alphatrade_runtime.cli.screen import remark
from alphatrade_runtime.market.faults import InputError

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "paper"
NAMESPACE, STRATEGY = "alphatrade-paper", "paper-trend"
READY_S = 300.0
_LOOK_S = 5
_NOT_READY = 1


class Seen(NamedTuple):
    """What a look for a cluster found. operator: namespaces that it runs in; fault: why there is none to use."""

    context: str
    operator: tuple[str, ...]
    fault: str


class Choice(NamedTuple):
    """Where to run, and why there."""

    where: Literal["cluster", "process"]
    why: str


def main() -> None:
    """Run; leave with 0, or 1 when the Strategy does not get ready, 2 for bad input, 3 for a breach."""
    parser = argparse.ArgumentParser(prog="make run-paper", description=__doc__)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--cluster", dest="forced", action="store_const", const="cluster", help="on the cluster only")
    where.add_argument("--in-process", dest="forced", action="store_const", const="process", help="in one process only")
    parser.add_argument("--duration", type=float, help="end (in one process) or stop looking (cluster) after so many s")
    parser.add_argument("--artifacts", type=Path, default=options.ARTIFACTS, help="folder under which runs are kept")
    given = parser.parse_args()
    sys.exit(guarded(lambda: run_paper(given.forced, given.duration, given.artifacts)))


def run_paper(forced: Literal["cluster", "process"] | None, duration_s: float | None, base: Path) -> int:
    """Choose where, say so, run there; return the exit code. Raises InputError."""
    if not EXAMPLE.is_dir():
        raise InputError(f"{EXAMPLE}: missing; run this from a clone, or use `alphatrade run -f DIR`")
    kubectl = Kubectl((f"--request-timeout={_LOOK_S}s",))
    choice = choose(forced, look(kubectl) if forced != "process" else Seen("", (), "not looked for"))
    print(f"== paper trading {'on the cluster' if choice.where == 'cluster' else 'in one process'}: {choice.why}")
    sys.stdout.flush()
    return on_cluster(kubectl, duration_s) if choice.where == "cluster" else in_process(duration_s, base)


def choose(forced: Literal["cluster", "process"] | None, seen: Seen) -> Choice:
    """Return where to run. Raises InputError when a cluster is asked for and there is none to use."""
    if forced == "process":
        return Choice("process", "--in-process was given")
    if seen.fault and forced == "cluster":
        raise InputError(f"--cluster: {seen.fault}")
    if seen.fault:
        return Choice("process", seen.fault)
    return Choice("cluster", f"context {seen.context} has the operator, in namespace {', '.join(seen.operator)}")


def look(kubectl: Kubectl) -> Seen:
    """Look for an operator where the current kubeconfig leads."""
    from alphatrade_operator.kubectl.evidence import OPERATOR
    from alphatrade_operator.kubectl.objects import read_object

    try:
        context = kubectl.run("config", "current-context").strip()
        found = kubectl.all("deployments", ("-A",), "-l", OPERATOR)
    except KubectlError as error:
        return Seen("", (), f"no cluster: {error}")
    namespaces = tuple(sorted({read_object(one).metadata.namespace for one in found}))
    fault = "" if namespaces else f"context {context} has no operator; helm install alphatrade charts/alphatrade"
    return Seen(context, namespaces, fault)


def in_process(duration_s: float | None, base: Path) -> int:
    """Run the example's session; return the exit code."""
    from alphatrade_runtime.cli.run import run

    return run(EXAMPLE, artifacts=base, duration=duration_s)


def on_cluster(kubectl: Kubectl, duration_s: float | None) -> int:
    """Apply the example, wait until it is ready, show what it does; return the exit code."""
    from alphatrade_operator.kubectl.show import follow

    where = ("-n", NAMESPACE)
    try:
        print(kubectl.run("apply", "-k", str(EXAMPLE)).strip(), flush=True)
        if not _ready(kubectl, where):
            return _say_why(kubectl, where)
        print(f"it goes on when you leave; to stop it: kubectl alphatrade halt --all -n {NAMESPACE} --reason '...'")
        pause = time.sleep if duration_s is None else _Until(time.monotonic() + duration_s).pause
        return follow(kubectl, where, pause)
    except _Over:
        return 0
    except KubectlError as error:
        print(f"error: {error}", file=sys.stderr)
        return BAD_INPUT


class _Over(Exception):
    """The time is over."""


class _Until:
    """Pauses that end with _Over at a deadline."""

    def __init__(self, deadline_s: float) -> None:
        self._deadline_s = deadline_s

    def pause(self, seconds: float) -> None:
        left = self._deadline_s - time.monotonic()
        if left <= 0:
            raise _Over
        time.sleep(min(seconds, left))


def _ready(kubectl: Kubectl, where: Sequence[str]) -> bool:
    """Wait until the Strategy is ready, or until it says that this will not come by itself."""
    from alphatrade_operator.kubectl.kubectl import ours
    from alphatrade_operator.kubectl.objects import read_strategy

    deadline, said = time.monotonic() + READY_S, ""
    while time.monotonic() < deadline:
        found = kubectl.find(ours("strategies"), STRATEGY, where)
        seen = read_strategy(found or {})
        if seen.metadata.generation and seen.observed_generation >= seen.metadata.generation:
            stalled = seen.condition("Stalled")
            if seen.ready.status == "True":
                return True
            if stalled is not None and stalled.status == "True":
                return False
        if seen.ready.reason != said:
            said = seen.ready.reason
            remark(f"waiting: {said}: {seen.ready.message}")
        time.sleep(1.0)
    return False


def _say_why(kubectl: Kubectl, where: Sequence[str]) -> int:
    from alphatrade_operator.kubectl.cause import explain
    from alphatrade_operator.kubectl.evidence import Target, gather

    cause = explain(gather(kubectl, Target("strategies", STRATEGY), where))
    print(f"why: {cause.sentence}\nfix: {cause.fix}")
    return _NOT_READY


if __name__ == "__main__":
    main()
