"""Bar simulation: the same market seen only as open, high, low, close and volume of each bar."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.market.calendar import DAY_NS, Calendar, check_duration
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.schema import Flag, Kind
from alphatrade_runtime.market.simulator.config import SimulatorConfig
from alphatrade_runtime.market.simulator.plan import Do
from alphatrade_runtime.market.simulator.price import (
    fair_ticks,
    hold_price,
    jump,
    move_common,
    move_price,
    set_volatility,
    step_volatility,
)
from alphatrade_runtime.numerics.jit import entry, kernel
from alphatrade_runtime.numerics.math import exp_det
from alphatrade_runtime.numerics.rng import normal

Ints = npt.NDArray[np.int64]

SUBSTEPS = 8  # moves in a bar; the first is the gap from the close before to the open
SUBSTEP = 1.0 / SUBSTEPS
VOLUME_SD = 0.4
BAR, LAST = int(Kind.BAR), int(Flag.LAST)
REGIME, HALT, REOPEN, SILENCE, RESUME = int(Do.REGIME), int(Do.HALT), int(Do.REOPEN), int(Do.SILENCE), int(Do.RESUME)
DRIFT, JUMP = int(Do.DRIFT), int(Do.JUMP)


@dataclass(frozen=True)
class BarTimes:
    """Open, close and ordinal of each bar, (n,) int64 ns."""

    open_ns: Ints
    close_ns: Ints
    ordinal: Ints

    @property
    def step_ns(self) -> int:
        """Mean time from bar to bar."""
        return max(1, int(self.close_ns[-1] - self.open_ns[0]) // len(self.open_ns))

    def between(self, start_ns: int, stop_ns: int) -> float:
        """Bars that close in (start, stop], at least one."""
        first, last = np.searchsorted(self.close_ns, (start_ns, stop_ns), side="right")
        return float(max(1, int(last - first)))


def bar_times(config: SimulatorConfig) -> BarTimes:
    """List the bars of a configuration. Raises InputError when its time holds none."""
    bars = config.bars
    assert bars is not None
    check_duration(bars.duration_ns)
    stop_ns = config.start_ns + config.duration_ns
    if bars.count:
        stop_ns = config.start_ns + _generous(bars.calendar, bars.duration_ns, bars.count)
    calendar = Calendar.load(bars.calendar, config.start_ns, stop_ns)
    opened, closed = _spans(calendar, bars.duration_ns)
    inside = (opened >= config.start_ns) & (closed <= stop_ns)
    opened, closed = opened[inside], closed[inside]
    if bars.count:
        opened, closed = opened[: bars.count], closed[: bars.count]
    if len(opened) == 0:
        raise InputError("simulator.duration: holds no whole bar; make it longer, or the bars shorter")
    return BarTimes(opened, closed, calendar.bar_ordinal(opened, bars.duration_ns))


def _generous(calendar: str, duration_ns: int, count: int) -> int:
    """A span that holds `count` bars in any calendar: a short session a working day, holidays on top."""
    if calendar == "24/7":
        return (count + 1) * duration_ns + DAY_NS
    per_session = 1 if duration_ns == DAY_NS else max(1, 4 * 3600 * 10**9 // duration_ns)
    return (count // per_session + 1) * DAY_NS * 8 // 5 + 30 * DAY_NS


def _spans(calendar: Calendar, duration_ns: int) -> tuple[Ints, Ints]:
    start, end = calendar.day_start_ns, calendar.session_close_ns
    if duration_ns == DAY_NS:
        return start, end
    counts = -((start - end) // duration_ns)
    position = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
    opened = np.repeat(start, counts) + position * duration_ns
    return opened, np.minimum(opened + duration_ns, np.repeat(end, counts))


@kernel
def act_on_bar(world, action):
    """Carry out one planned action before the bar in which it falls."""
    market = world.market[0]
    if action.do == REGIME:
        market.regime = int(action.value)
        set_volatility(market, world.regimes)
        for i in range(len(world.instruments)):
            world.instruments[i].anchor = world.instruments[i].log_price
        return
    state = world.instruments[action.instrument]
    if action.do == HALT:
        state.halted += 1
    elif action.do == REOPEN:
        state.halted -= 1
        jump(state, action.value)
    elif action.do == SILENCE:
        state.silent += 1
    elif action.do == RESUME:
        state.silent -= 1
    elif action.do == DRIFT:
        state.drift += action.value
    elif action.do == JUMP:
        jump(state, action.value)


@kernel
def see_price(state, first):
    """Take the fair price into the bar: bid is its low, ask its high, bid_size its open, ask_size its close."""
    price = max(1, int(fair_ticks(state) + 0.5))
    if first:
        state.bid = state.ask = state.bid_size = price
    state.bid = min(state.bid, price)
    state.ask = max(state.ask, price)
    state.ask_size = price


@kernel
def make_bar(world):
    """Move every instrument through one bar."""
    market = world.market[0]
    step_volatility(market, world.regimes, world.market_rng)
    for sub in range(SUBSTEPS):
        move_common(market, SUBSTEP, world.market_rng)
        for i in range(len(world.instruments)):
            state = world.instruments[i]
            if state.halted > 0:
                hold_price(market, state)
            else:
                move_price(market, state, world.regimes, SUBSTEP, world.rng[i])
            see_price(state, sub == 0)


@kernel
def draw_volume(market, state, regimes, rng):
    """Lots traded in a bar: more when the market moves more."""
    regime = regimes[market.regime]
    activity = regime.rate * (0.5 + 0.5 * market.volatility) * exp_det(VOLUME_SD * normal(rng))
    return max(1, int(min(state.depth * activity, 1e12)))


@kernel
def place_bar(world, out, k, i, open_ns, close_ns, ordinal):
    """Write one BAR row; it is received at its close."""
    market = world.market[0]
    state = world.instruments[i]
    row = out[k]
    row.seq = market.rows
    row.ts_event_ns = open_ns
    row.ts_init_ns = close_ns
    row.instrument = i
    row.kind = BAR
    row.side = row.ask_size = 0
    row["flags"] = 0
    row.price = state.ask_size
    row["size"] = draw_volume(market, state, world.regimes, world.rng[i])
    row.bid = state.bid
    row.ask = state.ask
    row.bid_size = state.bid_size
    row.venue_seq = ordinal
    market.rows += 1
    return k + 1


@entry
def fill_bars(world, actions, open_ns, close_ns, ordinals, out):
    """Write the rows of the bars given, (n,) int64 each, to `out`, ROW_DTYPE with room; returns their number."""
    market = world.market[0]
    k = 0
    for bar in range(len(open_ns)):
        while actions[market.next_action].ts_ns < close_ns[bar]:
            act_on_bar(world, actions[market.next_action])
            market.next_action += 1
        make_bar(world)
        first = k
        for i in range(len(world.instruments)):
            if world.instruments[i].halted == 0 and world.instruments[i].silent == 0:
                k = place_bar(world, out, k, i, open_ns[bar], close_ns[bar], ordinals[bar])
        if k > first:
            out[k - 1]["flags"] |= LAST
    return k
