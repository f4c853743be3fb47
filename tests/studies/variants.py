"""The full system as a session document, and its variants: each without one part, or with it made otherwise."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from alphatrade_runtime.loop.mind.state import HAS_REGIME
from studies.markets import Market
from studies.tapes import SECOND_NS

Document = dict[str, Any]
HOUR_NS = 3_600 * SECOND_NS
CASH = "1000000"

# Wide, but for the drawdowns: 5% of a day leaves reductions alone, 15% from the peak is a kill.
LIMITS: dict[str, Any] = {
    "stream_stale_ns": 60 * SECOND_NS, "max_notional_bps": 10_000, "band_limit_bps": 1_000,
    "band_marketable_bps": 1_000, "max_net_exposure_bps": 20_000, "max_leverage_bps": 20_000, "day_drawdown_bps": 500,
    "max_drawdown_bps": 1_500, "max_orders_per_s": 50, "max_orders_per_min": 1_200, "max_open_orders": 64,
    "max_turnover_min_bps": 1_000_000, "max_turnover_hour_bps": 1_000_000, "risk_per_trade_bps": 1_000,
    "stop_bps": 100, "max_flatten_slippage_bps": 50, "flatten_blind": False, "near_miss_bps": 8_000,
    "mark_jump_bps": 500, "kill_max_staleness_ns": HOUR_NS,
}  # fmt: skip
TREND_LABELS = ["BearCalm", "BearNormal", "BearStorm", "BullCalm", "BullNormal", "BullStorm"]
OTHER_LABELS = ["NeutralCalm", "NeutralNormal", "NeutralStorm", "Uncertain"]


@dataclass(frozen=True)
class Variant:
    """change: what differs in the document.  parts_off: HAS_* that the running system goes without.

    shuffled: whether rho's rows change places every few decisions.
    """

    name: str
    what: str
    change: Callable[[Document], None]
    parts_off: int = 0
    shuffled: bool = False


def full_document(market: Market, seed: int) -> Document:
    """Return the session with every part on that the issue names, learning from nothing but its tape."""
    spans = market.spans
    genotype = {
        "policies": [_policy(name, ref, params) for name, (ref, params) in market.signals.items()],
        "decision_clock": dict(market.clock),
        "belief": {
            "features": list(market.features), "active_bps": 500, "half_life": spans["belief"], "seed": seed,
            "weights": None,
        },
        "regime": {
            "type": "hmm", "fast_half_life": spans["fast"], "slow_half_life": spans["slow"], "dwell": 5, "persist": 3,
        },
        "probes": {},
        "drift": {
            "reference": market.drift["reference"], "min_observations": 30, "shock": "12",
            "page_hinkley": {"delta": "0.25", "warn": "12", "alert": "20"},
            "cusum": {"slack": "0.5", "warn": "6", "alert": market.drift["cusum"]},
        },
        "fast_weights": {"rule": "hebb", "half_life": spans["rho"]},
        "router": {"switching_cost_bps": "1", "horizon": 10, "half_life": spans["router"]},
    }  # fmt: skip
    flags = {"fast_weights": True, "linear_attention": True, "exploration": False, "auto_governed_feedback": False}
    envelope = {
        "limits": {**LIMITS, "symbols": list(market.symbols)}, "flags": flags, "calendar": market.calendar,
        "instruments": [_terms(market, k) for k in range(len(market.symbols))], "seed": seed,
    }  # fmt: skip
    policy = {
        "policySchema": 1, "strategy_id": "ablation", "mode": "Sim", "stage": "Experiment",
        "risk_template": "ablation", "genotype": genotype, "envelope": envelope, "plugins": [],
        "initial_cash": CASH, "currency": "USD",
    }  # fmt: skip
    exchange = {
        "queue_model": "risk_averse", "partial_fills": True, "entry_latency_ns": market.latency_ns,
        "response_latency_ns": market.latency_ns, "cancel_on_disconnect": False,
    }  # fmt: skip
    feed = {"type": "tape", "path": market.name, "speed": "Max", "record": False}
    return {"policy": policy, "exchange": exchange, "feed": feed, "funding_model": "none", "durability": "group"}


def _policy(name: str, ref: str, params: Any) -> Document:
    return {
        "name": name, "signal": {"ref": ref, "api": 1, "digest": None, "params": dict(params)},
        "execution_topology": {"type": "market", "params": {}}, "instruments": [], "regimes": [], "weight_bps": 10_000,
    }  # fmt: skip


def _terms(market: Market, k: int) -> Document:
    return {
        "symbol": market.symbols[k], "tick_size": "0.01", "lot_size": "1", "multiplier": "1", "maker_fee_e7": 0,
        "taker_fee_e7": market.fee_e7, "fee_per_fill": "0", "initial_margin_bps": 1_000,
        "max_quote_age_ns": 60 * SECOND_NS, "max_position_lots": market.lots[k], "max_order_lots": 2 * market.lots[k],
        "min_order_lots": 1,
    }  # fmt: skip


def document_of(market: Market, seed: int, variant: Variant) -> Document:
    """Return the session of a variant."""
    document = copy.deepcopy(full_document(market, seed))
    variant.change(document)
    return document


def _genotype(**changes: Any) -> Callable[[Document], None]:
    """Return a change of blocks of the genotype; a mapping changes the fields it names."""

    def change(document: Document) -> None:
        genotype = document["policy"]["genotype"]
        for block, value in changes.items():
            genotype[block] = {**genotype[block], **value} if isinstance(value, dict) else value

    return change


def _flags_off(*names: str) -> Callable[[Document], None]:
    def change(document: Document) -> None:
        document["policy"]["envelope"]["flags"].update(dict.fromkeys(names, False))

    return change


def _by_map(document: Document) -> None:
    """Without the router, the regime map chooses, as a person would write it: trends by trend, the rest by revert."""
    _flags_off("linear_attention")(document)
    for policy in document["policy"]["genotype"]["policies"]:
        policy["regimes"] = OTHER_LABELS if policy["name"] == "revert" else TREND_LABELS


def _all_off(document: Document) -> None:
    """One policy by weight, nothing that learns; fast weights need a belief and the router a regime."""
    _flags_off("fast_weights", "linear_attention")(document)
    _genotype(belief=None, regime=None, probes=None, drift=None)(document)


FULL = Variant("full", "sparse belief, Hebb's fast weights, router, HMM, probes, drift", lambda document: None)
VARIANTS = (
    Variant("dense", "every neuron may be active, not the 5% most active", _genotype(belief={"active_bps": 10_000})),
    Variant("no rho", "the flag fast_weights is off", _flags_off("fast_weights")),
    Variant(
        "shuffled rho", "neurons lose their memories to each other every few decisions", lambda document: None,
        shuffled=True,
    ),
    Variant("delta", "fast weights by the delta rule, not Hebb's", _genotype(fast_weights={"rule": "delta"})),
    Variant("router off", "a regime map, then weight, chooses the policy", _by_map),
    Variant(
        "regimes off", "no classifier runs: the router knows no regime, sizes are whole", lambda document: None,
        parts_off=HAS_REGIME,
    ),
    Variant("rules", "the regime by rules (v1), not by the HMM (v2)", _genotype(regime={"type": "rules"})),
    Variant("drift off", "nothing watches for drift, sizes are whole", _genotype(drift=None)),
    Variant("probes off", "a control: probes choose nothing, so nothing may change", _genotype(probes=None)),
    Variant("all off", "the first policy alone, nothing that learns", _all_off),
)  # fmt: skip
