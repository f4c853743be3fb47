"""One decision's thought: perceive, believe, classify, choose a policy, size it. Called by address from the step."""

import math
from typing import Any

from alphatrade_runtime.adaptation.fast_weights import sigma
from alphatrade_runtime.adaptation.fast_weights.multiplier import learn, multipliers
from alphatrade_runtime.adaptation.router.attention import choose, context, credit, remember
from alphatrade_runtime.adaptation.router.shadow import due, shadow_step
from alphatrade_runtime.adaptation.router.weighted import NOBODY, choose_by_weight
from alphatrade_runtime.loop.emit import guard_row
from alphatrade_runtime.loop.mind.candidates import may_trade
from alphatrade_runtime.loop.mind.drift import obey_drift, watch_beliefs, watch_calibration, watch_open_trade
from alphatrade_runtime.loop.mind.explore import explore, work_as_priced
from alphatrade_runtime.loop.mind.faults import tell_faults
from alphatrade_runtime.loop.mind.note import put_on_record
from alphatrade_runtime.loop.mind.state import (
    HAS_ATTENTION,
    HAS_BELIEF,
    HAS_DRIFT,
    HAS_EXPLORATION,
    HAS_FAST,
    HAS_PROBES,
    HAS_REGIME,
    LATENT_MASK,
)
from alphatrade_runtime.loop.mind.whereabouts import mind_at, symbol_at
from alphatrade_runtime.market.schema import Status
from alphatrade_runtime.numerics.jit import inlined, kernel
from alphatrade_runtime.perception.belief.belief import believe, latent, moments
from alphatrade_runtime.perception.belief.norms import layer_norm
from alphatrade_runtime.perception.belief.standardise import standardise
from alphatrade_runtime.perception.features import fill
from alphatrade_runtime.perception.regime.classify import classify
from alphatrade_runtime.perception.regime.labels import Trouble
from alphatrade_runtime.plugin.call import call_quote, call_signal, head
from alphatrade_runtime.reflection.probes.probe import probe
from alphatrade_runtime.risk.codes import Guard

_HALT, _NO_QUOTE, _FEED_FAULT = int(Trouble.HALT), int(Trouble.NO_QUOTE), int(Trouble.FEED_FAULT)
_TRADING = int(Status.TRADING)
_E7 = 1e-7
_FAST_WEIGHTS = int(Guard.FAST_WEIGHTS)


@kernel
def _perceive(c, mind, symbol, i, now):
    """Read the features, standardise them, and form the belief."""
    n = mind.inputs
    fill(mind.x, mind.input_ids, n, c.views[i], c.flows[i], c.exposures[i].position, c.instruments[i].max_position, now)
    symbol.faults |= standardise(symbol.standard[0], mind.x, n, mind.z, mind.raw)
    belief = symbol.belief[0]
    believe(mind.weights[0], belief, mind.z, n, mind.active)
    moments(belief, mind.z, n, mind.rate)
    if mind.parts & HAS_FAST:
        fast = symbol.fast[0]
        sigma.read(fast, belief.idx, belief.val, belief.count, mind.a)
        latent(mind.weights[0], belief, mind.a, mind.latent)
        layer_norm(mind.a, mind.la)
        if sigma.write(fast, mind.fast[0], belief.idx, belief.val, belief.count, belief.v, mind.a, 1.0) != 0:
            guard_row(c, _FAST_WEIGHTS)
        if fast.decisions % mind.fast[0].every == 0:
            c.loop[0].drain = 1  # a snapshot is due, of the weights as this decision leaves them
    else:
        for k in range(len(mind.latent)):
            mind.latent[k] = 0.0


@kernel
def _largest(raw, n):
    """Return the largest absolute value; NaN counts as none."""
    most = 0.0
    for k in range(n):
        if abs(raw[k]) > most:
            most = abs(raw[k])
    return most


@kernel
def _classify(c, mind, symbol, i):
    view = c.views[i]
    trouble = 0
    if view.status != _TRADING:
        trouble |= _HALT
    if view.crossed != 0:
        trouble |= _FEED_FAULT
    if view.quote_ts == 0:
        trouble |= _NO_QUOTE
    valid = c.loop[0].bar_mode == 0 and 0 < view.bid < view.ask
    spread = float(view.ask - view.bid) if valid else math.nan
    raw = _largest(mind.raw, mind.inputs) if mind.parts & HAS_BELIEF else 0.0
    symbol.changed = classify(symbol.regime[0], mind.regime[0], c.flows[i].ret, spread, trouble, raw)


