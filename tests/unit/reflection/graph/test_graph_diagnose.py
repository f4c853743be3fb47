"""A day's graph, whole: planted health and planted illness, each by its own measure; bands; the same for a seed."""

import math
from typing import get_args

import numpy as np
import pytest

from alphatrade_operator.reflection.model import Metric
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.reflection.graph.bands import BANDS, Band, baseline_bands, judge
from alphatrade_runtime.reflection.graph.codes import Codes
from alphatrade_runtime.reflection.graph.diagnose import diagnose, measure
from unit.reflection.graph.planted import both_ways, complete, empty, star

N, D, SNAPSHOTS, GROUPS = 96, 16, 16, 8


def planted(seed=1, groups=GROUPS):
    """Return snapshots and D_y in which neurons of one group drive each other, some more than others."""
    rng = np.random.default_rng(seed)
    group = np.arange(N) * groups // N
    direction = np.eye(D)[group]
    strength = 1.0 + rng.random((N, 1))
    rho = direction * strength + 0.05 * rng.standard_normal((SNAPSHOTS, N, D))
    return rho, direction * strength + 0.05 * rng.standard_normal((N, D)), group


def codes(seed=1, neurons=N, count=400):
    rng = np.random.default_rng(seed)
    idx = np.stack([rng.choice(neurons, 5, replace=False) for _ in range(count)])
    return Codes(idx, rng.random((count, 5)))


def verdicts(found):
    return {row.metric: row.verdict for row in found.table}


def test_planted_groups_are_found_through_the_fast_weights():
    rho, d_y, group = planted()
    found = diagnose(rho, d_y, codes(), share=0.1)
    assert found.snapshots == SNAPSHOTS
    assert found.measures.edges == round(0.1 * N * (N - 1))
    community = found.measures.communities.community
    assert community.tolist() == group.tolist()
    assert found.metrics["ModularityZ"] > 10
    assert sum(b.neurons for b in found.measures.in_degrees) == sum(b.neurons for b in found.measures.out_degrees) == N


def test_the_same_arguments_give_the_same_diagnosis():
    rho, d_y, _ = planted()
    once, again = (diagnose(rho, d_y, codes(), seed=5) for _ in range(2))
    assert once.metrics == again.metrics
    assert once.table == again.table
    other = diagnose(rho, d_y, codes(), seed=6)
    unseeded = set(once.metrics) - {"Modularity", "ModularityZ"}
    assert {name: once.metrics[name] for name in unseeded} == {name: other.metrics[name] for name in unseeded}


def test_each_illness_shows_in_its_own_measure():
    rho, d_y, _ = planted()
    healthy = diagnose(rho, d_y, codes())
    assert {name: verdicts(healthy)[name] for name in ("DeadNeurons", "CodeCosine", "EffectiveRank")} == {
        "DeadNeurons": "ok", "CodeCosine": "ok", "EffectiveRank": "ok",
    }  # fmt: skip
    assert verdicts(diagnose(rho, d_y, codes(neurons=40)))["DeadNeurons"] == "high"
    alike = Codes(np.tile(np.arange(5), (50, 1)), np.ones((50, 5)))
    assert verdicts(diagnose(rho, d_y, alike))["CodeCosine"] == "high"
    collapsed = np.ones((SNAPSHOTS, 1, 1)) * np.outer(np.ones(N), np.eye(D)[0])
    assert verdicts(diagnose(collapsed, d_y, codes()))["EffectiveRank"] == "low"


def test_without_codes_what_needs_them_is_unknown():
    rho, d_y, _ = planted()
    found = diagnose(rho, d_y)
    assert {name for name, verdict in verdicts(found).items() if verdict == "unknown"} == {"DeadNeurons", "CodeCosine"}


def test_weights_that_never_learned_are_a_collapse_and_no_graph():
    found = diagnose(np.zeros((SNAPSHOTS, N, D)), planted()[1], codes())
    assert found.measures.edges == 0
    assert verdicts(found) == {
        "Modularity": "unknown", "ModularityZ": "unknown", "DegreeExponent": "unknown", "Gini": "unknown",
        "CoreShare": "unknown", "DeadNeurons": "ok", "CodeCosine": "ok", "EffectiveRank": "low",
    }  # fmt: skip
    assert not found.healthy


def test_star_complete_and_empty_as_wholes():
    a, b, c = (measure(both_ways(pairs, 40)) for pairs in (star(40), complete(40), empty()))
    assert a.core_fit == pytest.approx(1.0)
    assert (a.core_size, a.core_share) == (1, 1.0)
    assert b.gini == pytest.approx(0.0, abs=1e-12)
    assert (b.edges, b.exponent) == (40 * 39, math.inf)
    assert c.edges == 0
    assert all(math.isnan(value) for value in (c.gini, c.exponent, c.communities.q, c.core_share, c.core_fit))


def test_too_few_snapshots_are_refused():
    rho, d_y, _ = planted()
    with pytest.raises(InputError, match="15 snapshots"):
        diagnose(rho[:15], d_y)


def test_codes_of_another_belief_are_refused():
    rho, d_y, _ = planted()
    with pytest.raises(InputError, match="codes of this belief"):
        diagnose(rho, d_y, Codes(np.full((1, 1), N), np.ones((1, 1))))


def test_measures_have_the_names_of_the_resource_and_the_bands_of_the_design():
    assert tuple(BANDS) == get_args(Metric)
    assert BANDS["Modularity"] == (0.15, 0.85)
    assert BANDS["CoreShare"] == (0.02, 0.35)
    assert BANDS["DegreeExponent"] == (1.5, 4.0)


@pytest.mark.parametrize(
    ("value", "verdict"),
    [(0.15, "ok"), (0.85, "ok"), (0.149, "low"), (0.851, "high"), (math.nan, "unknown"), (math.inf, "high")],
)
def test_a_band_includes_its_ends(value, verdict):
    (row,) = judge({"Modularity": value}, {"Modularity": BANDS["Modularity"]})
    assert row.verdict == verdict


def test_a_baseline_of_thirty_runs_gives_its_own_bands():
    runs = [dict.fromkeys(BANDS, float(k)) | {"Gini": math.nan if k == 0 else float(k)} for k in range(31)]
    bands = baseline_bands(runs)
    assert bands["Modularity"] == Band(15.0 - 4 * 8.0, 15.0 + 4 * 8.0)
    assert bands["Gini"] == Band(15.5 - 4 * 7.5, 15.5 + 4 * 7.5)
    with pytest.raises(InputError, match="29 runs with Modularity; a band needs 30"):
        baseline_bands(runs[:29])
