"""Ask a run's diary: SQL over its streams, or a few decisions with what became of them. Nothing can be written."""

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.reflection.diary import segments
from alphatrade_runtime.reflection.diary.compact import groups
from alphatrade_runtime.reflection.diary.dictionary import Dictionary, read_run
from alphatrade_runtime.reflection.records import DiaryKind

_VIEWS = {
    "actions": f"SELECT * FROM decisions WHERE kind = {int(DiaryKind.ACTION)}",
    "denials": f"SELECT * FROM decisions WHERE kind = {int(DiaryKind.DENIAL)}",
}
_LOCKS = (
    "SET temp_directory = ''",
    "SET enable_external_access = false",
    "SET lock_configuration = true",
)


def sql(folder: Path, query: str) -> pa.Table:
    """Run one SELECT over a run: its streams by name, and the views actions and denials.

    Raises InputError when the query is no single SELECT, or fails, or reaches for a file.
    """
    with duckdb.connect(":memory:") as connection:
        _open(connection, folder)
        try:
            statements = connection.extract_statements(query)
            if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
                raise InputError("sql: give one SELECT statement; a diary is never written to")
            return connection.sql(query).to_arrow_table()
        except duckdb.Error as error:
            raise InputError(f"sql: {error}") from None


def show(folder: Path, *, decision_id: int | None = None, seq: int | None = None, tail: int = 20) -> pa.Table:
    """Return decisions' rows: of one decision, of one tape row, or the last `tail` that are no fold."""
    if decision_id is not None:
        return sql(folder, f"SELECT * FROM decisions WHERE decision_id = {int(decision_id)}")
    if seq is not None:
        return sql(folder, f"SELECT * FROM decisions WHERE {int(seq)} BETWEEN least(first_seq, seq) AND seq")
    fold = f"kind <> {int(DiaryKind.FOLD)}"
    rows = sql(folder, f"SELECT count(*) AS n FROM decisions WHERE {fold}").column("n")[0].as_py()
    return sql(folder, f"SELECT * FROM decisions WHERE {fold} LIMIT {int(tail)} OFFSET {max(0, rows - int(tail))}")


def became(folder: Path, decision_id: int) -> dict[str, pa.Table]:
    """Return what followed from a decision, by stream: its orders, fills and ex-post rows."""
    where = f"WHERE decision_id = {int(decision_id)}"
    return {stream: sql(folder, f"SELECT * FROM {stream} {where}") for stream in ("orders", "fills", "expost")}


def stream_data(folder: Path, stream: str) -> ds.Dataset | pa.Table:
    """Return a stream with its attached columns: the Parquet file unread, or the live rows in memory."""
    path = segments.parquet_path(folder, stream)
    if path.exists():
        return ds.dataset(path, format="parquet")
    dictionary = Dictionary.from_run(read_run(folder))
    return pa.concat_tables(groups(folder, stream, segments.read_manifest(folder, stream), dictionary))


def _open(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    streams = segments.streams_in(folder)
    if not streams:
        raise InputError(f"{folder}: no diary here (no *.chain.jsonl); give the folder of a run")
    for stream in streams:
        connection.register(stream, stream_data(folder, stream))
    for name, body in _VIEWS.items():
        if "decisions" in streams:
            connection.execute(f"CREATE VIEW {name} AS {body}")
    for lock in _LOCKS:
        connection.execute(lock)
