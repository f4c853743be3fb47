"""The belief's slow weights: seeded, or trained offline and read from an npz with a digest (semantics §22)."""

import hashlib
import json
import math
import os
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from alphatrade_runtime.market.faults import InputError, disk_errors
from alphatrade_runtime.numerics.jit import entry
from alphatrade_runtime.numerics.rng import normal, stream
from alphatrade_runtime.perception.belief.shape import MAX_INPUTS, NEURONS, WIDTH
from alphatrade_runtime.policy.canonical import canonical
from alphatrade_runtime.policy.document import Belief

WEIGHTS_DTYPE = np.dtype(
    [
        ("e_in", "f8", (WIDTH, MAX_INPUTS)), ("d_x", "f8", (WIDTH, NEURONS)), ("b", "f8", (NEURONS,)),
        ("d_y", "f8", (NEURONS, WIDTH)), ("e", "f8", (NEURONS, WIDTH)), ("readout", "f8", (WIDTH,)), ("bias", "f8"),
        ("spread_bps", "f8"), ("horizon", "i8"), ("inputs", "i8"),
    ],
    align=True,
)  # fmt: skip
"""e_in: features to value; d_x, b: value to neurons, stored transposed so that a pass over neurons is contiguous;
d_y: what was read from memory to neurons; e: neurons to latent; readout, bias: value to expected return, bps, over
`horizon` decisions, 0 where none was trained; spread_bps: how far returns lay from it out of sample, root mean square;
inputs: how many features, m; columns of e_in from there on are 0."""

MAX_HORIZON = 10_000  # decisions
LARGEST = 1e6  # a weight beyond it is a training run that exploded
_FAN_IN = {"d_x": WIDTH, "d_y": WIDTH, "e": NEURONS}
_META = "meta"
_WHOLE = {"inputs": (1, MAX_INPUTS), "horizon": (0, MAX_HORIZON)}
_FIX = "export the weights again"


def empty_weights() -> Any:
    """Return a zeroed record."""
    return np.zeros(1, WEIGHTS_DTYPE).view(np.recarray)[0]


@entry
def _gaussian(state, out, scale):
    """Fill out with normal numbers times scale. state: uint64[4].  out: float64[n]."""
    for k in range(out.size):
        out[k] = normal(state) * scale


def seeded_weights(seed: int, inputs: int) -> Any:
    """Return a record of Gaussian / sqrt(fan-in) weights, the same on every host; b and readout are 0."""
    if not 1 <= inputs <= MAX_INPUTS:
        raise InputError(f"belief features: {inputs}; use 1 to {MAX_INPUTS}")
    record = empty_weights()
    record["inputs"] = inputs
    e_in = np.zeros((WIDTH, inputs))
    drawn = (("e_in", inputs, e_in), *((name, fan, record[name]) for name, fan in _FAN_IN.items()))
    for name, fan_in, out in drawn:
        _gaussian(stream(seed, f"belief.{name}"), out.reshape(-1), 1.0 / math.sqrt(fan_in))
    record["e_in"][:, :inputs] = e_in
    return record


