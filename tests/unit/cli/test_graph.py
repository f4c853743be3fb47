"""`alphatrade graph RUN`: measures of the graphs of a run's fast weights; what has none is refused in one line."""

import json

import numpy as np
import pytest

from alphatrade_runtime.adaptation.fast_weights.state import fast_params
from alphatrade_runtime.cli.main import call
from alphatrade_runtime.loop.mind import build
from alphatrade_runtime.perception.belief.weights import load_weights, save_weights, seeded_weights
from alphatrade_runtime.reflection.graph.bands import BANDS
from alphatrade_runtime.reflection.graph.codes import Codes
from alphatrade_runtime.reflection.graph.diagnose import diagnose
from alphatrade_runtime.reflection.graph.snapshots import FOLDER, files, read_snapshot, write_snapshot
from unit.loop.mind_sessions import FEATURES, everything
from unit.loop.stored_runs import stored
from unit.reflection.graph.planted import rho_snapshot
from unit.reflection.minded_run import belief, session, write

IDX = list(range(25)) + [0xFFFF]
VAL = [0.2] * 25 + [0.0]
BELIEFS = [belief(3_000 * k, idx=IDX, val=VAL) for k in range(1, 20)]


def made(folder, counts, document=None):
    """Write a run with so many snapshots of each instrument."""
    write(folder, {"belief_snapshots": BELIEFS}, document)
    for i, count in enumerate(counts):
        for k in range(1, count + 1):
            write_snapshot(folder / FOLDER, rho_snapshot(k, i, "ABC"[i] * 3))
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return made(tmp_path_factory.mktemp("graph") / "run", (17, 2))


def told(capsys, *arguments):
    assert call(["graph", *map(str, arguments)]) == 0
    return capsys.readouterr()


