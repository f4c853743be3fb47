"""The graph out of weights: which edges, in which direction, of which mean; and what is refused."""

import numpy as np
import pytest

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.reflection.graph.edges import directed, fast_weights, parameter_weights, strongest

N, D = 12, 4


def zeros(snapshots=16):
    return np.zeros((snapshots, N, D)), np.zeros((N, D))


def test_an_edge_goes_from_the_neuron_that_was_written_to_the_one_that_it_drives():
    rho, d_y = zeros()
    rho[:, 3, 0], d_y[5, 0] = 2.0, -1.5
    weights = fast_weights(rho, d_y)
    assert (float(weights[5, 3]), int(np.count_nonzero(weights))) == (3.0, 1)
    graph = strongest(weights)
    assert (graph.sources.tolist(), graph.targets.tolist()) == ([3], [5])
    into, out = graph.degrees()
    assert [int(into.argmax()), int(out.argmax()), int(into.sum()), int(out.sum())] == [5, 3, 1, 1]


def test_weights_are_the_mean_of_sizes_not_the_size_of_the_mean():
    rho, d_y = zeros()
    rho[:, 3, 0], d_y[5, 0] = np.where(np.arange(16) % 2 == 0, 1.0, -3.0), 1.0
    assert fast_weights(rho, d_y)[5, 3] == 2.0


def test_the_strongest_two_percent_of_the_ordered_pairs_are_edges():
    weights = np.random.default_rng(1).random((50, 50))
    graph = strongest(weights)
    assert len(graph.sources) == 49
    np.fill_diagonal(weights, 0.0)
    kept = np.zeros((50, 50), bool)
    kept[graph.targets, graph.sources] = True
    assert weights[kept].min() > weights[~kept].max()
    assert not kept.diagonal().any()


def test_equal_weights_go_to_the_lower_neurons_and_zero_is_no_edge():
    graph = strongest(np.ones((10, 10)), share=0.04)
    assert sorted(zip(graph.targets.tolist(), graph.sources.tolist())) == [(0, 1), (0, 2), (0, 3), (0, 4)]
    assert len(strongest(np.zeros((10, 10))).sources) == 0
    assert len(strongest(np.diag(np.ones(10)), share=1.0).sources) == 0


def test_pairs_are_named_once_without_direction():
    graph = directed(5, [3, 1, 0, 4], [1, 3, 2, 2])
    assert graph.pairs().tolist() == [[0, 2], [1, 3], [2, 4]]


def test_parameters_make_a_graph_the_same_way():
    d_x, e = np.zeros((N, D)), np.zeros((N, D))
    d_x[2, 1], e[7, 1] = -2.0, 4.0
    weights = parameter_weights(d_x, e)
    assert (float(weights[2, 7]), int(np.count_nonzero(weights))) == (8.0, 1)


def bad(at, value):
    rho, d_y = zeros()
    (rho if len(at) == 3 else d_y)[at] = value
    return rho, d_y


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (zeros(15), "15 snapshots of rho; a mean needs 16 or more"),
        ((zeros()[0], np.zeros((N, D + 1))), r"rho is \(16, 12, 4\) and D_y is \(12, 5\)"),
        ((np.zeros((N, D)), np.zeros((N, D))), r"rho is \(12, 4\)"),
        (bad((7, 0, 0), np.nan), "snapshot 7 of rho is not finite; leave it out"),
        (bad((2, 0, 0), np.inf), "snapshot 2 of rho is not finite"),
        (bad((0, 0), -np.inf), "D_y holds a value that is not finite"),
    ],
)
def test_what_makes_no_mean_is_refused(given, message):
    with pytest.raises(InputError, match=message):
        fast_weights(*given)


def test_parameters_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="give both as"):
        parameter_weights(np.zeros((N, D)), np.zeros((D, N)))
    with pytest.raises(InputError, match="not finite"):
        parameter_weights(np.full((N, D), np.nan), np.zeros((N, D)))
