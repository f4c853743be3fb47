"""Run a simulation: rows in chunks of constant memory, or a tape that says it is simulated."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from alphatrade_runtime.market.instrument import Instrument
from alphatrade_runtime.market.manifest import Manifest
from alphatrade_runtime.market.schema import Rows
from alphatrade_runtime.market.simulator.bars import BarTimes, bar_times, fill_bars
from alphatrade_runtime.market.simulator.config import SECOND_NS, SimulatorConfig, parse_config, to_instrument
from alphatrade_runtime.market.simulator.kernel import fill
from alphatrade_runtime.market.simulator.plan import Plan, make_plan
from alphatrade_runtime.market.simulator.world import ROW_DTYPE, YEAR_NS, make_world
from alphatrade_runtime.market.tape_writer import TapeWriter

CHUNK_ROWS = 65_536
LEAST_CHUNK_ROWS = 4_096  # one turn of the kernel always fits


@dataclass(frozen=True)
class Simulation:
    """One simulated market: what is planted in it, and its rows."""

    config: SimulatorConfig
    plan: Plan
    step_ns: int
    end_ns: int
    bars: BarTimes | None

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """What one tick and one lot of each instrument are."""
        return tuple(to_instrument(one) for one in self.config.instruments)

    @property
    def calendar(self) -> str:
        """Name of the trading calendar."""
        return self.config.bars.calendar if self.config.bars else "24/7"

    @property
    def source(self) -> dict[str, Any]:
        """What a manifest says of the origin: simulated, from which seed, with what planted when."""
        return {
            "type": "simulator",
            "name": "AlphaTrade market simulator",
            "simulated": True,
            "seed": self.config.seed,
            "config": self.config.resolved(),
            "planted": self.plan.planted,
        }

    def chunks(self, chunk_rows: int = CHUNK_ROWS) -> Iterator[Rows]:
        """Yield the rows from the start; where chunks end depends on chunk_rows, the rows do not."""
        world = make_world(self.config, self.step_ns, self.end_ns, YEAR_NS / self.step_ns)
        if self.bars is not None:
            yield from self._bar_chunks(world, chunk_rows)
            return
        out = _new_rows(max(chunk_rows, LEAST_CHUNK_ROWS))
        ended = False
        while not ended:
            filled = fill(world, self.plan.actions, out)
            ended = bool(world.market[0].now_ns >= self.end_ns)
            if filled:
                yield _columns(out[:filled])

    def _bar_chunks(self, world: Any, chunk_rows: int) -> Iterator[Rows]:
        assert self.bars is not None
        n = len(self.config.instruments)
        bars_each = max(1, chunk_rows // n)
        out = _new_rows(bars_each * n)
        for start in range(0, len(self.bars.open_ns), bars_each):
            part = slice(start, start + bars_each)
            spans = (self.bars.open_ns[part], self.bars.close_ns[part], self.bars.ordinal[part])
            filled = fill_bars(world, self.plan.actions, *spans, out)
            if filled:
                yield _columns(out[:filled])


def prepare(config: SimulatorConfig | Mapping[str, Any]) -> Simulation:
    """Check a configuration and plan its market. Raises InputError naming the field."""
    known = config if isinstance(config, SimulatorConfig) else parse_config(config)
    if known.bars is not None:
        bars = bar_times(known)
        end_ns = int(bars.close_ns[-1])
        plan = make_plan(known, bars.step_ns, end_ns, bars.between)
        return Simulation(known, plan, bars.step_ns, end_ns, bars)
    end_ns = known.start_ns + known.duration_ns
    plan = make_plan(known, SECOND_NS, end_ns, lambda start, stop: (stop - start) / SECOND_NS)
    return Simulation(known, plan, SECOND_NS, end_ns, None)


def iterate(config: SimulatorConfig | Mapping[str, Any], chunk_rows: int = CHUNK_ROWS) -> Iterator[Rows]:
    """Yield the rows of a simulated market in order of arrival, read-only, seq from 0, LAST set."""
    return prepare(config).chunks(chunk_rows)


def simulate(
    config: SimulatorConfig | Mapping[str, Any],
    folder: str | os.PathLike[str],
    *,
    replace: bool = False,
    progress: Callable[[float], None] | None = None,
) -> Manifest:
    """Write a simulated tape and return its manifest, which says what is planted. Raises InputError.

    progress: told the share of event time that is written, after each chunk.
    """
    simulation = prepare(config)
    start_ns = simulation.config.start_ns
    with TapeWriter(
        folder,
        simulation.instruments,
        source=simulation.source,
        calendar=simulation.calendar,
        replace=replace,
    ) as writer:
        for rows in simulation.chunks():
            writer.append(rows)
            if progress is not None:
                progress((int(rows.ts_init_ns[-1]) - start_ns) / (simulation.end_ns - start_ns))
        return writer.finish(clock_shift_ns={one.symbol: 0 for one in simulation.instruments})


def _new_rows(n: int) -> Any:
    return np.empty(n, ROW_DTYPE).view(np.recarray)


def _columns(rows: Any) -> Rows:
    columns = Rows(*(np.ascontiguousarray(rows[name]) for name in Rows._fields))
    for column in columns:
        column.setflags(write=False)
    return columns
