"""The session document as typed values: everything one run executes, read once at the edge.

Nothing has a default here: a field that is absent, unknown or out of its bounds refuses the document. But for the
understanding loop and exploration: documents and journals of before them do not name their parts, and what is not named
is off.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, Strict, StringConstraints, TypeAdapter, ValidationError

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.policy.flags import resolve_flags

_MAX_NS = 366 * 86_400 * 10**9
_MAX_LOTS = 2**48 - 1
_FORBID = ConfigDict(extra="forbid")


def _decimal(value: object) -> Decimal:
    if isinstance(value, Decimal):
        return value
    if not isinstance(value, str) or not value.isascii() or len(value) > 40:
        raise ValueError("write a decimal in quotes")
    try:
        return Decimal(value)
    except ArithmeticError:
        raise ValueError("write a decimal in quotes") from None


Text = Annotated[str, Strict(), StringConstraints(min_length=1, max_length=1024)]
Names = Annotated[tuple[Text, ...], Field(max_length=256)]
Positive = Annotated[Decimal, BeforeValidator(_decimal), Field(gt=0, allow_inf_nan=False)]
Flag = Annotated[bool, Strict()]
Nanoseconds = Annotated[int, Strict(), Field(ge=0, le=_MAX_NS)]
Age = Annotated[int, Strict(), Field(ge=1, le=_MAX_NS)]
Bps = Annotated[int, Strict(), Field(ge=1, le=10_000_000)]
Lots = Annotated[int, Strict(), Field(ge=1, le=_MAX_LOTS)]
Count = Annotated[int, Strict(), Field(ge=1, le=1_000_000)]
Whole = Annotated[int, Strict(), Field(ge=0, le=2**53 - 1)]
FeeE7 = Annotated[int, Strict(), Field(ge=-(10**6), le=10**6)]
Number = Annotated[int, Strict()] | Annotated[float, Strict(), Field(allow_inf_nan=False)]
Digest = Annotated[str, Strict(), StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
Few = Annotated[int, Strict(), Field(ge=1, le=1_000)]
Deviations = Annotated[Decimal, BeforeValidator(_decimal), Field(gt=0, le=1_000, allow_inf_nan=False)]
CostBps = Annotated[Decimal, BeforeValidator(_decimal), Field(ge=0, le=1_000, allow_inf_nan=False)]
FlowShare = Annotated[int, Strict(), Field(ge=0, le=10_000)]
Share = Annotated[int, Strict(), Field(ge=1, le=10_000)]
RegimeLabel = Literal[
    "BearCalm", "BearNormal", "BearStorm", "NeutralCalm", "NeutralNormal", "NeutralStorm",
    "BullCalm", "BullNormal", "BullStorm", "Dislocated", "Uncertain",
]  # fmt: skip
MAX_ROUTED = 16


@dataclass(frozen=True, slots=True)
class Limits:
    """The law's numbers; None is a limit that is off. Units are in the names, shares are bps of NAV."""

    __pydantic_config__ = _FORBID
    stream_stale_ns: Age
    max_notional_bps: Bps
    band_limit_bps: Bps
    band_marketable_bps: Bps
    max_net_exposure_bps: Bps
    max_leverage_bps: Bps
    day_drawdown_bps: Bps | None
    max_drawdown_bps: Bps | None
    max_orders_per_s: Count
    max_orders_per_min: Count
    max_open_orders: Count
    max_turnover_min_bps: Bps
    max_turnover_hour_bps: Bps
    risk_per_trade_bps: Bps
    stop_bps: Bps
    max_flatten_slippage_bps: Bps
    flatten_blind: Flag
    near_miss_bps: Bps
    mark_jump_bps: Bps
    kill_max_staleness_ns: Age
    symbols: Names

    def __post_init__(self) -> None:
        for low, high in _ORDERED_LIMITS:
            if getattr(self, low) > getattr(self, high):
                raise ValueError(f"{low} is above {high}; lower it")
        day, peak = self.day_drawdown_bps, self.max_drawdown_bps
        if day is not None and peak is not None and day >= peak:
            raise ValueError("day_drawdown_bps is not below max_drawdown_bps; lower it")


_ORDERED_LIMITS = (
    ("band_marketable_bps", "band_limit_bps"),
    ("max_orders_per_s", "max_orders_per_min"),
    ("max_turnover_min_bps", "max_turnover_hour_bps"),
)


