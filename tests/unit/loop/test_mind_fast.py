"""Fast weights inside the step: what they learn from, and that a fault of theirs is on record."""

import math

import pytest

from alphatrade_runtime.adaptation.fast_weights.state import fast_params
from alphatrade_runtime.loop import engine as engines
from alphatrade_runtime.loop.core import part
from alphatrade_runtime.loop.engine import Engine
from alphatrade_runtime.loop.mind import build
from alphatrade_runtime.loop.mind.host import Mind
from alphatrade_runtime.loop.mind_link import mind_of
from alphatrade_runtime.risk.codes import Guard
from unit.loop.mind_sessions import everything, rows

HORIZON = 10


def ran():
    """Run a session with everything on; return its mind's records of instruments, and its tables."""
    engine = Engine(everything())
    run = engines._Run(engine, engines._source(rows(), engine.session), None, True)
    run.loop(None, None)
    mind = mind_of(run.core)
    assert isinstance(mind, Mind)
    symbols = mind.symbols
    assert int(part(run.core, "loop")[0].decisions) == symbols["decisions"].sum()
    return symbols, run.finish().tables


@pytest.fixture(scope="module")
def whole():
    return ran()


def test_every_policy_is_taught_once_a_horizon(whole):
    for symbol in whole[0]:
        learner, decisions = symbol.multiplier[0], int(symbol.decisions)
        most = (decisions - 1) // HORIZON
        silent = 500 // HORIZON  # before its features are known nothing is read
        assert all(most - silent <= n <= most for n in learner.learnt[:3].tolist())
        assert decisions - HORIZON < learner.free[0] <= decisions
        assert set(learner.free[:3].tolist()) == {learner.free[0]}
        assert (learner.learnt[3:] == 0).all()


def test_on_an_ordinary_tape_nothing_faults_and_something_is_remembered(whole):
    symbols, tables = whole
    for symbol in symbols:
        assert (symbol.fast[0].faults, symbol.fast[0].frozen) == (0, 0)
        assert symbol.fast[0].writes > 500
    norms = tables["routes"]["rho_norm"].to_pylist()
    assert 0.1 < max(norms) <= math.sqrt(32.0)
    assert Guard.FAST_WEIGHTS not in tables["decisions"]["guard"].to_pylist()


def test_a_fault_is_on_record_once_with_the_route_of_its_decision(monkeypatch):

    def tight(*given, **named):
        params = fast_params(*given, **named)
        params.bound[:] = 0.2
        return params

    monkeypatch.setattr(build, "fast_params", tight)
    symbols, tables = ran()
    assert [int(symbol.fast[0].faults) for symbol in symbols] == [1, 1]
    assert all(symbol.fast[0].norm < 0.2 for symbol in symbols)
    found = [row for row in tables["decisions"].to_pylist() if row["guard"] == Guard.FAST_WEIGHTS]
    assert len(found) == 2
    seqs = {row["seq"] for row in tables["routes"].to_pylist()}
    assert {row["seq"] for row in found} <= seqs
