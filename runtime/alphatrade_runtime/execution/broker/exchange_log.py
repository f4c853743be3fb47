"""The paper exchange's own log: every command that arrived and every report that left, append-only.

Files of fixed-width records, little-endian: `commands.bin` (COMMAND_DTYPE, ts_ns = when it arrived), `reports.bin`
(REPORT_DTYPE; a report's number is its place, from 1) and `verdicts.bin` (a byte a client's command: 0, or the code by
which the account denied it). A command is logged before it has any effect, a report before it leaves, a verdict
between. Commands of purpose OWN are the exchange's own cancels. The torn end of a killed write is cut off.
"""

import fcntl
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.orders import COMMAND_DTYPE, REPORT_DTYPE, Command, Report

_ENDS = (int(Report.REJECTED), int(Report.CANCELED), int(Report.EXPIRED))
_FILL = int(Report.FILL)
_NEW = int(Command.NEW)
_VERDICT = np.dtype("u1")
OWN = 255  # purpose of a cancel that the exchange itself made


class ExchangeLog:
    """The log of one session in a folder of its own. `facts` says which session, None before its first logon."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._lock_fd = os.open(folder / "exchange.lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self._lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock_fd)
            raise InputError(f"{folder}: another exchange writes this log; stop it, or choose another folder") from None
        self._commands_fd = _open_whole(folder / "commands.bin", COMMAND_DTYPE)
        self._reports_fd = _open_whole(folder / "reports.bin", REPORT_DTYPE)
        self._verdicts_fd = _open_whole(folder / "verdicts.bin", _VERDICT)
        path = folder / "session.json"
        self.facts: dict[str, Any] | None = json.loads(path.read_bytes()) if path.exists() else None

    def begin(self, facts: Mapping[str, Any]) -> None:
        """Keep the facts of the session, whole or not at all."""
        partial = self._folder / f"session.json.partial-{os.getpid()}"
        partial.write_text(json.dumps(dict(facts), sort_keys=True))
        os.replace(partial, self._folder / "session.json")
        self.facts = dict(facts)

    def append_commands(self, commands: npt.NDArray[Any]) -> None:
        """Log commands that arrived. Raises OSError."""
        _write(self._commands_fd, commands)

    def append_reports(self, reports: npt.NDArray[Any]) -> None:
        """Log reports that are about to leave. Raises OSError."""
        _write(self._reports_fd, reports)

    def append_verdicts(self, codes: npt.NDArray[Any]) -> None:
        """Log what the account decided on the commands that follow those decided before. Raises OSError."""
        _write(self._verdicts_fd, codes.astype(_VERDICT))

    def commands(self) -> npt.NDArray[Any]:
        """Return all commands that ever arrived."""
        return read_commands(self._folder)

    def reports(self, after: int = 0) -> npt.NDArray[Any]:
        """Return the reports numbered above `after`."""
        return read_reports(self._folder)[after:]

    def verdicts(self) -> npt.NDArray[Any]:
        """Return what was decided on the client's commands, in their order; not on all of them yet, maybe."""
        return read_verdicts(self._folder)

    def close(self) -> None:
        """Let the files go."""
        for fd in (self._commands_fd, self._reports_fd, self._verdicts_fd, self._lock_fd):
            os.close(fd)


def read_commands(folder: Path) -> npt.NDArray[Any]:
    """Read a log's commands, (n,) of COMMAND_DTYPE."""
    return _read(folder / "commands.bin", COMMAND_DTYPE)


def read_reports(folder: Path) -> npt.NDArray[Any]:
    """Read a log's reports, (n,) of REPORT_DTYPE."""
    return _read(folder / "reports.bin", REPORT_DTYPE)


def read_verdicts(folder: Path) -> npt.NDArray[Any]:
    """Read a log's verdicts, (n,) uint8."""
    return _read(folder / "verdicts.bin", _VERDICT)


def from_client(commands: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the commands that the client sent: those that it numbers."""
    return commands[commands["purpose"] != OWN]


def positions_of(reports: npt.NDArray[Any], instruments: int) -> list[int]:
    """Return the position of each instrument after these reports, lots."""
    fills = reports[reports["type"] == _FILL]
    signed = fills["qty"] * fills["side"].astype(np.int64)
    return [int(signed[fills["instrument"] == i].sum()) for i in range(instruments)]


def open_orders(commands: npt.NDArray[Any], reports: npt.NDArray[Any]) -> list[Any]:
    """Return the NEW commands whose orders have not ended by these reports."""
    ended = set(reports["order_id"][np.isin(reports["type"], _ENDS)].tolist())
    done = (reports["type"] == _FILL) & (reports["leaves"] == 0)
    ended |= set(reports["order_id"][done].tolist())
    return [command for command in commands if command["command"] == _NEW and int(command["order_id"]) not in ended]


def expiries(orders: Sequence[Any], ts_ns: int) -> npt.NDArray[Any]:
    """Return the reports of orders that ended with their exchange at ts_ns. orders: COMMAND_DTYPE records."""
    made = np.zeros(len(orders), REPORT_DTYPE)
    for report, order in zip(made, orders, strict=True):
        for name in ("order_id", "price", "instrument", "side"):
            report[name] = order[name]
    made["type"], made["ts_ns"], made["exch_ts_ns"] = int(Report.EXPIRED), ts_ns, ts_ns
    return made


def _open_whole(path: Path, dtype: np.dtype[Any]) -> int:
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    size = os.fstat(fd).st_size
    os.ftruncate(fd, size - size % dtype.itemsize)
    return fd


def _read(path: Path, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    data = path.read_bytes()
    return np.frombuffer(data[: len(data) - len(data) % dtype.itemsize], dtype).copy()


def _write(fd: int, rows: npt.NDArray[Any]) -> None:
    size = os.fstat(fd).st_size
    data = memoryview(rows.tobytes())
    try:
        while data:
            data = data[os.write(fd, data) :]
    except OSError:
        os.ftruncate(fd, size)  # no part of a record that was not written stays
        raise
