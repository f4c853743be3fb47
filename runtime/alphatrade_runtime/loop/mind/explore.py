"""Try the second best policy in place of the one that trades, for a slot, within the exploration budget.

A slot is offered each K decisions and never forced. At each decision what is tried is priced both ways on the book of
that decision. It ends with its slot, with the first order that the budget does not cover (the law's code BUDGET), with
a freeze, and with an order that the guardrails keep out. What it sent explores; the way back to what the incumbent
wants is the incumbent's own flow. Exploration is the strategy's: a cause on one instrument freezes it on all.
"""

import math
from typing import Any

from alphatrade_runtime.adaptation.exploration.budget import (
    FREEZE_ALERT,
    FREEZE_DRAWDOWN,
    FREEZE_GUARD,
    FREEZE_NEAR_MISSES,
    FREEZE_WARNING,
    Verdict,
    barred,
    book,
    covers,
    freeze,
    offer,
    release,
    room,
)
from alphatrade_runtime.adaptation.exploration.counterfactual import Finding, expected_against, price_both
from alphatrade_runtime.adaptation.router.weighted import NOBODY
from alphatrade_runtime.execution.topology import Topology
from alphatrade_runtime.loop.mind.candidates import may_trade
from alphatrade_runtime.loop.mind.rows import count
from alphatrade_runtime.loop.mind.state import HAS_ATTENTION, HAS_DRIFT, OUT_EXPLORATIONS
from alphatrade_runtime.loop.mind.whereabouts import mind_at, symbol_at
from alphatrade_runtime.numerics.jit import inlined, kernel
from alphatrade_runtime.reflection.drift.sentry import Action
from alphatrade_runtime.reflection.explorations import Ending, Event
from alphatrade_runtime.risk.codes import KillState
from alphatrade_runtime.risk.law import product

HORIZON_S = 10.0  # how long a resting order is taken to rest: what takers lately traded is known over so long
FREEZES = FREEZE_ALERT | FREEZE_WARNING | FREEZE_DRAWDOWN | FREEZE_NEAR_MISSES | FREEZE_GUARD
_NONE = 255
_P_PROTECTION, _P_TIMEOUT = 0, 1
_MARKET, _PASSIVE, _TWAP = int(Topology.MARKET), int(Topology.PASSIVE_QUOTE), int(Topology.TWAP)
_ARMED = int(KillState.ARMED)
_FREEZE = int(Action.FREEZE)
_GRANTED = int(Verdict.GRANTED)
_WITHIN, _CLIP_SIZE, _LAST_ALLOWED = int(Finding.WITHIN), int(Finding.CLIP_SIZE), int(Finding.CLIP_COST)
_REFUSED, _BEGUN, _ENDED = (int(event) for event in Event)
_GOING_ON, _TIME, _BUDGET, _BARRED, _GUARDRAIL, _REGIME, _CHOSEN, _NO_INCUMBENT = (int(ending) for ending in Ending)


@kernel
def _of_drift(mind):
    """Return the causes to freeze that the drift sentries of all instruments have."""
    causes = 0
    for k in range(mind.instruments):
        sentry = symbol_at(mind.symbols, k).sentry[0]
        if sentry.frozen != 0 or sentry.told_actions & _FREEZE != 0:
            if sentry.size_factor < 1.0 or sentry.told_factor < 1.0 or sentry.reduce_only != 0:
                causes |= FREEZE_ALERT
            elif mind.freeze_warning != 0:
                causes |= FREEZE_WARNING
    return causes


@kernel
def _causes(c, mind):
    """Return what freezes exploration now, FREEZE_* bits."""
    account = c.account[0]
    causes = _of_drift(mind) if mind.parts & HAS_DRIFT else 0
    if account.kill_state != _ARMED or account.halt != 0 or account.reduce_only != 0:
        causes |= FREEZE_GUARD
    lost = account.high_water - account.nav
    if mind.freeze_drawdown_bps > 0 and lost > account.high_water // 10_000 * mind.freeze_drawdown_bps:
        causes |= FREEZE_DRAWDOWN
    near, accepted = c.loop[0].near_misses, account.rate_head
    if mind.freeze_near_miss_bps > 0 and near * 10_000 > accepted * mind.freeze_near_miss_bps:
        causes |= FREEZE_NEAR_MISSES
    return causes


@kernel
def _watch_causes(c, mind):
    """Freeze at once; let go after so many decisions in a row without any cause."""
    causes = _causes(c, mind)
    if causes != 0:
        mind.quiet = 0
        freeze(mind.budget[0], causes)
        return
    mind.quiet += 1
    if mind.budget[0].frozen & FREEZES != 0 and mind.quiet >= mind.quiet_decisions:
        release(mind.budget[0], FREEZES)


@inlined
def _knows(c, symbol, j):
    """Tell whether policy j states a share and has seen enough to mean it."""
    return c.policies[j].quoting == 0 and symbol.decisions > c.policies[j].warmup


