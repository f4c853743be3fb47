"""The health of a belief graph on the stored snapshots of a day."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.reflection.graph.bands import BANDS, Band, Row, judge
from alphatrade_runtime.reflection.graph.codes import Codes, check_codes, dead_share, mean_cosine
from alphatrade_runtime.reflection.graph.communities import Modularity, modularity
from alphatrade_runtime.reflection.graph.core import core_correlation, core_share
from alphatrade_runtime.reflection.graph.degrees import Bin, gini, histogram, tail_exponent
from alphatrade_runtime.reflection.graph.edges import TOP_SHARE, Graph, fast_weights, strongest
from alphatrade_runtime.reflection.graph.rank import effective_rank


@dataclass(frozen=True)
class GraphMeasures:
    """What a graph alone says.

    in_degrees, out_degrees: in bins of octaves.  core_fit: correlation with the best core of `core_size` neurons.
    exponent and gini are of in- and out-degree together.
    """

    edges: int
    in_degrees: tuple[Bin, ...]
    out_degrees: tuple[Bin, ...]
    exponent: float
    gini: float
    communities: Modularity
    core_share: float
    core_fit: float
    core_size: int


@dataclass(frozen=True)
class Diagnosis:
    """The measures of a day by the names of the Reflection resource, each against its band."""

    snapshots: int
    measures: GraphMeasures
    metrics: Mapping[str, float]
    table: tuple[Row, ...]

    @property
    def healthy(self) -> bool:
        """Whether no measure lies outside its band."""
        return all(row.verdict in ("ok", "unknown") for row in self.table)


def diagnose(
    rho: npt.ArrayLike,
    d_y: npt.ArrayLike,
    codes: Codes | None = None,
    *,
    seed: int = 1,
    share: float = TOP_SHARE,
    bands: Mapping[str, Band] = BANDS,
    advance: Callable[[], None] = lambda: None,
) -> Diagnosis:
    """Measure the graph of the fast weights. The same arguments give the same values.

    rho: (S, n, d) snapshots of the true state (lazy decay multiplied in), S of 16 or more.  d_y: (n, d).
    codes: of the same day; without them what needs them is NaN.  share: of weights that are edges.
    advance: called behind each of 20 rewirings, which take the time.
    Raises InputError for input that is too short, does not fit or is not finite.
    """
    snapshots = np.asarray(rho, np.float64)
    weights = fast_weights(snapshots, d_y)
    dead, cosine = math.nan, math.nan
    if codes is not None:
        check_codes(codes, len(weights))
        dead, cosine = dead_share(codes, len(weights)), mean_cosine(codes, len(weights))
    measures = measure(strongest(weights, share), seed, advance)
    metrics = {
        "Modularity": measures.communities.q,
        "ModularityZ": measures.communities.z,
        "DegreeExponent": measures.exponent,
        "Gini": measures.gini,
        "CoreShare": measures.core_share,
        "DeadNeurons": dead,
        "CodeCosine": cosine,
        "EffectiveRank": effective_rank(snapshots),
    }
    return Diagnosis(len(snapshots), measures, metrics, judge(metrics, bands))


def measure(graph: Graph, seed: int = 1, advance: Callable[[], None] = lambda: None) -> GraphMeasures:
    """Measure any graph of neurons: of the fast weights or of the slow parameters."""
    into, out = graph.degrees()
    pairs = graph.pairs()
    fit, size = core_correlation(pairs, graph.nodes)
    return GraphMeasures(
        edges=len(graph.sources),
        in_degrees=histogram(into),
        out_degrees=histogram(out),
        exponent=tail_exponent(into + out),
        gini=gini(into + out),
        communities=modularity(pairs, graph.nodes, seed, advance),
        core_share=core_share(pairs, graph.nodes),
        core_fit=fit,
        core_size=size,
    )
