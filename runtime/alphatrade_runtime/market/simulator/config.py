"""What can be told to the market simulator, with units, ranges and defaults.

Times of the market's inner life (regimes, volatility, edge) count in steps: one second of a tick
simulation, one bar of a bar simulation, so that one description fits both.
"""

# ruff: noqa: RUF009 - each call declares a field

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.instrument import Instrument
from alphatrade_runtime.market.simulator.fields import (
    choice,
    decimal,
    duration,
    listed,
    nested,
    number,
    read,
    write_duration,
)

SECOND_NS = 10**9
DAY_NS = 86_400 * SECOND_NS
MAX_STEPS = 10**7
REGIMES = ("calm", "trend_up", "trend_down", "mean_reverting", "storm")
EVENT_TYPES = ("halt", "gap", "storm", "crash", "bad_print", "crossed_quote", "stale")
EDGE_TYPES = ("none", "momentum", "mean_reversion", "imbalance")
BAR_EVENTS = ("halt", "gap", "storm", "crash", "stale")
BAR_STEPS = {
    "regimes": {name: {"mean_steps": 60} for name in REGIMES},
    "volatility": {"fast_half_life_steps": 5, "slow_half_life_steps": 60},
    "edge": {"horizon_steps": 5},
}


@dataclass(frozen=True)
class InstrumentConfig:
    symbol: str = choice("SIM-A", (), "the name of the instrument")
    tick_size: Decimal = decimal("0.01", "price step, account currency")
    lot_size: Decimal = decimal("0.01", "quantity step")
    multiplier: Decimal = decimal("1", "underlying units of a quantity of 1")
    price: Decimal = decimal("100", "price at the start, account currency")
    annual_volatility: float = number(0.6, 0.0, 10.0, "standard deviation of a year's log return in a mean market")
    spread_ticks: float = number(1.3, 1.0, 1000.0, "mean quoted spread of a calm market")
    depth_lots: int = number(5000, 2, 10**9, "median size at the best price of a calm market; bars: volume scale")
    quotes_per_s: float = number(10.0, 0.001, 100_000.0, "mean book events a second in regimes of rate 1")
    trade_share: float = number(0.15, 0.0, 0.9, "share of book events that are trades")


@dataclass(frozen=True)
class RegimeConfig:
    weight: float = number(1.0, 0.0, 1000.0, "relative frequency of entering this regime; 0 never")
    mean_steps: int = number(600, 1, MAX_STEPS, "mean duration in steps")
    volatility: float = number(1.0, 0.0, 50.0, "factor on volatility")
    trend: float = number(0.0, -20.0, 20.0, "drift over the mean duration, in its standard deviations")
    reversion_steps: int = number(0, 0, MAX_STEPS, "half-life of the pull to the price at the regime's start; 0 none")
    spread: float = number(1.0, 0.1, 100.0, "factor on the spread")
    depth: float = number(1.0, 0.001, 100.0, "factor on displayed size")
    rate: float = number(1.0, 0.01, 100.0, "factor on the rate of book events")


@dataclass(frozen=True)
class RegimesConfig:
    calm: RegimeConfig = nested(RegimeConfig, RegimeConfig(weight=3.0, volatility=0.7, rate=0.8), "quiet market")
    trend_up: RegimeConfig = nested(RegimeConfig, RegimeConfig(trend=2.0, spread=1.1), "rising market")
    trend_down: RegimeConfig = nested(RegimeConfig, RegimeConfig(trend=-2.0, spread=1.1), "falling market")
    mean_reverting: RegimeConfig = nested(
        RegimeConfig, RegimeConfig(weight=2.0, volatility=0.9, reversion_steps=60), "market held to a level"
    )
    storm: RegimeConfig = nested(
        RegimeConfig,
        RegimeConfig(weight=0.3, mean_steps=180, volatility=4.0, spread=4.0, depth=0.25, rate=3.0),
        "wild, thin market",
    )


@dataclass(frozen=True)
class VolatilityConfig:
    fast_sd: float = number(0.35, 0.0, 2.0, "standard deviation of the fast log-volatility factor")
    slow_sd: float = number(0.3, 0.0, 2.0, "standard deviation of the slow log-volatility factor")
    fast_half_life_steps: int = number(60, 1, MAX_STEPS, "half-life of the fast factor")
    slow_half_life_steps: int = number(1800, 1, MAX_STEPS, "half-life of the slow factor")


@dataclass(frozen=True)
class FlowConfig:
    clustering: float = number(0.6, 0.0, 0.95, "share of book events that earlier ones set off (Hawkes)")
    clustering_half_life_ns: int = duration(500_000_000, 10**6, 3600 * SECOND_NS, "how long one event excites others")
    persistence: float = number(0.5, 0.0, 0.95, "how much trade signs follow the recent signs")
    momentum: float = number(0.3, 0.0, 1.0, "how much trades follow the move of the last 5 steps")
    mean_reversion: float = number(0.15, 0.0, 1.0, "how much trades go against the move of the last 60 steps")
    mean_trade: float = number(0.3, 0.001, 1.0, "mean trade as a share of the displayed size")


