"""All state of an understanding loop: one record for what a strategy's instruments share, one an instrument."""

from typing import Any

import numpy as np

from alphatrade_runtime.adaptation.exploration.budget import BUDGET_DTYPE, BUDGET_PARAMS_DTYPE
from alphatrade_runtime.adaptation.exploration.counterfactual import GUARD_PARAMS_DTYPE, PRICED_DTYPE, TAKEN_DTYPE
from alphatrade_runtime.adaptation.fast_weights.multiplier import MULTIPLIER_DTYPE
from alphatrade_runtime.adaptation.fast_weights.state import FAST_DTYPE, FAST_PARAMS_DTYPE
from alphatrade_runtime.adaptation.router.attention import ROUTER_DTYPE, ROUTER_PARAMS_DTYPE
from alphatrade_runtime.adaptation.router.projection import CONTEXT
from alphatrade_runtime.adaptation.router.shadow import RING, SHADOW_DTYPE
from alphatrade_runtime.execution.topology import PARAM_SLOTS
from alphatrade_runtime.loop.core import MAX_FEATURES, MAX_INSTRUMENTS, MAX_POLICIES, MAX_STATE, ROWS_PER_DRAIN
from alphatrade_runtime.perception.belief.belief import BELIEF_DTYPE, BELIEF_SNAPSHOT_DTYPE
from alphatrade_runtime.perception.belief.shape import NEURONS, WIDTH
from alphatrade_runtime.perception.belief.standardise import STANDARD_DTYPE
from alphatrade_runtime.perception.belief.weights import WEIGHTS_DTYPE
from alphatrade_runtime.perception.regime.state import REGIME_DTYPE, REGIME_PARAMS_DTYPE
from alphatrade_runtime.perception.regime.transition import TRANSITION_DTYPE
from alphatrade_runtime.reflection.drift.neurons import NEURON_SHIFT_DTYPE
from alphatrade_runtime.reflection.drift.psi import SHIFT_DTYPE
from alphatrade_runtime.reflection.drift.sentry import DRIFT_EVENT_DTYPE, SENTRY_DTYPE, SENTRY_PARAMS_DTYPE
from alphatrade_runtime.reflection.explorations import EXPLORATION_DTYPE
from alphatrade_runtime.reflection.graph.snapshots import KEPT
from alphatrade_runtime.reflection.probes.state import PROBE_PARAMS_DTYPE, PROBE_ROW_DTYPE, PROBE_STATE_DTYPE, PROBES
from alphatrade_runtime.reflection.routes import ROUTE_DTYPE

HAS_BELIEF, HAS_REGIME, HAS_PROBES, HAS_DRIFT, HAS_FAST, HAS_ATTENTION, HAS_CHOICE, HAS_EXPLORATION = (
    1 << k for k in range(8)
)

LATENT_MASK = RING - 1

STREAM_DTYPES: dict[str, np.dtype[Any]] = {
    "belief_snapshots": BELIEF_SNAPSHOT_DTYPE,
    "regimes": TRANSITION_DTYPE,
    "probes": PROBE_ROW_DTYPE,
    "routes": ROUTE_DTYPE,
    "drift": DRIFT_EVENT_DTYPE,
    "explorations": EXPLORATION_DTYPE,
}
OUT_BELIEFS, OUT_REGIMES, OUT_PROBES, OUT_ROUTES, OUT_DRIFT, OUT_EXPLORATIONS = range(len(STREAM_DTYPES))
OUT_ROWS = ROWS_PER_DRAIN + 8 * MAX_INSTRUMENTS  # one step may add this much past the mark

