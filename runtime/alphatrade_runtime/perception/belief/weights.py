"""Slow weights: drawn from a seed, or trained offline and read from a file by its digest."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from alphatrade_runtime.market.faults import InputError, disk_errors
from alphatrade_runtime.numerics.jit import entry
from alphatrade_runtime.numerics.rng import normal, stream
from alphatrade_runtime.perception.belief.shape import MAX_INPUTS, NEURONS, WIDTH

SCHEMA = 1
# e_in: inputs to value.  d_x, b: value to neurons, by value first, so that one entry scales a run of neurons.
# d_y: what was read to neurons.  e: neurons to value.
WEIGHTS_DTYPE = np.dtype(
    [
        ("e_in", "f8", (WIDTH, MAX_INPUTS)), ("d_x", "f8", (WIDTH, NEURONS)), ("b", "f8", (NEURONS,)),
        ("d_y", "f8", (NEURONS, WIDTH)), ("e", "f8", (NEURONS, WIDTH)),
    ],
    align=True,
)  # fmt: skip
_NAMES = WEIGHTS_DTYPE.names or ()


def seeded_weights(seed: int, inputs: int) -> Any:
    """Draw Gaussian weights over the root of what each sums; the same bytes on every host. Shape (1,)."""
    weights = np.zeros(1, WEIGHTS_DTYPE).view(np.recarray)
    w = weights[0]
    _draw(stream(seed, "belief.e_in"), w.e_in, inputs, 1.0 / inputs**0.5)
    _draw(stream(seed, "belief.d_x"), w.d_x, NEURONS, 1.0 / WIDTH**0.5)
    _draw(stream(seed, "belief.d_y"), w.d_y, WIDTH, 1.0 / WIDTH**0.5)
    _draw(stream(seed, "belief.e"), w.e, WIDTH, 1.0 / NEURONS**0.5)
    return weights


@entry
def _draw(state, out, columns, scale):
    """Fill the first columns of a matrix."""
    for i in range(out.shape[0]):
        for j in range(columns):
            out[i, j] = scale * normal(state)


def digest_of(weights: Any) -> str:
    """Return `sha256:<hex>` over schema, names, shapes and values."""
    hashed = hashlib.sha256(json.dumps([SCHEMA, [[n, WEIGHTS_DTYPE[n].shape] for n in _NAMES]]).encode())
    for name in _NAMES:
        hashed.update(np.ascontiguousarray(weights[0][name], "<f8").tobytes())
    return f"sha256:{hashed.hexdigest()}"


def save_weights(path: Path, weights: Any) -> str:
    """Write weights, (1,) of WEIGHTS_DTYPE, as npz; return their digest."""
    with disk_errors(path), path.open("wb") as file:
        np.savez(file, schema=np.int64(SCHEMA), **{name: weights[0][name] for name in _NAMES})
    return digest_of(weights)


def load_weights(path: Path, digest: str) -> Any:
    """Read weights, (1,) of WEIGHTS_DTYPE. Raises InputError when they are not those of the digest."""
    weights = np.zeros(1, WEIGHTS_DTYPE).view(np.recarray)
    try:
        with np.load(path, allow_pickle=False) as saved:
            for name in _NAMES:
                array = saved[name]
                if array.shape != WEIGHTS_DTYPE[name].shape or array.dtype != np.float64:
                    raise InputError(
                        f"{path}: {name} is {array.dtype}{list(array.shape)}; "
                        f"give float64{list(WEIGHTS_DTYPE[name].shape)}"
                    )
                weights[name][0] = array
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; give the weights that belief.weights names") from None
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path}: no weights of a belief ({error}); export them again") from None
    if any(not np.isfinite(weights[0][name]).all() for name in _NAMES):
        raise InputError(f"{path}: a weight is not finite; train them again")
    if digest_of(weights) != digest:
        raise InputError(f"{path}: has digest {digest_of(weights)}, not {digest}; give the file that was pinned")
    return weights
