"""One cell of the ablation study: one variant on one tape, through the product's own replay, and what it came to."""

import dataclasses
import time
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.loop import engine as engines
from alphatrade_runtime.loop.build import instrument_of
from alphatrade_runtime.loop.engine import Engine, RunResult
from alphatrade_runtime.loop.mind.host import Mind
from alphatrade_runtime.loop.mind_link import mind_of
from alphatrade_runtime.loop.window import RowWindow
from alphatrade_runtime.market.schema import Rows
from alphatrade_runtime.policy.document import Session
from alphatrade_runtime.risk.codes import KillState
from studies.markets import Market
from studies.tapes import Fold
from studies.variants import Document, Variant

Figures = dict[str, Any]
BPS = 1e4


@dataclasses.dataclass(frozen=True)
class Treatment:
    """What a running system goes without. shuffle_rows: rows after which rho's rows change places, 0 never."""

    parts_off: int = 0
    shuffle_rows: int = 0
    seed: int = 0


def treatment_of(variant: Variant, market: Market, seed: int) -> Treatment:
    """Return what a variant is treated with on a market."""
    return Treatment(variant.parts_off, market.shuffle_rows if variant.shuffled else 0, seed)


def run_cell(document: Document, treatment: Treatment, rows: Rows, folds: list[Fold]) -> Figures:
    """Replay and sum up."""
    started = time.monotonic()
    engine = Engine(document)
    result, mind = replayed(engine, treatment, rows)
    return {
        "net_bps": net_of(result, engine.session, folds),
        **_counted(result),
        "reduce_only_share": _share(result.tables["equity"]["reduce_only"].to_numpy() != 0),
        "rho_norm": float(mind.symbols["fast"]["norm"].max()) if mind is not None else 0.0,
        "drift_alerts": int(mind.symbols["sentry"]["alerts"].sum()) if mind is not None else 0,
        "wall_s": round(time.monotonic() - started, 2),
    }


def replayed(engine: Engine, treatment: Treatment, rows: Rows) -> tuple[RunResult, Mind | None]:
    """Replay a tape as Engine does, under a treatment; return the understanding loop beside the result."""
    held: list[Mind] = []
    source = engines._source(rows, engine.session)
    if treatment.shuffle_rows:
        draw = np.random.default_rng(treatment.seed)
        spans = _stirred(rows, treatment.shuffle_rows, held, draw)
        source = dataclasses.replace(source, window=lambda _: RowWindow(spans, None))
    run = engines._Run(engine, source, None, True)
    mind = mind_of(run.core)
    if isinstance(mind, Mind):
        mind.shared["parts"] &= ~treatment.parts_off
        held.append(mind)
    run.loop(None, None)
    return run.finish(), held[0] if held else None


def _stirred(rows: Rows, every: int, held: list[Mind], draw: np.random.Generator) -> Iterator[Rows]:
    """Give the tape in spans; before each, every instrument's neurons change their memories with each other.

    What rho holds is read at other neurons than it was written at. It grows less than it would, since what is written
    no longer adds up; nothing that reads it sees its size, only its direction (LN).
    """
    for start in range(0, len(rows.seq), every):
        for mind in held:
            for fast in mind.symbols["fast"].view(np.ndarray)[:, 0]:
                places = draw.permutation(len(fast["rho"]))
                fast["rho"][:] = fast["rho"][places]
                fast["squares"][:] = fast["squares"][places]
        yield rows.slice(start, min(start + every, len(rows.seq)))


def net_of(result: RunResult, session: Session, folds: list[Fold]) -> list[float]:
    """Return what each fold made, fees, spread and slippage paid, in bps of the largest position at its start."""
    equity, marks = result.tables["equity"], result.tables["marks"]
    times, navs = equity["ts_ns"].to_numpy(), equity["nav"].to_numpy()
    sizes = _largest(marks, session)
    return [
        BPS * float(_at(times, navs, end) - _at(times, navs, start)) / sum(_at(*one, start) for one in sizes)
        for start, end in folds
    ]


def _largest(marks: Any, session: Session) -> list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """Return, by instrument, times and the worth of its largest position then, quanta."""
    which = marks["instrument"].to_numpy()
    times, mark2 = marks["ts_ns"].to_numpy(), marks["mark2"].to_numpy()
    found = []
    for k, terms in enumerate(session.policy.envelope.instruments):
        mine = (which == k) & (mark2 > 0)
        worth = mark2[mine] * (instrument_of(terms).mult // 2) * terms.max_position_lots
        found.append((times[mine], worth))
    return found


def _at(times: npt.NDArray[np.int64], values: npt.NDArray[np.int64], ts_ns: int) -> int:
    """Return the last value by a time; the first when there was none yet."""
    return int(values[max(int(np.searchsorted(times, ts_ns, side="right")) - 1, 0)])


def _counted(result: RunResult) -> Figures:
    counts: Mapping[str, Any] = result.counts
    return {
        "kills": int(result.kill["state"] != KillState.ARMED.name),
        "violations": len(result.violations),
        "faults": counts["plugin_faults"] + counts["breaks"],
        "decisions": counts["decisions"],
        "orders": counts["orders"],
        "fills": counts["fills"],
        "denials": sum(counts["denials"].values()),
        "diary": result.digests["diary"],
    }


def _share(mask: npt.NDArray[np.bool_]) -> float:
    return float(np.count_nonzero(mask)) / len(mask) if len(mask) else 0.0
