"""What the belief was at every decision of a session, and what came of the price: what slow weights are trained on."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.loop.core import Core
from alphatrade_runtime.loop.engine import Engine, Progress
from alphatrade_runtime.loop.mind.host import Mind
from alphatrade_runtime.loop.mind_link import mind_of
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.schema import Rows
from alphatrade_runtime.market.tape import Tape
from alphatrade_runtime.perception.belief.readout import Floats
from alphatrade_runtime.perception.belief.train import forward_returns

BELIEFS = "belief_snapshots"


@dataclass(frozen=True, slots=True)
class Latents:
    """Decisions in the order of the tape. values: (n, 32).  mark2: (n,) half ticks, 0 unknown.  instrument: (n,)."""

    values: Floats
    mark2: npt.NDArray[np.int64]
    instrument: npt.NDArray[np.int64]

    def forward_returns(self, horizon: int) -> Floats:
        """Return what each decision's instrument came to `horizon` of its own decisions later, bps; NaN unknown."""
        returns = np.full(len(self.mark2), np.nan)
        for i in np.unique(self.instrument):
            mine = self.instrument == i
            returns[mine] = forward_returns(self.mark2[mine].astype(np.float64), horizon)
        return returns


def latents_of(engine: Engine, tape: Tape | Rows, progress: Progress | None = None) -> Latents:
    """Replay a session with every belief on record, in memory: some 700 bytes a decision.

    Raises InputError when the session has no belief, or one whose weights are trained already.
    """
    belief = engine.session.policy.genotype.belief
    if belief is None:
        raise InputError("training: the session has no belief; add its block, genotype.belief, to the Strategy")
    if belief.weights is not None:
        raise InputError("genotype.belief.weights: trained already; remove it, then train on the weights of the seed")
    rows = engine.replay(tape, audit=False, progress=progress, prepare=_record_every_belief).tables[BELIEFS]
    return Latents(
        np.array(rows["v"].to_pylist(), np.float64).reshape(len(rows), -1),
        rows["mark2"].to_numpy(),
        rows["instrument"].to_numpy().astype(np.int64),
    )


def _record_every_belief(core: Core) -> None:
    mind = mind_of(core)
    assert isinstance(mind, Mind)  # the session has a belief
    mind.shared["every"] = 1
    mind.streams = {BELIEFS: mind.streams[BELIEFS]}
