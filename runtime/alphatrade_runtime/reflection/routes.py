"""Why a policy was chosen: one row for every decision that left something on record."""

from enum import IntFlag

import numpy as np


class Masked(IntFlag):
    """What a part of the understanding loop could not use, and left out."""

    EMPTY_BOOK = 1  # a side has no price, or neither has a size: shadows keep their positions
    CROSSED_BOOK = 2  # or locked: likewise
    RETURN = 4  # a return or spread beyond any price: the regime is judged without
    FAST_WEIGHTS = 8  # a norm at its bound, or no number: taken back to the last good copy, and frozen
    DRIFT = 16  # an observation that is no number


# Scores are those of semantics §4: score = (q·S + kappa·prior) / (q·Z + kappa) + regime bias, then the multiplier.
# chosen, before, other: policies; 255 none. other: the best of those that were not chosen.  blocked: by policy, a bit
# each, kept out by its regimes.  gap_bps: how much the other's score times sigma falls short of a switch.  regret_bps:
# the other's net result over the last horizon less the chosen one's, both as shadows.  faults, exploding, constant:
# features since the row before, a bit each, that were no number, were cut, or stood still.  masked: Masked, likewise.
ROUTE_DTYPE = np.dtype(
    [
        ("seq", "i8"), ("decision_id", "i8"), ("belief_id", "i8"), ("event_ts_ns", "i8"), ("faults", "i8"),
        ("blocked", "i8"), ("since", "i8"), ("exploding", "i8"), ("constant", "i8"),
        ("score", "f8"), ("score_base", "f8"), ("score_attention", "f8"), ("score_bias", "f8"), ("multiplier", "f8"),
        ("other_score", "f8"), ("other_base", "f8"), ("other_attention", "f8"), ("other_bias", "f8"),
        ("other_multiplier", "f8"), ("switch_cost_bps", "f8"), ("gap_bps", "f8"), ("regret_bps", "f8"),
        ("share", "f8"), ("size_factor", "f8"), ("regime_confidence", "f8"), ("surprise", "f8"), ("rho_norm", "f8"),
        ("instrument", "u2"), ("chosen", "u1"), ("before", "u1"), ("other", "u1"), ("regime", "u1"),
        ("drift_level", "u1"), ("exploring", "u1"), ("attributed", "u1"),
        ("masked", "u1"),
    ],
    align=True,
)  # fmt: skip
