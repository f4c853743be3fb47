"""Put on record what was thought, when something was done about it. Called by address from the step."""

import math
from typing import Any

from alphatrade_runtime.loop.mind.rows import WANTED, count
from alphatrade_runtime.loop.mind.state import (
    HAS_ATTENTION,
    HAS_BELIEF,
    HAS_DRIFT,
    HAS_FAST,
    HAS_PROBES,
    HAS_REGIME,
    OUT_BELIEFS,
    OUT_PROBES,
    OUT_REGIMES,
    OUT_ROUTES,
)
from alphatrade_runtime.loop.mind.synapse import synapses
from alphatrade_runtime.loop.mind.think import NOBODY
from alphatrade_runtime.loop.mind.whereabouts import mind_at, symbol_at
from alphatrade_runtime.numerics.jit import kernel
from alphatrade_runtime.perception.belief.belief import snapshot
from alphatrade_runtime.reflection.drift.sentry import STREAMS
from alphatrade_runtime.reflection.probes.state import PROBES

_NONE = 255
_MIN_PROBES = 3  # available ones, for an order to count as attributed


@kernel
def belief_row(c, mind, symbol, i):
    """Append the belief of this decision."""
    row = mind.out_belief_snapshots[count(c, mind, OUT_BELIEFS)]
    row.seq = c.account[0].seq
    row.belief_id = c.loop[0].decision_id
    row.event_ts_ns = c.account[0].now
    row.instrument = i
    row.regime = symbol.regime[0].label
    row.rho_norm = symbol.fast[0].norm if mind.parts & HAS_FAST else 0.0
    for k in range(4):
        row.posterior[k] = symbol.regime[0].posterior[k]
    snapshot(row, symbol.belief[0])


@kernel
def regime_row(c, mind, symbol, i):
    """Append a transition that was confirmed at this decision."""
    regime = symbol.regime[0]
    row = mind.out_regimes[count(c, mind, OUT_REGIMES)]
    row.seq = c.account[0].seq
    row.event_ts_ns = c.account[0].now
    row.decision_id = symbol.decision_id
    row.belief_id = symbol.decision_id
    row.dwell = regime.dwell
    row.value = regime.value
    row.threshold = regime.threshold
    row.confidence = regime.confidence
    for k in range(4):
        row.posterior[k] = regime.posterior[k]
    row.instrument = i
    row.before = regime.previous
    row.after = regime.label
    row.trigger = regime.trigger
    row.kind = mind.regime[0].kind


@kernel
def probe_row(c, mind, symbol, i):
    """Append what the probes said at this decision."""
    row = mind.out_probes[count(c, mind, OUT_PROBES)]
    row.seq = c.account[0].seq
    row.decision_id = c.loop[0].decision_id
    row.belief_id = c.loop[0].decision_id
    row.event_ts_ns = c.account[0].now
    row.instrument = i
    for k in range(PROBES):
        row.score[k] = symbol.probes[0].scores[k]
        row.available[k] = symbol.probes[0].available[k]
        row.fired[k] = symbol.probes[0].fired[k]
        row.synapse[k] = math.nan  # nothing learns how probes and policies go together
    if mind.parts & HAS_FAST and symbol.current != NOBODY:
        synapses(symbol.fast[0], symbol.multiplier[0].u, symbol.current, mind.tagged, row.synapse)


@kernel
def _best_other(mind, symbol):
    """Return the policy of the highest score among those not chosen; -1 when there is none."""
    best = NOBODY
    for j in range(mind.policies):
        if j != symbol.current and (best == NOBODY or symbol.router[0].total[j] > symbol.router[0].total[best]):
            best = j
    return best


@kernel
def _drift_level(symbol):
    """Return the highest level of the sentry's streams."""
    level = 0
    for k in range(STREAMS):
        level = max(level, symbol.sentry[0].level[k])
    return level


@kernel
def _attributed(symbol):
    """Tell whether enough probes were available for an order of this decision to count as attributed."""
    available = 0
    for k in range(PROBES):
        available += symbol.probes[0].available[k]
    return 1 if available >= _MIN_PROBES else 0


