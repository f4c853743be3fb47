"""Turn a closed stream's live segments into one Parquet file: the same rows, with what they mean attached.

The same rows and dictionary make the same bytes. The hashed columns stay as they are, so that the chain
is verified from the Parquet file as from the segments.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from alphatrade_runtime.market.faults import InputError, disk_errors
from alphatrade_runtime.reflection.diary import chain, segments
from alphatrade_runtime.reflection.diary.attach import attach
from alphatrade_runtime.reflection.diary.dictionary import Dictionary
from alphatrade_runtime.reflection.diary.segments import BatchEntry, Manifest


def compact(folder: Path, dictionary: Dictionary) -> list[Path]:
    """Compact every stream of a run's folder; return the Parquet files. Segments go when their file is whole.

    Raises InputError naming the stream when it was not closed or its chain is broken, or the disk is full.
    """
    return [compact_stream(folder, stream, dictionary) for stream in segments.streams_in(folder)]


def compact_stream(folder: Path, stream: str, dictionary: Dictionary) -> Path:
    """Compact one stream; does nothing more when that was done before."""
    manifest = segments.read_manifest(folder, stream)
    path = segments.parquet_path(folder, stream)
    if manifest.closed is None or manifest.torn:
        raise InputError(f"{segments.manifest_path(folder, stream)}: the stream was not closed; resume the run first")
    if not path.exists():
        _write(path, stream, manifest, folder, dictionary)
    for segment in sorted(folder.glob(f"{stream}-*.arrow")):
        segment.unlink()
    return path


def groups(folder: Path, stream: str, manifest: Manifest, dictionary: Dictionary) -> Iterator[pa.Table]:
    """Yield the live rows with their attached columns, 65,536 and more at a time; at least one table.

    Raises InputError naming the batch at which the chain is broken.
    """
    schema = segments.arrow_schema(manifest.dtype)
    previous = chain.genesis(stream, manifest.dtype, manifest.facts)
    reader = segments.BatchReader(folder, schema)
    for entries in segments.entry_groups(manifest.entries):
        batches = []
        for entry in entries:
            batch, previous = _checked(reader, folder, stream, manifest, entry, previous)
            batches.append(batch)
        yield _group(stream, manifest, pa.Table.from_batches(batches), entries, dictionary)
    if not manifest.entries:
        yield _group(stream, manifest, pa.Table.from_batches([], schema=schema), [], dictionary)


def batch_numbers(entries: list[BatchEntry]) -> npt.NDArray[np.int64]:
    """Return the number of each row's batch."""
    rows = np.array([entry.rows for entry in entries], np.int64)
    return np.repeat(np.array([entry.batch for entry in entries], np.int64), rows)


def _checked(
    reader: segments.BatchReader, folder: Path, stream: str, manifest: Manifest, entry: BatchEntry, previous: bytes
) -> tuple[pa.RecordBatch, bytes]:
    try:
        batch = reader.read(entry)
        head = chain.link(previous, segments.columns_from(batch, manifest.dtype), batch.num_rows)
    except (OSError, ValueError, pa.ArrowException):
        head = b""
    if head.hex() != entry.hash:
        raise InputError(
            f"{folder}: stream {stream}: batch {entry.batch} is not what was hashed; run `alphatrade diary verify`"
        )
    return batch, head


def _group(
    stream: str, manifest: Manifest, table: pa.Table, entries: list[BatchEntry], dictionary: Dictionary
) -> pa.Table:
    own = table.combine_chunks()
    return attach(stream, own, segments.columns_from(own, manifest.dtype), batch_numbers(entries), dictionary)


def _write(path: Path, stream: str, manifest: Manifest, folder: Path, dictionary: Dictionary) -> None:
    partial = path.with_name(f"{path.name}.partial-{os.getpid()}")
    try:
        with disk_errors(path):
            _write_groups(partial, stream, manifest, groups(folder, stream, manifest, dictionary))
            os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def _write_groups(partial: Path, stream: str, manifest: Manifest, tables: Iterator[pa.Table]) -> None:
    first = next(tables)
    facts = {"stream": stream, "genesis": manifest.genesis, "head": manifest.head}
    schema = first.schema.with_metadata(facts)
    with pq.ParquetWriter(partial, schema, compression="zstd", compression_level=3) as writer:
        writer.write_table(first.cast(schema), row_group_size=4 * segments.GROUP_ROWS)
        for table in tables:
            writer.write_table(table.cast(schema), row_group_size=4 * segments.GROUP_ROWS)
    with partial.open("rb+") as file:
        os.fsync(file.fileno())
