"""The graphs of a run: its snapshots, the slow weights of its configuration, the codes that it left on record."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from alphatrade_runtime.adaptation.fast_weights.state import SNAPSHOT_EVERY
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.perception.belief.belief import NO_NEURON
from alphatrade_runtime.perception.belief.shape import STORED
from alphatrade_runtime.perception.belief.weights import active_neurons, weights_of
from alphatrade_runtime.policy.document import Belief, Session
from alphatrade_runtime.reflection.diary import query
from alphatrade_runtime.reflection.diary.dictionary import session_of
from alphatrade_runtime.reflection.diary.segments import streams_in
from alphatrade_runtime.reflection.graph.codes import Codes
from alphatrade_runtime.reflection.graph.communities import REWIRINGS
from alphatrade_runtime.reflection.graph.diagnose import Diagnosis, diagnose
from alphatrade_runtime.reflection.graph.edges import MIN_SNAPSHOTS
from alphatrade_runtime.reflection.graph.snapshots import FOLDER, RhoSnapshot, files, read_snapshot

Advance = Callable[[int, int], None]


@dataclass(frozen=True)
class RunGraph:
    """One instrument. first, last: its decisions until the first and the last snapshot.  codes: on record between."""

    symbol: str
    first: int
    last: int
    codes: int
    diagnosis: Diagnosis


@dataclass(frozen=True)
class RunGraphs:
    """The graphs of a run, and why some instruments have none."""

    graphs: tuple[RunGraph, ...]
    without: tuple[str, ...]


def graphs_of(folder: Path, instrument: str | None = None, advance: Advance = lambda done, total: None) -> RunGraphs:
    """Diagnose the instruments of a run, or one of them. advance: is told of rewired graphs, done and all.

    Raises InputError when the run had no fast weights, no instrument has enough snapshots, or a file is damaged.
    """
    session = session_of(folder)
    belief = session.policy.genotype.belief
    if belief is None or not session.policy.envelope.flags.fast_weights:
        raise InputError(
            f"{folder}: the run had no fast weights, so it has no graph; set featureFlags.fastWeights and run it again"
        )
    asked = _asked(session, instrument)
    found = {i: files(folder / FOLDER, i) for i in asked}
    enough = [i for i in asked if len(found[i]) >= MIN_SNAPSHOTS]
    without = [_lacking(asked[i], found[i]) for i in asked if i not in enough]
    if not enough:
        raise InputError(f"{folder}: {'; '.join(without)}; run the session for longer")
    rows = np.array(weights_of(belief)["d_y"])
    total = len(enough) * REWIRINGS
    done = 0

    def next_one() -> None:
        nonlocal done
        done += 1
        advance(done, total)

    graphs = [_graph(folder, found[i], rows, belief, next_one) for i in enough]
    return RunGraphs(tuple(graphs), tuple(without))


def _asked(session: Session, instrument: str | None) -> dict[int, str]:
    """Return the symbols asked for, by index."""
    symbols = [terms.symbol for terms in session.policy.envelope.instruments]
    if instrument is None:
        return dict(enumerate(symbols))
    if instrument not in symbols:
        raise InputError(f"--instrument: {instrument!r} is not traded in this run; give one of {', '.join(symbols)}")
    return {symbols.index(instrument): instrument}


def _lacking(symbol: str, there: Sequence[Path]) -> str:
    """Say how many decisions an instrument lacks."""
    every = read_snapshot(there[-1]).every if there else SNAPSHOT_EVERY
    lacks = (MIN_SNAPSHOTS - len(there)) * every
    return (
        f"{symbol} has {len(there)} of {MIN_SNAPSHOTS} snapshots of its fast weights, one in {every:,} decisions: "
        f"{lacks:,} decisions are lacking, counted from the last one"
    )


def _graph(
    folder: Path,
    paths: Sequence[Path],
    rows: npt.NDArray[np.float64],
    belief: Belief,
    advance: Callable[[], None],
) -> RunGraph:
    taken = [read_snapshot(path) for path in paths]
    codes = _codes(folder, taken) if _whole(belief) else None
    rho = np.stack([one.rho for one in taken])
    diagnosis = diagnose(rho, rows, codes, advance=advance)
    count = len(codes.idx) if codes is not None else 0
    return RunGraph(taken[0].symbol, taken[0].decisions, taken[-1].decisions, count, diagnosis)


def _whole(belief: Belief) -> bool:
    """Tell whether stored codes are whole: of denser ones only the largest are on record, which says too little."""
    return active_neurons(belief) <= STORED


def _codes(folder: Path, taken: Sequence[RhoSnapshot]) -> Codes | None:
    """Read the codes on record between the first snapshot and the last."""
    if "belief_snapshots" not in streams_in(folder):
        return None
    found = query.sql(
        folder,
        f"SELECT idx, val FROM belief_snapshots WHERE instrument = {taken[0].instrument} "
        f"AND belief_id BETWEEN {taken[0].decision_id} AND {taken[-1].decision_id} ORDER BY belief_id",
    )
    idx, val = (pc.list_flatten(found.column(name)).to_numpy().reshape(-1, STORED) for name in ("idx", "val"))
    return Codes(np.where(idx == NO_NEURON, 0, idx).astype(np.int64), val.astype(np.float64))
