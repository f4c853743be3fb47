"""Turn what a runtime says of its understanding loop into the status: by instrument, and in one word for all. Pure."""

from collections.abc import Iterable, Sequence
from math import isfinite
from typing import get_args

from alphatrade.v1.control_pb2 import InstrumentMind as Said
from alphatrade_operator.strategy.mind_status import Drift, InstrumentMind, PolicyShare
from alphatrade_operator.workload.report import time_of

MIXED = "Mixed"  # regime of instruments that are not in the same one
_WHOLE_BPS = 10_000


def mind_of(said: Iterable[Said]) -> tuple[InstrumentMind, ...]:
    """Return what a runtime tells of its instruments, in the order of their symbols."""
    return tuple(_instrument(one) for one in sorted(said, key=lambda one: one.symbol))


def regime_of(minds: Sequence[InstrumentMind]) -> str | None:
    """Return the regime of all instruments; None where nothing classifies."""
    labels = {one.regime for one in minds if one.regime is not None}
    return MIXED if len(labels) > 1 else next(iter(labels), None)


def drift_of(minds: Sequence[InstrumentMind]) -> Drift | None:
    """Return the worst that the sentry says of an instrument; None where nothing watches."""
    said = [one.drift for one in minds if one.drift is not None]
    return max(said, key=get_args(Drift).index, default=None)


def _instrument(said: Said) -> InstrumentMind:
    regime, drift, sigma = said.regime, said.drift, said.fast_weights
    classified, watched, learns = (said.HasField(name) for name in ("regime", "drift", "fast_weights"))
    return InstrumentMind(
        symbol=said.symbol,
        regime=_word(regime.label) if classified else None,
        regime_since=time_of(regime.since_ns) if classified else None,
        confidence_bps=_bps(regime.confidence) if classified else None,
        drift=drift.state if watched and drift.state in get_args(Drift) else None,
        drift_stream=_word(drift.stream),
        drift_detector=_word(drift.detector),
        drift_alerts=drift.alerts if watched else None,
        size_bps=_bps(drift.size_factor) if watched else None,
        sigma_norm_bps=_bps(sigma.norm / sigma.bound) if learns and sigma.bound > 0 else None,
        sigma_faults=sigma.faults if learns else None,
        policy=said.router.policy or None,
        shares=tuple(_share(name, share) for name, share in sorted(said.router.shares.items())),
        probes_available=said.probes.available if said.HasField("probes") else None,
        probes_fired=tuple(said.probes.fired),
    )


def _share(name: str, share: float) -> PolicyShare:
    return PolicyShare(name=name, bps=_bps(share) or 0)


def _word(text: str) -> str | None:
    return text[:32] or None


def _bps(share: float) -> int | None:
    """Return a share in bps; None where it is no number."""
    return min(max(round(share * _WHOLE_BPS), 0), _WHOLE_BPS) if isfinite(share) else None