@dataclass(frozen=True, slots=True)
class Flags:
    """Feature flags."""

    __pydantic_config__ = _FORBID
    fast_weights: Flag
    linear_attention: Flag
    exploration: Flag
    auto_governed_feedback: Flag


@dataclass(frozen=True, slots=True)
class InstrumentTerms:
    """An instrument's facts and its limits."""

    __pydantic_config__ = _FORBID
    symbol: Text
    tick_size: Positive
    lot_size: Positive
    multiplier: Positive
    maker_fee_e7: FeeE7
    taker_fee_e7: FeeE7
    fee_per_fill: Annotated[Decimal, BeforeValidator(_decimal), Field(ge=0, allow_inf_nan=False)]
    initial_margin_bps: Annotated[int, Strict(), Field(ge=0, le=10**6)]
    max_quote_age_ns: Age
    max_position_lots: Lots
    max_order_lots: Lots
    min_order_lots: Lots

    def __post_init__(self) -> None:
        if self.min_order_lots > self.max_order_lots:
            raise ValueError("min_order_lots is above max_order_lots; lower it")
        if self.max_order_lots > 2 * self.max_position_lots:  # a flip from one limit to the other
            raise ValueError("max_order_lots is above twice max_position_lots; lower it")


@dataclass(frozen=True, slots=True)
class Exploration:
    """Budget of the flag exploration. Shares are bps, spans decisions; None freezes for no such cause.

    share_bps: of sent notional, and of orders.  by_permit: nothing explores without a permit of the operator's.
    """

    __pydantic_config__ = _FORBID
    share_bps: FlowShare
    cadence: Count
    window: Count
    freeze_on_warning: Flag
    freeze_drawdown_bps: Share | None
    freeze_near_miss_bps: Share | None
    quiet_decisions: Count
    by_permit: Flag = False


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a policy may do: limits, flags, the exploration budget, instruments, calendar, seed."""

    __pydantic_config__ = _FORBID
    limits: Limits
    flags: Flags
    instruments: Annotated[tuple[InstrumentTerms, ...], Field(min_length=1, max_length=256)]
    calendar: Text
    seed: Whole
    exploration: Exploration | None = None

    def __post_init__(self) -> None:
        known = [terms.symbol for terms in self.instruments]
        _each_once("instruments", known)
        _each_once("limits.symbols", self.limits.symbols)
        _all_known("limits.symbols", self.limits.symbols, known)


@dataclass(frozen=True, slots=True)
class SignalRef:
    """A signal by name, its plug-in's digest when it has one, and the parameters given."""

    __pydantic_config__ = _FORBID
    ref: Text
    api: Annotated[int, Strict(), Field(ge=1, le=1)]
    digest: Digest | None
    params: Mapping[Text, Number]


@dataclass(frozen=True, slots=True)
class TopologyRef:
    """An execution topology by name, and the settings given."""

    __pydantic_config__ = _FORBID
    type: Literal["market", "passive_quote", "pegged", "twap"]
    params: Mapping[Text, Annotated[int, Strict()]]


@dataclass(frozen=True, slots=True)
class PolicyGene:
    """One signal worked by one topology; no instruments means all, no regimes too."""

    __pydantic_config__ = _FORBID
    name: Text
    signal: SignalRef
    execution_topology: TopologyRef
    instruments: Names
    weight_bps: Annotated[int, Strict(), Field(ge=1, le=10_000)]
    regimes: Annotated[tuple[RegimeLabel, ...], Field(max_length=11)] = ()


@dataclass(frozen=True, slots=True)
class DecisionClock:
    """When decisions are made; interval 0 means none."""

    __pydantic_config__ = _FORBID
    type: Literal["quote_change", "every_quote", "bar", "timer"]
    interval_ns: Nanoseconds

    def __post_init__(self) -> None:
        if self.type in ("bar", "timer") and self.interval_ns == 0:
            raise ValueError(f"interval_ns is 0; {self.type} needs one above 0")


@dataclass(frozen=True, slots=True)
class SlowWeights:
    """A file of slow weights that were trained offline."""

    __pydantic_config__ = _FORBID
    path: Text
    digest: Digest


@dataclass(frozen=True, slots=True)
class Belief:
    """The belief state: its features in order, its sparsity; weights of None are those of the seed."""

    __pydantic_config__ = _FORBID
    features: Annotated[tuple[Text, ...], Field(min_length=1, max_length=64)]
    active_bps: Annotated[int, Strict(), Field(ge=1, le=10_000)]
    half_life: Count
    seed: Whole
    weights: SlowWeights | None

    def __post_init__(self) -> None:
        _each_once("features", self.features)


