"""The slow weights' file: whole, refused or exactly what was saved."""

import numpy as np
import pytest

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.perception.belief.shape import MAX_INPUTS, NEURONS, WIDTH
from alphatrade_runtime.perception.belief.weights import (
    WEIGHTS_DTYPE,
    load_weights,
    save_weights,
    seeded_weights,
    weights_digest,
)

META = {"seed": 3, "trained": "on nothing"}
ARRAYS = tuple(WEIGHTS_DTYPE.names or ())


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "belief.npz"
    return path, save_weights(path, seeded_weights(3, 9), META)


def arrays(path):
    with np.load(path) as file:
        return {name: file[name] for name in file.files}


def test_what_is_saved_is_what_is_read(saved):
    path, digest = saved
    assert load_weights(path, digest).tobytes() == seeded_weights(3, 9).tobytes()
    assert digest == weights_digest(seeded_weights(3, 9), META)
    assert [entry.name for entry in path.parent.iterdir()] == ["belief.npz"]


def test_seeds_and_inputs_make_other_weights_of_the_promised_scale():
    a = seeded_weights(3, 9)
    assert a.tobytes() != seeded_weights(4, 9).tobytes()
    assert not a["e_in"][:, 9:].any()
    for name, fan_in in (("d_x", WIDTH), ("d_y", WIDTH), ("e", NEURONS)):
        assert np.std(a[name]) == pytest.approx(fan_in**-0.5, rel=0.05)
    assert not a["readout"].any()


@pytest.mark.parametrize("inputs", [0, -1, MAX_INPUTS + 1])
def test_as_many_inputs_as_there_are(inputs):
    with pytest.raises(InputError, match=f"belief features: {inputs}; use 1 to {MAX_INPUTS}"):
        seeded_weights(3, inputs)


def test_every_array_and_the_meta_are_in_the_digest():
    before = weights_digest(seeded_weights(3, 9), META)
    seen = {before, weights_digest(seeded_weights(3, 9), {**META, "seed": 4})}
    for name in ARRAYS:
        record = seeded_weights(3, 9)
        record[name] = record[name] + 1
        seen.add(weights_digest(record, META))
    assert len(seen) == 2 + len(ARRAYS)


def test_another_digest_is_refused(saved):
    path, digest = saved
    wrong = f"sha256:{'0' * 64}"
    with pytest.raises(InputError, match=f"belief.npz: digest is {digest}, not {wrong} as the policy says"):
        load_weights(path, wrong)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda all_: all_.pop("d_y"), "array d_y is missing"),
        (lambda all_: all_.pop("meta"), "array meta is missing"),
        (lambda all_: all_.update(b=all_["b"].astype("f4")), "array b is float32, must be float64"),
        (lambda all_: all_.update(b=all_["b"][1:]), r"array b has shape \(511,\), must be \(512,\)"),
        (lambda all_: all_["e"].__setitem__((0, 0), np.nan), "array e holds NaN or infinity"),
        (lambda all_: all_["e"].__setitem__((0, 0), np.inf), "array e holds NaN or infinity"),
        (lambda all_: all_["e"].__setitem__((0, 0), 2e6), "array e holds a weight beyond 1e"),
        (lambda all_: all_.update(inputs=np.float64(2.5)), "inputs is 2.5, must be 1 to"),
        (lambda all_: all_.update(inputs=np.float64(0)), "inputs is 0.0, must be 1 to"),
        (lambda all_: all_.update(inputs=np.float64(8)), "e_in uses more than its 8 inputs"),
        (lambda all_: all_.update(meta=np.frombuffer(b"[1]", np.uint8)), "meta is no JSON object"),
        (lambda all_: all_.update(meta=np.frombuffer(b"{", np.uint8)), "no npz of weights"),
        (lambda all_: all_.update(b=np.array([object()] * 512)), "array b cannot be read"),
    ],
)
def test_a_damaged_file_is_refused_by_name(saved, damage, said):
    path, digest = saved
    found = arrays(path)
    damage(found)
    np.savez(path, **found)
    with pytest.raises(InputError, match=said):
        load_weights(path, digest)


@pytest.mark.parametrize("keep", [0, 10, 1_000, -20])
def test_a_cut_file_is_refused(saved, keep):
    path, digest = saved
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InputError, match=r"belief\.npz: "):
        load_weights(path, digest)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match=r"none\.npz: no such file; export the weights again or correct the path"):
        load_weights(tmp_path / "none.npz", "sha256:x")


def test_weights_that_no_one_could_load_are_not_written(tmp_path):
    record = seeded_weights(3, 9)
    record["d_x"][0, 0] = np.nan
    with pytest.raises(InputError, match="d_x holds NaN"):
        save_weights(tmp_path / "belief.npz", record, META)
    assert list(tmp_path.iterdir()) == []
