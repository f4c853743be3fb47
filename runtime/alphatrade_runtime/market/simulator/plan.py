"""Decide before the first row what is planted and when: regimes, storms, halts, gaps, crashes, faults.

The plan is the truth that the manifest tells; the kernel only carries it out.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np

from alphatrade_runtime.market.simulator.config import DAY_NS, REGIMES, SECOND_NS, EventConfig, SimulatorConfig
from alphatrade_runtime.market.tape import utc
from alphatrade_runtime.numerics.math import log_det
from alphatrade_runtime.numerics.rng import State, below, exponential, normal, stream, uniform

HALT_NS = 300 * SECOND_NS
GAP_NS = 30 * SECOND_NS
STORM = REGIMES.index("storm")
StepsBetween = Callable[[int, int], float]


class Do(IntEnum):
    """What the kernel does at an action's time."""

    REGIME = 0
    HALT = 1
    REOPEN = 2
    SILENCE = 3
    RESUME = 4
    DRIFT = 5
    BAD_PRINT = 6
    CROSS = 7
    UNCROSS = 8
    FUNDING = 9
    JUMP = 10


# value: regime number, log return of a halt or jump, drift per step (added), price factor, ticks crossed,
# funding rate; for RESUME 1 when a GAP row tells of the silence.
ACTION_DTYPE = np.dtype([("ts_ns", "i8"), ("do", "i8"), ("instrument", "i8"), ("value", "f8")])


class _Action(NamedTuple):
    ts_ns: int
    do: Do
    instrument: int
    value: float


@dataclass(frozen=True)
class Plan:
    """Actions in order of time, (n,) ACTION_DTYPE, and what was planted, as the manifest tells it."""

    actions: Any
    planted: dict[str, Any]


def make_plan(config: SimulatorConfig, step_ns: int, end_ns: int, steps_between: StepsBetween) -> Plan:
    """Plan a simulation from start to end_ns; a step lasts step_ns on average.

    steps_between(a, b) tells how many steps, a float > 0, the market makes in [a, b).
    """
    segments = list(_with_storms(config, list(_regimes(config, step_ns, end_ns)), end_ns))
    events = [one for one in (*config.events, *_random_events(config, end_ns)) if config.start_ns + one.at_ns < end_ns]
    actions = [_Action(ts_ns, Do.REGIME, -1, float(regime)) for ts_ns, regime in segments]
    for event in events:
        actions += _actions(config, event, steps_between)
    actions += _funding(config, end_ns)
    actions.sort(key=lambda one: (one.ts_ns, one.instrument))  # stable: as written among equals
    return Plan(_array(actions, end_ns), _planted(config, segments, events, end_ns))


def _array(actions: list[_Action], end_ns: int) -> Any:
    array = np.zeros(len(actions) + 1, ACTION_DTYPE)
    for i, one in enumerate(actions):
        array[i] = tuple(one)
    array[-1]["ts_ns"] = end_ns + DAY_NS * 365  # a guard that is never reached
    return array.view(np.recarray)


def _regimes(config: SimulatorConfig, step_ns: int, end_ns: int) -> Iterator[tuple[int, int]]:
    """Walk the Markov chain: exponential durations, the next regime drawn by weight among the others."""
    state = stream(config.seed, "regimes")
    kinds = [getattr(config.regimes, name) for name in REGIMES]
    weights = [kind.weight for kind in kinds]
    ts_ns, regime = config.start_ns, int(np.argmax(weights))
    while ts_ns < end_ns:
        yield ts_ns, regime
        ts_ns += max(1, int(exponential(state) * kinds[regime].mean_steps)) * step_ns
        regime = _drawn([0.0 if i == regime else w for i, w in enumerate(weights)], state, regime)


def _drawn(weights: list[float], state: State, otherwise: int) -> int:
    left = uniform(state) * sum(weights)
    for i, weight in enumerate(weights):
        left -= weight
        if left < 0.0:
            return i
    return otherwise  # no other regime has a weight


def _with_storms(config: SimulatorConfig, segments: list[tuple[int, int]], end_ns: int) -> Iterator[tuple[int, int]]:
    """Lay scripted storms over the chain; the regime beneath goes on when they end."""
    storms = [
        (config.start_ns + one.at_ns, config.start_ns + one.at_ns + one.duration_ns)
        for one in config.events
        if one.type == "storm"
    ]
    edges = sorted({ts for ts, _ in segments} | {ts for storm in storms for ts in storm if ts < end_ns})
    last, beneath = -1, iter([*segments, (end_ns, -1)])
    (_, regime), (next_ns, next_regime) = next(beneath), next(beneath)
    for ts_ns in edges:
        while ts_ns >= next_ns and next_regime >= 0:
            regime = next_regime
            next_ns, next_regime = next(beneath)
        now = STORM if any(start <= ts_ns < stop for start, stop in storms) else regime
        if now != last:
            yield ts_ns, now
            last = now


