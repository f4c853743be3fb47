"""How a record stream lies on disk: Arrow IPC segments and a manifest of its batches.

`<stream>-000000.arrow`   Arrow IPC stream: schema message, messages of whole batches, end marker when complete.
`<stream>.chain.jsonl`    JSON lines: a header, one line a batch written after its message, a close line.
`<stream>.parquet`        after compaction, in place of the segments.

A killed writer leaves whole batches: what follows the last line of the manifest is not part of the stream.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.reflection.diary.chain import Column

GROUP_ROWS = 65_536
END_OF_STREAM = b"\xff\xff\xff\xff\x00\x00\x00\x00"


class BatchEntry(NamedTuple):
    """One line of the manifest: where a batch lies and how it is chained (hashes in hex).

    offset, end: bytes of the Arrow message in the segment.  at: the batch's first row in that message, which
    holds whole batches of the chain, as many as were waiting when it was written.
    """

    batch: int
    segment: str
    offset: int
    end: int
    at: int
    rows: int
    first_seq: int
    last_seq: int
    first_ts: int
    last_ts: int
    prev: str
    hash: str


class ClosedBatches(NamedTuple):
    """Batches that follow each other and are not written yet; the lists have an item a batch, as in BatchEntry."""

    first: int
    prev: str
    at: list[int]
    rows: list[int]
    first_seq: list[int]
    last_seq: list[int]
    first_ts: list[int]
    last_ts: list[int]
    hashes: list[str]


class Place(NamedTuple):
    """Where a message lies: its segment's name, the bytes where it begins and ends."""

    segment: str
    offset: int
    end: int


@dataclass(frozen=True)
class Manifest:
    """A manifest as read; `torn` is the number of bytes of an unfinished last line."""

    stream: str
    columns: list[list[str]]
    facts: dict[str, Any]
    genesis: str
    entries: list[BatchEntry]
    closed: dict[str, Any] | None
    torn: int

    @property
    def head(self) -> str:
        """Hash of the last batch, or of the header when there is none, in hex."""
        return self.entries[-1].hash if self.entries else self.genesis

    @property
    def dtype(self) -> np.dtype[Any]:
        """Row dtype of the stream."""
        return np.dtype([(name, *_numpy_type(text)) for name, text in self.columns])


def segment_name(stream: str, index: int) -> str:
    return f"{stream}-{index:06d}.arrow"


def manifest_path(folder: Path, stream: str) -> Path:
    return folder / f"{stream}.chain.jsonl"


def parquet_path(folder: Path, stream: str) -> Path:
    return folder / f"{stream}.parquet"


def header_line(header: bytes) -> bytes:
    """Write the manifest's first line. header: what the chain starts from, as `header_of` makes it."""
    return json_line({"kind": "header", **json.loads(header), "genesis": hashlib.sha256(header).hexdigest()})


def batch_lines(closed: ClosedBatches, place: Place) -> bytes:
    """Write the manifest's lines of batches that lie in one message."""
    # as json_line writes it; a line a batch, so the encoder's ten microseconds count
    segment, offset, end = place
    before = [closed.prev, *closed.hashes[:-1]]
    numbers = range(closed.first, closed.first + len(before))
    times = (closed.first_seq, closed.last_seq, closed.first_ts, closed.last_ts)
    return "".join(
        f'{{"at":{at},"batch":{batch},"end":{end},"first_seq":{first_seq},"first_ts":{first_ts},'
        f'"hash":"{own}","kind":"batch","last_seq":{last_seq},"last_ts":{last_ts},"offset":{offset},'
        f'"prev":"{prev}","rows":{rows},"segment":"{segment}"}}\n'
        for batch, at, rows, first_seq, last_seq, first_ts, last_ts, prev, own in zip(
            numbers, closed.at, closed.rows, *times, before, closed.hashes, strict=True
        )
    ).encode()


def close_line(batches: int, rows: int, head: bytes) -> bytes:
    return json_line({"kind": "close", "batches": batches, "rows": rows, "head": head.hex()})


