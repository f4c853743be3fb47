"""What a session's understanding loop makes of its instruments, as the status tells it and as it is kept at the end."""

from collections.abc import Iterable
from typing import Any

from google.protobuf.json_format import MessageToDict, ParseDict

from alphatrade.v1.control_pb2 import (
    DriftState,
    ExplorationState,
    FastWeightsState,
    InstrumentMind,
    ProbesState,
    RegimeState,
    RouterState,
)
from alphatrade_runtime.loop.core import Core
from alphatrade_runtime.loop.mind_link import mind_of
from alphatrade_runtime.loop.mind_outlook import DriftOutlook, FastWeightsOutlook, InstrumentOutlook
from alphatrade_runtime.service.strategy.permits import PermitKeeper


def mind_told(core: Core) -> list[InstrumentMind]:
    """Return what the mind of a running state shows; empty without one. For the thread of its loop."""
    mind = mind_of(core)
    return [] if mind is None else [told(one) for one in mind.outlook()]


def exploration_told(core: Core, permits: PermitKeeper | None) -> ExplorationState | None:
    """Return what a running state explores; None where it does not. For the thread of its loop."""
    mind = mind_of(core)
    outlook = mind.exploration() if mind is not None else None
    if outlook is None:
        return None
    return ExplorationState(
        exploring=outlook.exploring,
        normal=outlook.normal,
        permitted_bps=outlook.permitted_bps,
        frozen=outlook.frozen,
        no_permit=permits.why_not if permits is not None else "",
    )


def kept(minds: Iterable[InstrumentMind | ExplorationState]) -> list[dict[str, Any]]:
    """Return what a status tells of minds, or of what they explore, as plain values, for a file."""
    return [MessageToDict(one, preserving_proto_field_name=True) for one in minds]


def read_kept(plain: Iterable[Any]) -> list[InstrumentMind]:
    """Return what `kept` wrote, of this version or another one."""
    return [ParseDict(one, InstrumentMind(), ignore_unknown_fields=True) for one in plain]


def read_explored(plain: Any) -> list[ExplorationState]:
    """Return what `kept` wrote of what a session explored; nothing of one of before it."""
    given = plain if isinstance(plain, list) else []
    return [ParseDict(one, ExplorationState(), ignore_unknown_fields=True) for one in given]


def told(one: InstrumentOutlook) -> InstrumentMind:
    """Return what a mind shows of one instrument as a message; a part that is off is absent."""
    said = InstrumentMind(symbol=one.symbol)
    if one.regime is not None:
        regime = one.regime
        state = RegimeState(label=regime.label, since_ns=regime.since_ns, confidence=regime.confidence)
        said.regime.CopyFrom(state)
    if one.drift is not None:
        said.drift.CopyFrom(_drift(one.drift))
    if one.fast_weights is not None:
        said.fast_weights.CopyFrom(_fast_weights(one.fast_weights))
    if one.router is not None:
        said.router.CopyFrom(RouterState(policy=one.router.policy, shares=dict(one.router.shares)))
    if one.probes is not None:
        said.probes.CopyFrom(ProbesState(available=one.probes.available, fired=one.probes.fired))
    return said


def _drift(drift: DriftOutlook) -> DriftState:
    return DriftState(
        state=drift.state,
        stream=drift.stream,
        detector=drift.detector,
        size_factor=drift.size_factor,
        reduce_only=drift.reduce_only,
        exploration_frozen=drift.exploration_frozen,
        alerts=drift.alerts,
        strains=dict(drift.strains),
    )


def _fast_weights(fast: FastWeightsOutlook) -> FastWeightsState:
    return FastWeightsState(
        norm=fast.norm, bound=fast.bound, clamps=fast.clamps, faults=fast.faults, frozen=fast.frozen
    )  # fmt: skip
