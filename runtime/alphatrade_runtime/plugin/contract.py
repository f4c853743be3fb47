"""What a strategy author writes: a signal or a quote, with declared features, state and parameters."""

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

API_VERSION = 1
MAX_FEATURES = 64
MAX_STATE = 4096
Form = Literal["signal", "quote"]


class PluginError(ValueError):
    """A strategy that breaks the contract; the message names the file or field and the fix."""


@dataclass(frozen=True, slots=True)
class Param:
    """A tunable: default and inclusive bounds. `integer` values are whole numbers."""

    default: float
    low: float
    high: float
    integer: bool

    def __post_init__(self) -> None:
        if not all(math.isfinite(v) for v in (self.default, self.low, self.high)):
            raise PluginError("a parameter's default and bounds must be finite numbers")
        if not self.low <= self.default <= self.high:
            raise PluginError(f"default {self.default} lies outside [{self.low}, {self.high}]")

    def resolve(self, name: str, value: object) -> float:
        """Return the value as float64, or raise PluginError naming the parameter."""
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise PluginError(f"parameter {name}: {value!r} is not a finite number")
        if self.integer and value != int(value):
            raise PluginError(f"parameter {name}: {value} is not a whole number")
        if not self.low <= value <= self.high:
            raise PluginError(f"parameter {name}: {value} lies outside [{self.low:g}, {self.high:g}]")
        return float(value)


def Int(default: int, low: int, high: int) -> Param:
    """Declare a whole-number parameter."""
    return Param(default, low, high, integer=True)


def Float(default: float, low: float, high: float) -> Param:
    """Declare a real parameter."""
    return Param(default, low, high, integer=False)


@dataclass(frozen=True, slots=True)
class SignalSpec:
    """A declared strategy function; `function` is the author's plain Python function."""

    name: str
    api: int
    form: Form
    features: tuple[str, ...]
    state: int
    params: Mapping[str, Param]
    warmup: Callable[[dict[str, float]], int]
    function: Callable[..., Any] = field(compare=False)
    path: Path

    def resolve(self, given: Mapping[str, object]) -> dict[str, float]:
        """Return every parameter's value: the given one within its bounds, else the default."""
        unknown = sorted(set(given) - set(self.params))
        if unknown:
            known = ", ".join(self.params) or "none"
            raise PluginError(f"signal {self.name}: unknown parameter {unknown[0]!r}; it takes {known}")
        return {name: param.resolve(name, given.get(name, param.default)) for name, param in self.params.items()}

    def warmup_decisions(self, resolved: dict[str, float]) -> int:
        """Return how many decisions pass before the first order."""
        value = int(self.warmup(resolved))
        if not 0 <= value <= 10_000_000:
            raise PluginError(f"signal {self.name}: warmup gave {value}; it must lie in [0, 10000000]")
        return value


_DECLARED: dict[str, SignalSpec] = {}


def declared() -> Mapping[str, SignalSpec]:
    """Return the signals declared by the modules imported so far, by name."""
    return _DECLARED


def signal(
    *,
    name: str,
    api: int,
    features: tuple[str, ...],
    state: int = 0,
    params: Mapping[str, Param] | None = None,
    warmup: Callable[[dict[str, float]], int] = lambda _: 0,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare `f(x, s, p) -> target`: the wanted share of the maximum position in [-1, 1].

    x: float64[m] features now, in the order declared.  s: float64[state], zero at the start, kept
    between calls and checkpointed.  p: float64[k] parameters in the order declared.
    NaN keeps the current target.  The function must compile in numba's nopython mode.
    """
    return _declare("signal", name, api, features, state, params, warmup)


def quote(
    *,
    name: str,
    api: int,
    features: tuple[str, ...],
    state: int = 0,
    params: Mapping[str, Param] | None = None,
    warmup: Callable[[dict[str, float]], int] = lambda _: 0,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare `f(x, s, p, out) -> score`: a two-sided quote, out = [bid ticks, bid lots, ask ticks, ask lots].

    out: int64[4], zeroed before each call; lots 0 means no quote on that side.  Returns a score for the diary.
    """
    return _declare("quote", name, api, features, state, params, warmup)


def _declare(
    form: Form,
    name: str,
    api: int,
    features: tuple[str, ...],
    state: int,
    params: Mapping[str, Param] | None,
    warmup: Callable[[dict[str, float]], int],
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    _check_declaration(form, name, api, features, state)

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        wanted = 3 if form == "signal" else 4
        if len(inspect.signature(function).parameters) != wanted:
            raise PluginError(f"{form} {name}: the function must take {wanted} arguments")
        path = Path(inspect.getsourcefile(function) or "<unknown>")
        known = _DECLARED.get(name)
        if known is not None and known.path != path:
            raise PluginError(f"signal {name} is declared twice: {known.path.name} and {path.name}; rename one")
        resolved = dict(params or {})
        _DECLARED[name] = SignalSpec(name, api, form, tuple(features), state, resolved, warmup, function, path)
        return function

    return register


def _check_declaration(form: str, name: str, api: int, features: tuple[str, ...], state: int) -> None:
    if not name.isidentifier() or len(name) > 63:
        raise PluginError(f"{form} name {name!r}: use up to 63 letters, digits and underscores")
    if api != API_VERSION:
        raise PluginError(f"{form} {name}: api={api} is not supported; this runtime speaks api={API_VERSION}")
    if not 1 <= len(features) <= MAX_FEATURES:
        raise PluginError(f"{form} {name}: declare 1 to {MAX_FEATURES} features")
    if not 0 <= state <= MAX_STATE:
        raise PluginError(f"{form} {name}: state={state} must lie in [0, {MAX_STATE}]")
