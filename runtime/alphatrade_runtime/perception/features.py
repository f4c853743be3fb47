"""The features a strategy may read, each a number of one instrument now; what no policy uses costs nothing.

A feature that is not known yet is NaN. Decay over time t with constant T is T / (T + t): like an
exponential for short t, and exact on every host.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from alphatrade_runtime.numerics.jit import entry, hot


class Feature(IntEnum):
    MID_TICKS = 0
    SPREAD_TICKS = 1
    MICROPRICE_TICKS = 2
    BOOK_IMBALANCE = 3
    LAST_TRADE_TICKS = 4
    ORDER_FLOW_1S = 5
    ORDER_FLOW_10S = 6
    TRADE_FLOW_1S = 7
    TRADE_FLOW_10S = 8
    RETURN_TICKS = 9
    VOLATILITY_TICKS = 10
    BID_TICKS = 11
    ASK_TICKS = 12
    BID_LOTS = 13
    ASK_LOTS = 14
    OPEN_TICKS = 15
    HIGH_TICKS = 16
    LOW_TICKS = 17
    VOLUME_LOTS = 18
    POSITION_LOTS = 19
    MAX_POSITION_LOTS = 20


@dataclass(frozen=True, slots=True)
class FeatureDoc:
    """What a feature means; `flow` and `path` say which running state it needs."""

    unit: str
    doc: str
    flow: bool = False
    path: bool = False


DOCS: dict[Feature, FeatureDoc] = {
    Feature.MID_TICKS: FeatureDoc("ticks", "mark: last valid mid; the close on bar tapes"),
    Feature.SPREAD_TICKS: FeatureDoc("ticks", "best ask minus best bid"),
    Feature.MICROPRICE_TICKS: FeatureDoc("ticks", "mid weighted by the opposite side's size"),
    Feature.BOOK_IMBALANCE: FeatureDoc("share", "(bid size - ask size) / (bid size + ask size), in [-1, 1]"),
    Feature.LAST_TRADE_TICKS: FeatureDoc("ticks", "price of the last trade; the close on bar tapes"),
    Feature.ORDER_FLOW_1S: FeatureDoc("lots", "order-flow imbalance at the best, decayed over 1 s", flow=True),
    Feature.ORDER_FLOW_10S: FeatureDoc("lots", "order-flow imbalance at the best, decayed over 10 s", flow=True),
    Feature.TRADE_FLOW_1S: FeatureDoc("lots", "bought minus sold by takers, decayed over 1 s", flow=True),
    Feature.TRADE_FLOW_10S: FeatureDoc("lots", "bought minus sold by takers, decayed over 10 s", flow=True),
    Feature.RETURN_TICKS: FeatureDoc("ticks", "change of the mark since the previous decision", path=True),
    Feature.VOLATILITY_TICKS: FeatureDoc("ticks", "mean absolute return a decision, half-life 100", path=True),
    Feature.BID_TICKS: FeatureDoc("ticks", "best bid"),
    Feature.ASK_TICKS: FeatureDoc("ticks", "best ask"),
    Feature.BID_LOTS: FeatureDoc("lots", "size at the best bid"),
    Feature.ASK_LOTS: FeatureDoc("lots", "size at the best ask"),
    Feature.OPEN_TICKS: FeatureDoc("ticks", "open of the last bar"),
    Feature.HIGH_TICKS: FeatureDoc("ticks", "high of the last bar"),
    Feature.LOW_TICKS: FeatureDoc("ticks", "low of the last bar"),
    Feature.VOLUME_LOTS: FeatureDoc("lots", "volume of the last bar"),
    Feature.POSITION_LOTS: FeatureDoc("lots", "our position, signed"),
    Feature.MAX_POSITION_LOTS: FeatureDoc("lots", "the largest position the risk template allows"),
}
NAMES: dict[str, Feature] = {f.name.lower(): f for f in Feature}
NEEDS_FLOW = 1
NEEDS_PATH = 2

FLOW_DTYPE = np.dtype(
    [
        ("order_1s", "f8"), ("order_10s", "f8"), ("order_ts", "i8"), ("trade_1s", "f8"), ("trade_10s", "f8"),
        ("trade_ts", "i8"), ("bid", "i8"), ("ask", "i8"), ("bid_size", "i8"), ("ask_size", "i8"),
        ("last_mark2", "i8"), ("ret", "f8"), ("volatility", "f8"),
    ]
)  # fmt: skip

_ONE_NS = 1e9
_TEN_NS = 1e10
_VOLATILITY_RATE = 0.006907504562964073  # 1 - 2 ** (-1 / 100): half-life of 100 decisions
_MID = int(Feature.MID_TICKS)
_SPREAD = int(Feature.SPREAD_TICKS)
_MICRO = int(Feature.MICROPRICE_TICKS)
_IMBALANCE = int(Feature.BOOK_IMBALANCE)
_LAST = int(Feature.LAST_TRADE_TICKS)
_OFI1 = int(Feature.ORDER_FLOW_1S)
_OFI10 = int(Feature.ORDER_FLOW_10S)
_TF1 = int(Feature.TRADE_FLOW_1S)
_TF10 = int(Feature.TRADE_FLOW_10S)
_RET = int(Feature.RETURN_TICKS)
_VOL = int(Feature.VOLATILITY_TICKS)
_BID = int(Feature.BID_TICKS)
_ASK = int(Feature.ASK_TICKS)
_BID_LOTS = int(Feature.BID_LOTS)
_ASK_LOTS = int(Feature.ASK_LOTS)
_OPEN = int(Feature.OPEN_TICKS)
_HIGH = int(Feature.HIGH_TICKS)
_LOW = int(Feature.LOW_TICKS)
_VOLUME = int(Feature.VOLUME_LOTS)
_POSITION = int(Feature.POSITION_LOTS)
_NAN = float("nan")


@entry
def flow_on_quote(flow, bid, ask, bid_size, ask_size, now):
    """Add a quote's order-flow imbalance (Cont, Kukanov, Stoikov 2014, eq. 4) and decay by the time passed."""
    if not 0 < bid < ask:
        return
    if flow.bid > 0:
        e = 0
        if bid >= flow.bid:
            e += bid_size
        if bid <= flow.bid:
            e -= flow.bid_size
        if ask <= flow.ask:
            e -= ask_size
        if ask >= flow.ask:
            e += flow.ask_size
        passed = float(max(now - flow.order_ts, 0))
        flow.order_1s = flow.order_1s * (_ONE_NS / (_ONE_NS + passed)) + e
        flow.order_10s = flow.order_10s * (_TEN_NS / (_TEN_NS + passed)) + e
    flow.order_ts = now
    flow.bid = bid
    flow.ask = ask
    flow.bid_size = bid_size
    flow.ask_size = ask_size


