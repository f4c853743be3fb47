"""What the sparse codes of a day say about the neurons: those never active, and how alike the codes are."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.market.faults import InputError


class Codes(NamedTuple):
    """Sparse codes as belief snapshots store them: (T, k) each.

    idx: neurons, integers.  val: their activities, >= 0; 0 where fewer than k are active.
    """

    idx: npt.NDArray[np.integer]
    val: npt.NDArray[np.floating]


def check_codes(codes: Codes, nodes: int) -> None:
    """Raise InputError for codes that are none of this many neurons."""
    if codes.idx.ndim != 2 or codes.idx.shape != codes.val.shape:
        raise InputError(f"graph diagnostics: idx is {codes.idx.shape}, val {codes.val.shape}; give both as (T, k)")
    if codes.idx.size and not 0 <= int(codes.idx.min()) <= int(codes.idx.max()) < nodes:
        raise InputError(f"graph diagnostics: a code names a neuron beyond {nodes - 1}; give codes of this belief")
    if not (np.isfinite(codes.val).all() and (codes.val >= 0).all()):
        raise InputError("graph diagnostics: a code holds a value that is negative or not finite; leave it out")


def dead_share(codes: Codes, nodes: int) -> float:
    """Return the share of neurons that no code activates; NaN without codes."""
    if not len(codes.idx):
        return math.nan
    return 1.0 - len(np.unique(codes.idx[codes.val > 0])) / nodes


def mean_cosine(codes: Codes, nodes: int) -> float:
    """Return the mean cosine of all pairs of codes that activate anything; NaN with fewer than two.

    The sum over all pairs is the squared length of the sum of unit codes, less one for each code with itself.
    """
    val = codes.val.astype(np.float64)
    length = np.sqrt((val * val).sum(axis=1))
    active = length > 0
    count = int(active.sum())
    if count < 2:
        return math.nan
    unit = val[active] / length[active, None]
    total = np.bincount(codes.idx[active].reshape(-1), weights=unit.reshape(-1), minlength=nodes)
    return float((total @ total - count) / (count * (count - 1)))
