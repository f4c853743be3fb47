"""What an understanding loop shows of itself: plain values, so that whoever tells them loads none of loop/mind."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RegimeOutlook:
    """The market as classified. since_ns: 0 where it has been so since the beginning.  confidence: 0 to 1."""

    label: str
    since_ns: int
    confidence: float


@dataclass(frozen=True, slots=True)
class DriftOutlook:
    """What a drift sentry says.

    state: Learning while no reference is complete, else Quiet, Warn or Alert.  stream, detector: of the highest level,
    empty without one.  strains: by stream with a reference, its highest sum as a share of the one that alerts.
    """

    state: str
    stream: str
    detector: str
    size_factor: float
    reduce_only: bool
    exploration_frozen: bool
    alerts: int
    strains: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class FastWeightsOutlook:
    """The weights that learn within a session. norm: Frobenius.  faults: restored from their last good copy."""

    norm: float
    bound: float
    clamps: int
    faults: int
    frozen: bool


@dataclass(frozen=True, slots=True)
class RouterOutlook:
    """Who trades: policy, empty where none may; the share of all decisions at which each did, by name."""

    policy: str
    shares: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class ProbesOutlook:
    """The probes at the last decision: how many had what they need, which fired."""

    available: int
    fired: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InstrumentOutlook:
    """All of it for one instrument; a part that is off is None."""

    symbol: str
    regime: RegimeOutlook | None
    drift: DriftOutlook | None
    fast_weights: FastWeightsOutlook | None
    router: RouterOutlook | None
    probes: ProbesOutlook | None


@dataclass(frozen=True, slots=True)
class ExplorationOutlook:
    """What a strategy explores. exploring, normal: sent notional of its last orders, quanta.

    permitted_bps: share that may explore now, 0 without a permit.  frozen: causes, such as DriftWarning.
    """

    exploring: int
    normal: int
    permitted_bps: int
    frozen: tuple[str, ...]
