"""P6: `Decide` over gRPC loopback, one event at a time, beside a bare grpcio stream that echoes the same bytes.

Both servers are processes of their own with mTLS by the same certificates; the client is the same code: an event is
sent when the answer to the one before has come. The echo makes nothing of a message, not even an object.

    python -m bench.decide_echo N decide|echo          serve the benchmark runner
    python -m bench.decide_echo server KIND FOLDER     one of the two servers, until its standard input ends
"""

# ruff: noqa: E402 (the pins must be in place before numba is imported)
from alphatrade_runtime.numerics import pins

pins.apply()

import hashlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent import futures
from importlib.metadata import version
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import grpc
import numpy as np

from alphatrade.mtls import Certificates, channel, server_credentials
from alphatrade.v1.decision_pb2 import DecideRequest, DecideResponse
from alphatrade.v1.market_pb2 import MarketEvent
from alphatrade_runtime.loop.engine import Engine
from alphatrade_runtime.market.schema import Rows
from alphatrade_runtime.policy.document import parse_session
from alphatrade_runtime.reflection.diary.record_log import RecordLog
from alphatrade_runtime.reflection.records import DECISION_DTYPE
from alphatrade_runtime.service.decide import DecisionService, decision_service, warm_up
from alphatrade_runtime.service.transport.server import serve_grpc
from bench import make_tape, sessions
from bench.peers.serve import Run, serve
from certificates import Authority, identity_of

METHOD = "/alphatrade.v1.Decision/Decide"
STRATEGY, CLIENT = identity_of("strategy", "bench"), identity_of("client", "bench")
PATIENCE_S = 600


class Echo(grpc.GenericRpcHandler):
    """A bidirectional stream that gives back what it gets."""

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        """Return the handler of every method."""
        return grpc.stream_stream_rpc_method_handler(lambda requests, _: requests)


def server(kind: str, folder: Path) -> None:
    """Serve until standard input ends; the port is the first line of output."""
    certificates = Certificates(folder)
    stop: Callable[[], object]
    if kind == "echo":
        bare = grpc.server(futures.ThreadPoolExecutor(4))
        bare.add_generic_rpc_handlers((Echo(),))
        port = bare.add_secure_port("127.0.0.1:0", server_credentials(certificates))
        bare.start()
        stop = lambda: bare.stop(0)  # noqa: E731
    else:
        session = parse_session(sessions.quotes_session())
        warm_up(session)
        ours = serve_grpc("127.0.0.1:0", certificates, [decision_service(DecisionService(session))])
        port, stop = ours.port, lambda: ours.stop(0)
    print(port, flush=True)
    sys.stdin.read()
    stop()


class Server:
    """One of the servers as a process, and a channel to it."""

    def __init__(self, kind: str) -> None:
        self._folder = tempfile.TemporaryDirectory()
        authority, base = Authority.new(), Path(self._folder.name)
        command = [sys.executable, "-m", "bench.decide_echo", "server", kind]
        served = authority.write(base / "server", STRATEGY)
        self._process = subprocess.Popen(
            [*command, str(served)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        target = f"127.0.0.1:{int(self._process.stdout.readline())}"
        self.channel = channel(target, STRATEGY, Certificates(authority.write(base / "client", CLIENT)))

    def exchange(self, requests: list[bytes]) -> tuple[list[int], list[bytes]]:
        """Send one by one, each after the answer to the last; return ns an answer took, and the answers."""
        waiting: SimpleQueue[bytes | None] = SimpleQueue()
        call: Any = self.channel.stream_stream(METHOD, None, None)
        answers: Iterator[bytes] = call(iter(waiting.get, None), timeout=PATIENCE_S)
        taken, received = [], []
        for request in requests:
            started = time.perf_counter_ns()
            waiting.put(request)
            received.append(next(answers))
            taken.append(time.perf_counter_ns() - started)
        waiting.put(None)
        return taken, [*received, *answers]

    def close(self) -> None:
        """End both."""
        self.channel.close()
        self._process.communicate()
        self._folder.cleanup()


def requests_of(rows: Rows) -> Iterator[bytes]:
    """Yield the tape's rows as a client sends them."""
    for row in zip(*(column.tolist() for column in rows), strict=True):
        yield DecideRequest(event=MarketEvent(**dict(zip(Rows._fields, row, strict=True)))).SerializeToString()


def _decides_as_replayed(answers: list[bytes], rows: Rows) -> bool:
    """Whether the answers hold the diary rows of a replay: the same table, and the same values in it."""
    records = b"".join(row.record for answer in answers for row in DecideResponse.FromString(answer).rows)
    log = RecordLog(None, "decisions", DECISION_DTYPE, {}, "event_ts_ns", None)
    log.append(np.frombuffer(records, DECISION_DTYPE))
    log.close()
    replayed = Engine(sessions.quotes_session()).replay(rows, audit=False)
    return bool(log.table().combine_chunks().equals(replayed.tables["decisions"].combine_chunks()))


def load(n: str) -> Run:
    """Return a run over n quotes: percentiles of the time to an answer."""
    rows, kind = make_tape.quote_rows(int(n), "walk"), sys.argv[2]
    running, requests = Server(kind), list(requests_of(rows))

    def run() -> dict[str, Any]:
        started = time.perf_counter()
        taken, answers = running.exchange(requests)
        seconds = time.perf_counter() - started
        p50, p99, p999 = np.percentile(np.array(taken), (50, 99, 99.9)) / 1_000
        same = _decides_as_replayed(answers, rows) if kind == "decide" else answers == requests
        digest = hashlib.sha256(b"".join(answers)).hexdigest()
        return {
            "seconds": seconds, "events": len(requests), "answers": len(answers), "right": same, "sha256": digest,
            "p50_us": round(p50, 2), "p99_us": round(p99, 2), "p999_us": round(p999, 2),
        }  # fmt: skip

    return run


if __name__ == "__main__":
    if sys.argv[1] == "server":
        server(sys.argv[2], Path(sys.argv[3]))
    else:
        serve(load, version("alphatrade" if sys.argv[2] == "decide" else "grpcio"))
