import json

import numpy as np
import pytest

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.reflection.diary import segments
from alphatrade_runtime.reflection.diary.compact import compact
from alphatrade_runtime.reflection.diary.dictionary import Dictionary, read_run
from alphatrade_runtime.report.run_data import COLUMNS, read_columns, read_run_data
from unit.report.run_folder import write_run


def test_a_live_run_and_the_same_run_compacted_read_the_same(tmp_path):
    folder = write_run(tmp_path / "run")
    live = read_run_data(folder)
    compact(folder, Dictionary.from_run(read_run(folder)))
    compacted = read_run_data(folder)
    assert not list(folder.glob("*.arrow"))
    for stream, names in COLUMNS.items():
        for name in names:
            np.testing.assert_array_equal(live.streams[stream][name], compacted.streams[stream][name])
    assert len(live.streams["fills"]["qty"]) > 10


def test_rows_behind_the_manifest_are_not_read(tmp_path):
    folder = write_run(tmp_path / "run")
    whole = read_columns(folder, "fills", ["seq"])["seq"]
    path = segments.manifest_path(folder, "fills")
    lines = path.read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if json.loads(line)["kind"] == "batch"]
    assert len(kept) > 3
    path.write_bytes(lines[0] + b"".join(kept[:3]) + kept[3][:20])
    rows = sum(json.loads(line)["rows"] for line in kept[:3])
    np.testing.assert_array_equal(read_columns(folder, "fills", ["seq"])["seq"], whole[:rows])


def test_facts_of_the_session(tmp_path):
    run = read_run_data(write_run(tmp_path / "run"))
    assert run.symbols == ["AAA", "BBB", "CCC"]
    assert run.mults.tolist() == [10_000, 2_000_000, 100]
    assert run.initial_cash == 10**14
    assert run.telemetry is None
    assert run.part("nothing") == {}


def test_violations_are_read_as_text_or_as_records(tmp_path):
    run = read_run_data(write_run(tmp_path / "run", violations=["one", {"rule": "NAV", "text": "two"}]))
    assert run.lines("violations") == ["one", "two"]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: (f / "run.json").unlink(), "run.json: no such file"),
        (lambda f: (f / "run.json").write_text("{"), "run.json: not JSON"),
        (lambda f: (f / "run.json").write_text('{"run_id": "x"}'), "run.json: field session is missing"),
        (lambda f: segments.manifest_path(f, "fills").unlink(), "fills.chain.jsonl: no such diary stream"),
        (lambda f: (f / "fills-000000.arrow").write_bytes(b"x"), "fills.parquet: cannot be read"),
        (lambda f: (f / "equity.parquet").write_bytes(b"PAR1"), "equity.parquet: cannot be read"),
    ],
)
def test_a_damaged_run_is_refused_by_name(tmp_path, damage, message):
    folder = write_run(tmp_path / "run")
    damage(folder)
    with pytest.raises(InputError, match=message) as error:
        read_run_data(folder)
    assert "\n" not in str(error.value)