def active_neurons(belief: Belief) -> int:
    """Return how many neurons of its code may be active, 1 or more: its share of them, rounded up."""
    return -(-NEURONS * belief.active_bps // 10_000)


def weights_of(belief: Belief) -> Any:
    """Return the weights that a belief's genotype names: trained ones of its file, else seeded ones."""
    if belief.weights is None:
        return seeded_weights(belief.seed, len(belief.features))
    return load_weights(belief.weights.path, belief.weights.digest, belief.features)


def weights_digest(record: Any, meta: Mapping[str, Any]) -> str:
    """Return `sha256:` over name, shape and little-endian float64 of every array, and the canonical meta."""
    state = hashlib.sha256()
    for name, array in _arrays(record).items():
        state.update(canonical({"array": name, "shape": [int(size) for size in array.shape]}))
        state.update(array.astype("<f8").tobytes())
    state.update(canonical(dict(meta)))
    return f"sha256:{state.hexdigest()}"


def _arrays(record: Any) -> dict[str, Any]:
    return {name: np.asarray(record[name], np.float64) for name in WEIGHTS_DTYPE.names or ()}


def save_weights(path: str | os.PathLike[str], record: Any, meta: Mapping[str, Any]) -> str:
    """Write an npz, whole or not at all, and return its digest. Raises InputError for weights no one could load."""
    path = Path(path)
    _check(record, f"{path}")
    digest = weights_digest(record, meta)
    partial = path.with_name(f".{path.name}.partial")
    text = np.frombuffer(canonical(dict(meta)), np.uint8)
    try:
        with disk_errors(path), open(partial, "wb") as file:
            np.savez(file, allow_pickle=False, **_arrays(record), **{_META: text})
            file.flush()
            os.fsync(file.fileno())
        with disk_errors(path):
            os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    return digest


def load_weights(path: str | os.PathLike[str], digest: str, features: Sequence[str] | None = None) -> Any:
    """Read an npz of weights whose digest must be this one. Raises InputError naming what is wrong and the fix.

    features: what will be fed to them, in order; weights for another number of features, or whose meta names others,
    are refused.
    """
    record, meta = read_weights(path)
    found = weights_digest(record, meta)
    if found != digest:
        raise InputError(f"{os.fspath(path)}: digest is {found}, not {digest} as the policy says; restore it or {_FIX}")
    if features is not None:
        _check_features(record, meta, features, os.fspath(path))
    return record


def _check_features(record: Any, meta: Mapping[str, Any], features: Sequence[str], path: str) -> None:
    if int(record["inputs"]) != len(features):
        raise InputError(
            f"{path}: trained on {int(record['inputs'])} features, the belief has {len(features)}; give it those that "
            "they were trained on"
        )
    named = meta.get("features", list(features))
    if named != list(features):
        raise InputError(f"{path}: trained on {named}, the belief has {list(features)}; give it those, in that order")


def read_weights(path: str | os.PathLike[str]) -> tuple[Any, dict[str, Any]]:
    """Read weights and their meta, checked but for the digest. Raises InputError."""
    record = empty_weights()
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as saved:
            for name in WEIGHTS_DTYPE.names or ():
                record[name] = _array(saved, name, os.fspath(path))
            meta = json.loads(bytes(_member(saved, _META, os.fspath(path))))
    except InputError:
        raise
    except FileNotFoundError:
        raise InputError(f"{os.fspath(path)}: no such file; {_FIX} or correct the path") from None
    except (OSError, ValueError, AttributeError, TypeError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise InputError(f"{os.fspath(path)}: no npz of weights ({error}); {_FIX}") from None
    if not isinstance(meta, dict):
        raise InputError(f"{os.fspath(path)}: meta is no JSON object; {_FIX}")
    _check(record, os.fspath(path))
    return record, meta


def _member(saved: Any, name: str, path: str) -> Any:
    if name not in saved:
        raise InputError(f"{path}: array {name} is missing; {_FIX}")
    try:
        return saved[name]
    except ValueError as error:  # a pickled object, or cut short
        raise InputError(f"{path}: array {name} cannot be read ({error}); {_FIX}") from None


def _array(saved: Any, name: str, path: str) -> Any:
    array, expected = _member(saved, name, path), WEIGHTS_DTYPE[name].shape
    if array.dtype != np.float64:
        raise InputError(f"{path}: array {name} is {array.dtype}, must be float64; {_FIX}")
    if array.shape != expected:
        raise InputError(f"{path}: array {name} has shape {array.shape}, must be {expected}; {_FIX}")
    if name in _WHOLE and not (_WHOLE[name][0] <= array <= _WHOLE[name][1] and array == np.floor(array)):
        raise InputError(f"{path}: {name} is {array}, must be {_WHOLE[name][0]} to {_WHOLE[name][1]}; {_FIX}")
    return array


def _check(record: Any, path: str) -> None:
    """Raise InputError when a weight is NaN, infinite or beyond 1e6, or a feature is used that is not there."""
    for name, array in _arrays(record).items():
        if not np.all(np.isfinite(array)):
            raise InputError(f"{path}: array {name} holds NaN or infinity; train with a stronger ridge and {_FIX}")
        if np.any(np.abs(array) > LARGEST):
            raise InputError(f"{path}: array {name} holds a weight beyond {LARGEST:g}; scale it and {_FIX}")
    if not 1 <= record["inputs"] <= MAX_INPUTS:
        raise InputError(f"{path}: inputs is {record['inputs']}, must be 1 to {MAX_INPUTS}; {_FIX}")
    if not 0 <= record["horizon"] <= MAX_HORIZON:
        raise InputError(f"{path}: horizon is {record['horizon']}, must be 0 to {MAX_HORIZON}; {_FIX}")
    if record["spread_bps"] < 0.0 or (record["horizon"] > 0 and record["spread_bps"] == 0.0):
        raise InputError(f"{path}: spread_bps is {record['spread_bps']}, must be above 0 with a readout; {_FIX}")
    if np.any(record["e_in"][:, int(record["inputs"]) :]):
        raise InputError(f"{path}: e_in uses more than its {record['inputs']} inputs; {_FIX}")
