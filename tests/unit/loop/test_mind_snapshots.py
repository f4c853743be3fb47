"""Snapshots of the fast weights: at counts of decisions, the same after a kill, few, whole or not at all."""

import itertools
import time

import numpy as np
import pytest

from alphatrade_runtime.adaptation.fast_weights.state import fast_params
from alphatrade_runtime.loop import engine as engines
from alphatrade_runtime.loop import replay
from alphatrade_runtime.loop.engine import Engine
from alphatrade_runtime.loop.mind import build
from alphatrade_runtime.loop.mind.host import PACKETS, Mind
from alphatrade_runtime.loop.mind_link import mind_of
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.reflection.graph.snapshots import FOLDER, files, read_snapshot
from unit.loop.mind_cores import core_of
from unit.loop.mind_sessions import ALL, DRIFT, everything, minded, rows

EVERY = 64
SHY = {**DRIFT, "reference": 200, "cusum": {"slack": "0.5", "warn": "1", "alert": "2"}}  # it alerts at anything


@pytest.fixture(autouse=True)
def often(monkeypatch):
    """A snapshot every 64 decisions, so that short tapes have many."""

    def frequent(*given, **named):
        params = fast_params(*given, **named)
        params.every[:] = EVERY
        return params

    monkeypatch.setattr(build, "fast_params", frequent)


def shy():
    return minded(("fast_weights", "linear_attention"), **{**ALL, "drift": SHY})


def in_memory(document):
    """Run a session in memory; return its mind."""
    engine = Engine(document)
    run = engines._Run(engine, engines._source(rows(), engine.session), None, True)
    run.loop(None, None)
    run.finish()
    return mind_of(run.core), run.core  # a mind lives as long as its state


def test_they_are_the_weights_behind_each_64th_decision_wherever_batches_end():
    tape, seen = rows(), {}
    core = core_of(everything())
    mind = mind_of(core)
    assert isinstance(mind, Mind)
    depth = np.zeros((2, 2, 0), np.int64)
    for n in range(1, len(tape.seq) + 1):  # no batch is longer than a row
        replay.run(core, tape, n, n == len(tape.seq), depth)
        for _ in mind.take():
            pass
        for i, symbol in enumerate(mind.symbols):
            fast = symbol.fast[0]
            if fast.decisions and fast.decisions % EVERY == 0:
                seen[i, int(fast.decisions)] = (int(symbol.decision_id), np.float32(fast.rho * fast.scale).tobytes())
    whole, _state = in_memory(everything())
    taken = {
        (one.instrument, one.decisions): (one.decision_id, one.rho.tobytes())
        for kept in whole.snapshots.kept
        for one in kept
    }
    assert len(taken) > 30
    assert taken == seen
    assert len({weights for _, weights in taken.values()}) > 20, "nothing was learnt between them"


def test_a_killed_run_leaves_the_files_of_an_undisturbed_one(tmp_path, monkeypatch):
    Engine(shy()).replay(rows(), tmp_path / "whole" / "run")
    monkeypatch.setattr(time, "monotonic", itertools.count(0.0, 1.0).__next__)
    save, taken = engines._Run.checkpoint, []

    def at_second(run):
        taken.append(True)
        if len(taken) == 21:  # some snapshots later than the last checkpoint
            raise KeyboardInterrupt
        if len(taken) <= 12:
            save(run)

    folder = tmp_path / "killed" / "run"  # packets name their run by its folder
    with monkeypatch.context() as patched:
        patched.setattr(engines._Run, "checkpoint", at_second)
        with pytest.raises(KeyboardInterrupt):
            Engine(shy()).replay(rows(), folder, checkpoint_every_s=0.5)
    there = files(folder / FOLDER, 0)
    assert there
    (folder / FOLDER / "000-000000000999999.npz").write_bytes(there[-1].read_bytes())  # of rows that did not come again
    (folder / FOLDER / f".{there[-1].name}.partial").write_bytes(b"half")
    Engine(shy()).replay(rows(), folder)
    for kept, pattern in ((FOLDER, "*"), (PACKETS, "*/*")):
        left = {path.relative_to(folder): path.read_bytes() for path in (folder / kept).glob(pattern)}
        undisturbed = tmp_path / "whole" / "run"
        assert left == {path.relative_to(undisturbed): path.read_bytes() for path in (undisturbed / kept).glob(pattern)}
        assert len(left) > 1


def test_what_a_state_has_not_come_to_is_gone_before_its_next_snapshot(tmp_path):
    mind, _state = in_memory(everything())
    assert all(decisions % EVERY for decisions in mind.symbols["fast"]["decisions"][:, 0]), "one is due"
    mind.report(tmp_path)
    (tmp_path / FOLDER).mkdir()
    past, late, half = (f"001-{n:015d}.npz{end}" for n, end in ((5, ""), (999_999, ""), (7, ".partial")))
    for name in (past, late, f".{half}"):
        (tmp_path / FOLDER / name).write_bytes(b"of an attempt that was killed")
    mind.restore(mind.state())
    mind.report(tmp_path)
    assert [path.name for path in (tmp_path / FOLDER).iterdir()] == [past]


def test_one_that_cannot_be_written_ends_the_run_in_one_line(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / FOLDER).write_text("in the way")
    with pytest.raises(InputError, match=rf"{FOLDER}/000-0+\d+\.npz: File exists; check the path"):
        Engine(everything()).replay(rows(), folder)


def test_without_fast_weights_there_are_none(tmp_path):
    folder = tmp_path / "run"
    Engine(minded(("linear_attention",), **ALL)).replay(rows(), folder)
    assert not (folder / FOLDER).exists()
    mind, _state = in_memory(minded(("linear_attention",), **{**ALL, "drift": SHY}))
    assert not any(mind.snapshots.kept)
    assert {packet["rho_norm"]["n"] for packet in mind.packets} == {0}


def test_a_theory_packet_has_their_norms_and_the_neurons_that_moved(tmp_path):
    mind, _state = in_memory(shy())
    packet = mind.packets[-1]
    assert packet["rho_norm"]["n"] > 5
    i = mind.instruments.index(packet["symbol"])
    norms = mind.snapshots.norms(i)
    assert [at for at, _ in norms[:-1]] == [EVERY * (k + 1) for k in range(len(norms) - 1)]
    for one, (at, norm) in zip(mind.snapshots.kept[i], norms, strict=False):
        assert one.decisions == at
        assert np.sqrt((one.rho.astype(np.float64) ** 2).sum()) == pytest.approx(norm, rel=1e-6)
    assert packet["rho_norm"]["first"] == norms[0][1]
    moved = [abs(one["active_after"] - one["active_before"]) for one in packet["neuron_shifts"]]
    assert len(moved) == 5
    assert moved == sorted(moved, reverse=True)
    assert moved[0] > 0.0


def test_what_is_on_disk_is_what_memory_has(tmp_path):
    Engine(everything()).replay(rows(), tmp_path / "run")
    mind, _state = in_memory(everything())
    for i, kept in enumerate(mind.snapshots.kept):
        there = [read_snapshot(path) for path in files(tmp_path / "run" / FOLDER, i)]
        assert [one.digest for one in there] == [one.digest for one in kept]
