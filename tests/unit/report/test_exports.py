import csv
from decimal import Decimal

import numpy as np
import pyarrow.parquet as pq
import pytest

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.report import write_report
from alphatrade_runtime.report.exports import money_array
from unit.report.run_folder import write_run
from unit.risk.record_streams import Streams, clean_run


@pytest.fixture
def folder(tmp_path):
    streams = Streams()
    streams.trade(1, 1, 10, price=30_000)
    streams.step().trade(1, -1, 10, price=30_007)
    streams.step().show()
    return write_run(tmp_path / "run", streams)


def csv_rows(folder):
    return list(csv.DictReader((folder / "exports" / "trades.csv").read_text().splitlines()))


def test_trades_as_csv_are_exact(folder):
    write_report(folder)
    (row,) = csv_rows(folder)
    assert (row["symbol"], row["side"], row["lots"], row["fills"]) == ("BBB", "long", "10", "2")
    assert (Decimal(row["entry_price"]), Decimal(row["exit_price"])) == (Decimal("600"), Decimal("600.14"))
    assert Decimal(row["gross"]) == Decimal("1.4")
    assert Decimal(row["net"]) == Decimal(row["gross"]) - Decimal(row["fees"])
    assert row["opened"].startswith("2023-11-14 22:13:45")


def test_parquet_and_csv_hold_the_same_rows(tmp_path):
    folder = write_run(tmp_path / "run", clean_run(200))
    write_report(folder)
    table = pq.read_table(folder / "exports" / "trades.parquet").to_pylist()
    rows = csv_rows(folder)
    assert [str(row["net"]) for row in table] == [row["net"] for row in rows]
    assert len(rows) > 5


def test_equity_is_exported_exactly(folder):
    write_report(folder)
    row = pq.read_table(folder / "exports" / "equity.parquet").to_pylist()[-1]
    live = folder / "equity-000000.arrow"
    assert live.exists()
    assert row["nav"] == row["cash"] + row["net"] == Decimal("1000000") + Decimal("1.4") - row["fees"]


def test_money_keeps_sign_and_every_digit():
    quanta = np.array([0, 1, -1, 2**62, -(2**62), 123_456_789], np.int64)
    assert [int(v.as_py() * 10**8) for v in money_array(quanta)] == quanta.tolist()


def test_a_report_is_written_whole_or_not_at_all(folder, monkeypatch):
    first = write_report(folder)
    assert first == folder / "report.html"
    before = first.read_text()
    monkeypatch.setattr("alphatrade_runtime.report.exports.os.replace", _full_disk)
    with pytest.raises(InputError, match="No space left"):
        write_report(folder)
    assert first.read_text() == before
    assert not list(folder.rglob("*.partial-*"))


def _full_disk(*_):
    raise OSError(28, "No space left on device")


def test_the_same_run_makes_the_same_bytes(folder):
    first = {p.name: p.read_bytes() for p in [write_report(folder), *(folder / "exports").iterdir()]}
    second = {p.name: p.read_bytes() for p in [write_report(folder), *(folder / "exports").iterdir()]}
    assert first == second
