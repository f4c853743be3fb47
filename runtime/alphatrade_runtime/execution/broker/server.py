"""Serve a paper exchange over a Unix socket: one runtime at a time, one thread."""

import select
import socket
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from alphatrade_runtime.execution.broker.contract import Reports
from alphatrade_runtime.execution.broker.in_process import MakeExchange
from alphatrade_runtime.execution.broker.paper_exchange import PaperExchange
from alphatrade_runtime.execution.broker.wire import Frame, Message, Reader, encode, encode_json
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.orders import COMMAND_DTYPE

TICK_S = 0.001
DRAIN_S = 2.0  # how long a link may live on beside a new one


class _Link:
    def __init__(self, sock: socket.socket) -> None:
        sock.settimeout(DRAIN_S)
        self.sock, self.reader = sock, Reader(sock)
        self.logged_on = False


class PaperServer:
    """A listening exchange. make: opens the exchange at the first logon. cancel_on_disconnect: as the account says."""

    def __init__(self, path: Path, make: MakeExchange, cancel_on_disconnect: bool) -> None:
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen(4)
        self._path, self._make, self._cancels = path, make, cancel_on_disconnect
        self._exchange: PaperExchange | None = None
        self._session_id = ""
        self._link: _Link | None = None

    def serve(self, stop: Callable[[], bool]) -> None:
        """Serve until stop() says so; then let log and socket go."""
        try:
            while not stop():
                self._turn()
        finally:
            self._hang_up()
            self._listener.close()
            self._path.unlink(missing_ok=True)
            if self._exchange is not None:
                self._exchange.close()

    def _turn(self) -> None:
        sources = [self._listener] + ([self._link.sock] if self._link else [])
        ready = select.select(sources, [], [], TICK_S if self._exchange else 0.05)[0]
        if self._link is not None and self._link.sock in ready:
            self._read(self._link)
        if self._listener in ready:
            self._accept()
        if self._exchange is not None:
            self._exchange.advance()
            self._send(self._exchange.take_reports())

    def _accept(self) -> None:
        """Take a new link once the one before is read to its end: what it still held counts."""
        until = time.monotonic() + DRAIN_S
        while self._link is not None and time.monotonic() < until:
            if select.select([self._link.sock], [], [], 0.01)[0]:
                self._read(self._link)
        sock = self._listener.accept()[0]
        if self._link is not None:
            sock.sendall(encode_json(Message.REFUSED, {"why": "another runtime holds the session; stop it first"}))
            sock.close()
            return
        self._link = _Link(sock)

    def _read(self, link: _Link) -> None:
        try:
            link.reader.fill()
            for frame in link.reader.frames():
                self._handle(link, frame)
        except (OSError, ValueError, KeyError):
            self._hang_up()
            return
        if link.reader.ended:
            self._hang_up()

    def _handle(self, link: _Link, frame: Frame) -> None:
        if frame.kind is Message.LOGON:
            self._log_on(link, frame.json())
            return
        exchange = self._exchange
        if exchange is None or not link.logged_on:
            raise ValueError("no logon")
        if frame.kind is Message.COMMANDS:
            exchange.submit(np.frombuffer(frame.payload, COMMAND_DTYPE))
        elif frame.kind is Message.RECONCILE:
            self._send(exchange.settle())
            self._answer(asdict(exchange.state(frame.json()["orders"])))
        elif frame.kind is Message.CANCEL_ALL:
            self._send(exchange.cancel_all())
            self._answer({})

    def _log_on(self, link: _Link, asked: dict[str, Any]) -> None:
        try:
            if self._exchange is None:
                self._exchange = self._make(asked["session_id"], asked["facts"])
                self._session_id = asked["session_id"]
            if asked["session_id"] != self._session_id:
                raise InputError(f"this exchange serves session {self._session_id}; start another one")
            missed = self._exchange.resend(asked["after"])
        except InputError as error:
            link.sock.sendall(encode_json(Message.REFUSED, {"why": str(error)}))
            return
        link.logged_on = True
        self._send(missed)
        self._answer({})

    def _answer(self, value: dict[str, Any]) -> None:
        if self._link is not None:
            value = {**value, "working": {k: list(w.values()) for k, w in value.get("working", {}).items()}}
            value["known"] = list(value.get("known", ()))
            self._link.sock.sendall(encode_json(Message.STATE, value))

    def _send(self, reports: Reports) -> None:
        """Send logged reports; a link that does not take them is closed, and they come again at its next logon."""
        if len(reports) == 0 or self._link is None or not self._link.logged_on:
            return
        try:
            self._link.sock.sendall(encode(Message.REPORTS, reports.tobytes()))
        except OSError:
            self._hang_up()

    def _hang_up(self) -> None:
        link, self._link = self._link, None
        if link is None:
            return
        link.sock.close()
        if link.logged_on and self._cancels and self._exchange is not None:
            self._exchange.cancel_all()  # logged; they are told at the next logon