@kernel
def _attended(mind, symbol, row, other):
    """Fill in the parts of the chosen policy's score and of the best other's."""
    router = symbol.router[0]
    chosen = symbol.current
    if chosen != NOBODY:
        row.score = router.total[chosen]
        row.score_base = router.of_prior[chosen]
        row.score_attention = router.attention[chosen]
        row.score_bias = router.bias[chosen]
        row.multiplier = symbol.multipliers[chosen]
    if other != NOBODY:
        row.other_score = router.total[other]
        row.other_base = router.of_prior[other]
        row.other_attention = router.attention[other]
        row.other_bias = router.bias[other]
        row.other_multiplier = symbol.multipliers[other]
    row.switch_cost_bps = mind.router[0].switch_cost_bps
    if chosen != NOBODY and other != NOBODY:
        sigma = symbol.shadow[0].sigma_bps
        row.gap_bps = mind.router[0].switch_cost_bps - (row.other_score - row.score) * sigma
        row.regret_bps = symbol.shadow[0].net_bps[other] - symbol.shadow[0].net_bps[chosen]


@kernel
def route_row(c, mind, symbol, i):
    """Append why the policy that trades does, and what the next best one lacked."""
    row = mind.out_routes[count(c, mind, OUT_ROUTES)]
    row.seq = c.account[0].seq
    row.decision_id = c.loop[0].decision_id
    row.belief_id = c.loop[0].decision_id
    row.event_ts_ns = c.account[0].now
    row.faults, row.exploding, row.constant = symbol.faults, symbol.exploding, symbol.constant
    row.masked = symbol.masked
    symbol.faults = symbol.exploding = symbol.constant = symbol.masked = 0
    row.instrument = i
    row.chosen = symbol.current if symbol.current != NOBODY else _NONE
    row.before = symbol.previous if symbol.previous != NOBODY else _NONE
    row.share = c.plans[i].share
    row.size_factor = symbol.factor
    row.surprise = symbol.belief[0].surprise
    row.rho_norm = symbol.fast[0].norm if mind.parts & HAS_FAST else 0.0
    row.regime = symbol.regime[0].label
    row.regime_confidence = symbol.regime[0].confidence
    row.exploring = 0
    row.since = symbol.decisions
    row.drift_level = _drift_level(symbol) if mind.parts & HAS_DRIFT else 0
    row.attributed = _attributed(symbol) if mind.parts & HAS_PROBES else 0
    row.blocked = 0
    for j in range(mind.policies):
        if mind.parts & HAS_REGIME and mind.regimes[j] >> symbol.regime[0].label & 1 == 0:
            row.blocked |= 1 << j
    row.other = _NONE
    row.score = row.score_base = row.score_attention = row.score_bias = 0.0
    row.other_score = row.other_base = row.other_attention = row.other_bias = 0.0
    row.multiplier = row.other_multiplier = 1.0
    row.gap_bps = row.regret_bps = row.switch_cost_bps = 0.0
    if mind.parts & HAS_ATTENTION:
        other = _best_other(mind, symbol)
        row.other = other if other != NOBODY else _NONE
        _attended(mind, symbol, row, other)


def note(c: Any, address: int, i: int, now: int) -> int:
    """Append the rows of this decision of instrument i, once. c: the run's state.  address: of the shared record."""
    mind = mind_at(address, 0)
    symbol = symbol_at(mind.symbols, i)
    if c.loop[0].report == WANTED:
        c.loop[0].report = 0
    if symbol.noted == c.loop[0].decision_id:
        return 0
    symbol.noted = c.loop[0].decision_id
    if mind.parts & HAS_BELIEF:
        belief_row(c, mind, symbol, i)
    if mind.parts & HAS_REGIME and symbol.changed != 0:
        regime_row(c, mind, symbol, i)
        symbol.changed = 0
    if mind.parts & HAS_PROBES:
        probe_row(c, mind, symbol, i)
    route_row(c, mind, symbol, i)
    return 0
