"""SQL reads a run, live or compacted, and can neither write nor leave it."""

import pytest

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.reflection.diary.compact import compact
from alphatrade_runtime.reflection.diary.dictionary import Dictionary
from alphatrade_runtime.reflection.diary.query import became, show, sql
from unit.reflection.diary_rows import DTYPES, make_rows, write_run

COUNT_ALL = " UNION ALL ".join(f"SELECT '{s}' AS s, count(*) AS n FROM {s}" for s in [*DTYPES, "actions", "denials"])


@pytest.fixture(scope="module")
def live(tmp_path_factory):
    folder = tmp_path_factory.mktemp("live")
    write_run(folder, 200, close=False)
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    compact(folder, Dictionary.from_run(write_run(folder, 200)))
    return folder


def test_every_stream_and_view_is_there(run):
    counts = dict(zip(*sql(run, COUNT_ALL).to_pydict().values(), strict=True))
    kinds = make_rows("decisions", 200)["kind"]
    streams = dict.fromkeys(DTYPES, 200)
    assert counts == {**streams, "actions": int((kinds == 1).sum()), "denials": int((kinds == 2).sum())}


def test_a_killed_run_is_read_up_to_its_last_batch(live, run):
    query = "SELECT seq, symbol, explanation, limit_price, guardrails FROM decisions WHERE seq <= 500 ORDER BY seq"
    assert sql(live, query).to_pylist() == sql(run, query).to_pylist()
    assert sql(live, "SELECT count(*) AS n FROM fills").to_pylist() == [{"n": 192}]


def test_lists_and_decimals_can_be_asked_for(run):
    query = "SELECT g.code, max(g.util) AS u FROM (SELECT unnest(guardrails) AS g FROM denials) GROUP BY 1 ORDER BY 1"
    assert "PRICE_BAND" in sql(run, query).column("code").to_pylist()
    total = sql(run, "SELECT sum(fee_money) AS f FROM fills").to_pylist()[0]["f"]
    assert total * 10**8 == int(make_rows("fills", 200)["fee"].sum())


@pytest.mark.parametrize(
    "query",
    [
        "COPY decisions TO '{run}/out.csv'",
        "COPY (SELECT 1) TO '{run}/decisions.parquet'",
        "ATTACH '{run}/x.db'",
        "CREATE TABLE t AS SELECT 1",
        "DROP VIEW decisions",
        "SELECT * FROM '{run}/fills.parquet'",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM glob('/etc/*')",
        "SET enable_external_access = true",
        "SELECT 1; COPY decisions TO '{run}/out.csv'",
        "INSTALL httpfs",
        "EXPORT DATABASE '{run}/out'",
        "",
        "SELEC 1",
        "SELECT nothing FROM decisions",
        "SELECT * FROM folder",
    ],
)
def test_nothing_else_than_reading_the_run_is_possible(run, query):
    before = {path.name: path.stat().st_size for path in run.iterdir()}
    with pytest.raises(InputError, match=r"^sql: ") as refused:
        sql(run, query.format(run=run))
    assert "\n" not in str(refused.value)
    assert {path.name: path.stat().st_size for path in run.iterdir()} == before


def test_show_finds_a_decision_a_row_and_the_last_ones(run):
    rows = make_rows("decisions", 200)
    shown = show(run, decision_id=int(rows["decision_id"][50]))
    assert shown.column("seq").to_pylist() == [int(rows["seq"][50])]
    assert int(rows["seq"][60]) in show(run, seq=int(rows["seq"][60])).column("seq").to_pylist()
    last = [int(row["seq"]) for row in rows if row["kind"] != 4][-7:]
    assert show(run, tail=7).column("seq").to_pylist() == last


def test_what_became_of_a_decision_is_by_stream(run):
    decision_id = int(make_rows("orders", 200)["decision_id"][3])
    found = became(run, decision_id)
    assert list(found) == ["orders", "fills", "expost"]
    assert found["orders"].column("seq").to_pylist() == [10]


def test_a_folder_without_diary_is_refused(tmp_path):
    with pytest.raises(InputError, match="no diary here"):
        sql(tmp_path, "SELECT 1")