@dataclass(frozen=True, slots=True)
class RegimeClassifier:
    """The classifier of market regimes; spans in decisions."""

    __pydantic_config__ = _FORBID
    type: Literal["rules", "hmm"]
    fast_half_life: Count
    slow_half_life: Count
    dwell: Few
    persist: Few

    def __post_init__(self) -> None:
        if self.fast_half_life >= self.slow_half_life:
            raise ValueError("fast_half_life is not below slow_half_life; lower it")


@dataclass(frozen=True, slots=True)
class Probes:
    """The probes: all of them."""

    __pydantic_config__ = _FORBID


@dataclass(frozen=True, slots=True)
class PageHinkley:
    """Limits of the Page-Hinkley test, in standard deviations."""

    __pydantic_config__ = _FORBID
    delta: Deviations
    warn: Deviations
    alert: Deviations

    def __post_init__(self) -> None:
        _warns_first(self.warn, self.alert)


@dataclass(frozen=True, slots=True)
class Cusum:
    """Limits of the cumulative sums, in standard deviations."""

    __pydantic_config__ = _FORBID
    slack: Deviations
    warn: Deviations
    alert: Deviations

    def __post_init__(self) -> None:
        _warns_first(self.warn, self.alert)


@dataclass(frozen=True, slots=True)
class Drift:
    """The drift sentry: its reference in observations of a stream, its limits in standard deviations."""

    __pydantic_config__ = _FORBID
    reference: Annotated[int, Strict(), Field(ge=2, le=1_000_000)]  # of one there is no deviation
    min_observations: Few
    page_hinkley: PageHinkley
    cusum: Cusum
    shock: Deviations


@dataclass(frozen=True, slots=True)
class FastWeights:
    """Settings of the flag fast_weights; half-life in decisions."""

    __pydantic_config__ = _FORBID
    rule: Literal["hebb", "delta"]
    half_life: Count


@dataclass(frozen=True, slots=True)
class Router:
    """Settings of the flag linear_attention; horizon and half-life in decisions."""

    __pydantic_config__ = _FORBID
    switching_cost_bps: CostBps
    horizon: Annotated[int, Strict(), Field(ge=1, le=100)]
    half_life: Count


@dataclass(frozen=True, slots=True)
class Genotype:
    """What a strategy is made of. A part of the understanding loop is on when it is not None or its flag is set."""

    __pydantic_config__ = _FORBID
    policies: Annotated[tuple[PolicyGene, ...], Field(min_length=1, max_length=64)]
    decision_clock: DecisionClock
    belief: Belief | None = None
    regime: RegimeClassifier | None = None
    probes: Probes | None = None
    drift: Drift | None = None
    fast_weights: FastWeights = FastWeights("hebb", 700)
    router: Router = Router(Decimal(1), 10, 2_000)

    def __post_init__(self) -> None:
        _each_once("policies", [policy.name for policy in self.policies])
        for policy in self.policies:
            _each_once(f"policy {policy.name}: regimes", policy.regimes)
            if policy.regimes and self.regime is None:
                raise ValueError(f"policy {policy.name}: regimes are given but no regime; add it or empty them")


@dataclass(frozen=True, slots=True)
class PluginFile:
    """A file that declares signals."""

    __pydantic_config__ = _FORBID
    path: Text
    digest: Digest | None


@dataclass(frozen=True, slots=True)
class Policy:
    """What a runtime executes, and for whom."""

    __pydantic_config__ = _FORBID
    policySchema: Literal[1]
    strategy_id: Text
    mode: Literal["Sim", "Paper", "LiveShadow", "Live"]
    stage: Literal["Experiment", "Paper", "Pilot", "LimitedLive"]
    risk_template: Text
    genotype: Genotype
    envelope: Envelope
    plugins: Annotated[tuple[PluginFile, ...], Field(max_length=16)]
    initial_cash: Positive
    currency: Text

    def __post_init__(self) -> None:
        _founded(self.envelope.flags, self.genotype)
        _budgeted(self.envelope, self.genotype)
        known = [terms.symbol for terms in self.envelope.instruments]
        for policy in self.genotype.policies:
            _each_once(f"policy {policy.name}: instruments", policy.instruments)
            _all_known(f"policy {policy.name}: instruments", policy.instruments, known)
        if self.mode != "Sim" and any(plugin.digest is None for plugin in self.plugins):
            raise ValueError(f"a plug-in has no digest; mode {self.mode} needs what `alphatrade plugin pin` prints")


