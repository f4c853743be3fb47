"""Streams of orders through the exploration budget, compiled; as a program, digests for the plain twin."""

import hashlib
import json

import numpy as np

from alphatrade_runtime.adaptation.exploration.budget import (
    BUDGET_DTYPE,
    BUDGET_PARAMS_DTYPE,
    FOREVER,
    FREEZE_ALERT,
    book,
    covers,
    freeze,
    offer,
    permit,
    prepare_budget,
    release,
)
from alphatrade_runtime.adaptation.exploration.counterfactual import (
    GUARD_PARAMS_DTYPE,
    PRICED_DTYPE,
    prepare_guard,
    price_both,
)
from alphatrade_runtime.market.view import VIEW_DTYPE
from alphatrade_runtime.numerics.jit import entry
from alphatrade_runtime.numerics.rng import below, stream, uniform

DAY_NS = 86_400_000_000_000
NOW = 20_000 * DAY_NS


@entry
def run_stream(s, p, sizes, wants, frozen, now_ns, permit_bps, explored, offered):
    """Send one order a decision: exploring when it is wanted and a mutant that runs is covered, else normal.

    sizes: (n,) quanta.  wants, frozen: (n,) 0 or 1.  explored, offered: (n,) int64, written. Returns breaches booked.
    """
    permit(s, permit_bps, FOREVER, 1)
    running = 0
    for k in range(len(sizes)):
        if frozen[k] != 0:
            freeze(s, FREEZE_ALERT)
        else:
            release(s, FREEZE_ALERT)
        offered[k] = offer(s, p, now_ns[k], k, sizes[k]) if wants[k] != 0 else 0
        running |= offered[k]
        explored[k] = covers(s, p, now_ns[k], sizes[k]) if running != 0 and wants[k] != 0 else 0
        book(s, p, explored[k], sizes[k], now_ns[k])
    return s.breaches


@entry
def price_books(out, p, view, rng, findings, costs):
    """Price random candidates on random books, some of them broken; write each finding and its costs."""
    for k in range(len(findings)):
        view.bid = 9_990 + below(rng, 12)
        view.ask = 9_998 + below(rng, 12)
        view.bid_size = below(rng, 50)
        view.ask_size = below(rng, 50)
        side = 1 - 2 * below(rng, 2)
        share = 2.2 * uniform(rng) - 1.1
        findings[k] = price_both(
            out, p, view, 60.0 * uniform(rng), side, below(rng, 200), share, 2.0 * uniform(rng) - 1.0, -100, 400
        )
        costs[k, 0] = out.passive_cost_bps
        costs[k, 1] = out.aggressive_cost_bps
        costs[k, 2] = out.share


def record(dtype):
    return np.zeros(1, dtype).view(np.recarray)[0]


def sent(sizes, wants, frozen, now_ns, mode="Sim", permit_bps=10_000, **asked):
    """Run a stream; return which orders explored, where a mutant was granted, the state."""
    params, state = record(BUDGET_PARAMS_DTYPE), record(BUDGET_DTYPE)
    prepare_budget(params, mode, **asked)
    explored, offered = np.zeros(len(sizes), np.int64), np.zeros(len(sizes), np.int64)
    run_stream(state, params, sizes, wants, frozen, now_ns, permit_bps, explored, offered)
    return explored, offered, state


def random_stream(seed, n, most, step_ns, want=0.7):
    """Draw a stream: sizes 1..most, whether exploring is wanted, freezes that last a while, the times."""
    rng = stream(seed, "orders")
    draws = np.array([uniform(rng) for _ in range(3 * n)]).reshape(3, n)
    sizes = np.minimum(1 + (draws[0] * most).astype(np.int64), most)
    return sizes, (draws[1] < want).astype(np.int64), frozen_spans(draws[2]), NOW + np.arange(n) * step_ns


def frozen_spans(draws):
    """Turn draws into spans: 1 in 40 begins a freeze, 1 in 10 ends one."""
    frozen = np.zeros(len(draws), np.int64)
    for k in range(1, len(draws)):
        frozen[k] = 0 if draws[k] > 0.9 else 1 if draws[k] < 0.025 else frozen[k - 1]
    return frozen


def digests(n=1_000):
    """Return digests of budget and prices, for compiled code and plain Python to agree on."""
    explored, offered, state = sent(*random_stream(3, n, 10**12, DAY_NS // 400), window=100)
    out, params, view = record(PRICED_DTYPE), record(GUARD_PARAMS_DTYPE), record(VIEW_DTYPE)
    prepare_guard(params)
    findings, costs = np.zeros(n, np.int64), np.zeros((n, 3))
    price_books(out, params, view, stream(4, "books"), findings, costs)
    costs[np.isnan(costs)] = -1e9
    parts = (state.tobytes(), explored.tobytes(), offered.tobytes(), findings.tobytes(), costs.tobytes())
    return {
        "digests": [hashlib.sha256(part).hexdigest() for part in parts],
        "explored": int(explored.sum()),
        "findings": sorted({int(f) for f in findings}),
    }


if __name__ == "__main__":
    print(json.dumps(digests()))
