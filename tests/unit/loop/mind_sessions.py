"""Sessions with the understanding loop on, for tests of it inside the step."""

import copy

from unit.loop.made_tapes import made_rows
from unit.risk.law_session import policy, session

FEATURES = ["spread_ticks", "book_imbalance", "order_flow_1s", "return_ticks", "volatility_ticks", "trade_flow_1s"]
BELIEF = {"features": FEATURES, "active_bps": 500, "half_life": 500, "seed": 1, "weights": None}
RULES = {"type": "rules", "fast_half_life": 20, "slow_half_life": 200, "dwell": 5, "persist": 3}
HMM = {**RULES, "type": "hmm"}
DRIFT = {
    "reference": 1_000, "min_observations": 30, "page_hinkley": {"delta": "0.25", "warn": "12", "alert": "20"},
    "cusum": {"slack": "0.5", "warn": "6", "alert": "10"}, "shock": "12",
}  # fmt: skip
LATENCY = {"entry_latency_ns": 7_000_000, "response_latency_ns": 5_000_000}
ALL = {"belief": BELIEF, "regime": HMM, "probes": {}, "drift": DRIFT}
TERMS = {"max_position_lots": 40, "max_order_lots": 80, "taker_fee_e7": 450}


def minded(flags=(), n=2, policies=None, **blocks):
    """A session of policies that may all trade every instrument; blocks: of the genotype."""
    document = session(*(policies or three()), n=n, terms=TERMS, exchange=LATENCY)
    document = copy.deepcopy(document)
    document["policy"]["genotype"].update(blocks)
    document["policy"]["envelope"]["flags"].update(dict.fromkeys(flags, True))
    return document


def everything(n=2):
    return minded(("fast_weights", "linear_attention"), n, **ALL)


def three():
    return [
        policy("ema_cross", {"fast": 3, "slow": 8}, "market", name="trend"),
        policy(
            "mean_reversion", {"window": 8, "enter": 0.8, "exit": 0.2}, "passive_quote",
            {"timeout_ns": 2_000_000_000}, name="revert",
        ),
        policy("breakout", {"window": 8, "exit_window": 4}, "pegged", {"timeout_ns": 3_000_000_000}, name="breakout"),
    ]  # fmt: skip


def one(policies=None, **blocks):
    """A session of one policy, so that nothing is to be chosen."""
    return minded(policies=policies or three()[:1], **blocks)


def rows(n=3_000, instruments=2, seed=3):
    return made_rows(n, instruments, seed=seed)


BUDGET = {
    "share_bps": 1_000, "cadence": 50, "window": 1_000, "freeze_on_warning": True, "freeze_drawdown_bps": None,
    "freeze_near_miss_bps": None, "quiet_decisions": 1_000,
}  # fmt: skip


def exploring(flags=("exploration",), n=2, policies=None, budget=None, **blocks):
    """A session with an exploration budget; without its flag the budget is there and nothing explores."""
    document = minded(flags, n, policies, **blocks)
    document["policy"]["envelope"]["exploration"] = {**BUDGET, **(budget or {})}
    return document
