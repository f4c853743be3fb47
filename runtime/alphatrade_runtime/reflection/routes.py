"""Why a policy was chosen: one row for every decision that left something on record."""

from enum import IntEnum, IntFlag

import numpy as np

CANDIDATES = 8  # policies of a stored row: the chosen one, the one before, then by score
NOBODY = 255  # fills `candidates` behind the last, and stands where no policy trades


class Barred(IntEnum):
    """What keeps a policy out before any score is asked."""

    NO = 0
    INSTRUMENT = 1  # it does not list the instrument
    REGIME = 2  # its regimes do not hold the label there is


class Masked(IntFlag):
    """What a part of the understanding loop could not use, and left out."""

    EMPTY_BOOK = 1  # a side has no price, or neither has a size: shadows keep their positions
    CROSSED_BOOK = 2  # or locked: likewise
    RETURN = 4  # a return or spread beyond any price: the regime is judged without
    FAST_WEIGHTS = 8  # a norm at its bound, or no number: taken back to the last good copy, and frozen
    DRIFT = 16  # an observation that is no number


# A score is (q·S + kappa·prior) / (q·Z + kappa) + bias of the regime, then the multiplier (semantics §4); without
# linear attention it is the policy's weight as a share, all of it `base`.
# chosen: the policy that trades from this decision on.  incumbent: in whose place it does when it is only tried, else
# itself.  before: the one that was chosen until this decision.  regime: 255 is off.
# blocked: by policy, a bit each, kept out by its regimes.  since: decisions of the instrument so far.
# sigma_bps: scale that turns scores into bps, 0 without linear attention.  switch_cost_bps: what a switch must exceed.
# faults, exploding, constant: features since the row before, a bit each, that were no number, were cut, or stood still.
# masked: Masked, likewise.
# candidate_*, by place in `candidates` - position: its shadow's, a share of the largest.  cost_bps: what its shadow
# paid at this decision.  value_bps: what its shadow has come to, costs included, bps of the largest position.
ROUTE_DTYPE = np.dtype(
    [
        ("seq", "i8"), ("decision_id", "i8"), ("belief_id", "i8"), ("event_ts_ns", "i8"), ("faults", "i8"),
        ("blocked", "i8"), ("since", "i8"), ("exploding", "i8"), ("constant", "i8"),
        ("switch_cost_bps", "f8"), ("sigma_bps", "f8"), ("share", "f8"),
        ("size_factor", "f8"), ("regime_confidence", "f8"), ("surprise", "f8"), ("rho_norm", "f8"),
        ("candidate_base", "f8", (CANDIDATES,)), ("candidate_attention", "f8", (CANDIDATES,)),
        ("candidate_bias", "f8", (CANDIDATES,)), ("candidate_multiplier", "f8", (CANDIDATES,)),
        ("candidate_score", "f8", (CANDIDATES,)), ("candidate_position", "f8", (CANDIDATES,)),
        ("candidate_cost_bps", "f8", (CANDIDATES,)), ("candidate_value_bps", "f8", (CANDIDATES,)),
        ("candidates", "u1", (CANDIDATES,)), ("barred", "u1", (CANDIDATES,)),
        ("instrument", "u2"), ("chosen", "u1"), ("incumbent", "u1"), ("before", "u1"), ("regime", "u1"),
        ("drift_level", "u1"), ("exploring", "u1"), ("attributed", "u1"),
        ("masked", "u1"),
    ],
    align=True,
)  # fmt: skip
