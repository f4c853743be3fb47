"""Put on record what was thought, when something was done about it. Called by address from the step."""

import math
from typing import Any

from alphatrade_runtime.adaptation.router.weighted import NOBODY
from alphatrade_runtime.loop.mind.rows import WANTED, count
from alphatrade_runtime.loop.mind.state import (
    HAS_ATTENTION,
    HAS_BELIEF,
    HAS_DRIFT,
    HAS_FAST,
    HAS_PROBES,
    HAS_REGIME,
    LATENT_MASK,
    OUT_BELIEFS,
    OUT_PROBES,
    OUT_REGIMES,
    OUT_ROUTES,
)
from alphatrade_runtime.loop.mind.synapse import synapses
from alphatrade_runtime.loop.mind.whereabouts import mind_at, symbol_at
from alphatrade_runtime.numerics.jit import kernel
from alphatrade_runtime.perception.belief.belief import snapshot
from alphatrade_runtime.perception.belief.expectation import read_out
from alphatrade_runtime.reflection.drift.sentry import STREAMS
from alphatrade_runtime.reflection.probes.state import PROBES
from alphatrade_runtime.reflection.routes import CANDIDATES, Barred
from alphatrade_runtime.reflection.routes import NOBODY as NO_POLICY

_NONE = NO_POLICY  # as it is stored
_FREE, _INSTRUMENT, _REGIME = int(Barred.NO), int(Barred.INSTRUMENT), int(Barred.REGIME)
_FULL_BPS = 10_000.0
_MIN_PROBES = 3  # available ones, for an order to count as attributed


@kernel
def belief_row(c, mind, symbol, i):
    """Append the belief of this decision."""
    row = mind.out_belief_snapshots[count(c, mind, OUT_BELIEFS)]
    row.seq = c.account[0].seq
    row.belief_id = c.loop[0].decision_id
    row.event_ts_ns = c.account[0].now
    row.instrument = i
    row.regime = symbol.regime[0].label if mind.parts & HAS_REGIME else _NONE
    row.rho_norm = symbol.fast[0].norm if mind.parts & HAS_FAST else 0.0
    for k in range(4):
        row.posterior[k] = symbol.regime[0].posterior[k]
    row.mark2 = c.views[i].mark2
    expects = mind.weights[0].horizon > 0 and symbol.standard[0].ready != 0
    row.expected_bps = read_out(mind.weights[0], symbol.belief[0].v) if expects else math.nan
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
def _score(mind, symbol, j):
    """Return what policy j was chosen or left by: its score, or its weight as a share without linear attention."""
    if mind.parts & HAS_ATTENTION:
        return symbol.router[0].total[j]
    return mind.weights_bps[j] / _FULL_BPS


@kernel
def _next_best(mind, symbol, taken):
    """Return the policy of the highest score that is not taken (a bit each), the first of equal ones; -1 when none."""
    best = NOBODY
    for j in range(mind.policies):
        if taken >> j & 1 == 0 and (best == NOBODY or _score(mind, symbol, j) > _score(mind, symbol, best)):
            best = j
    return best


@kernel
def _candidate(mind, symbol, i, row, k, j):
    """Fill in place k with policy j: the parts of its score, what bars it, how its shadow stands."""
    router = symbol.router[0]
    shadow = symbol.shadow[0]
    row.candidates[k] = j
    row.barred[k] = _FREE
    if mind.trades[j, i] == 0:
        row.barred[k] = _INSTRUMENT
    elif mind.parts & HAS_REGIME and mind.regimes[j] >> symbol.regime[0].label & 1 == 0:
        row.barred[k] = _REGIME
    row.candidate_score[k] = _score(mind, symbol, j)
    row.candidate_base[k] = row.candidate_score[k]
    row.candidate_multiplier[k] = 1.0
    if mind.parts & HAS_ATTENTION:
        row.candidate_base[k] = router.of_prior[j]
        row.candidate_multiplier[k] = router.multiplier[j]
    row.candidate_attention[k] = router.attention[j]
    row.candidate_bias[k] = router.bias[j]
    row.candidate_position[k] = shadow.position[j]
    row.candidate_value_bps[k] = shadow.value_bps[j]
    row.candidate_cost_bps[k] = shadow.values[(shadow.decisions - 1) & LATENT_MASK, j] - shadow.value_bps[j]


@kernel
def _no_candidate(row, k):
    """Leave place k empty."""
    row.candidates[k] = _NONE
    row.barred[k] = _FREE
    row.candidate_score[k] = row.candidate_base[k] = row.candidate_attention[k] = row.candidate_bias[k] = 0.0
    row.candidate_position[k] = row.candidate_value_bps[k] = row.candidate_cost_bps[k] = 0.0
    row.candidate_multiplier[k] = 1.0


@kernel
def _candidates(mind, symbol, i, row):
    """Fill in the chosen policy, the one before, and the others by score."""
    taken = 0
    for k in range(CANDIDATES):
        j = NOBODY
        if k == 0:
            j = symbol.current
        elif k == 1 and symbol.previous != NOBODY and taken >> symbol.previous & 1 == 0:
            j = symbol.previous
        if j == NOBODY:
            j = _next_best(mind, symbol, taken)
        if j == NOBODY:
            _no_candidate(row, k)
        else:
            taken |= 1 << j
            _candidate(mind, symbol, i, row, k, j)


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
    row.incumbent = symbol.incumbent if symbol.tried != NOBODY else row.chosen
    row.before = symbol.previous if symbol.previous != NOBODY else _NONE
    row.share = c.plans[i].share
    row.size_factor = symbol.factor
    row.surprise = symbol.belief[0].surprise
    row.rho_norm = symbol.fast[0].norm if mind.parts & HAS_FAST else 0.0
    row.regime = symbol.regime[0].label if mind.parts & HAS_REGIME else _NONE
    row.regime_confidence = symbol.regime[0].confidence
    row.exploring = 1 if symbol.tried != NOBODY else 0
    row.since = symbol.decisions
    row.drift_level = _drift_level(symbol) if mind.parts & HAS_DRIFT else 0
    row.attributed = _attributed(symbol) if mind.parts & HAS_PROBES else 0
    row.blocked = 0
    for j in range(mind.policies):
        if mind.parts & HAS_REGIME and mind.regimes[j] >> symbol.regime[0].label & 1 == 0:
            row.blocked |= 1 << j
    row.switch_cost_bps = row.sigma_bps = 0.0
    if mind.parts & HAS_ATTENTION:
        row.switch_cost_bps = mind.router[0].switch_cost_bps
        row.sigma_bps = symbol.shadow[0].sigma_bps
    _candidates(mind, symbol, i, row)


@kernel
def put_on_record(c, mind, symbol, i):
    """Append the rows of the latest decision of instrument i, once."""
    if symbol.noted == c.loop[0].decision_id:
        return
    symbol.noted = c.loop[0].decision_id
    if mind.parts & HAS_BELIEF:
        belief_row(c, mind, symbol, i)
    if mind.parts & HAS_REGIME and symbol.changed != 0:
        regime_row(c, mind, symbol, i)
        symbol.changed = 0
    if mind.parts & HAS_PROBES:
        probe_row(c, mind, symbol, i)
    route_row(c, mind, symbol, i)


def note(c: Any, address: int, i: int, now: int) -> int:
    """Append the rows of this decision of instrument i, once. c: the run's state.  address: of the shared record."""
    if c.loop[0].report == WANTED:
        c.loop[0].report = 0
    mind = mind_at(address, 0)
    put_on_record(c, mind, symbol_at(mind.symbols, i), i)
    return 0
