"""Messages between runtime and paper exchange over a stream socket: length, kind, payload, little-endian.

Commands and reports travel as their fixed-width records, all else as JSON. gRPC takes the place of this
module; brokers and exchange know only the contract.
"""

import json
import socket
import struct
from collections.abc import Iterator
from enum import IntEnum
from typing import Any, NamedTuple

_HEAD = struct.Struct("<IB")
MAX_PAYLOAD = 1 << 26


class Message(IntEnum):
    """What a message is. To the exchange: the first four. From it: the others; every LOGON, RECONCILE and
    CANCEL_ALL is answered by STATE after the reports that come before it, or by REFUSED."""

    LOGON = 1
    COMMANDS = 2
    RECONCILE = 3
    CANCEL_ALL = 4
    REPORTS = 11
    STATE = 12
    REFUSED = 13


class Frame(NamedTuple):
    """One message as it came."""

    kind: Message
    payload: bytes

    def json(self) -> dict[str, Any]:
        """Return the payload of a message that is JSON."""
        value = json.loads(self.payload)
        if not isinstance(value, dict):
            raise ValueError("no JSON object")
        return value


def encode(kind: Message, payload: bytes) -> bytes:
    """Frame a payload."""
    return _HEAD.pack(len(payload), kind) + payload


def encode_json(kind: Message, value: dict[str, Any]) -> bytes:
    """Frame a JSON object."""
    return encode(kind, json.dumps(value, separators=(",", ":")).encode())


class Reader:
    """Cut what a socket gives into frames. `ended` once the other side has closed."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock, self._held = sock, b""
        self.ended = False

    def fill(self) -> None:
        """Take what one read gives; waits as the socket does. Raises OSError."""
        try:
            data = self._sock.recv(1 << 16)
        except (BlockingIOError, InterruptedError):
            return
        self.ended = not data
        self._held += data

    def frames(self) -> Iterator[Frame]:
        """Yield the whole frames held. Raises ValueError when what came is none of ours."""
        while len(self._held) >= _HEAD.size:
            length, kind = _HEAD.unpack_from(self._held)
            if length > MAX_PAYLOAD:
                raise ValueError(f"a message of {length} bytes")
            end = _HEAD.size + length
            if len(self._held) < end:
                return
            payload, self._held = self._held[_HEAD.size : end], self._held[end:]
            yield Frame(Message(kind), payload)