def json_line(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def streams_in(folder: Path) -> list[str]:
    """List the streams that have a manifest in the folder, sorted."""
    return sorted(path.name.removesuffix(".chain.jsonl") for path in folder.glob("*.chain.jsonl"))


def read_manifest(folder: Path, stream: str) -> Manifest:
    """Read a stream's manifest. Raises InputError naming file and line; an unfinished last line is left out."""
    path = manifest_path(folder, stream)
    if not path.is_file():
        raise InputError(f"{path}: no such diary stream; give the folder of a run")
    whole, _, rest = path.read_bytes().rpartition(b"\n")
    lines = [_parse(path, number, line) for number, line in enumerate(whole.split(b"\n"), 1)]
    header = _expect(path, lines[0], "header")
    closed = lines.pop() if len(lines) > 1 and lines[-1]["kind"] == "close" else None
    entries = [_entry(path, number, line) for number, line in enumerate(lines[1:], 2)]
    try:
        return Manifest(stream, header["columns"], header["facts"], header["genesis"], entries, closed, len(rest))
    except KeyError as error:
        raise InputError(f"{path}: line 1: field {error} is missing; restore the manifest") from None


@cache
def arrow_schema(dtype: np.dtype[Any]) -> pa.Schema:
    """Arrow schema of a row dtype; a float column may be null (NaN), no other one may."""
    names = dtype.names or ()
    return pa.schema([pa.field(name, _arrow_type(dtype[name]), nullable=dtype[name].kind == "f") for name in names])


def record_batch(columns: Sequence[Column], schema: pa.Schema) -> pa.RecordBatch:
    """Wrap columns as an Arrow batch without copying them."""
    arrays = [arrow_array(column, kind) for column, kind in zip(columns, schema.types, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def columns_from(table: pa.RecordBatch | pa.Table, dtype: np.dtype[Any]) -> list[Column]:
    """Take the stream's own columns back out of Arrow data, as they were hashed.

    Raises KeyError when a column is missing.
    """
    return [_column_from(table.column(name), name, dtype[name]) for name in dtype.names or ()]


class BatchReader:
    """Read batches of a stream's live segments in order; a message that holds many batches is read once."""

    def __init__(self, folder: Path, schema: pa.Schema) -> None:
        self._folder, self._schema = folder, schema
        self._place: tuple[str, int, int] | None = None
        self._message: Any = None

    def read(self, entry: BatchEntry) -> pa.RecordBatch:
        """Return one batch. Raises OSError or ArrowInvalid when its bytes are not there."""
        place = (entry.segment, entry.offset, entry.end)
        if place != self._place:
            self._place, self._message = None, self._read(*place)
            self._place = place
        if self._message.num_rows < entry.at + entry.rows:
            raise pa.ArrowInvalid(f"the message has {self._message.num_rows} rows")
        return self._message.slice(entry.at, entry.rows)

    def _read(self, segment: str, offset: int, end: int) -> pa.RecordBatch:
        with pa.memory_map(str(self._folder / segment)) as file:
            message = pa.ipc.read_message(pa.py_buffer(file.read_at(end - offset, offset)))
        batch = pa.ipc.read_record_batch(message, self._schema)
        batch.validate()  # damaged lengths must not read beyond the buffers
        return batch


def entry_groups(entries: list[BatchEntry]) -> Iterator[list[BatchEntry]]:
    """Split a manifest's batches into runs of 65,536 rows and a little more: what is worked on at a time."""
    held: list[BatchEntry] = []
    rows = 0
    for entry in entries:
        held.append(entry)
        rows += entry.rows
        if rows >= GROUP_ROWS:
            yield held
            held, rows = [], 0
    if held:
        yield held


def read_parquet_groups(path: Path, manifest: Manifest) -> Iterator[tuple[list[BatchEntry], pa.Table]]:
    """Yield a compacted stream's batches by groups, each with its rows as one table.

    Yields a shorter table than its entries say when the file has too few rows.
    """
    with pq.ParquetFile(path, pre_buffer=False) as file:
        source = file.iter_batches(batch_size=GROUP_ROWS, use_threads=False)
        held = pa.Table.from_batches([], schema=file.schema_arrow)
        for entries in entry_groups(manifest.entries):
            rows = sum(entry.rows for entry in entries)
            while held.num_rows < rows and (more := next(source, None)) is not None:
                held = pa.concat_tables([held, pa.Table.from_batches([more], schema=held.schema)])
            yield entries, held.slice(0, rows)
            held = held.slice(rows)


def _parse(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line)
        if isinstance(value, dict) and "kind" in value:
            return value
    except ValueError:
        pass
    raise InputError(f"{path}: line {number} is no manifest line; restore the file from the run's copy")


def _expect(path: Path, line: dict[str, Any], kind: str) -> dict[str, Any]:
    if line["kind"] != kind:
        raise InputError(f"{path}: line 1 is {line['kind']!r}, not the {kind}; restore the file from the run's copy")
    return line


def _entry(path: Path, number: int, line: dict[str, Any]) -> BatchEntry:
    try:
        if line["kind"] == "batch":
            return BatchEntry(**{name: line[name] for name in BatchEntry._fields})
    except KeyError:
        pass
    raise InputError(f"{path}: line {number} is no batch; restore the file from the run's copy")


def _numpy_type(text: str) -> tuple[str, tuple[int, ...]]:
    base, _, shape = text.partition("[")
    return base, tuple(int(n) for n in shape.rstrip("]").split("][")) if shape else ()


def _arrow_type(dtype: np.dtype[Any]) -> pa.DataType:
    kind = pa.from_numpy_dtype(dtype.base)
    return pa.list_(pa.field("item", kind, nullable=False), dtype.shape[0]) if dtype.shape else kind


def arrow_array(column: Column, kind: pa.DataType) -> pa.Array:
    """Wrap one column without copying its values."""
    n = len(column.values)
    if pa.types.is_fixed_size_list(kind):
        flat = pa.Array.from_buffers(kind.value_type, column.values.size, [None, pa.py_buffer(column.values)])
        return pa.FixedSizeListArray.from_arrays(flat, type=kind)
    bits = None if column.valid is None else pa.py_buffer(np.packbits(column.valid, bitorder="little"))
    return pa.Array.from_buffers(kind, n, [bits, pa.py_buffer(column.values)])


def _column_from(array: pa.Array | pa.ChunkedArray, name: str, dtype: np.dtype[Any]) -> Column:
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if isinstance(array, pa.ChunkedArray):  # combine_chunks gives no array for zero chunks in some versions
        array = pa.concat_arrays(array.chunks)
    if dtype.shape:
        flat: npt.NDArray[Any] = array.flatten().to_numpy(zero_copy_only=False)
        return Column(name, np.ascontiguousarray(flat.reshape(-1, *dtype.shape)), None)
    valid = None if array.null_count == 0 else ~array.is_null().to_numpy(zero_copy_only=False)
    values = (array if valid is None else array.fill_null(0)).to_numpy(zero_copy_only=False)
    return Column(name, np.ascontiguousarray(values), valid)