@dataclass(frozen=True, slots=True)
class Exchange:
    """The simulated exchange."""

    __pydantic_config__ = _FORBID
    queue_model: Literal["risk_averse", "probabilistic"]
    partial_fills: Flag
    entry_latency_ns: Nanoseconds
    response_latency_ns: Nanoseconds
    cancel_on_disconnect: Flag


Speed = Annotated[str, Strict(), StringConstraints(pattern=r"^(Realtime|Max|[1-9][0-9]{0,4}x)$")]


@dataclass(frozen=True, slots=True)
class TapeFeed:
    """A tape on disk."""

    __pydantic_config__ = _FORBID
    type: Literal["tape"]
    path: Text
    speed: Speed
    record: Flag


@dataclass(frozen=True, slots=True)
class SimulatorFeed:
    """The market simulator; the simulator itself checks `config`."""

    __pydantic_config__ = _FORBID
    type: Literal["simulator"]
    config: Mapping[str, Any]
    speed: Speed
    record: Flag


@dataclass(frozen=True, slots=True)
class Session:
    """One run."""

    __pydantic_config__ = _FORBID
    policy: Policy
    exchange: Exchange
    feed: Annotated[TapeFeed | SimulatorFeed, Field(discriminator="type")]
    funding_model: Literal["none", "tape"]
    durability: Literal["group", "fsync"]


def parse_session(document: Mapping[str, Any]) -> Session:
    """Read a session document. Raises InputError naming the first field that is absent, unknown or out of bounds."""
    try:
        session = _adapter().validate_python(document)
    except ValidationError as error:
        raise InputError(_first(error)) from None
    resolve_flags(asdict(session.policy.envelope.flags), "session.policy.envelope.flags")
    return session


@cache
def _adapter() -> TypeAdapter[Session]:
    return TypeAdapter(Session)


def _first(error: ValidationError) -> str:
    first, count = error.errors(include_url=False)[0], error.error_count()
    where = ".".join(str(part) for part in ("session", *first["loc"]))
    match first["type"]:
        case "missing":
            text = "missing; add it"
        case "unexpected_keyword_argument" | "extra_forbidden":
            text = "unknown field; remove it"
        case "value_error":
            text = str(first["ctx"]["error"])
        case _:
            text = f"{repr(first['input'])[:60]} is refused: {first['msg'][0].lower()}{first['msg'][1:]}"
    return f"{where}: {text}" + (f" (and {count - 1} more faults)" if count > 1 else "")


def _founded(flags: Flags, genotype: Genotype) -> None:
    """A flag needs the parts that its own works on."""
    if flags.fast_weights and genotype.belief is None:
        raise ValueError("envelope.flags.fast_weights: it learns on the belief; add genotype.belief or switch it off")
    if not flags.linear_attention:
        return
    where, count = "envelope.flags.linear_attention", len(genotype.policies)
    if genotype.belief is None or genotype.regime is None:
        raise ValueError(f"{where}: it reads belief and regime; add both to genotype or switch it off")
    if not 2 <= count <= MAX_ROUTED:
        raise ValueError(f"{where}: it chooses among 2 to {MAX_ROUTED} policies, there are {count}; switch it off")


def _budgeted(envelope: Envelope, genotype: Genotype) -> None:
    """Exploration needs a budget, and somebody else to try."""
    where, count = "envelope.flags.exploration", len(genotype.policies)
    if not envelope.flags.exploration:
        return
    if envelope.exploration is None:
        raise ValueError(f"{where}: it spends a budget; add envelope.exploration or switch it off")
    if not 2 <= count <= MAX_ROUTED:
        raise ValueError(f"{where}: it tries the second best of 2 to {MAX_ROUTED} policies, not {count}; switch it off")


def _warns_first(warn: Decimal, alert: Decimal) -> None:
    if warn >= alert:
        raise ValueError("warn is not below alert; lower it")


def _each_once(where: str, names: Sequence[str]) -> None:
    for index, name in enumerate(names):
        if name in names[:index]:
            raise ValueError(f"{where}: {name!r} is named twice; name it once")


def _all_known(where: str, names: tuple[str, ...], known: list[str]) -> None:
    for name in names:
        if name not in known:
            raise ValueError(f"{where}: {name!r} is not among the instruments {', '.join(known)}")
