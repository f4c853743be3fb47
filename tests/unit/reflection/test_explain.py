"""Explanations are a pure function of the row, fit in 240 characters, and say the numbers right."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphatrade_runtime.market.orders import Command, Purpose, TimeInForce
from alphatrade_runtime.reflection.diary.dictionary import Dictionary
from alphatrade_runtime.reflection.diary.explain import MAX_LENGTH, explanations
from alphatrade_runtime.reflection.records import DECISION_DTYPE, DiaryKind
from alphatrade_runtime.risk.codes import CODE_COUNT, Code, Guard, KillState
from unit.reflection.diary_rows import make_run

DICTIONARY = Dictionary.from_run(make_run({}))
BASE = {
    "kind": DiaryKind.ACTION, "action": Command.NEW, "side": 1, "qty": 3, "limit": 618_100, "ref2": 1_232_001,
    "target_lots": 5, "position_lots": 2, "score": 0.25, "tif": TimeInForce.IOC, "policy": 0, "instrument": 0,
}  # fmt: skip


def explain(**values):
    row = np.zeros(1, DECISION_DTYPE)
    util = values.pop("util", {})
    for name, value in {**BASE, **values}.items():
        row[name] = value
    for code, used in util.items():
        row["util"][0, code] = used
    return explanations({name: row[name] for name in row.dtype.names or ()}, DICTIONARY)[0] or ""


def test_an_action_says_what_why_and_the_nearest_limit():
    assert explain(util={Code.RATE: 4_550, Code.SIZE: 10}) == (
        "BUY 0.003 SIM-A at 61810.0 IOC for trend: position 0.002, target 0.005, score 0.2500, mid 61600.05; "
        "nearest limit RATE at 45.5%"
    )


def test_a_denial_says_the_code_and_the_limit():
    values = {"kind": DiaryKind.DENIAL, "code": Code.PRICE_BAND, "util": {Code.PRICE_BAND: 17_042}}
    assert explain(**values) == (
        "DENIED PRICE_BAND: BUY 0.003 SIM-A at 61810.0 IOC: 34.1 bps from mid 61600.05 (limit 20.0)"
    )


@pytest.mark.parametrize(
    ("values", "end"),
    [
        ({"code": Code.KILL, "kill_state": KillState.HALTED}, "the kill state is HALTED"),
        ({"code": Code.SESSION}, "the market is closed or halted"),
        ({"code": Code.NOTIONAL, "util": {Code.NOTIONAL: 12_345}}, "the order's value would be 123.5% of its limit"),
        ({"code": Code.NOTIONAL, "util": {Code.NOTIONAL: 65_535}}, "the order's value is beyond its limit"),
        ({"code": Code.PRICE_BAND, "ref2": 0}, "there is no reference price"),
        ({"code": 200}, "it would be 0.0% of its limit"),
    ],
)
def test_each_denial_has_its_reason(values, end):
    assert explain(kind=DiaryKind.DENIAL, **values).endswith(": " + end)


def test_every_code_of_the_law_has_a_reason_of_its_own():
    reasons = {explain(kind=DiaryKind.DENIAL, code=code).rsplit(": ", 1)[1] for code in Code if code}
    assert len(reasons) == CODE_COUNT - 1
    assert not any(reason.startswith("it ") for reason in reasons)


def test_cancels_amends_and_purposes_are_named():
    assert explain(action=Command.CANCEL, side=-1).startswith("CANCEL SELL 0.003 SIM-A at 61810.0 IOC for trend")
    assert " IOC to flatten for trend" in explain(purpose=Purpose.FLATTEN)


def test_a_guard_is_explained_and_a_fold_is_not():
    guard = explain(kind=DiaryKind.GUARD, guard=Guard.DRAWDOWN_PEAK, kill_state=KillState.TRIPPED)
    assert guard == "GUARD DRAWDOWN_PEAK: kill state is TRIPPED"
    assert explain(kind=DiaryKind.FOLD) == explain(kind=DiaryKind.CLOSE) == ""


@given(st.binary(min_size=DECISION_DTYPE.itemsize, max_size=DECISION_DTYPE.itemsize), st.sampled_from([1, 2, 3]))
def test_any_row_has_one_line_of_at_most_240_characters(raw, kind):
    rows = np.frombuffer(raw, DECISION_DTYPE).copy()
    rows["kind"] = kind
    columns = {name: rows[name] for name in rows.dtype.names or ()}
    text = explanations(columns, DICTIONARY)[0] or ""
    assert 0 < len(text) <= MAX_LENGTH
    assert "\n" not in text
    assert explanations(columns, DICTIONARY) == [text]