@kernel
def _probe(c, mind, symbol, i, now):
    account = c.account[0]
    opened = 0
    if c.loop[0].sessions > 0 and account.session_open == 1:
        opened = c.session_open[account.session_cursor]
    flow = c.flows[i]
    probe(symbol.probes[0], mind.probe[0], now, opened, 0, flow.ret, flow.volatility, _market_return(c, i))


@kernel
def _market_return(c, i):
    """Return the mean return of the other instruments, each in its own mean absolute return; NaN without any."""
    total = 0.0
    n = 0
    for k in range(c.loop[0].instruments):
        if k != i and c.flows[k].volatility > 0.0:
            total += c.flows[k].ret / c.flows[k].volatility
            n += 1
    return total / n if n > 0 else math.nan


@kernel
def _wish(c, mind, symbol, i, j, now):
    """Ask policy j what it wants; its state is its own, so that it is warm when it is chosen."""
    policy = c.policies[j]
    n = policy.features
    fill(c.x, c.feature_ids[j], n, c.views[i], c.flows[i], c.exposures[i].position, c.instruments[i].max_position, now)
    x, s, p = head(c.x, n), head(symbol.signal_state[j], policy.state), head(c.params[j], policy.params)
    warm = symbol.decisions > policy.warmup
    if policy.quoting != 0:
        for k in range(4):
            c.want[k] = 0
        score, fault = call_quote(policy.address, x, s, p, c.want[:])
        for k in range(4):
            if fault != 0:
                symbol.want[j, k] = 0
            elif warm:
                symbol.want[j, k] = c.want[k]
    else:
        score, fault = call_signal(policy.address, x, s, p)
        if fault == 0 and warm and not math.isnan(score):
            symbol.shares[j] = score
    if fault != 0:
        c.loop[0].plugin_faults += 1
        score = math.nan
    symbol.scores[j] = score


@inlined
def _spread(c, i):
    """Return the spread, ticks: 0 on bars, which have none; NaN while the book is empty or crossed."""
    if c.loop[0].bar_mode != 0:
        return 0.0
    view = c.views[i]
    return float(view.ask - view.bid) if 0 < view.bid < view.ask else math.nan


@kernel
def _follow_shadows(c, mind, symbol, i):
    """Let every policy's shadow take its wish, and learn from those whose horizon has come.

    Where the book has no two sides a change has no price, and the shadows keep their positions.
    """
    view = c.views[i]
    spread = _spread(c, i)
    fee = c.instruments[i].taker_fee_e7 * _E7
    horizon = mind.router[0].horizon
    for j in range(mind.policies):
        if mind.trades[j, i] != 0:
            shadow_step(symbol.shadow[0], j, symbol.shares[j], view.mark2 * 0.5, spread, fee)
            known, reward = due(symbol.shadow[0], j)
            if known != 0:
                credit(symbol.router[0], mind.router[0], j, reward)
                if mind.parts & HAS_FAST:
                    made = symbol.decisions - horizon
                    learn(symbol.multiplier[0], j, made, horizon, symbol.latents[made & LATENT_MASK], reward)


@kernel
def _route(c, mind, symbol, i, now):
    """Return the policy that trades: by attention, else by the regime map and weight; -1 when none may."""
    allowed = 0
    for j in range(mind.policies):
        if may_trade(mind, symbol, i, j):
            allowed |= 1 << j
    if mind.parts & HAS_ATTENTION == 0:
        return choose_by_weight(allowed, mind.weights_bps, mind.policies)
    _follow_shadows(c, mind, symbol, i)
    for j in range(mind.policies):
        symbol.multipliers[j] = 1.0
    if mind.parts & HAS_FAST:
        for k in range(len(mind.la)):
            symbol.latents[symbol.decisions & LATENT_MASK, k] = mind.la[k]
        multipliers(symbol.multiplier[0], mind.fast[0], mind.la, mind.policies, symbol.multipliers)
    belief = symbol.belief[0]
    posterior = symbol.regime[0].posterior
    context(symbol.context, posterior, belief.v, mind.latent, c.flows[i].volatility, _spread(c, i), now)
    symbol.router[0].label = symbol.regime[0].label
    remember(symbol.router[0], mind.router[0], symbol.context)
    return choose(symbol.router[0], mind.router[0], allowed, symbol.multipliers, symbol.shadow[0].sigma_bps)


