"""Closed trades and beliefs as the drift sentry sees them, and what its alerts do to this strategy's account."""

import math
from typing import Any

from alphatrade_runtime.loop.emit import guard_row
from alphatrade_runtime.loop.mind.rows import count
from alphatrade_runtime.loop.mind.state import HAS_BELIEF, HAS_DRIFT, OUT_DRIFT
from alphatrade_runtime.loop.mind.whereabouts import mind_at, symbol_at
from alphatrade_runtime.numerics.jit import kernel
from alphatrade_runtime.perception.belief.expectation import read_out, rise_probability
from alphatrade_runtime.reflection.drift.neurons import count_neurons
from alphatrade_runtime.reflection.drift.psi import count_features, window_mean
from alphatrade_runtime.reflection.drift.sentry import Stream, act, observe, take_event
from alphatrade_runtime.risk.codes import Guard
from alphatrade_runtime.risk.state import REDUCE_DRIFT

HORIZON = 100  # decisions after which an open trade is marked and counts as one
_ALERT = 2
_EDGE, _HIT, _SLIPPAGE = int(Stream.EDGE), int(Stream.HIT_RATE), int(Stream.SLIPPAGE)
_SURPRISE, _PSI, _CALIBRATION = int(Stream.SURPRISE), int(Stream.PSI), int(Stream.CALIBRATION)
_DRIFT = int(Guard.DRIFT)


@kernel
def _see(c, mind, symbol, i, stream, value):
    """Give the sentry one value; what it finds goes on record at once, an alert to the disk before another order."""
    sentry = symbol.sentry[0]
    sentry.seq = c.account[0].seq
    sentry.decision_id = c.loop[0].decision_id
    found = observe(sentry, mind.sentry[0], stream, value, c.account[0].now)
    if sentry.pending != 0:
        _event_row(c, mind, symbol, i)
    if found == _ALERT:
        guard_row(c, _DRIFT)
        c.loop[0].report = 1
        c.loop[0].drain = 1


@kernel
def _event_row(c, mind, symbol, i):
    take_event(symbol.sentry[0], mind.out_drift[count(c, mind, OUT_DRIFT)], i)


@kernel
def obey_drift(c, mind, symbol, i):
    """Make what earlier alerts ask for hold from this decision on: the size factor, reductions alone."""
    sentry = symbol.sentry[0]
    sentry.seq = c.account[0].seq
    sentry.decision_id = c.loop[0].decision_id
    act(sentry, mind.sentry[0], c.account[0].now)
    if sentry.pending != 0:
        _event_row(c, mind, symbol, i)
    if sentry.reduce_only != 0:
        c.account[0].reduce_only |= REDUCE_DRIFT
    elif c.account[0].reduce_only & REDUCE_DRIFT and _nobody_reduces(mind):
        c.account[0].reduce_only &= ~REDUCE_DRIFT
    symbol.factor *= sentry.size_factor


@kernel
def _nobody_reduces(mind):
    for i in range(mind.instruments):
        if symbol_at(mind.symbols, i).sentry[0].reduce_only != 0:
            return False
    return True


@kernel
def watch_beliefs(c, mind, symbol, i):
    """Give the sentry, a window of decisions, their mean surprise and how far the features have moved."""
    if mind.parts & HAS_BELIEF and symbol.standard[0].ready != 0:
        surprise = window_mean(symbol.features[0], symbol.belief[0].surprise)
        if not math.isnan(surprise):
            _see(c, mind, symbol, i, _SURPRISE, surprise)
        count_neurons(symbol.neurons[0], symbol.belief[0].idx, symbol.belief[0].count)
        moved = count_features(symbol.features[0], mind.z, mind.inputs)
        if not math.isnan(moved):
            _see(c, mind, symbol, i, _PSI, moved)


@kernel
def watch_calibration(c, mind, symbol, i):
    """Once a horizon of a trained readout, say how probable a rise is; at its end, tell the sentry the Brier score.

    Horizons do not overlap, so that scores share no return. A price that stands still proves neither side right.
    """
    weights, mark2 = mind.weights[0], c.views[i].mark2
    if weights.horizon == 0 or mark2 <= 0 or symbol.standard[0].ready == 0:
        return
    if symbol.odds_mark2 > 0:
        if symbol.decisions - symbol.odds_since < weights.horizon:
            return
        if mark2 != symbol.odds_mark2:
            missed = symbol.odds - (1.0 if mark2 > symbol.odds_mark2 else 0.0)
            _see(c, mind, symbol, i, _CALIBRATION, missed * missed)
    symbol.odds = rise_probability(read_out(weights, symbol.belief[0].v), weights.spread_bps)
    symbol.odds_since, symbol.odds_mark2 = symbol.decisions, mark2


@kernel
def watch_open_trade(c, mind, symbol, i):
    """Mark a trade that has been open for its horizon, and let it count as one."""
    if symbol.trade_notional == 0 or symbol.decisions - symbol.trade_since < HORIZON:
        return
    position = c.exposures[i].position
    value = position * c.views[i].mark2 * c.instruments[i].half_mult
    _end_trade(c, mind, symbol, i, symbol.trade_cash + value)
    _begin_trade(c, symbol, position, -value, abs(value))


@kernel
def _end_trade(c, mind, symbol, i, net):
    """A trade came to `net` quanta: tell the sentry, in bps of its largest notional."""
    if symbol.trade_notional <= 0:
        return
    _see(c, mind, symbol, i, _EDGE, 10_000.0 * net / symbol.trade_notional)
    _see(c, mind, symbol, i, _HIT, 1.0 if net > 0 else 0.0)


@kernel
def _begin_trade(c, symbol, position, cash, notional):
    symbol.trade_since = symbol.decisions
    symbol.trade_cash = cash if position != 0 else 0
    symbol.trade_notional = notional if position != 0 else 0


def booked(c: Any, address: int, i: int, ref2: int) -> int:
    """Take the fill that was just booked for instrument i. ref2: reference at its decision, half ticks, 0 unknown."""
    mind = mind_at(address, 0)
    if mind.parts & HAS_DRIFT == 0:
        return 0
    symbol = symbol_at(mind.symbols, i)
    fill = c.out_fills[c.out_n[3] - 1]
    value = fill.qty * fill.price * c.instruments[i].mult
    after = fill.position_after
    before = after - fill.side * fill.qty
    symbol.trade_cash -= fill.side * value + fill.fee
    if before == 0:
        _begin_trade(c, symbol, after, -fill.side * value - fill.fee, value)
    elif after == 0 or (after > 0) != (before > 0):
        left = after * fill.price * c.instruments[i].mult
        _end_trade(c, mind, symbol, i, symbol.trade_cash + left)
        _begin_trade(c, symbol, after, -left, abs(left))
    else:
        symbol.trade_notional = max(symbol.trade_notional, abs(after) * fill.price * c.instruments[i].mult)
    if ref2 > 0:
        _see(c, mind, symbol, i, _SLIPPAGE, 10_000.0 * fill.side * (2 * fill.price - ref2) / ref2)
    return 0
