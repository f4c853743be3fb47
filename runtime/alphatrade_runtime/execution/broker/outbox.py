"""Reports on their way out, by when they arrive; of one time, in the order in which they were made."""

from collections import Counter

import numpy as np

from alphatrade_runtime.execution.broker.contract import Reports
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.orders import REPORT_DTYPE


class Outbox:
    """Reports that were made and have not left."""

    def __init__(self) -> None:
        self._held = np.zeros(0, REPORT_DTYPE)

    def put(self, made: Reports) -> None:
        """Add reports. made: in the order in which they were made."""
        if len(made) == 0:
            return
        late = len(self._held) and made["ts_ns"][0] < self._held["ts_ns"][-1]
        self._held = np.concatenate((self._held, made))
        if late or len(made) > 1:  # a bar's fill is of its close, which later reports may come before
            self._held = self._held[np.argsort(self._held["ts_ns"], kind="stable")]

    def take(self, through_ns: int) -> Reports:
        """Return the reports of what happened by exchange time through_ns; they have left then."""
        due = self._held["exch_ts_ns"] <= through_ns
        taken, self._held = self._held[due], self._held[~due]
        return taken

    def drop(self, logged: Reports) -> None:
        """Forget reports that have left before. Raises InputError when one of them was not made again."""
        left = Counter(report.tobytes() for report in logged)
        kept = []
        for k, report in enumerate(self._held):
            if left[report.tobytes()] > 0:
                left[report.tobytes()] -= 1
            else:
                kept.append(k)
        if left.total():
            raise InputError(
                f"exchange log: {left.total()} of its {len(logged)} reports do not follow from its commands and the "
                "market; serve the feed that the session began with, by the code that it began with"
            )
        self._held = self._held[kept]