@kernel
def _take_up(c, mind, symbol, i, j):
    """Let another policy trade; what the last one's topology left working is cancelled by the step."""
    symbol.current = j
    plan = c.plans[i]
    if j == NOBODY or c.instruments[i].policy == j:
        return
    c.instruments[i].policy = j
    plan.switched = 1
    plan.topology = c.policies[j].topology
    plan.quoting = c.policies[j].quoting
    for k in range(len(plan.params)):
        plan.params[k] = mind.topology[j, k]
    plan.resting_since = 0
    plan.slice_start = 0
    plan.next_ts = 0


@kernel
def _wanted(c, symbol, i, j):
    """Write what is wanted of instrument i into its plan: the policy's wish times the size factor."""
    plan = c.plans[i]
    if j == NOBODY:
        share = 0.0
        c.loop[0].score = 0.0
        for k in range(4):
            plan.want[k] = 0
    else:
        share = symbol.tried_share if symbol.tried != NOBODY else symbol.shares[j] * symbol.factor
        c.loop[0].score = symbol.scores[j]
        if plan.quoting != 0:
            for k in range(4):
                plan.want[k] = symbol.want[j, k]
            return
    if share != plan.share and not math.isnan(share):
        plan.share = share
        plan.target = math.floor(min(max(share, -1.0), 1.0) * c.instruments[i].max_position + 0.5)
        plan.has_target = 1


def think(c: Any, address: int, i: int, now: int) -> int:
    """Make up the mind about instrument i. c: the run's state.  address: of the shared record.  Returns 0."""
    mind = mind_at(address, 0)
    symbol = symbol_at(mind.symbols, i)
    symbol.decisions += 1
    symbol.decision_id = c.loop[0].decision_id
    symbol.changed = 0
    symbol.previous = symbol.router[0].current if mind.parts & HAS_ATTENTION else symbol.current
    symbol.factor = 1.0
    if mind.parts & HAS_BELIEF:
        _perceive(c, mind, symbol, i, now)
    if mind.parts & HAS_REGIME:
        _classify(c, mind, symbol, i)
        if symbol.changed != 0:
            symbol.regime_since = now
        symbol.factor = symbol.regime[0].size_factor
    if mind.parts & HAS_DRIFT:
        obey_drift(c, mind, symbol, i)
        watch_beliefs(c, mind, symbol, i)
        if mind.parts & HAS_BELIEF:
            watch_calibration(c, mind, symbol, i)
        watch_open_trade(c, mind, symbol, i)
    if mind.parts & HAS_PROBES:
        _probe(c, mind, symbol, i, now)
    tell_faults(c, mind, symbol, i)
    for j in range(mind.policies):
        if mind.trades[j, i] != 0:
            _wish(c, mind, symbol, i, j, now)
    j = _route(c, mind, symbol, i, now)
    unready = mind.parts & HAS_BELIEF != 0 and symbol.standard[0].ready == 0
    if mind.parts & HAS_EXPLORATION and not unready:
        j = explore(c, mind, symbol, i, j, now)
    if j != symbol.current:
        _take_up(c, mind, symbol, i, j)
    if j != NOBODY:
        symbol.chosen[j] += 1
    if mind.parts & HAS_EXPLORATION:
        work_as_priced(c, mind, symbol, i)
    shown = j if j != NOBODY else c.instruments[i].policy
    _show(c, i, shown, now)
    if unready:
        c.loop[0].score = math.nan  # what its features say is not known yet, so nothing is wanted
    else:
        _wanted(c, symbol, i, j)
    if symbol.changed != 0 or mind.every != 0:
        put_on_record(c, mind, symbol, i)  # a transition is told also when nothing is done about it
    return 0


@kernel
def _show(c, i, j, now):
    """Leave the features of the policy that trades where the diary digests them."""
    n = c.policies[j].features
    c.loop[0].x_n = n
    fill(c.x, c.feature_ids[j], n, c.views[i], c.flows[i], c.exposures[i].position, c.instruments[i].max_position, now)
