"""The runtime's end of a link to a paper exchange in another process."""

import select
import socket
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from alphatrade_runtime.execution.broker.contract import BrokerLost, Commands, Reports, VenueState, Working
from alphatrade_runtime.execution.broker.wire import Frame, Message, Reader, encode, encode_json
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.orders import REPORT_DTYPE

ANSWER_S = 5.0
_NONE = np.zeros(0, REPORT_DTYPE)


class SocketBroker:
    """Broker over a Unix socket. A link that is silent where an answer is due counts as lost."""

    def __init__(self, path: Path, answer_s: float = ANSWER_S) -> None:
        if len(str(path).encode()) > 100:
            raise InputError(f"{path}: longer than a socket's path may be; give one of at most 100 bytes")
        self._path, self._answer_s = path, answer_s
        self._sock: socket.socket | None = None
        self._held: list[Reports] = []

    def logon(self, session_id: str, after: int, facts: Mapping[str, Any]) -> None:
        """Connect and log on. Raises InputError when the exchange refuses the session."""
        self.close()
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(self._answer_s)
        try:
            sock.connect(str(self._path))
        except OSError as error:
            sock.close()
            raise BrokerLost(f"{self._path}: no exchange answers ({error.strerror})") from error
        self._sock, self._reader = sock, Reader(sock)
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)
        self._ask(Message.LOGON, {"session_id": session_id, "after": after, "facts": dict(facts)})

    def send(self, commands: Commands) -> None:
        """Hand commands to the exchange."""
        self._put(encode(Message.COMMANDS, commands.tobytes()))

    def receive(self) -> Reports:
        """Return the reports that have arrived."""
        while self._link and self._poll.poll(0):
            self._fill()
            for frame in self._frames():
                self._take(frame)
        return self._taken()

    def reconcile(self, order_ids: Sequence[int]) -> tuple[Reports, VenueState]:
        """Let the exchange settle; return reports and books."""
        state = self._ask(Message.RECONCILE, {"orders": list(order_ids)})
        working = {int(order_id): Working(*terms) for order_id, terms in state["working"].items()}
        books = VenueState(state["reports"], tuple(state["positions"]), working, frozenset(state["known"]))
        return self._taken(), books

    def cancel_all(self) -> Reports:
        """Cancel every working order."""
        self._ask(Message.CANCEL_ALL, {})
        return self._taken()

    def wait(self, timeout_s: float) -> None:
        """Return when something can be read, at the latest after timeout_s."""
        if self._sock is None or self._held:
            time.sleep(0 if self._held else timeout_s)
        else:
            self._poll.poll(timeout_s * 1_000)

    def close(self) -> None:
        """Close the link; reports not yet taken come again at the next logon."""
        self._held.clear()
        if self._sock is not None:
            self._sock.close()
            self._sock = None

    @property
    def _link(self) -> socket.socket:
        if self._sock is None:
            raise BrokerLost(f"{self._path}: not connected")
        return self._sock

    def _put(self, data: bytes) -> None:
        try:
            self._link.sendall(data)
        except OSError as error:
            raise self._lost(str(error)) from error

    def _ask(self, kind: Message, value: dict[str, Any]) -> dict[str, Any]:
        """Send a question and wait for its answer; reports that come before it are kept."""
        self._put(encode_json(kind, value))
        until = time.monotonic() + self._answer_s
        answer = None
        while answer is None:
            left = until - time.monotonic()
            if left <= 0 or not self._poll.poll(left * 1_000):
                raise self._lost(f"no answer within {self._answer_s} s")
            self._fill()
            for frame in self._frames():
                answer = self._take(frame) or answer
        return answer

    def _fill(self) -> None:
        try:
            self._reader.fill()
        except OSError as error:
            raise self._lost(str(error)) from error
        if self._reader.ended:
            raise self._lost("the exchange closed the link")

    def _frames(self) -> list[Frame]:
        try:
            return list(self._reader.frames())
        except ValueError as error:
            raise self._lost(f"not an exchange: {error}") from error

    def _take(self, frame: Frame) -> dict[str, Any] | None:
        """Keep reports; return an answer."""
        if frame.kind is Message.REPORTS:
            self._held.append(np.frombuffer(frame.payload, REPORT_DTYPE))
            return None
        if frame.kind is Message.REFUSED:
            raise InputError(f"{self._path}: {frame.json()['why']}")
        return frame.json()

    def _taken(self) -> Reports:
        if not self._held:
            return _NONE
        reports = np.concatenate(self._held)
        self._held.clear()
        return reports

    def _lost(self, why: str) -> BrokerLost:
        self.close()
        return BrokerLost(f"{self._path}: link lost: {why}")
