import numpy as np
import pytest

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.orders import OrderState
from alphatrade_runtime.reflection.diary import segments
from alphatrade_runtime.reflection.diary.compact import compact
from alphatrade_runtime.reflection.diary.dictionary import Dictionary, read_run
from alphatrade_runtime.report import compare
from alphatrade_runtime.report.compare import _different
from unit.report.run_folder import write_run
from unit.risk.record_streams import clean_run


def pair(tmp_path, change=None, **facts):
    a, b = clean_run(60, 4), clean_run(60, 4)
    if change is not None:
        change(b)
    return write_run(tmp_path / "a", a), write_run(tmp_path / "b", b, run_id="run-2", **facts)


def test_equal_runs_are_the_same(tmp_path):
    found = compare(*pair(tmp_path))
    assert found.same
    assert found.first is None
    assert "same: every row and every digest" in found.text()
    assert found.rows["fills"] > 20


def test_a_compacted_run_equals_the_live_one(tmp_path):
    a, b = pair(tmp_path)
    compact(b, Dictionary.from_run(read_run(b)))
    assert compare(a, b).same


def test_the_first_differing_row_is_shown_by_column(tmp_path):
    def change(streams):
        streams.rows["fills"][30]["fee"] += 7
        streams.rows["fills"][31]["fee"] += 7

    a, b = pair(tmp_path, change)
    found = compare(a, b)
    (difference,) = found.streams
    assert (difference.stream, difference.row, difference.columns) == ("fills", 30, ("fee",))
    assert difference.row_a is not None
    assert difference.row_b is not None
    assert difference.row_b["fee"] - difference.row_a["fee"] == 7
    assert not found.same
    assert found.digests["fills"][0] != found.digests["fills"][1]
    assert found.digests["diary"][0] == found.digests["diary"][1]
    text = found.text()
    marked = [line for line in text.splitlines() if line.startswith("≠")]
    fees = [str(row["fee"]) for row in (difference.row_a, difference.row_b)]
    assert [line.split() for line in marked] == [["≠", "fee", *fees]]
    assert "first differing row: fills row 30, event time 2023-" in text
    assert text.splitlines()[-1] == "different: fills"


def test_the_difference_that_happened_first_is_the_one_shown(tmp_path):
    def change(streams):
        streams.rows["equity"][-1]["nav"] += 1
        streams.rows["orders"][5]["leaves"] += 1

    found = compare(*pair(tmp_path, change))
    assert {d.stream for d in found.streams} == {"equity", "orders", "decisions"}
    assert found.first is not None
    assert found.first.row_a is not None
    assert found.first.stream == "orders"
    state = found.first.row_a["state"]
    assert f"{state} {OrderState(state).name}" in found.text()


def test_a_run_that_ended_earlier_lacks_rows(tmp_path):
    found = compare(*pair(tmp_path, lambda streams: streams.rows["fills"].pop()))
    (difference,) = found.streams
    assert (difference.row_b, difference.rows_a - difference.rows_b) == (None, 1)
    assert difference.row == difference.rows_b
    assert "only a has this row" in found.text()


def test_facts_that_differ_are_named(tmp_path):
    found = compare(*pair(tmp_path, policy_hash="ee" * 32, counts={"orders": 2}, violations=["x"]))
    assert {fact.name for fact in found.facts} == {"policy_hash", "counts", "violations"}
    text = found.text()
    assert f"policy_hash differs: {'aa' * 32} | {'ee' * 32}" in text
    assert "counts.orders differs: 1 | 2" in text
    assert "violations differs: 0 of them | 1 of them" in text
    assert found.same


def test_a_missing_digest_is_said(tmp_path):
    found = compare(*pair(tmp_path, digests=None))
    assert "diary  digest missing in b" in found.text()
    assert not found.same
    assert found.text().splitlines()[-1].startswith("the rows are the same, the digests are not")


def test_no_number_equals_no_number():
    nan = np.array([np.nan, 1.0, np.nan])
    assert _different(nan, np.array([np.nan, 2.0, 3.0])).tolist() == [False, True, True]
    assert _different(np.zeros((2, 3)), np.array([[0, 0, 0], [0, 1, 0]])).tolist() == [False, True]


def test_runs_of_other_columns_are_refused(tmp_path):
    a, b = pair(tmp_path)
    path = segments.manifest_path(b, "marks")
    path.write_text(path.read_text().replace('["mark2","<i8"]', '["mark3","<i8"]'))
    with pytest.raises(InputError, match=r"marks\.chain\.jsonl: its columns are not those of"):
        compare(a, b)
