"""The paper exchange as a process of its own: `python -m alphatrade_runtime.service.paper_exchange`.

It plays the session's feed itself, by the clock that the runtime names at its first logon, and outlives the
runtime. Its fills are simulated.
"""

import argparse
import json
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from alphatrade_runtime.execution.broker.server import PaperServer
from alphatrade_runtime.loop.live_clock import Clocks
from alphatrade_runtime.loop.live_exchange import exchange_maker
from alphatrade_runtime.loop.live_feed import open_source
from alphatrade_runtime.loop.live_warm import warm_up_exchange
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.policy.document import parse_session


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; return the exit code."""
    parser = argparse.ArgumentParser(prog="paper_exchange", description="Serve a simulated exchange to one runtime.")
    parser.add_argument("--session", type=Path, required=True, help="session document, JSON")
    parser.add_argument("--socket", type=Path, required=True, help="Unix socket to listen on")
    parser.add_argument("--log", type=Path, required=True, help="folder of the exchange's own log")
    given = parser.parse_args(arguments)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        serve(given.session, given.socket, given.log, stop)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def serve(document: Path, socket: Path, log: Path, stop: threading.Event) -> None:
    """Serve one session's exchange until `stop` is set. Raises InputError."""
    session = parse_session(json.loads(document.read_bytes()))
    source = open_source(session)
    next(source.chunks(), None)  # a simulation compiles, too
    warm_up_exchange(session)
    make = exchange_maker(session, source, log, Clocks())
    PaperServer(socket, make, session.exchange.cancel_on_disconnect).serve(stop.is_set)


if __name__ == "__main__":
    sys.exit(main())