def _random_events(config: SimulatorConfig, end_ns: int) -> Iterator[EventConfig]:
    symbols = [one.symbol for one in config.instruments]
    for kind, per_day, span_ns in (("halt", config.halts_per_day, HALT_NS), ("gap", config.gaps_per_day, GAP_NS)):
        state = stream(config.seed, f"random {kind}s")
        at_ns = 0
        while per_day > 0:
            at_ns += int(exponential(state) / per_day * DAY_NS)
            if config.start_ns + at_ns >= end_ns:
                break
            size = min(0.1, max(-0.1, 0.01 * normal(state))) if kind == "halt" else 0.0
            yield EventConfig(kind, at_ns, symbols[below(state, len(symbols))], span_ns, size)
            at_ns += span_ns


def _actions(config: SimulatorConfig, event: EventConfig, steps_between: StepsBetween) -> Iterator[_Action]:
    start = config.start_ns + event.at_ns
    stop = start + event.duration_ns
    for i, one in enumerate(config.instruments):
        if event.instrument not in ("", one.symbol):
            continue
        if event.type == "halt":
            yield _Action(start, Do.HALT, i, 0.0)
            yield _Action(stop, Do.REOPEN, i, log_det(1.0 + event.size))
        elif event.type in ("gap", "stale"):
            yield _Action(start, Do.SILENCE, i, 0.0)
            yield _Action(stop, Do.RESUME, i, float(event.type == "gap"))
        elif event.type == "crash":
            yield from _crash(event, start, i, steps_between)
        elif event.type == "bad_print":
            yield _Action(start, Do.BAD_PRINT, i, event.size)
        elif event.type == "crossed_quote":
            yield _Action(start, Do.CROSS, i, max(0.0, event.size))
            yield _Action(stop, Do.UNCROSS, i, 0.0)


def _crash(event: EventConfig, start: int, i: int, steps_between: StepsBetween) -> Iterator[_Action]:
    fall = log_det(1.0 + event.size)
    back = log_det(1.0 + event.size * (1.0 - event.refill)) - fall
    if event.duration_ns == 0:
        yield _Action(start, Do.JUMP, i, fall + back)
        return
    for start_ns, move in ((start, fall), (start + event.duration_ns, back)):
        stop_ns = start_ns + event.duration_ns
        drift = move / steps_between(start_ns, stop_ns)
        if drift != 0.0:
            yield _Action(start_ns, Do.DRIFT, i, drift)
            yield _Action(stop_ns, Do.DRIFT, i, -drift)


def _funding(config: SimulatorConfig, end_ns: int) -> Iterator[_Action]:
    if config.funding is None:
        return
    for ts_ns in range(config.start_ns + config.funding.interval_ns, end_ns, config.funding.interval_ns):
        for i in range(len(config.instruments)):
            yield _Action(ts_ns, Do.FUNDING, i, float(config.funding.rate_e8))


def _planted(
    config: SimulatorConfig, segments: list[tuple[int, int]], events: list[EventConfig], end_ns: int
) -> dict[str, Any]:
    stops = [ts_ns for ts_ns, _ in segments[1:]] + [end_ns]
    regimes = [
        {"from": utc(ts_ns), "to": utc(stop), "regime": REGIMES[regime]}
        for (ts_ns, regime), stop in zip(segments, stops, strict=True)
    ]
    planted: dict[str, Any] = {"regimes": regimes, "storms": [one for one in regimes if one["regime"] == "storm"]}
    for kind in ("halt", "gap", "crash", "bad_print", "crossed_quote", "stale"):
        told = [_told(config, one) for one in sorted(events, key=lambda one: one.at_ns) if one.type == kind]
        planted[f"{kind}s" if kind != "crash" else "crashes"] = told
    edge = config.edge
    planted["edges"] = [] if edge.type == "none" else [{"type": edge.type, "strength": edge.strength}]
    return planted


def _told(config: SimulatorConfig, event: EventConfig) -> dict[str, Any]:
    start = config.start_ns + event.at_ns
    told: dict[str, Any] = {"from": utc(start), "to": utc(start + event.duration_ns)}
    return {**told, "instrument": event.instrument or "all", "size": event.size, "refill": event.refill}