@entry
def flow_on_trade(flow, side, size, now):
    """Add a trade's signed size and decay by the time passed."""
    passed = float(max(now - flow.trade_ts, 0))
    flow.trade_1s = flow.trade_1s * (_ONE_NS / (_ONE_NS + passed)) + side * size
    flow.trade_10s = flow.trade_10s * (_TEN_NS / (_TEN_NS + passed)) + side * size
    flow.trade_ts = now


@hot
def path_on_decision(flow, mark2):
    """Move the per-decision return and its mean absolute size."""
    if flow.last_mark2 > 0:
        flow.ret = (mark2 - flow.last_mark2) * 0.5
        flow.volatility = flow.volatility + _VOLATILITY_RATE * (abs(flow.ret) - flow.volatility)
    flow.last_mark2 = mark2


@hot
def _known(value, known):
    return float(value) if known else _NAN


@entry
def _book_feature(feature, view):
    valid = 0 < view.bid < view.ask
    if not valid:
        return _NAN
    total = view.bid_size + view.ask_size
    if feature == _SPREAD:
        return float(view.ask - view.bid)
    if feature == _MICRO:
        if total <= 0:
            return (view.bid + view.ask) * 0.5
        return (float(view.bid) * view.ask_size + float(view.ask) * view.bid_size) / total
    if feature == _IMBALANCE:
        return (view.bid_size - view.ask_size) / total if total > 0 else 0.0
    if feature == _BID:
        return float(view.bid)
    if feature == _ASK:
        return float(view.ask)
    if feature == _BID_LOTS:
        return float(view.bid_size)
    return float(view.ask_size)


@entry
def _flow_feature(feature, flow, now):
    order_passed = float(max(now - flow.order_ts, 0))
    trade_passed = float(max(now - flow.trade_ts, 0))
    if feature == _OFI1:
        return flow.order_1s * (_ONE_NS / (_ONE_NS + order_passed))
    if feature == _OFI10:
        return flow.order_10s * (_TEN_NS / (_TEN_NS + order_passed))
    if feature == _TF1:
        return flow.trade_1s * (_ONE_NS / (_ONE_NS + trade_passed))
    return flow.trade_10s * (_TEN_NS / (_TEN_NS + trade_passed))


@entry
def value_of(feature, view, flow, position, max_position, now):
    """Return one feature of an instrument now, NaN while unknown."""
    if feature == _LAST:
        return _known(view.last_price, view.last_price > 0)
    if _OFI1 <= feature <= _TF10:
        return _flow_feature(feature, flow, now)
    if feature == _RET:
        return flow.ret
    if feature == _VOL:
        return flow.volatility
    if feature == _OPEN:
        return _known(view.open, view.open > 0)
    if feature == _HIGH:
        return _known(view.high, view.high > 0)
    if feature == _LOW:
        return _known(view.low, view.low > 0)
    if feature == _VOLUME:
        return _known(view.volume, view.open > 0)
    if feature == _POSITION:
        return float(position)
    if feature > _POSITION:
        return float(max_position)
    return _book_feature(feature, view)


@hot
def fill(x, ids, n, view, flow, position, max_position, now):
    """Write the n features named by `ids` into x. x: float64[64].  ids: int64[64]."""
    for k in range(n):
        if ids[k] == _MID:
            x[k] = view.mark2 * 0.5 if view.mark2 > 0 else _NAN
        else:
            x[k] = value_of(ids[k], view, flow, position, max_position, now)


def needs(features: tuple[Feature, ...]) -> int:
    """Return which running states (NEEDS_FLOW, NEEDS_PATH) these features use."""
    flow = any(DOCS[f].flow for f in features)
    path = any(DOCS[f].path for f in features)
    return (NEEDS_FLOW if flow else 0) | (NEEDS_PATH if path else 0)
