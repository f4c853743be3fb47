"""One process of P5c's bare chain: it passes messages on, or is the last and takes the time of their arrival.

It reads nothing of a message but its first eight bytes, the time at which it was due, and imports nothing but grpcio.

    python -m bench.bare_hop sink FOLDER                    until standard input ends
    python -m bench.bare_hop relay FOLDER SIZE TARGET
"""

import struct
import sys
import time
from array import array
from collections.abc import Iterable
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc

from alphatrade.mtls import Certificates, channel, server_credentials
from certificates import identity_of

METHOD = "/bench.Hops/Pass"
HEAD = struct.Struct("<q")
MEMBER = identity_of("strategy", "bench")


class Chain(grpc.GenericRpcHandler):
    """A stream whose end answers with the spans that the sink has seen."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        """Return the handler of every method."""
        return grpc.stream_unary_rpc_method_handler(lambda requests, _: self._handle(requests))


def sink(requests: Iterable[bytes]) -> bytes:
    """Return ns from due to arrived of each message, int64."""
    now = time.monotonic_ns
    return array("q", (now() - HEAD.unpack_from(request)[0] for request in requests)).tobytes()


def relay(size: int, target: str, certificates: Certificates) -> Any:
    """Return what passes messages on at another size."""
    passed: Any = channel(target, MEMBER, certificates).stream_unary(METHOD, None, None)
    filler = bytes(size - HEAD.size)
    return lambda requests: passed(request[: HEAD.size] + filler for request in requests)


def serve(arguments: list[str]) -> None:
    """Serve until standard input ends; the port is the first line of output."""
    certificates = Certificates(Path(arguments[1]))
    handle = sink if arguments[0] == "sink" else relay(int(arguments[2]), arguments[3], certificates)
    server = grpc.server(futures.ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers((Chain(handle),))
    print(server.add_secure_port("127.0.0.1:0", server_credentials(certificates)), flush=True)
    server.start()
    sys.stdin.read()
    server.stop(0)


if __name__ == "__main__":
    serve(sys.argv[1:])
