"""What every policy would have earned: shadow positions that pay half the spread and fees, and their rewards.

All in bps of the largest position. A decision's shadows move at its mid; the reward of a decision is what a policy
earned from it to `horizon` decisions later, the costs of the moves between included, over the scale of the market's own
returns at that horizon. Nothing is traded for it, so every policy is paid at every decision.
"""

from typing import Any

import numpy as np

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.numerics.jit import inlined, kernel

MAX_POLICIES = 16
RING = 128  # decisions kept, a power of two
MAX_HORIZON = 100
HORIZON = 10
HALF_LIFE = 2_000
FLOOR_BPS = 0.1
REWARD_CLIP = 4.0

# leader: the policy whose step begins a decision, -1 before the first.  tradable: a change has a price now.
# mean_abs_bps, sigma_bps: of the market's returns over the horizon.  since: a policy's first decision without a break.
# paths, values: by decision, the market's path and each policy's value before its move, both bps.
SHADOW_DTYPE = np.dtype(
    [
        ("horizon", "i8"), ("rate", "f8"), ("floor_bps", "f8"),
        ("leader", "i8"), ("decisions", "i8"), ("tradable", "i8"), ("mark", "f8"), ("move_bps", "f8"),
        ("cost_bps", "f8"), ("path_bps", "f8"), ("scaled", "i8"), ("mean_abs_bps", "f8"), ("sigma_bps", "f8"),
        ("per_sigma", "f8"),
        ("position", "f8", (MAX_POLICIES,)), ("value_bps", "f8", (MAX_POLICIES,)), ("net_bps", "f8", (MAX_POLICIES,)),
        ("since", "i8", (MAX_POLICIES,)), ("stepped", "i8", (MAX_POLICIES,)),
        ("paths", "f8", (RING,)), ("values", "f8", (RING, MAX_POLICIES)),
    ],
    align=True,
)  # fmt: skip

_MASK = RING - 1
_BPS = 1e4
_LEAST_MID, _MOST_MID = 0.5, 1e15  # ticks: outside of it there is no price
_MOVE_CAP_BPS = 1e4  # a decision's move beyond +-100% is a bad print
_MOST_FEE = 0.1
_MEAN_ABS_TO_SD = 1.2533141373155001  # sqrt(pi / 2), of a normal
_TAME_AFTER, _TAME = 200, 8.0  # once the scale is known, a return counts as at most 8 of it


def reset_shadow(state: Any, horizon: int = HORIZON, half_life: int = HALF_LIFE, floor_bps: float = FLOOR_BPS) -> None:
    """Make a zeroed state ready. half_life: of the scale, decisions.  floor_bps: least scale. Raises InputError."""
    if not 1 <= horizon <= MAX_HORIZON:
        raise InputError(f"router.horizon: {horizon} lies outside 1..{MAX_HORIZON} decisions; choose one within")
    if half_life < 1:
        raise InputError(f"router.halfLife: {half_life} is below 1 decision; raise it")
    if not 0.0 < floor_bps < _BPS:
        raise InputError(f"router.floor: {floor_bps} bps is no scale; give one above 0")
    state.horizon = horizon
    state.rate = 1.0 - 2.0 ** (-1.0 / half_life)
    state.floor_bps = state.sigma_bps = floor_bps
    state.per_sigma = 1.0 / floor_bps
    state.leader = -1
    state.stepped[:] = -2


@kernel
def _scale(s, size_bps):
    """Move the scale of horizon returns by one, and keep its inverse."""
    if s.scaled >= _TAME_AFTER:
        size_bps = min(size_bps, _TAME * s.sigma_bps)
    s.scaled += 1
    s.mean_abs_bps += max(1.0 / s.scaled, s.rate) * (size_bps - s.mean_abs_bps)
    s.sigma_bps = max(_MEAN_ABS_TO_SD * s.mean_abs_bps, s.floor_bps)
    s.per_sigma = 1.0 / s.sigma_bps


@kernel
def _open(s, mid, spread, fee_rate):
    """Begin a decision: how far the market moved, what a change costs now, the scale of returns.

    Without a valid mid the mark stays and the move is counted when one is there again; without a valid mid, spread or
    fee nobody's position changes.
    """
    at = s.decisions
    s.decisions = at + 1
    s.move_bps = 0.0
    s.tradable = 0
    if _LEAST_MID <= mid <= _MOST_MID:
        if s.mark > 0.0:
            s.move_bps = min(max((mid - s.mark) / s.mark * _BPS, -_MOVE_CAP_BPS), _MOVE_CAP_BPS)
        s.mark = mid
        if 0.0 <= spread <= mid and -_MOST_FEE <= fee_rate <= _MOST_FEE:
            s.tradable = 1
            s.cost_bps = (0.5 * spread / mid + fee_rate) * _BPS
    s.path_bps += s.move_bps
    s.paths[at & _MASK] = s.path_bps
    if at >= s.horizon:
        _scale(s, abs(s.path_bps - s.paths[(at - s.horizon) & _MASK]))


@inlined
def shadow_step(s, j, share, mid, spread, fee_rate):
    """Move policy j's shadow at this decision.

    share: its wish, share of the largest position, cut to [-1, 1]; NaN keeps.  mid, spread: ticks; a spread of 0 (bars)
    costs fees alone, NaN keeps every position.  fee_rate: share of notional. A decision begins with the policy that was
    stepped first of all; its mid, spread and fee count. A policy that was left out at a decision begins its horizon
    anew.
    """
    if s.leader < 0:
        s.leader = j
    if s.leader == j:
        _open(s, mid, spread, fee_rate)
    at = s.decisions - 1
    if s.stepped[j] != at - 1:
        s.since[j] = at
    s.stepped[j] = at
    value = s.value_bps[j] + s.position[j] * s.move_bps
    s.values[at & _MASK, j] = value
    if share == share and s.tradable != 0:
        wish = min(max(share, -1.0), 1.0)
        value -= abs(wish - s.position[j]) * s.cost_bps
        s.position[j] = wish
    s.value_bps[j] = value


@inlined
def due(s, j):
    """Return (1, reward) when this decision completes a horizon of policy j, else (0, 0.0).

    The reward is that of the decision `horizon` ago, in scales of the market's return, cut to +-4; the policy's net bps
    stay in net_bps.
    """
    at = s.decisions - 1
    if s.horizon <= 0 or s.stepped[j] != at or at - s.since[j] < s.horizon:
        return 0, 0.0
    net = s.values[at & _MASK, j] - s.values[(at - s.horizon) & _MASK, j]
    s.net_bps[j] = net
    return 1, min(max(net * s.per_sigma, -REWARD_CLIP), REWARD_CLIP)