# parts: HAS_* of what is on.  inputs: features of the belief.  active: neurons of its code.  regimes: by policy the
# labels at which it may trade, a bit each.  topology: parameters by policy.  tagged: by probe, 1 the neuron is its.
# freeze_*, quiet_decisions: rules of the exploration budget, 0 none.  quiet: decisions since the last cause to freeze.
# next_offer: the count of decisions at which the next slot is offered.  offered_to: the instrument that had the last.
_SHARED: list[Any] = [
    ("parts", "i8"), ("instruments", "i8"), ("policies", "i8"), ("inputs", "i8"), ("active", "i8"), ("rate", "f8"),
    ("input_ids", "i8", (MAX_FEATURES,)), ("regimes", "i8", (MAX_POLICIES,)), ("weights_bps", "i8", (MAX_POLICIES,)),
    ("trades", "u1", (MAX_POLICIES, MAX_INSTRUMENTS)), ("topology", "i8", (MAX_POLICIES, PARAM_SLOTS)),
    ("weights", WEIGHTS_DTYPE, (1,)), ("regime", REGIME_PARAMS_DTYPE, (1,)), ("fast", FAST_PARAMS_DTYPE, (1,)),
    ("router", ROUTER_PARAMS_DTYPE, (1,)), ("sentry", SENTRY_PARAMS_DTYPE, (1,)), ("probe", PROBE_PARAMS_DTYPE, (1,)),
    ("tagged", "u1", (PROBES, NEURONS)),
    ("budget_params", BUDGET_PARAMS_DTYPE, (1,)), ("guard", GUARD_PARAMS_DTYPE, (1,)),
    ("freeze_warning", "i8"), ("freeze_drawdown_bps", "i8"), ("freeze_near_miss_bps", "i8"), ("quiet_decisions", "i8"),
]  # fmt: skip
_HELD: list[Any] = [
    ("budget", BUDGET_DTYPE, (1,)), ("quiet", "i8"), ("next_offer", "i8"), ("offered_to", "i8"),
]  # fmt: skip
_SCRATCH: list[Any] = [
    ("symbols", "i8"),  # address of the records, one an instrument
    ("x", "f8", (MAX_FEATURES,)), ("z", "f8", (MAX_FEATURES,)), ("raw", "f8", (MAX_FEATURES,)),
    ("a", "f8", (WIDTH,)), ("latent", "f8", (WIDTH,)), ("la", "f8", (WIDTH,)),
    ("every", "i8"),  # 1 each decision is put on record, for training
    ("out_n", "i8", (len(STREAM_DTYPES),)),
]  # fmt: skip
_OUT: list[Any] = [(f"out_{name}", dtype, (OUT_ROWS,)) for name, dtype in STREAM_DTYPES.items()]
MIND_DTYPE = np.dtype(_SHARED + _HELD + _SCRATCH + _OUT, align=True)
CONFIGURED = tuple(name for name, *_ in _SHARED)  # what a run never changes; a checkpoint must agree

# One instrument. faults, exploding, constant, masked: since the last row, as in its columns.  told: of each, the bits
# that a row had already.  unusable: what regime and drift left out so far.  current: the policy that trades, -1 none.
# trade_*: the open trade, quanta.  odds: of a rise, said at a decision and a price, half ticks.
# shares, scores, want: what each policy last wished.
# noted: the latest decision that is on record.  chosen: decisions at which each policy traded.
# regime_since: when the regime took effect, ns; 0 at the beginning.
# tried: the policy that trades in the place of `incumbent`, -1 none; since when, to hold which share.  refused: 1 the
# budget did not cover its order.  asked_*: its order when it was last asked about.  priced: that order both ways.
# norms: of the fast weights at the latest snapshots, a ring.
SYMBOL_DTYPE = np.dtype(
    [
        ("decisions", "i8"), ("faults", "i8"), ("exploding", "i8"), ("constant", "i8"), ("masked", "i8"),
        ("told", "i8", (4,)), ("unusable", "i8", (2,)), ("current", "i8"), ("previous", "i8"), ("noted", "i8"),
        ("decision_id", "i8"), ("factor", "f8"), ("surprise", "f8"), ("changed", "i8"), ("regime_since", "i8"),
        ("chosen", "i8", (MAX_POLICIES,)),
        ("trade_cash", "i8"), ("trade_notional", "i8"), ("trade_since", "i8"),
        ("odds", "f8"), ("odds_since", "i8"), ("odds_mark2", "i8"),
        ("shares", "f8", (MAX_POLICIES,)), ("scores", "f8", (MAX_POLICIES,)), ("want", "i8", (MAX_POLICIES, 4)),
        ("multipliers", "f8", (MAX_POLICIES,)), ("context", "f8", (CONTEXT,)), ("latents", "f8", (RING, WIDTH)),
        ("standard", STANDARD_DTYPE, (1,)), ("belief", BELIEF_DTYPE, (1,)), ("regime", REGIME_DTYPE, (1,)),
        ("fast", FAST_DTYPE, (1,)), ("multiplier", MULTIPLIER_DTYPE, (1,)), ("shadow", SHADOW_DTYPE, (1,)),
        ("router", ROUTER_DTYPE, (1,)), ("sentry", SENTRY_DTYPE, (1,)), ("probes", PROBE_STATE_DTYPE, (1,)),
        ("features", SHIFT_DTYPE, (1,)),
        ("tried", "i8"), ("tried_since", "i8"), ("tried_share", "f8"), ("incumbent", "i8"), ("refused", "i8"),
        ("asked_lots", "i8"), ("asked_notional", "i8"), ("priced", PRICED_DTYPE, (1,)), ("taken", TAKEN_DTYPE, (1,)),
        ("neurons", NEURON_SHIFT_DTYPE, (1,)), ("norms", "f8", (KEPT,)),
        ("signal_state", "f8", (MAX_POLICIES, MAX_STATE)),
    ],
    align=True,
)  # fmt: skip