@kernel
def _second(c, mind, symbol, i, j):
    """Return the best policy that may trade besides j: by score, else by weight; -1 when there is none."""
    best = NOBODY
    most = 0.0
    for m in range(mind.policies):
        if m == j or not may_trade(mind, symbol, i, m) or not _knows(c, symbol, m):
            continue
        score = symbol.router[0].total[m] if mind.parts & HAS_ATTENTION else float(mind.weights_bps[m])
        if best == NOBODY or score > most:
            best = m
            most = score
    return best


@inlined
def _held(symbol, j):
    """Return the share of the largest position that policy j wants now."""
    return min(max(symbol.shares[j] * symbol.factor, -1.0), 1.0)


@inlined
def _target(c, i, share):
    return math.floor(share * c.instruments[i].max_position + 0.5)


@kernel
def _price(c, mind, symbol, i, j, m, now):
    """Price what policy m would send now against incumbent j, both ways on this book; return its lots, 0 none.

    What is clipped is another order, maybe of the other side: that one is priced.
    """
    share = _held(symbol, m)
    lots = _price_share(c, mind, symbol, i, j, share, now)
    priced = symbol.priced[0]
    if lots != 0 and priced.finding == _CLIP_SIZE:
        lots = _price_share(c, mind, symbol, i, j, priced.share, now)
        if priced.finding == _WITHIN:
            priced.finding = _CLIP_SIZE
    elif lots == 0:
        priced.share = share
    return lots


@kernel
def _price_share(c, mind, symbol, i, j, share, now):
    delta = _target(c, i, share) - c.exposures[i].position
    if delta == 0:
        return 0
    side = 1 if delta > 0 else -1
    expected = expected_against(symbol.taken[0], side, now, HORIZON_S)
    maker, taker = c.instruments[i].maker_fee_e7, c.instruments[i].taker_fee_e7
    price_both(
        symbol.priced[0], mind.guard[0], c.views[i], expected, side, abs(delta), share, _held(symbol, j), maker, taker
    )
    return abs(delta)


@kernel
def _row(c, mind, symbol, i, event, ending, m, j, asked):
    """Append what was tried, and what became of it. asked: 1 the budget was asked at this decision."""
    row = mind.out_explorations[count(c, mind, OUT_EXPLORATIONS)]
    budget, priced = mind.budget[0], symbol.priced[0]
    row.seq = c.account[0].seq
    row.decision_id = c.loop[0].decision_id
    row.event_ts_ns = c.account[0].now
    row.slots = budget.slots
    row.lots = symbol.asked_lots
    row.notional = symbol.asked_notional
    row.normal = budget.normal
    row.exploring = budget.exploring
    row.tokens = budget.tokens
    row.passive_cost_bps = priced.passive_cost_bps
    row.passive_fill_probability = priced.passive_fill_probability
    row.passive_fee_bps = priced.passive_fee_bps
    row.aggressive_cost_bps = priced.aggressive_cost_bps
    row.aggressive_fee_bps = priced.aggressive_fee_bps
    row.cost_gap_bps = priced.cost_gap_bps
    row.cost_bound_bps = priced.cost_bound_bps
    row.size_delta = priced.size_delta
    row.share = priced.share
    row.incumbent_share = _held(symbol, j) if j != NOBODY else 0.0
    rolling = budget.window_normal + budget.window_exploring
    row.rolling_share = budget.window_exploring / rolling if rolling > 0 else 0.0
    row.instrument = i
    row.event = event
    row.ending = ending
    row.policy = m
    row.incumbent = j if j != NOBODY else _NONE
    row.verdict = budget.verdict if asked != 0 else _NONE
    row.finding = priced.finding
    row.frozen = budget.frozen
    row.cross = priced.cross


@kernel
def _goes_on(c, mind, symbol, i, j, now):
    """Return what ends the trial under way at this decision, 0 when nothing does; its order is priced anew."""
    m = symbol.tried
    if symbol.refused != 0:
        return _BUDGET
    if j == NOBODY or not _knows(c, symbol, j):
        return _NO_INCUMBENT
    if m == j:
        return _CHOSEN
    if not may_trade(mind, symbol, i, m):
        return _REGIME
    if barred(mind.budget[0], mind.budget_params[0], now) != _GRANTED:
        return _BARRED
    if c.loop[0].decisions - symbol.tried_since >= mind.budget_params[0].cadence:
        return _TIME
    if _price(c, mind, symbol, i, j, m, now) != 0 and symbol.priced[0].finding > _LAST_ALLOWED:
        return _GUARDRAIL
    symbol.tried_share = symbol.priced[0].share
    return _GOING_ON


@inlined
def _slot_is_open(c, mind, i):
    """Tell whether a slot may be offered to instrument i; who had the last one lets the others decide first."""
    decisions = c.loop[0].decisions
    if decisions < mind.next_offer:
        return False
    return mind.instruments == 1 or i != mind.offered_to or decisions >= mind.next_offer + mind.instruments


