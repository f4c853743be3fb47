"""Each feature against a value computed by hand."""

import math

import numpy as np
import pytest

from alphatrade_runtime.market.view import VIEW_DTYPE
from alphatrade_runtime.perception import features
from alphatrade_runtime.perception.features import FLOW_DTYPE, NAMES, NEEDS_FLOW, NEEDS_PATH, Feature

SECOND = 1_000_000_000


def record(dtype, **values):
    row = np.zeros(1, dtype).view(np.recarray)
    for name, value in values.items():
        row[0][name] = value
    return row[0]


def read(name, view=None, flow=None, now=0, position=0, most=0):
    x, ids = np.zeros(64), np.zeros(64, np.int64)
    ids[0] = NAMES[name]
    view = record(VIEW_DTYPE) if view is None else view
    flow = record(FLOW_DTYPE) if flow is None else flow
    features.fill(x, ids, 1, view, flow, position, most, now)
    return x[0]


BOOK = {"bid": 100, "ask": 104, "bid_size": 30, "ask_size": 10, "mark2": 204, "last_price": 103}
BAR = {"open": 90, "high": 99, "low": 88, "volume": 7, "mark2": 190, "last_price": 95}


@pytest.mark.parametrize(
    ("name", "view", "expected"),
    [
        ("mid_ticks", BOOK, 102.0),
        ("spread_ticks", BOOK, 4.0),
        ("microprice_ticks", BOOK, (100 * 10 + 104 * 30) / 40),
        ("book_imbalance", BOOK, 0.5),
        ("last_trade_ticks", BOOK, 103.0),
        ("bid_ticks", BOOK, 100.0),
        ("ask_ticks", BOOK, 104.0),
        ("bid_lots", BOOK, 30.0),
        ("ask_lots", BOOK, 10.0),
        ("open_ticks", BAR, 90.0),
        ("high_ticks", BAR, 99.0),
        ("low_ticks", BAR, 88.0),
        ("volume_lots", BAR, 7.0),
    ],
)
def test_a_market_feature_is_what_its_doc_says(name, view, expected):
    assert read(name, record(VIEW_DTYPE, **view)) == expected


@pytest.mark.parametrize(
    "name", [n for n in NAMES if not any(part in n for part in ("flow", "return", "volatility", "position"))]
)
def test_what_is_not_known_yet_is_nan(name):
    assert math.isnan(read(name))


@pytest.mark.parametrize("broken", [{"bid": 104}, {"bid": 105}, {"bid": 0}])
def test_a_crossed_or_empty_book_has_no_book_features(broken):
    assert math.isnan(read("microprice_ticks", record(VIEW_DTYPE, **{**BOOK, **broken})))


def test_position_features_are_ours():
    assert read("position_lots", position=-3) == -3.0
    assert read("max_position_lots", most=8) == 8.0


def test_order_flow_adds_what_each_quote_changed_and_decays():
    flow = record(FLOW_DTYPE)
    features.flow_on_quote(flow, 100, 102, 5, 7, 0)
    features.flow_on_quote(flow, 101, 102, 4, 6, 0)  # bid up: +4; ask same: +7 - 6
    assert read("order_flow_1s", flow=flow) == 5.0
    assert read("order_flow_1s", flow=flow, now=SECOND) == 2.5
    assert read("order_flow_10s", flow=flow, now=10 * SECOND) == 2.5
    features.flow_on_quote(flow, 100, 101, 9, 9, SECOND)  # bid down: -4; ask down: -9
    assert read("order_flow_1s", flow=flow, now=SECOND) == 2.5 - 13


def test_trade_flow_is_signed_by_the_aggressor():
    flow = record(FLOW_DTYPE)
    features.flow_on_trade(flow, 1, 8, 0)
    features.flow_on_trade(flow, -1, 2, SECOND)
    assert read("trade_flow_1s", flow=flow, now=SECOND) == 2.0


def test_return_and_volatility_move_a_decision_at_a_time():
    flow = record(FLOW_DTYPE)
    features.path_on_decision(flow, 200)
    assert read("return_ticks", flow=flow) == 0.0
    features.path_on_decision(flow, 206)
    assert read("return_ticks", flow=flow) == 3.0
    assert read("volatility_ticks", flow=flow) == pytest.approx(3.0 * (1 - 2 ** (-1 / 100)))


def test_only_features_that_need_running_state_ask_for_it():
    assert features.needs((Feature.MID_TICKS, Feature.SPREAD_TICKS)) == 0
    assert features.needs((Feature.ORDER_FLOW_1S,)) == NEEDS_FLOW
    assert features.needs((Feature.RETURN_TICKS, Feature.TRADE_FLOW_10S)) == NEEDS_FLOW | NEEDS_PATH


def test_every_feature_is_documented():
    assert set(features.DOCS) == set(Feature)