@dataclass(frozen=True)
class EdgeConfig:
    type: str = choice("none", EDGE_TYPES, "what predicts the next return")
    strength: float = number(0.0, 0.0, 0.6, "correlation of the predictor with the return over the horizon, about")
    horizon_steps: int = number(10, 1, MAX_STEPS, "how long the predictor lives")


@dataclass(frozen=True)
class FundingConfig:
    interval_ns: int = duration(8 * 3600 * SECOND_NS, SECOND_NS, 366 * DAY_NS, "time between funding payments")
    rate_e8: int = number(10_000, -(10**7), 10**7, "funding rate in 1e-8 of notional; longs pay when positive")


@dataclass(frozen=True)
class BarsConfig:
    duration_ns: int = duration(60 * SECOND_NS, SECOND_NS, DAY_NS, "length of a bar; must divide a day")
    calendar: str = choice("24/7", (), 'a calendar such as "24/7" or XNYS')
    count: int = number(0, 0, 10**8, "bars an instrument; 0: as many as the duration holds")


@dataclass(frozen=True)
class EventConfig:
    type: str = choice("halt", EVENT_TYPES, "what happens")
    at_ns: int = duration(0, 0, 40_000 * DAY_NS, "time after the start")
    instrument: str = choice("", (), "symbol; empty: all instruments")
    duration_ns: int = duration(0, 0, 366 * DAY_NS, "how long")
    size: float = number(
        0.0,
        -1e6,
        1e6,
        "halt: return over the halt; crash: return; bad_print: price factor; crossed_quote: ticks crossed",
    )
    refill: float = number(0.0, 0.0, 1.0, "crash: share of it that comes back over the same duration")


@dataclass(frozen=True)
class SimulatorConfig:
    seed: int = number(1, 0, 2**64 - 1, "seed of every random choice")
    start: str = choice("2026-01-05T00:00:00Z", (), "first time, ISO 8601 UTC, such as 2026-01-05T00:00:00Z")
    duration_ns: int = duration(4 * 3600 * SECOND_NS, 10**6, 40_000 * DAY_NS, "event time to simulate")
    instruments: tuple[InstrumentConfig, ...] = listed(InstrumentConfig, (InstrumentConfig(),), "instruments")
    correlation: float = number(0.5, 0.0, 1.0, "share of each instrument's variance that all have in common")
    latency_ns: int = duration(2_000_000, 0, 60 * SECOND_NS, "least time from event to receipt")
    latency_jitter_ns: int = duration(1_000_000, 0, 60 * SECOND_NS, "mean of the exponential time on top")
    depth_levels: int = number(0, 0, 20, "levels of the book written as DEPTH rows; 0 none")
    regimes: RegimesConfig = nested(RegimesConfig, RegimesConfig(), "the Markov chain of regimes")
    volatility: VolatilityConfig = nested(VolatilityConfig, VolatilityConfig(), "volatility clustering")
    flow: FlowConfig = nested(FlowConfig, FlowConfig(), "arrival and signs of trades")
    edge: EdgeConfig = nested(EdgeConfig, EdgeConfig(), "a planted edge")
    funding: FundingConfig | None = nested(FundingConfig, None, "FUNDING rows; absent: none")
    mark_interval_ns: int = duration(0, 0, DAY_NS, "time between MARK rows; 0s: none")
    halts_per_day: float = number(0.0, 0.0, 1000.0, "mean random halts a day, 5 min each, over all instruments")
    gaps_per_day: float = number(0.0, 0.0, 1000.0, "mean random feed gaps a day, 30 s each, over all instruments")
    events: tuple[EventConfig, ...] = listed(EventConfig, (), "scripted events")
    bars: BarsConfig | None = nested(BarsConfig, None, "write BAR rows only; absent: ticks")

    @property
    def start_ns(self) -> int:
        """Nanoseconds of `start` since 1970."""
        return _parse_start(self.start)

    def resolved(self) -> dict[str, Any]:
        """Return the whole configuration as plain JSON values, durations as text: parse_config reads it back."""
        return _plain(asdict(self))


def parse_config(given: Mapping[str, Any], instruments: Sequence[Mapping[str, Any]] = ()) -> SimulatorConfig:
    """Read a configuration; `instruments` are the facts of a session's envelope, which then decide sizes and order.

    Raises InputError naming the field.
    """
    merged = _with_facts(dict(given), instruments)
    if merged.get("bars") is not None:
        merged = _overlay(BAR_STEPS, merged)
    config = _keep_defaults(merged)
    _check(config)
    return config


def _keep_defaults(given: Mapping[str, Any]) -> SimulatorConfig:
    """Read, with each regime's own defaults under what is given of it."""
    regimes = given.get("regimes")
    if isinstance(regimes, Mapping):
        default = asdict(RegimesConfig())
        known = {name: _overlay(default[name], value) for name, value in regimes.items() if name in default}
        given = {**given, "regimes": {**regimes, **known}}
    return read(SimulatorConfig, given, "simulator")


