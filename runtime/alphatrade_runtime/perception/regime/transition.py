"""The record of one change of regime, as it is stored."""

import numpy as np

# dwell: decisions that `before` lasted.  posterior: as in REGIME_DTYPE.  before, after: Regime.  trigger: Trigger.
# value, threshold: of the trigger's metric at the confirming decision.  kind: Kind.
TRANSITION_DTYPE = np.dtype(
    [
        ("seq", "i8"), ("event_ts_ns", "i8"), ("decision_id", "i8"), ("belief_id", "i8"), ("dwell", "i8"),
        ("value", "f8"), ("threshold", "f8"), ("confidence", "f8"), ("posterior", "f8", (4,)),
        ("instrument", "u2"), ("before", "u1"), ("after", "u1"), ("trigger", "u1"), ("kind", "u1"),
    ],
    align=True,
)  # fmt: skip
