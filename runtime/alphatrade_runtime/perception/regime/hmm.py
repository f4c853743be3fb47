"""Regime FSM v2: a hidden Markov model, filtered forward and learnt as it goes (semantics §5).

Emissions are Gaussian with a diagonal covariance, so that a missing spread drops out by itself.
"""

from alphatrade_runtime.numerics.jit import inlined, kernel
from alphatrade_runtime.numerics.math import exp_det, log_det
from alphatrade_runtime.perception.regime.labels import DISLOCATED, UNCERTAIN
from alphatrade_runtime.perception.regime.model import DIMENSIONS, STATES

PAIRS = STATES * STATES
_SPREAD = 2
_LEAST = -1e300


@inlined
def _known(s, d):
    return d != _SPREAD or s.spread_known != 0


@kernel
def log_density(s, p, j):
    """Return the log density of the observation in state j, without what all states share."""
    total = 0.0
    for d in range(DIMENSIONS):
        if _known(s, d):
            away = s.observation[d] - s.means[j, d]
            total += away * away * p.precisions[j, d] * s.narrowness[d] + p.log_variances[j, d]
    return -0.5 * total


@kernel
def _predict(s, n):
    """Write the posterior over each row's count, and what transitions make of the posterior."""
    for j in range(n):
        total = 0.0
        for k in range(n):
            total += s.counts[j, k]
        s.weight[j] = s.posterior[j] / total
    for k in range(n):
        s.predicted[k] = 0.0
        for j in range(n):
            s.predicted[k] += s.weight[j] * s.counts[j, k]


@kernel
def forward(s, p, n):
    """Move the posterior over the observation, in logs: no observation is so unlikely that nothing is left."""
    _predict(s, n)
    most = _LEAST
    for j in range(n):
        s.joint[j] = log_det(s.predicted[j]) + log_density(s, p, j)
        most = max(most, s.joint[j])
    total = 0.0
    for j in range(n):
        s.posterior[j] = exp_det(s.joint[j] - most)
        total += s.posterior[j]
    scale = 1.0 / total
    for j in range(n):
        s.posterior[j] *= scale


@kernel
def learn_transitions(s, p, n):
    """Take this decision into the expected transitions so far, each given the state it would have led to now.

    A sum of what the filter expected at each decision would not do: with states that are hard to tell apart, it
    takes its own transition probabilities for evidence, and drifts into one of them.
    Source: Cappé 2011, "Online EM algorithm for hidden Markov models", section 2.2.
    """
    for k in range(n):
        for pair in range(PAIRS):
            s.moved[k, pair] = 0.0
        inverse = 1.0 / s.predicted[k]
        for j in range(n):
            share = s.weight[j] * s.counts[j, k] * inverse  # that the state was j, if it is k now
            kept = p.keep * share
            for pair in range(PAIRS):
                s.moved[k, pair] += kept * s.transitions[j, pair]
            s.moved[k, j * STATES + k] += share
    for k in range(n):
        for pair in range(PAIRS):
            s.transitions[k, pair] = s.moved[k, pair]
    for j in range(n):
        for k in range(n):
            expected = 0.0
            for now in range(n):
                expected += s.posterior[now] * s.transitions[now, j * STATES + k]
            s.counts[j, k] = p.prior[j, k] + expected


@kernel
def keeps_order(s, p, j, d, mean):
    """Tell whether state j stays on its side of each other state if its mean in dimension d becomes this."""
    for k in range(p.states):
        if k != j and p.axis[j, k] == d:
            gap = p.gap[j, k]
            away = mean - s.means[k, d]
            if (gap >= 0.0 and away < gap) or (gap < 0.0 and away > gap):
                return False
    return True


@kernel
def move_mean(s, p, j, d, mean):
    """Give state j another mean in a dimension, as far as its label and its order to the others allow."""
    mean = min(max(mean, p.low[j, d]), p.high[j, d])
    if keeps_order(s, p, j, d, mean):
        s.means[j, d] = mean


@kernel
def move_scale(s, p, d, scale):
    """Give all states' variances another scale in a dimension, above its floor."""
    s.scales[d] = max(scale, p.scale_floor[d])
    s.narrowness[d] = 1.0 / s.scales[d]


@kernel
def learn_emission(s, p, j):
    """Move state j's mean, and the scale of the variances, towards the observation.

    The variances keep their ratios. Were each learnt alone, the state that is visited first would grow narrow, fit
    best whatever its mean, and never be left: measured on plain noise with the untrained model, 96% Bear or Bull.
    """
    rate = p.learning_rate * s.posterior[j]
    for d in range(DIMENSIONS):
        if _known(s, d):
            away = s.observation[d] - s.means[j, d]
            move_mean(s, p, j, d, s.means[j, d] + rate * away)
            move_scale(s, p, d, s.scales[d] + rate * (away * away * p.precisions[j, d] - s.scales[d]))


@kernel
def pull_back(s, p, j):
    """Move state j and the scales towards their anchor; each state has its turn, and is pulled for all turns.

    It is not only pulled when it learns: one that a freak market has bent would never fit again, and never heal.
    """
    rate = p.anchor * p.states
    for d in range(DIMENSIONS):
        move_mean(s, p, j, d, s.means[j, d] + rate * (p.means[j, d] - s.means[j, d]))
        move_scale(s, p, d, s.scales[d] + p.anchor * (1.0 - s.scales[d]))


@kernel
def choose(s, p, n):
    """Return the likeliest label when it is likely enough, Uncertain when hardly ahead, else the one there is.

    Labels are compared, not states: two states of one label do not compete.
    """
    best = 0
    s.likeliest = -1.0
    for j in range(n):
        mass = 0.0
        for k in range(n):
            if p.labels[k] == p.labels[j]:
                mass += s.posterior[k]
        s.joint[j] = mass
        if mass > s.likeliest:
            s.likeliest = mass
            best = j
    second = 0.0
    for j in range(n):
        if p.labels[j] != p.labels[best]:
            second = max(second, s.joint[j])
    s.confidence = min(s.likeliest - second, 1.0)
    if s.confidence < p.confidence_floor:
        return UNCERTAIN
    if s.likeliest >= p.posterior_enter and s.confidence >= p.margin:
        return p.labels[best]
    return s.label if s.label < DISLOCATED else UNCERTAIN


@kernel
def by_hmm(s, p, trusted):
    """Filter one observation, learn from it if it can be trusted, and return the label that it speaks for."""
    n = p.states
    forward(s, p, n)
    if trusted:
        learn_transitions(s, p, n)
        for j in range(n):
            if s.posterior[j] > p.update_above:
                learn_emission(s, p, j)
        pull_back(s, p, s.decisions % n)
    return choose(s, p, n)
