"""A Kubernetes cluster for tests: PYTHONPATH=tests python3 -m cluster COMMAND. `make help` has the usual ones."""

import argparse
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from cluster.backend import Backend, Daemon, choose
from cluster.command import say
from cluster.local_node import LocalNode
from cluster.node_process import inside
from cluster.reproducible import build_again
from cluster.settings import ClusterError, State, default_state

FAILED = 2
TERMINATED = 128 + signal.SIGTERM


def main() -> int:
    """Run one command; return the exit code. What is wrong is said in one message."""
    asked = _parser().parse_args()
    try:
        return _dispatch(asked, State(asked.state))
    except ClusterError as error:
        print(f"cluster: {error}", file=sys.stderr)
        return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="cluster", description=__doc__)
    parser.add_argument(
        "--state", type=Path, default=default_state(), help="folder of binaries, images and the cluster"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("build", help="build what the cluster here is made of, without starting it")
    commands.add_parser("up", help="start the cluster, unless it runs; print its kubeconfig")
    commands.add_parser("down", help="remove it and all that it left on the machine")
    commands.add_parser("status", help="which backend, and what runs")
    commands.add_parser("env", help="print shell lines that point kubectl and helm at it")
    commands.add_parser("image", help="build the product's image and load it; print its name")
    commands.add_parser("reproducible", help="build the image once more, from nothing, and compare every file")
    _with_words(commands.add_parser("around", help="run a command with the cluster up; leave it as it was found"))
    _with_words(commands.add_parser("exec", help="run a command in the local node's namespaces"))
    daemon = commands.add_parser("daemon", help="stop, start or kill a part of the cluster")
    daemon.add_argument("action", choices=("stop", "start", "kill"))
    daemon.add_argument("name")
    return parser


def _with_words(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("words", nargs=argparse.REMAINDER, metavar="-- COMMAND")


def _dispatch(asked: argparse.Namespace, state: State) -> int:
    if asked.command == "exec":
        return subprocess.run(inside(state, *_words(asked)).argv).returncode
    backend = choose(state=state)
    if asked.command == "around":
        return around(backend, _words(asked))
    _actions(backend, asked)[asked.command]()
    return 0


def _actions(backend: Backend, asked: argparse.Namespace) -> dict[str, Callable[[], None]]:
    return {
        "build": lambda: build(backend),
        "up": lambda: print(backend.up()),
        "down": backend.down,
        "status": lambda: print(f"{backend.name}: {backend.status()}"),
        "env": lambda: print(exports(backend)),
        "image": lambda: print(image(backend)),
        "reproducible": lambda: print(build_again(backend.builder())),
        "daemon": lambda: fault(backend.daemon(asked.name), asked.action),
    }


def _words(asked: argparse.Namespace) -> list[str]:
    words: list[str] = asked.words
    return words[1:] if words[:1] == ["--"] else words


def build(backend: Backend) -> None:
    """Build what has to be built: of the backends only the local node has anything."""
    if isinstance(backend, LocalNode):
        backend.build()


def fault(daemon: Daemon, action: str) -> None:
    """Stop, start or kill a daemon."""
    {"stop": daemon.stop, "start": daemon.start, "kill": daemon.kill}[action]()


def image(backend: Backend) -> str:
    """Build the image, and load it where a cluster runs."""
    name = backend.build_image()
    if backend.is_up():
        backend.load_image(name)
    return name


def exports(backend: Backend) -> str:
    """Return shell lines that set what kubectl and helm need."""
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in backend.kube().env.items())


def around(backend: Backend, words: list[str]) -> int:
    """Run a command with the cluster up; take it down afterwards, whatever happens, unless it was up before."""
    found_up = backend.is_up()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))  # so that what follows `finally` is done
    try:
        backend.up()
        return subprocess.run(words, env={**os.environ, **backend.kube().env}).returncode
    finally:
        if found_up:
            say(f"{backend.name}: left up, as it was found")
        else:
            backend.down()


if __name__ == "__main__":
    sys.exit(main())
