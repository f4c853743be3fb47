"""Outcomes in basis points, by hand and by their invariants."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphatrade_runtime.reflection.diary.expost import outcomes
from alphatrade_runtime.reflection.records import EXPOST_DTYPE

MULT = 10_000


def outcome(**values):
    row = np.zeros(1, EXPOST_DTYPE)
    for name, value in values.items():
        row[name] = value
    columns = {name: row[name] for name in row.dtype.names or ()}
    return {name: array[0].as_py() for name, array in outcomes(columns, np.array([MULT])).items()}


def bought(**values):
    """Buy 2 lots at 10,010 and 10,030 ticks with the mid at 10,000; fees are 2 bps."""
    value = 20_040 * MULT
    base = {"side": 1, "fills": 2, "filled_lots": 2, "filled_value": value, "fees": value // 5000, "ref2": 20_000}
    return outcome(**{**base, "worst2": 19_000, "best2": 21_000, **values})


def test_a_bought_and_risen_action():
    result = bought(mid2_1=20_040, mid2_10=20_240.4, mid2_100=20_100, complete=1)
    assert result["slippage_bps"] == pytest.approx(20.0)
    assert result["pnl_1_bps"] == pytest.approx(-2.0)
    assert result["pnl_10_bps"] == pytest.approx(10_000 * 200 / 20_040 - 2)
    assert result["mae_bps"] == pytest.approx(-10_000 * 1_040 / 20_040)
    assert result["mfe_bps"] == pytest.approx(10_000 * 960 / 20_040)
    assert result["label"] == "win"


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.integers(1, 10**6), st.integers(0, 10**9))
def test_a_sale_is_a_purchase_with_the_sign_turned(ref2, mid2, lots, fees):
    rows = {"filled_lots": lots, "filled_value": 5_000 * lots * MULT, "ref2": ref2, "mid2_100": mid2, "complete": 1}
    buy, sell = (outcome(side=side, worst2=ref2, best2=ref2, **rows) for side in (1, -1))
    assert buy["slippage_bps"] == -sell["slippage_bps"]
    assert buy["pnl_100_bps"] == -sell["pnl_100_bps"]
    paid = outcome(side=1, fees=fees, worst2=ref2, best2=ref2, **rows)
    assert paid["pnl_100_bps"] <= buy["pnl_100_bps"]


def test_the_label_waits_for_100_decisions():
    assert bought(mid2_1=30_000)["label"] == "open"
    assert bought(mid2_100=19_000, complete=1)["label"] == "loss"
    assert outcome(side=1, complete=1, mid2_100=20_000)["label"] == "flat"
    assert bought(mid2_100=20_040, fees=0, complete=1)["label"] == "flat"


def test_what_was_not_filled_or_not_reached_is_null():
    assert {k: v for k, v in outcome(side=1, ref2=20_000, mid2_1=20_000).items() if v is not None} == {"label": "open"}
    result = bought(mid2_1=20_000)
    assert result["pnl_1_bps"] is not None
    assert result["pnl_10_bps"] is result["pnl_100_bps"] is None
    assert bought(ref2=0)["slippage_bps"] is None
