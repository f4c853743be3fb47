"""Purged, embargoed folds: what is tested on shares no time with what was trained on.

Source: Lopez de Prado, Advances in Financial Machine Learning (2018), chapter 7.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.market.faults import InputError

Rows = npt.NDArray[np.int64]


class Fold(NamedTuple):
    """Rows to train on and rows to test on, ascending."""

    train: Rows
    test: Rows


def purged_folds(rows: int, folds: int, purge: int, embargo: int) -> tuple[Fold, ...]:
    """Cut rows, ordered by time, into contiguous test blocks; train on all that is farther than the gap from each.

    purge: how many rows ahead a label looks.  embargo: further rows kept out, for what features remember. Both are
    kept clear on either side of a test block. Raises InputError when a fold has nothing left to train on.
    """
    if folds < 2 or purge < 0 or embargo < 0 or rows < folds:
        raise InputError(
            f"{rows} rows, {folds} folds, purge {purge}, embargo {embargo}: "
            f"use 2 folds or more, a row in each, nothing negative"
        )
    edges = [rows * k // folds for k in range(folds + 1)]
    gap = purge + embargo
    cut = tuple(_fold(rows, start, stop, gap) for start, stop in pairwise(edges))
    for k, fold in enumerate(cut):
        if fold.train.size == 0:
            raise InputError(f"fold {k} of {folds} has no row to train on; give more rows, or less purge or embargo")
    return cut


def _fold(rows: int, start: int, stop: int, gap: int) -> Fold:
    before = np.arange(0, max(start - gap, 0))
    after = np.arange(min(stop + gap, rows), rows)
    return Fold(np.concatenate([before, after]).astype(np.int64), np.arange(start, stop, dtype=np.int64))
