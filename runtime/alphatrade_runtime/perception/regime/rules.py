"""Regime FSM v1: two axes with hysteresis, and how sure each is of its place (semantics §5)."""

from alphatrade_runtime.numerics.jit import inlined, kernel
from alphatrade_runtime.perception.regime.labels import BEAR, BULL, CALM, NEUTRAL, NORMAL, STORM, UNCERTAIN


@kernel
def turn_direction(direction, t, p):
    """Return the direction after a decision at t: entered beyond `enter`, left inside `exit`."""
    if t > p.enter:
        return BULL
    if t < -p.enter:
        return BEAR
    if direction * t < p.exit:
        return NEUTRAL
    return direction


@kernel
def turn_volatility(volatility, x, p):
    """Return the volatility after a decision at a log ratio of x."""
    if x < p.log_calm_enter:
        return CALM
    if x > p.log_storm_enter:
        return STORM
    if volatility == CALM and x <= p.log_calm_exit:
        return CALM
    if volatility == STORM and x >= p.log_storm_exit:
        return STORM
    return NORMAL


@inlined
def _share(x):
    return min(max(x, 0.0), 1.0)


@kernel
def direction_confidence(direction, t, p):
    """Return in [0, 1] how far t is from where the direction would change: at `exit`, or at `enter` if neutral."""
    if direction == NEUTRAL:
        return _share((p.enter - abs(t)) * p.trend_scale)
    return _share((abs(t) - p.exit) * p.trend_scale)


@kernel
def volatility_confidence(volatility, x, p):
    """Return the same of the log ratio x; normal has an edge on either side, and the nearer one counts."""
    if volatility == CALM:
        return _share((p.log_calm_exit - x) * p.calm_scale)
    if volatility == STORM:
        return _share((x - p.log_storm_exit) * p.storm_scale)
    return _share(min((x - p.log_calm_enter) * p.calm_scale, (p.log_storm_enter - x) * p.storm_scale))


@kernel
def rules_posterior(s, p):
    """Write what a four-state model would say: bear, quiet, storm, bull.

    Storm takes its share of how far the ratio is on its way from exit to entry, trend likewise of the rest.
    """
    storm = _share((s.log_ratio - p.log_storm_exit) * p.storm_scale)
    trend = _share((abs(s.t) - p.exit) * p.trend_scale) * (1.0 - storm)
    s.posterior[0] = trend if s.t < 0.0 else 0.0
    s.posterior[1] = 1.0 - storm - trend
    s.posterior[2] = storm
    s.posterior[3] = 0.0 if s.t < 0.0 else trend


@kernel
def by_rules(s, p):
    """Move both axes and return the label they make, Uncertain when either is hardly sure of its place."""
    s.direction = turn_direction(s.direction, s.t, p)
    s.volatility = turn_volatility(s.volatility, s.log_ratio, p)
    s.confidence = min(direction_confidence(s.direction, s.t, p), volatility_confidence(s.volatility, s.log_ratio, p))
    rules_posterior(s, p)
    if s.confidence < p.confidence_floor:
        return UNCERTAIN
    return 3 * (s.direction + 1) + s.volatility