def _overlay(base: Mapping[str, Any], top: Any) -> Any:
    if not isinstance(top, Mapping):
        return top
    result = dict(base)
    for key, value in top.items():
        under = base.get(key)
        result[key] = _overlay(under, value) if isinstance(under, Mapping) else value
    return result


def _with_facts(given: dict[str, Any], facts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Lay the simulator's own view of an instrument over the venue's facts of it, by symbol."""
    if not facts:
        return given
    own = given.get("instruments") or []
    if not isinstance(own, list | tuple) or not all(isinstance(one, Mapping) and "symbol" in one for one in own):
        raise InputError("simulator.instruments: give a list of mappings, each with its symbol")
    by_symbol = {one["symbol"]: one for one in own}
    unknown = sorted(set(by_symbol) - {one["symbol"] for one in facts})
    if unknown:
        raise InputError(f"simulator.instruments: {unknown[0]} is not among the feed's instruments; add it there")
    sizes = ("symbol", "tick_size", "lot_size", "multiplier")
    laid = [{**by_symbol.get(one["symbol"], {}), **{name: one[name] for name in sizes if name in one}} for one in facts]
    return {**given, "instruments": laid}


def _check(config: SimulatorConfig) -> None:
    _parse_start(config.start)
    symbols = [one.symbol for one in config.instruments]
    if not 1 <= len(symbols) <= 1000 or len(set(symbols)) < len(symbols) or "" in symbols:
        raise InputError("simulator.instruments: give 1 to 1000 instruments with different symbols")
    for i, one in enumerate(config.instruments):
        ticks = one.price / one.tick_size
        if ticks != ticks.to_integral_value() or not 10 <= ticks < 2**40:
            raise InputError(
                f"simulator.instruments[{i}].price: {one.price} must be 10 ticks of {one.tick_size} or more"
            )
    if not any(getattr(config.regimes, name).weight > 0 for name in REGIMES):
        raise InputError("simulator.regimes: every weight is 0; give at least one regime a weight")
    for i, event in enumerate(config.events):
        _check_event(config, event, f"simulator.events[{i}]")
    _ = [to_instrument(one) for one in config.instruments]


def _check_event(config: SimulatorConfig, event: EventConfig, path: str) -> None:
    if event.instrument and event.instrument not in [one.symbol for one in config.instruments]:
        raise InputError(f"{path}.instrument: {event.instrument!r} is unknown; give a symbol of instruments, or none")
    if event.type == "storm" and event.instrument:
        raise InputError(f"{path}.instrument: a storm takes the whole market; remove it")
    if event.type in ("halt", "gap", "storm", "stale") and event.duration_ns == 0:
        raise InputError(f"{path}.duration: is missing; say how long the {event.type} lasts, such as 5m")
    low, high = {"crash": (-0.99, 10.0), "halt": (-0.99, 10.0), "bad_print": (0.001, 1000.0)}.get(event.type, (0, 1e6))
    if not low <= event.size <= high:
        raise InputError(f"{path}.size: {event.size} is refused for {event.type}; give {low} to {high}")
    if event.refill and event.type != "crash":
        raise InputError(f"{path}.refill: only a crash comes back; remove it")
    if config.bars and event.type not in BAR_EVENTS:
        raise InputError(f"{path}.type: bars have no {event.type}; give {', '.join(BAR_EVENTS)}")


def _parse_start(text: str) -> int:
    try:
        start = datetime.fromisoformat(text)
        if start.tzinfo is None or start.year < 1970 or start.year > 2200:
            raise ValueError
    except ValueError:
        raise InputError(f"simulator.start: {text!r} is refused; give a time such as 2026-01-05T00:00:00Z") from None
    elapsed = start.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (elapsed.days * 86_400 + elapsed.seconds) * SECOND_NS + elapsed.microseconds * 1000


def to_instrument(one: InstrumentConfig) -> Instrument:
    """Return the instrument that a tape's manifest keeps."""
    return Instrument(one.symbol, one.tick_size, one.lot_size, one.multiplier)


def describe() -> list[tuple[str, str, str]]:
    """Return every field as (path, default, meaning), for generated reference pages."""
    return list(_describe(SimulatorConfig, ""))


def _describe(kind: type, prefix: str) -> list[tuple[str, str, str]]:
    lines = []
    for one in fields(kind):
        name = f"{prefix}{one.name.removesuffix('_ns')}"
        inner = one.metadata.get("kind")
        if inner is None:
            default = write_duration(int(str(one.default))) if one.name.endswith("_ns") else str(one.default)
            lines.append((name, default, one.metadata["text"]))
        else:
            lines += _describe(inner, f"{name}{'[]' if isinstance(one.default, tuple) else ''}.")
    return lines


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key.removesuffix("_ns"): _duration_or(key, item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return format(value, "f") if isinstance(value, Decimal) else value


def _duration_or(key: str, item: Any) -> Any:
    return write_duration(item) if key.endswith("_ns") else _plain(item)