@kernel
def _most_notional(c, mind, i, m, target):
    """Return what an order of policy m to this target is worth at most, quanta: at the far touch and its protection."""
    ask = c.views[i].ask
    price = ask + ask * mind.topology[m, _P_PROTECTION] // 10_000
    return product(abs(target - c.exposures[i].position), price, c.instruments[i].mult)


@kernel
def _differs(c, mind, symbol, i, j, m):
    """Tell whether policy m would do anything else than incumbent j: hold something else, or work it differently."""
    if _target(c, i, _held(symbol, m)) != _target(c, i, _held(symbol, j)):
        return True
    for k in range(len(c.plans[i].params)):
        if mind.topology[m, k] != mind.topology[j, k]:
            return True
    return c.policies[m].topology != c.policies[j].topology


@kernel
def _offer_slot(c, mind, symbol, i, j, now):
    """Offer a slot to the second best policy, if it has an order to send that the guardrails let through."""
    m = _second(c, mind, symbol, i, j)
    if m == NOBODY or not _differs(c, mind, symbol, i, j, m):
        return
    symbol.asked_lots = _price(c, mind, symbol, i, j, m, now)
    if symbol.asked_lots == 0:
        return
    mind.next_offer = c.loop[0].decisions + mind.budget_params[0].cadence
    mind.offered_to = i
    symbol.asked_notional = _most_notional(c, mind, i, m, _target(c, i, symbol.priced[0].share))
    if symbol.priced[0].finding > _LAST_ALLOWED:
        _row(c, mind, symbol, i, _REFUSED, _GOING_ON, m, j, 0)
        return
    granted = offer(mind.budget[0], mind.budget_params[0], now, c.loop[0].decisions, symbol.asked_notional)
    if granted != 0:
        symbol.tried = m
        symbol.tried_since = c.loop[0].decisions
        symbol.tried_share = symbol.priced[0].share
        symbol.refused = 0
    _row(c, mind, symbol, i, _BEGUN if granted != 0 else _REFUSED, _GOING_ON, m, j, 1)


@kernel
def explore(c, mind, symbol, i, j, now):
    """Return the policy that acts on instrument i: incumbent j, -1 nobody, or the one that is tried in its place."""
    _watch_causes(c, mind)
    symbol.incumbent = j
    if symbol.tried != NOBODY:
        ending = _goes_on(c, mind, symbol, i, j, now)
        if ending != _GOING_ON:
            if ending != _BUDGET:  # that one is on record since the denial
                _row(c, mind, symbol, i, _ENDED, ending, symbol.tried, j, 0)
            symbol.tried = NOBODY
    if symbol.tried == NOBODY and j != NOBODY and _knows(c, symbol, j) and _slot_is_open(c, mind, i):
        _offer_slot(c, mind, symbol, i, j, now)
    return symbol.tried if symbol.tried != NOBODY else j


@kernel
def work_as_priced(c, mind, symbol, i):
    """Let what is tried rest only, where crossing costs too much; else it works as its own topology says."""
    j = c.instruments[i].policy
    if j == NOBODY:
        return
    plan = c.plans[i]
    topology = c.policies[j].topology
    timeout = mind.topology[j, _P_TIMEOUT]
    if symbol.tried != NOBODY and symbol.priced[0].cross == 0:
        timeout = 0
        if topology == _MARKET or topology == _TWAP:
            topology = _PASSIVE
    if plan.topology == topology and plan.params[_P_TIMEOUT] == timeout:
        return
    plan.topology = topology
    plan.params[_P_TIMEOUT] = timeout
    plan.switched = 1
    plan.resting_since = 0
    plan.slice_start = 0
    plan.next_ts = 0


def room_for(c: Any, address: int, i: int, notional: int) -> int:
    """Return what the budget covers of an order of instrument i now, quanta; -1 when the order does not explore."""
    mind = mind_at(address, 0)
    if symbol_at(mind.symbols, i).tried == NOBODY:
        return -1
    return room(mind.budget[0], mind.budget_params[0], c.account[0].now)


def flow_sent(c: Any, address: int, i: int, notional: int) -> int:
    """Book an order of instrument i that was sent; one of a negative notional was denied for the budget's sake."""
    mind = mind_at(address, 0)
    symbol = symbol_at(mind.symbols, i)
    budget, params, now = mind.budget[0], mind.budget_params[0], c.account[0].now
    exploring = 0 if symbol.tried == NOBODY else 1
    if notional >= 0:
        book(budget, params, exploring, notional, now)
    elif symbol.refused == 0:
        covers(budget, params, now, -notional)
        symbol.refused = 1
        symbol.asked_notional = -notional
        _row(c, mind, symbol, i, _ENDED, _BUDGET, symbol.tried, symbol.incumbent, 1)
    return 0