def refused(arguments, said, capsys):
    assert call(["graph", *map(str, arguments)]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("error: ")
    assert shown.err.count("\n") == 1
    assert said in shown.err, shown.err


def expected(folder, d_y, between=(3_000, 51_000)):
    """Diagnose by hand: the snapshots of AAA, and the codes between the first and the last."""
    rho = np.stack([read_snapshot(path).rho for path in files(folder / FOLDER, 0)])
    n = sum(between[0] <= row["belief_id"] <= between[1] for row in BELIEFS)
    idx, val = np.tile(IDX, (n, 1)), np.tile(VAL, (n, 1))
    idx[:, -1] = 0
    return diagnose(rho, d_y, Codes(idx, val)), n


def same(facts, diagnosis):
    assert {name: one["value"] for name, one in facts["metrics"].items()} == {
        name: value if np.isfinite(value) else None for name, value in diagnosis.metrics.items()
    }
    assert {name: one["verdict"] for name, one in facts["metrics"].items()} == {
        row.metric: row.verdict for row in diagnosis.table
    }


def test_it_measures_the_graph_of_the_runs_own_weights(run, capsys):
    shown = told(capsys, run, "--json")
    (facts,) = json.loads(shown.out)
    diagnosis, codes = expected(run, seeded_weights(1, len(FEATURES))["d_y"])
    same(facts, diagnosis)
    assert (facts["instrument"], facts["snapshots"], facts["codes"]) == ("AAA", 17, codes) == ("AAA", 17, 17)
    assert facts["decisions"] == {"first": 1_024, "last": 17 * 1_024}
    assert facts["null"]["z"] == facts["metrics"]["ModularityZ"]["value"] is not None
    assert shown.err == (
        "note: BBB has 2 of 16 snapshots of its fast weights, one in 1,024 decisions: 14,336 decisions are lacking, "
        "counted from the last one\n"
        "note: CCC has 0 of 16 snapshots of its fast weights, one in 2,048 decisions: 32,768 decisions are lacking, "
        "counted from the last one\n"
    )


def test_in_words_it_has_each_measure_its_band_and_verdict(run, capsys):
    shown = told(capsys, run, "--instrument", "AAA")
    assert shown.err == ""
    assert shown.out.startswith("AAA: 17 snapshots, decisions 1,024 to 17,408; 5,233 edges, 17 codes; not healthy\n")
    lines = {line.split()[0]: line.split() for line in shown.out.splitlines() if line}
    assert set(BANDS) < set(lines)
    assert lines["ModularityZ"][2:] == ["2", "or", "more", "ok"]
    assert lines["CodeCosine"][1:] == ["1", "0.9", "or", "less", "high"]
    assert lines["DeadNeurons"][1:] == ["0.9512", "0.5", "or", "less", "high"]
    assert "modularity of 20 rewired graphs: 0." in shown.out


def test_trained_weights_are_read_from_their_file(tmp_path, capsys):
    weights = seeded_weights(7, len(FEATURES))
    digest = save_weights(tmp_path / "weights.npz", weights, {"features": FEATURES})
    document = session()
    trained = {"path": str(tmp_path / "weights.npz"), "digest": digest}
    document["policy"]["genotype"]["belief"] = {**document["policy"]["genotype"]["belief"], "weights": trained}
    folder = made(tmp_path / "run", (17,), document)
    (facts,) = json.loads(told(capsys, folder, "--json").out)
    same(facts, expected(folder, load_weights(tmp_path / "weights.npz", digest)["d_y"])[0])
    (tmp_path / "weights.npz").unlink()
    refused([folder], "weights.npz: no such file", capsys)


def test_of_codes_denser_than_the_records_nothing_is_said(tmp_path, capsys):
    document = session()
    document["policy"]["genotype"]["belief"] = {**document["policy"]["genotype"]["belief"], "active_bps": 1_000}
    (facts,) = json.loads(told(capsys, made(tmp_path / "run", (16,), document), "--json").out)
    assert {name for name, one in facts["metrics"].items() if one["verdict"] == "unknown"} == {
        "DeadNeurons", "CodeCosine",
    }  # fmt: skip


def test_a_real_run_has_a_graph(tmp_path, monkeypatch, capsys):

    def frequent(*given, **named):
        params = fast_params(*given, **named)
        params.every[:] = 64
        return params

    monkeypatch.setattr(build, "fast_params", frequent)
    facts = json.loads(told(capsys, stored(tmp_path / "run", everything()), "--json").out)
    assert len(facts) == 2
    for one in facts:
        assert one["snapshots"] > 16
        assert one["edges"] == 5_233
        assert one["codes"] > 10
        assert all(metric["value"] is not None for metric in one["metrics"].values())


def test_a_run_without_fast_weights_is_refused(tmp_path, capsys):
    document = session(attention=False)
    refused([made(tmp_path / "run", (), document)], "the run had no fast weights, so it has no graph", capsys)


def test_too_few_snapshots_are_refused_with_what_is_lacking(run, tmp_path, capsys):
    refused([run, "--instrument", "BBB"], "BBB has 2 of 16 snapshots", capsys)
    folder = made(tmp_path / "run", (15,))
    refused([folder, "--instrument", "AAA"], "1,024 decisions are lacking, counted from the last one; run the", capsys)


def test_what_is_damaged_is_refused_by_name(tmp_path, capsys):
    folder = made(tmp_path / "run", (16,))
    path = files(folder / FOLDER, 0)[3]
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    refused([folder], f"{path}: no snapshot of fast weights", capsys)
    path.write_bytes(files(folder / FOLDER, 0)[4].read_bytes())
    refused([folder], f"{path}: digest or name are not those of its content", capsys)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["RUN", "--instrument", "XYZ"], "--instrument: 'XYZ' is not traded in this run; give one of AAA, BBB, CCC"),
        (["no-such-run"], "no-such-run: no such folder"),
        ([], "RUN"),
    ],
)
def test_what_is_not_there_is_refused(run, arguments, said, capsys):
    refused([str(run) if one == "RUN" else one for one in arguments], said, capsys)
