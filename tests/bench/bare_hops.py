"""P5c's peer: messages of the same sizes at the same pace through a chain of bare grpcio processes, with mTLS.

Each hop is one stream between two processes, as bench.bare_hop serves it; this process is the first of the chain.

    python -m bench.bare_hops N HOPS
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from alphatrade.mtls import Certificates, channel
from alphatrade.v1.broker_pb2 import Order, Orders, TradeRequest
from alphatrade.v1.market_pb2 import SubscribeResponse
from alphatrade_runtime.service.feed.wire import to_batch
from bench.bare_hop import HEAD, MEMBER, METHOD
from bench.hops import INTERVAL_NS, LEAD_ROWS, percentiles_us, quotes
from bench.peers.serve import Run, serve
from certificates import Authority


def sizes(hops: int) -> list[int]:
    """Return bytes a message by hop: one quote on all but the last, where it is one order."""
    quote = SubscribeResponse(batch=to_batch(1_000, quotes(1), 0, 1 << 60)).ByteSize()
    order = Order(ts_ns=1 << 60, order_id=1_000, price=100_000, qty=2, decision_id=1_000, command=1, side=1, tif=1)
    return [quote] * (hops - 1) + [TradeRequest(orders=Orders(first=1_000, orders=[order])).ByteSize()]


class Hops:
    """A running chain; this process is its first."""

    def __init__(self, hops: int, folder: Path) -> None:
        authority = Authority.new()
        self._tls = authority.write(folder, MEMBER)
        self._sizes, self._processes = sizes(hops), ExitStack()
        target = self._start("sink")
        for size in reversed(self._sizes[1:]):
            target = self._start("relay", str(size), target)
        self._channel = channel(target, MEMBER, Certificates(self._tls))

    def _start(self, kind: str, *more: str) -> str:
        command = [sys.executable, "-m", "bench.bare_hop", kind, str(self._tls), *more]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._processes.callback(process.communicate)
        assert process.stdout is not None
        return f"127.0.0.1:{int(process.stdout.readline())}"

    def send(self, messages: int) -> Any:
        """Send messages at their pace; return ns from due to arrived, (n,) int64."""
        call: Any = self._channel.stream_unary(METHOD, None, None)
        return np.frombuffer(call(self._paced(messages)), np.int64)

    def _paced(self, messages: int) -> Iterator[bytes]:
        filler, start = bytes(self._sizes[0] - HEAD.size), time.monotonic_ns() + INTERVAL_NS
        for k in range(messages):
            due = start + k * INTERVAL_NS
            time.sleep(max(due - time.monotonic_ns(), 0) / 1e9)
            yield HEAD.pack(due) + filler

    def close(self) -> None:
        """End all processes."""
        self._channel.close()
        self._processes.close()


def load(n: str) -> Run:
    """Return a run of n messages that count, through a chain of its own."""
    messages = LEAD_ROWS + int(n)

    def run() -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as folder:
            chain = Hops(int(sys.argv[2]), Path(folder))
            started = time.perf_counter()
            spans = chain.send(messages)
            seconds = time.perf_counter() - started
            chain.close()
        counted = spans[LEAD_ROWS:]
        return {"seconds": seconds, "events": messages, "right": len(spans) == messages, **percentiles_us(counted)}

    return run


if __name__ == "__main__":
    serve(load, version("grpcio"))
