"""The log of an exchange that ends with its client: in memory."""

from typing import Any

import numpy as np

from alphatrade_runtime.market.orders import COMMAND_DTYPE, REPORT_DTYPE


class MemoryLog:
    """As ExchangeLog, without a disk."""

    def __init__(self) -> None:
        self._commands: list[Any] = []
        self._verdicts: list[Any] = []
        self._reports: list[Any] = []

    def append_commands(self, commands: Any) -> None:
        """Keep commands."""
        self._commands.append(commands.copy())

    def append_verdicts(self, codes: Any) -> None:
        """Keep verdicts."""
        self._verdicts.append(codes.copy())

    def append_reports(self, reports: Any) -> None:
        """Keep reports."""
        self._reports.append(reports.copy())

    def commands(self) -> Any:
        """Return all commands."""
        return np.concatenate([np.zeros(0, COMMAND_DTYPE), *self._commands])

    def verdicts(self) -> Any:
        """Return all verdicts."""
        return np.concatenate([np.zeros(0, np.uint8), *self._verdicts])

    def reports(self, after: int = 0) -> Any:
        """Return the reports numbered above `after`."""
        return np.concatenate([np.zeros(0, REPORT_DTYPE), *self._reports])[after:]

    def close(self) -> None:
        """Nothing to let go."""
