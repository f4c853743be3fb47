"""How many directions the fast weights use."""

import numpy as np
import numpy.typing as npt


def effective_rank(rho: npt.ArrayLike) -> float:
    """Return the mean effective rank of snapshots: the exponential of the entropy of their singular values.

    rho: (S, n, d). Between 1, one direction, and d, all alike; a snapshot of zeros counts as 0.
    Source: Roy, Vetterli 2007.
    """
    return float(np.mean([_of_one(np.linalg.svd(one, compute_uv=False)) for one in np.asarray(rho, np.float64)]))


def _of_one(singular: npt.NDArray[np.float64]) -> float:
    total = float(singular.sum())
    if total == 0.0:
        return 0.0
    share = singular[singular > 0.0] / total
    return float(np.exp(-np.sum(share * np.log(share))))
