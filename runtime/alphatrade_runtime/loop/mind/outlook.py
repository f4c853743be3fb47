"""Read what an understanding loop shows of itself out of its records, several times a second beside the trading.

numpy's records cost microseconds an access, so each number has a view of its own, of all instruments at once.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.loop.mind.state import HAS_CHOICE, HAS_DRIFT, HAS_FAST, HAS_PROBES, HAS_REGIME
from alphatrade_runtime.loop.mind_outlook import (
    DriftOutlook,
    FastWeightsOutlook,
    InstrumentOutlook,
    ProbesOutlook,
    RegimeOutlook,
    RouterOutlook,
)
from alphatrade_runtime.perception.regime.labels import title
from alphatrade_runtime.reflection.drift.detectors import NONE, SUMS, Detector
from alphatrade_runtime.reflection.drift.sentry import STREAMS, Stream
from alphatrade_runtime.reflection.probes.state import Probe

_LEVELS = ("Quiet", "Warn", "Alert")
_UPWARD = np.arange(SUMS) % 2 == 0
_DETECTORS = {Detector.PH_UP: "PageHinkleyUp", Detector.PH_DOWN: "PageHinkleyDown"}


def _titled(name: str) -> str:
    return name.title().replace("_", "")


STREAM_NAMES = tuple(_titled(stream.name) for stream in tuple(Stream)[:STREAMS])
PROBE_NAMES = tuple(_titled(probe.name) for probe in Probe)
DETECTOR_NAMES = {int(one): _DETECTORS.get(one, _titled(one.name)) for one in Detector}


class Outlook:
    """Views of one loop's records. shared: (1,) of MIND_DTYPE.  symbols: (n,) of SYMBOL_DTYPE.

    Made once the loop is: its parts and limits do not change any more.
    """

    def __init__(self, shared: Any, symbols: Any, instruments: Sequence[str], policies: Sequence[str]) -> None:
        one = shared.view(np.ndarray)[0]
        self._parts = int(one["parts"])
        self._instruments, self._policies = tuple(instruments), tuple(policies)
        self._symbols = symbols.view(np.ndarray)
        self._trades = one["trades"][: len(policies)].T[: len(instruments)].astype(bool).tolist()
        self._bound = float(one["fast"][0]["bound"])
        self._used, self._alert_at = _alerts_at(one["sentry"][0])

    def read(self) -> list[InstrumentOutlook]:
        """Return what there is to show, one an instrument."""
        columns = (
            self._instruments,
            self._part(HAS_REGIME, self._regimes),
            self._part(HAS_DRIFT, self._drifts),
            self._part(HAS_FAST, self._fast_weights),
            self._part(HAS_CHOICE, self._routers),
            self._part(HAS_PROBES, self._probes),
        )
        return [InstrumentOutlook(*values) for values in zip(*columns, strict=True)]

    def _part(self, part: int, read: Any) -> list[Any]:
        return read() if self._parts & part else [None] * len(self._instruments)

    def _of(self, part: str, *names: str) -> list[list[Any]]:
        """Return fields of a part as lists by instrument."""
        records = self._symbols[part][:, 0]
        return [records[name].tolist() for name in names]

    def _regimes(self) -> list[RegimeOutlook]:
        labels, confidences = self._of("regime", "label", "confidence")
        since = self._symbols["regime_since"].tolist()
        return [RegimeOutlook(title(one), *rest) for one, *rest in zip(labels, since, confidences, strict=True)]

    def _drifts(self) -> list[DriftOutlook]:
        names = ("level", "ready", "size_factor", "reduce_only", "frozen", "alerts")
        detectors = self._symbols["sentry"][:, 0]["detectors"]
        strains = (detectors["g"] / self._alert_at).max(axis=2).tolist()
        found = zip(*self._of("sentry", *names), detectors["detector"].tolist(), strains, strict=True)
        return [self._drift(*one) for one in found]

    def _drift(
        self, levels: list[int], ready: list[int], factor: float, reduce_only: int, frozen: int, alerts: int,
        detectors: list[int], strains: list[float],
    ) -> DriftOutlook:  # fmt: skip
        known = [k for k in self._used if ready[k]]
        worst = max(self._used, key=lambda k: levels[k], default=-1)
        raised = worst >= 0 and levels[worst] > NONE
        return DriftOutlook(
            state=_LEVELS[levels[worst]] if raised or known else "Learning",
            stream=STREAM_NAMES[worst] if raised else "",
            detector=DETECTOR_NAMES.get(detectors[worst], "") if raised else "",
            size_factor=factor,
            reduce_only=bool(reduce_only),
            exploration_frozen=bool(frozen),
            alerts=alerts,
            strains=tuple((STREAM_NAMES[k], strains[k]) for k in known),
        )

    def _fast_weights(self) -> list[FastWeightsOutlook]:
        found = zip(*self._of("fast", "norm", "clamps", "faults", "frozen"), strict=True)
        return [
            FastWeightsOutlook(norm, self._bound, clamps, faults, bool(frozen))
            for norm, clamps, faults, frozen in found
        ]

    def _routers(self) -> list[RouterOutlook]:
        names = ("current", "decisions", "chosen")
        found = zip(*(self._symbols[name].tolist() for name in names), self._trades, strict=True)
        return [self._router(*one) for one in found]

    def _router(self, current: int, decisions: int, chosen: list[int], trades: list[bool]) -> RouterOutlook:
        shares = [(name, chosen[j] / max(decisions, 1)) for j, name in enumerate(self._policies) if trades[j]]
        return RouterOutlook(self._policies[current] if current >= 0 else "", tuple(shares))

    def _probes(self) -> list[ProbesOutlook]:
        available, fired = self._of("probes", "available", "fired")
        return [
            ProbesOutlook(sum(there), tuple(name for name, yes in zip(PROBE_NAMES, those, strict=True) if yes))
            for there, those in zip(available, fired, strict=True)
        ]


def _alerts_at(params: Any) -> tuple[list[int], npt.NDArray[np.float64]]:
    """Return the streams that are watched, and the sum at which each detector of each stream alerts.

    (STREAMS, SUMS) float64; infinite where a detector is not asked: against the adverse side, or without a sentry.
    """
    detector = params["detector"][0]
    by_detector = np.array([detector["ph_alert"]] * 2 + [detector["cusum_alert"]] * 2)
    asked = (params["two_sided"] != 0)[:, None] | ((params["adverse"] > 0)[:, None] == _UPWARD)
    used = np.flatnonzero(params["used"]).tolist()
    return used, np.where(asked & (by_detector > 0.0), by_detector, np.inf)
