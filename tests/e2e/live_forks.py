"""Fork wall-clock runtimes on request: one JSON question a line on stdin, one answer a line on stdout.

A runtime may be told to kill itself at a given point: `crash` = [method, nth call, "before" or "after"].
"""

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from alphatrade_runtime.execution.broker.socket_broker import SocketBroker
from alphatrade_runtime.loop.engine import Engine
from alphatrade_runtime.loop.journal import Journal
from alphatrade_runtime.loop.live import LiveOptions, run_live
from alphatrade_runtime.loop.live_clock import ClockFacts
from alphatrade_runtime.loop.live_session import new_live_core
from alphatrade_runtime.loop.live_warm import warm_up
from alphatrade_runtime.market.tape import Tape
from alphatrade_runtime.policy.document import parse_session

POINTS: dict[str, Any] = {
    "append_rows": Journal, "append_commands": Journal, "flush": Journal, "send": SocketBroker, "logon": SocketBroker,
    "reconcile": SocketBroker,
}  # fmt: skip


def main() -> None:
    """Answer until stdin ends."""
    for line in sys.stdin:
        question = json.loads(line)
        answer = start(question) if question["do"] == "start" else wait(question["pid"])
        print(answer, flush=True)


def start(question: dict[str, Any]) -> int:
    """Fork a runtime or a replay; return its process id."""
    document = json.loads(Path(question["session"]).read_text())
    work = replay if question.get("replay") else live
    load(document, question)
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work(document, question)
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        except BaseException as error:
            traceback.print_exception(error)
        finally:
            os._exit(code)
    return pid


def wait(pid: int) -> int:
    """Wait for a runtime; return its exit code, negative for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


_LOADED: set[str] = set()


def load(document: dict[str, Any], question: dict[str, Any]) -> None:
    """Load compiled code once, before any fork."""
    name = "replay" if question.get("replay") else "live"
    if name in _LOADED:
        return
    _LOADED.add(name)
    session = parse_session(document)
    if name == "live":
        warm_up(session, new_live_core(session, ClockFacts(0, 0, 1)))
        return
    with Tape.open(document["feed"]["path"]) as tape:
        Engine(document).replay(tape.rows(0, 1))


def live(document: dict[str, Any], question: dict[str, Any]) -> None:
    """Run a wall-clock session and leave its result beside it."""
    crash_at(question.get("crash"))
    folder = Path(question["folder"])
    broker = question.get("broker")
    options = LiveOptions(
        broker=Path(broker) if broker else None, duration_s=question.get("duration_s"), loop=True,
    )  # fmt: skip
    result = run_live(document, folder, options)
    facts = {
        "digests": result.run.digests, "counts": result.run.counts, "kill": result.run.kill, "notes": result.notes,
        "violations": [str(v) for v in result.run.violations], "ended_by": result.ended_by, "money": result.run.money,
    }  # fmt: skip
    (folder / "result.json").write_text(json.dumps(facts))


def replay(document: dict[str, Any], question: dict[str, Any]) -> None:
    """Replay the session's tape with checkpoints and leave the result beside it."""
    folder = Path(question["folder"])
    with Tape.open(document["feed"]["path"]) as tape:
        result = Engine(document).replay(tape, folder, checkpoint_every_s=question["checkpoint_every_s"])
    facts = {
        "digests": result.digests,
        "counts": result.counts,
        "money": result.money,
        "violations": len(result.violations),
    }
    (folder / "result.json").write_text(json.dumps(facts))


def crash_at(point: list[Any] | None) -> None:
    """Kill this process before or after the nth call of a method."""
    if point is None:
        return
    name, nth, when = point
    owner = POINTS[name]
    method: Callable[..., Any] = getattr(owner, name)
    calls = 0

    def counted(self: Any, *args: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == nth and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = method(self, *args, **options)
        if calls == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, counted)


if __name__ == "__main__":
    main()
