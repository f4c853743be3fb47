"""An understanding loop beside a session's state: its memory, what it writes, its packets, its checkpoint."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.adaptation.exploration import budget as budgets
from alphatrade_runtime.loop.mind.outlook import Outlook
from alphatrade_runtime.loop.mind.snapshots import Snapshots
from alphatrade_runtime.loop.mind.state import (
    CONFIGURED,
    HAS_EXPLORATION,
    HAS_FAST,
    MIND_DTYPE,
    OUT_DRIFT,
    STREAM_DTYPES,
    SYMBOL_DTYPE,
)
from alphatrade_runtime.loop.mind_outlook import ExplorationOutlook, InstrumentOutlook
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.perception.regime.labels import title
from alphatrade_runtime.reflection.drift.detectors import ALERT
from alphatrade_runtime.reflection.drift.neurons import top_neurons
from alphatrade_runtime.reflection.drift.packet import Facts, theory_packet, write_packet
from alphatrade_runtime.reflection.drift.psi import top_shifts

FREEZES = (
    (budgets.FREEZE_ALERT, "DriftAlert"),
    (budgets.FREEZE_WARNING, "DriftWarning"),
    (budgets.FREEZE_DRAWDOWN, "DrawdownFreeze"),
    (budgets.FREEZE_NEAR_MISSES, "NearMissFreeze"),
    (budgets.FREEZE_GUARD, "StrategyHeld"),
)  # causes to freeze, as they are told; the gravest first
_permit = getattr(budgets.permit, "py_func", budgets.permit)  # in Python: nothing is compiled while a session runs
PACKETS = "drift-packets"  # folder of theory packets beside the record streams
_OWN = "symbols"  # an address of this process's own


class Mind:
    """The memory of one. shared: (1,) of MIND_DTYPE.  symbols: one an instrument, of SYMBOL_DTYPE.

    streams: the record streams that its parts write.
    """

    def __init__(
        self, instruments: Sequence[str], streams: tuple[str, ...], features: Sequence[str], policies: Sequence[str]
    ) -> None:
        self.instruments, self.features, self.policies = tuple(instruments), tuple(features), tuple(policies)
        self.shared = np.zeros(1, MIND_DTYPE).view(np.recarray)
        self.symbols = np.zeros(len(instruments), SYMBOL_DTYPE).view(np.recarray)
        self.packets: list[dict[str, Any]] = []  # of a run in memory
        self.snapshots = Snapshots(self.shared, self.symbols, self.instruments)
        self._alerts: list[Any] = []
        self._outlook: Outlook | None = None
        self.streams: Mapping[str, np.dtype[Any]] = {name: STREAM_DTYPES[name] for name in streams}
        self._counts = self.shared["out_n"][0]
        self._buffers = {
            name: self.shared[f"out_{name}"][0].view(np.ndarray).view(dtype) for name, dtype in STREAM_DTYPES.items()
        }

    def take(self) -> Iterator[tuple[str, npt.NDArray[np.void]]]:
        """Give the rows written since the last time, by stream; they are valid until the loop goes on."""
        for at, name in enumerate(STREAM_DTYPES):
            rows = self._buffers[name][: int(self._counts[at])]
            self._counts[at] = 0
            if at == OUT_DRIFT:
                self._alerts += [row.copy() for row in rows[rows["level"] == ALERT]]
            if name in self.streams and len(rows):
                yield name, rows

    def report(self, folder: Path | None) -> None:
        """Write a snapshot of the fast weights that is due, and a theory packet of each alert since the last time.

        The disk has the packets when this returns. folder: of the record streams; None keeps all in memory. Raises
        InputError when one cannot be written.
        """
        self.snapshots.keep(folder)
        for row in self._alerts:
            packet = theory_packet(self._facts(row, folder))
            if folder is None:
                self.packets.append(packet)
            else:
                write_packet(folder / PACKETS, packet)
        self._alerts.clear()

    def _facts(self, row: Any, folder: Path | None) -> Facts:
        """Say all that is known of an alert, from the instrument's state as it is now."""
        symbol = self.symbols[int(row["instrument"])]
        regime, sentry = symbol.regime[0], symbol.sentry[0]
        return Facts(
            run_id=folder.name if folder is not None else "in memory",
            symbol=self.instruments[int(row["instrument"])],
            event={name: row[name].item() for name in row.dtype.names},
            sd_before=float(sentry.e_sd_before),
            sd_after=float(sentry.e_sd_after),
            regime_before=title(int(regime.previous)),
            regime_after=title(int(regime.label)),
            regime_confidence=float(regime.confidence),
            features=top_shifts(symbol.features[0], self.features),
            neurons=top_neurons(symbol.neurons[0]),
            rho_norms=self.snapshots.norms(int(row["instrument"])) if self.shared[0].parts & HAS_FAST else (),
            masked=int(sentry.masked.sum()),
            diary_first_seq=int(row["change_seq"]),
            diary_last_seq=int(row["seq"]),
        )

    def outlook(self) -> list[InstrumentOutlook]:
        """Return what it shows of itself now; for the thread of its loop."""
        if self._outlook is None:
            self._outlook = Outlook(self.shared, self.symbols, self.instruments, self.policies)
        return self._outlook.read()

    def exploration(self) -> ExplorationOutlook | None:
        """Return what it explores; None where it does not. For the thread of its loop."""
        shared = self.shared[0]
        if not shared.parts & HAS_EXPLORATION:
            return None
        budget, params = shared.budget[0], shared.budget_params[0]
        frozen = tuple(word for cause, word in FREEZES if budget.frozen & cause)
        return ExplorationOutlook(
            exploring=int(budget.window_exploring),
            normal=int(budget.window_normal),
            permitted_bps=max(min(int(params.share_bps), int(budget.permit_bps)), 0),
            frozen=frozen,
        )

    def permit(self, share_bps: int, until_ns: int, epoch: int) -> None:
        """Take a permit to explore; one that takes away is nobody's to refuse, whatever its epoch."""
        budget = self.shared[0].budget[0]
        if share_bps <= 0:
            share_bps, until_ns, epoch = 0, 0, max(epoch, int(budget.permit_epoch))
        _permit(budget, share_bps, until_ns, epoch)

    def state(self) -> npt.NDArray[np.uint8]:
        """Return a copy of both records' bytes."""
        return np.concatenate([_bytes(self.shared), _bytes(self.symbols)])

    def restore(self, state: npt.NDArray[np.uint8]) -> None:
        """Put them back. Raises InputError when they are of another configuration."""
        shared, symbols = _bytes(self.shared), _bytes(self.symbols)
        if len(state) != len(shared) + len(symbols):
            raise InputError("checkpoint: of another understanding loop; delete it to start the run again")
        self._check(state[: len(shared)].view(MIND_DTYPE))
        own = int(self.shared[_OWN][0])
        shared[:] = state[: len(shared)]
        symbols[:] = state[len(shared) :]
        self.shared[_OWN] = own
        self.snapshots.begin()

    def _check(self, saved: npt.NDArray[np.void]) -> None:
        for name in CONFIGURED:
            if saved[name].tobytes() != np.asarray(self.shared[name]).tobytes():
                raise InputError(
                    f"checkpoint: of an understanding loop with other {name}; delete it to start the run again"
                )


def _bytes(records: Any) -> npt.NDArray[np.uint8]:
    view: npt.NDArray[np.uint8] = records.view(np.ndarray).view(np.uint8).reshape(-1)
    return view
