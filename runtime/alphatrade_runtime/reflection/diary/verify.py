"""Recompute every chain of a run and name what does not hold, first the first broken link."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.reflection.diary import chain, segments
from alphatrade_runtime.reflection.diary.attach import attach
from alphatrade_runtime.reflection.diary.chain import Column
from alphatrade_runtime.reflection.diary.compact import batch_numbers
from alphatrade_runtime.reflection.diary.dictionary import Dictionary, read_run
from alphatrade_runtime.reflection.diary.segments import END_OF_STREAM, BatchEntry, Manifest

_HASHES = ("policy_hash", "envelope_hash", "code_hash")
_UNREADABLE = (OSError, KeyError, ValueError, pa.ArrowException)


class Finding(NamedTuple):
    """One thing that does not hold: `fault` is its kind, `message` one line that names where."""

    stream: str
    fault: str
    message: str


def verify(folder: Path) -> list[Finding]:
    """Recompute the chains of a run's folder; an empty list says that every row is the one that was hashed.

    Raises InputError when the folder holds no diary or a manifest cannot be read.
    """
    streams = segments.streams_in(folder)
    if not streams:
        raise InputError(f"{folder}: no diary here (no *.chain.jsonl); give the folder of a run")
    run = read_run(folder) if (folder / "run.json").exists() else None
    manifests = {stream: segments.read_manifest(folder, stream) for stream in streams}
    findings = [f for stream in streams for f in _verify_stream(folder, stream, manifests[stream], run)]
    return [*findings, *_against_run(manifests, run)]


def _verify_stream(folder: Path, stream: str, manifest: Manifest, run: Mapping[str, Any] | None) -> Iterator[Finding]:
    yield from _header(stream, manifest)
    yield from _links(stream, manifest)
    if segments.parquet_path(folder, stream).exists():
        yield from _first(_parquet_data(folder, stream, manifest, run))
    else:
        yield from _files(folder, stream, manifest)
        yield from _first(_live_data(folder, stream, manifest))
    yield from _ending(stream, manifest)


def _first(findings: Iterator[Finding]) -> Iterator[Finding]:
    found = next(findings, None)
    if found is not None:
        yield found


def _header(stream: str, manifest: Manifest) -> Iterator[Finding]:
    try:
        found = chain.genesis(stream, manifest.dtype, manifest.facts).hex()
    except (TypeError, ValueError) as error:
        yield Finding(stream, "header", f"{stream}: the header cannot be hashed: {error}")
        return
    if found != manifest.genesis:
        yield Finding(stream, "header", f"{stream}: header edited: genesis {manifest.genesis}, its facts give {found}")


def _links(stream: str, manifest: Manifest) -> Iterator[Finding]:
    """Name the first line of the manifest that does not follow from the line before it."""
    previous = manifest.genesis
    for number, entry in enumerate(manifest.entries):
        if entry.batch != number:
            yield Finding(stream, "link", f"{stream}: batch {number} is missing, the next line is batch {entry.batch}")
            return
        if entry.prev != previous:
            yield Finding(stream, "link", f"{_where(stream, entry)}: follows {entry.prev}, expected {previous}")
            return
        previous = entry.hash


def _live_data(folder: Path, stream: str, manifest: Manifest) -> Iterator[Finding]:
    reader = segments.BatchReader(folder, segments.arrow_schema(manifest.dtype))
    for entry in manifest.entries:
        try:
            batch = reader.read(entry)
            yield from _hash(stream, entry, segments.columns_from(batch, manifest.dtype))
        except FileNotFoundError:
            return  # named by _files
        except _UNREADABLE as error:
            yield Finding(stream, "data", f"{_where(stream, entry)}: {entry.segment} cannot be read: {_line(error)}")


def _parquet_data(folder: Path, stream: str, manifest: Manifest, run: Mapping[str, Any] | None) -> Iterator[Finding]:
    path = segments.parquet_path(folder, stream)
    dictionary = None if run is None else Dictionary.from_run(run)
    try:
        rows, expected = pq.read_metadata(path).num_rows, sum(entry.rows for entry in manifest.entries)
        for entries, table in segments.read_parquet_groups(path, manifest):
            yield from _parquet_group(stream, manifest, entries, table)
            if dictionary is not None:
                yield from _attached(stream, manifest, entries, table, dictionary)
        if rows != expected:
            yield Finding(stream, "data", f"{stream}: {path.name} has {rows} rows, the chain {expected}")
    except _UNREADABLE as error:
        yield Finding(stream, "data", f"{stream}: {path.name} cannot be read: {_line(error)}")


def _parquet_group(stream: str, manifest: Manifest, entries: list[BatchEntry], table: pa.Table) -> Iterator[Finding]:
    columns, start = segments.columns_from(table, manifest.dtype), 0
    for entry in entries:
        rows = slice(start, start + entry.rows)
        part = [Column(c.name, c.values[rows], None if c.valid is None else c.valid[rows]) for c in columns]
        yield from _hash(stream, entry, part)
        start += entry.rows


def _hash(stream: str, entry: BatchEntry, columns: list[Column]) -> Iterator[Finding]:
    rows = len(columns[0].values)
    if rows != entry.rows:
        yield Finding(stream, "data", f"{_where(stream, entry)}: {rows} rows found, {entry.rows} hashed")
        return
    found = chain.link(bytes.fromhex(entry.prev), columns, entry.rows).hex()
    if found != entry.hash:
        yield Finding(stream, "data", f"{_where(stream, entry)}: expected {entry.hash}, found {found}")
        return
    seq = next(column.values for column in columns if column.name == "seq")
    if (int(seq[0]), int(seq[-1])) != (entry.first_seq, entry.last_seq):
        yield Finding(stream, "data", f"{_where(stream, entry)}: the rows are seq {seq[0]} to {seq[-1]}")


def _attached(
    stream: str, manifest: Manifest, entries: list[BatchEntry], table: pa.Table, dictionary: Dictionary
) -> Iterator[Finding]:
    """Recompute what was attached to the hashed columns, so that it cannot be edited either."""
    own = table.select(manifest.dtype.names)
    expected = attach(stream, own, segments.columns_from(own, manifest.dtype), batch_numbers(entries), dictionary)
    for name in expected.column_names:
        if name not in table.column_names or not _same(table.column(name), expected.column(name)):
            where = f"{stream}: batches {entries[0].batch} to {entries[-1].batch}"
            text = f"{where}: column {name} is not what the hashed columns and run.json say"
            yield Finding(stream, "attached", text)
            return
    for name in sorted(set(table.column_names) - set(expected.column_names)):
        yield Finding(stream, "attached", f"{stream}: column {name} was added to the Parquet file")


def _same(found: pa.ChunkedArray, expected: pa.ChunkedArray) -> bool:
    if pa.types.is_dictionary(expected.type):
        kind = expected.type.value_type
        return bool(found.cast(kind).equals(expected.cast(kind)))
    return bool(found.equals(expected))


def _files(folder: Path, stream: str, manifest: Manifest) -> Iterator[Finding]:
    """Compare the segments there are with those that the manifest names, and their lengths."""
    ends = {entry.segment: entry.end for entry in manifest.entries}
    present = {path.name: path for path in folder.glob(f"{stream}-*.arrow")}
    last = max([segments.segment_name(stream, 0), *ends])
    for name in sorted(set(ends) - set(present)):
        yield Finding(stream, "missing", f"{stream}: segment {name} is missing")
    for name in sorted(set(present) - set(ends) - {last}):
        yield Finding(stream, "extra", f"{stream}: segment {name} is in no line of the manifest")
    for name in sorted(set(ends) & set(present)):
        complete = manifest.closed is not None or name != last
        yield from _tail(stream, present[name], ends[name], complete)


def _tail(stream: str, path: Path, end: int, complete: bool) -> Iterator[Finding]:
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(min(end, size))
        rest = file.read(len(END_OF_STREAM) + 1)
    if complete and rest != END_OF_STREAM:
        what = "ends early" if size < end + len(END_OF_STREAM) else "has bytes behind its last batch"
        yield Finding(stream, "tail", f"{stream}: segment {path.name} {what} ({size} bytes, batches end at {end})")
    if not complete and size > end:
        yield Finding(stream, "tail", f"{stream}: segment {path.name} has {size - end} bytes that were never chained")


def _ending(stream: str, manifest: Manifest) -> Iterator[Finding]:
    count, rows = len(manifest.entries), sum(entry.rows for entry in manifest.entries)
    if manifest.torn:
        yield Finding(stream, "tail", f"{stream}: the manifest's last line is cut off ({manifest.torn} bytes)")
    if manifest.closed is None:
        yield Finding(stream, "unclosed", f"{stream}: not closed after batch {count - 1} ({rows} rows): a killed run")
        return
    found = {"batches": count, "rows": rows, "head": manifest.head}
    for name, value in found.items():
        if manifest.closed.get(name) != value:
            text = f"{stream}: closed with {name} {manifest.closed.get(name)}, the manifest has {value}"
            yield Finding(stream, "close", text)


def _against_run(manifests: Mapping[str, Manifest], run: Mapping[str, Any] | None) -> Iterator[Finding]:
    """Compare with run.json: its hashes with the headers' facts, its digests with the chains' heads."""
    if run is None:
        return
    for stream, manifest in manifests.items():
        for name in _HASHES:
            if name in manifest.facts and manifest.facts[name] != run.get(name):
                yield Finding(stream, "run", f"{stream}: header has {name} {manifest.facts[name]}, run.json another")
    for stream in sorted(set(chain.STREAMS) - set(manifests)):
        yield Finding(stream, "missing", f"{stream}: the run has no such stream; its manifest is missing")
    if set(chain.STREAMS) <= set(manifests):
        digests = chain.run_digests({stream: manifest.head for stream, manifest in manifests.items()})
        for name, value in digests.items():
            said = run.get("digests", {}).get(name)
            if said != value:
                yield Finding("run", "digest", f"run.json: {name} digest is {said}, the chains give {value}")


def _where(stream: str, entry: BatchEntry) -> str:
    return f"{stream}: batch {entry.batch} (seq {entry.first_seq} to {entry.last_seq}, {entry.rows} rows)"


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:160]
