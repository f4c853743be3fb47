"""Compare two runs: their facts, their digests, and the first row at which each record stream differs."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.execution.topology import Topology
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.orders import OrderState, Purpose, TimeInForce
from alphatrade_runtime.reflection.diary import segments
from alphatrade_runtime.reflection.diary.chain import STREAMS
from alphatrade_runtime.reflection.diary.dictionary import read_run
from alphatrade_runtime.reflection.records import DiaryKind
from alphatrade_runtime.report.figures import moment
from alphatrade_runtime.report.run_data import Columns, read_columns
from alphatrade_runtime.report.tallies import name_of
from alphatrade_runtime.risk.codes import Code, Guard, KillState

_FACTS = ("mode", "speed", "policy_hash", "envelope_hash", "code_hash", "tape.digest", "counts", "kill", "violations")
_DIGESTS = ("diary", "fills", "pnl")
_TIMES = ("ts_ns", "event_ts_ns", "exch_ts_ns")
_NAMES: dict[tuple[str, str], type[IntEnum]] = {
    ("decisions", "kind"): DiaryKind, ("decisions", "guard"): Guard, ("decisions", "code"): Code,
    ("decisions", "topology"): Topology, ("decisions", "tif"): TimeInForce, ("decisions", "purpose"): Purpose,
    ("decisions", "kill_state"): KillState, ("orders", "state"): OrderState, ("orders", "tif"): TimeInForce,
    ("orders", "purpose"): Purpose, ("orders", "topology"): Topology, ("fills", "topology"): Topology,
    ("fills", "purpose"): Purpose, ("equity", "kill_state"): KillState,
}  # fmt: skip


@dataclass(frozen=True)
class FactDifference:
    """A fact of run.json that differs; a value is None where the fact is missing."""

    name: str
    a: Any
    b: Any


@dataclass(frozen=True)
class StreamDifference:
    """Where a stream differs first. row_a or row_b is None where that run has no such row."""

    stream: str
    row: int
    rows_a: int
    rows_b: int
    columns: tuple[str, ...]
    row_a: Mapping[str, Any] | None
    row_b: Mapping[str, Any] | None

    @property
    def ts_ns(self) -> int:
        """Event time of the row."""
        row = self.row_a if self.row_a is not None else self.row_b or {}
        return int(next((row[name] for name in ("ts_ns", "event_ts_ns") if name in row), 0))


@dataclass(frozen=True)
class Comparison:
    """Two runs side by side."""

    a: str
    b: str
    facts: tuple[FactDifference, ...]
    digests: Mapping[str, tuple[str | None, str | None]]
    streams: tuple[StreamDifference, ...]
    rows: Mapping[str, int]

    @property
    def same(self) -> bool:
        """True when every row of every stream, and every digest, is the same."""
        return not self.streams and all(a == b for a, b in self.digests.values())

    @property
    def first(self) -> StreamDifference | None:
        """The difference that happened first."""
        return min(self.streams, key=lambda d: (d.ts_ns, STREAMS.index(d.stream)), default=None)

    def text(self) -> str:
        """Return what `alphatrade compare` prints."""
        return "\n".join([*_fact_lines(self), *_digest_lines(self), *_stream_lines(self), _verdict(self)])


def compare(run_a: Path, run_b: Path) -> Comparison:
    """Compare two runs' folders. Raises InputError naming what cannot be read."""
    a, b = read_run(run_a), read_run(run_b)
    differences, rows = [], {}
    for stream in STREAMS:
        found, n = _compare_stream(run_a, run_b, stream)
        rows[stream] = n
        if found is not None:
            differences.append(found)
    digests = {name: (_fact(a, f"digests.{name}"), _fact(b, f"digests.{name}")) for name in _DIGESTS}
    facts = [FactDifference(name, _fact(a, name), _fact(b, name)) for name in _FACTS]
    return Comparison(
        str(a.get("run_id", run_a.name)),
        str(b.get("run_id", run_b.name)),
        tuple(fact for fact in facts if fact.a != fact.b),
        digests,
        tuple(differences),
        rows,
    )


def _compare_stream(run_a: Path, run_b: Path, stream: str) -> tuple[StreamDifference | None, int]:
    """Return the first difference and the number of rows that were found equal."""
    a, b = segments.read_manifest(run_a, stream), segments.read_manifest(run_b, stream)
    if a.columns != b.columns:
        raise InputError(
            f"{segments.manifest_path(run_b, stream)}: its columns are not those of {run_a}; "
            "compare runs that the same version wrote"
        )
    equal_batches = _same_head(a, b)
    names = [name for name, _ in a.columns]
    left, right = read_columns(run_a, stream, names), read_columns(run_b, stream, names)
    rows_a, rows_b = len(left[names[0]]), len(right[names[0]])
    row = _first_difference(left, right, min(rows_a, rows_b), equal_batches)
    if row is None:
        if rows_a == rows_b:
            return None, rows_a
        row = min(rows_a, rows_b)
    row_a = _row(left, row) if row < rows_a else None
    row_b = _row(right, row) if row < rows_b else None
    columns = tuple(n for n in names if row_a is None or row_b is None or not _equal(row_a[n], row_b[n]))
    return StreamDifference(stream, row, rows_a, rows_b, columns, row_a, row_b), row


def _same_head(a: segments.Manifest, b: segments.Manifest) -> int:
    """Return the number of leading rows in batches whose hashes agree: rows that need not be looked at."""
    rows = 0
    if a.genesis != b.genesis:
        return 0
    for left, right in zip(a.entries, b.entries, strict=False):
        if left.hash != right.hash:
            break
        rows += left.rows
    return rows


def _first_difference(a: Columns, b: Columns, rows: int, known: int) -> int | None:
    first: int | None = None
    for name, column in a.items():
        different = _different(column[known:rows], b[name][known:rows])
        if different.any():
            at = known + int(np.argmax(different))
            first = at if first is None else min(first, at)
    return first


def _different(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    different = a != b
    if a.dtype.kind == "f":
        different &= ~(np.isnan(a) & np.isnan(b))
    return np.asarray(different.any(axis=1) if different.ndim > 1 else different)


def _row(columns: Columns, row: int) -> dict[str, Any]:
    return {name: column[row].tolist() for name, column in columns.items()}


def _equal(a: Any, b: Any) -> bool:
    return bool(a == b or (a != a and b != b))


def _fact(run: Mapping[str, Any], name: str) -> Any:
    value: Any = run
    for key in name.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _fact_lines(c: Comparison) -> list[str]:
    lines = [f"a  {c.a}", f"b  {c.b}"]
    for fact in c.facts:
        if isinstance(fact.a, Mapping) and isinstance(fact.b, Mapping):
            keys = sorted(k for k in {*fact.a, *fact.b} if fact.a.get(k) != fact.b.get(k))
            lines += [f"{fact.name}.{k} differs: {_brief(fact.a.get(k))} | {_brief(fact.b.get(k))}" for k in keys]
        else:
            lines.append(f"{fact.name} differs: {_brief(fact.a)} | {_brief(fact.b)}")
    return lines


def _brief(value: Any) -> str:
    if isinstance(value, list):
        return f"{len(value)} of them"
    return "missing" if value is None else " ".join(str(value).split())[:200]


def _digest_lines(c: Comparison) -> list[str]:
    out = []
    for name, (a, b) in c.digests.items():
        if a is None or b is None:
            out.append(f"{name:<6} digest missing in {'a' if a is None else 'b'}")
        elif a == b:
            out.append(f"{name:<6} equal    {a}")
        else:
            out += [f"{name:<6} differs  {a}", f"{'':<15} {b}"]
    return out


def _stream_lines(c: Comparison) -> list[str]:
    differing = {d.stream for d in c.streams}
    lines = [f"{stream:<9} {rows:,} rows, all equal" for stream, rows in c.rows.items() if stream not in differing]
    for d in c.streams:
        lines.append(f"{d.stream:<9} {d.rows_a:,} | {d.rows_b:,} rows, first difference at row {d.row:,}")
    if c.first is not None:
        lines += ["", *_row_lines(c.first), ""]
    return lines


def _row_lines(d: StreamDifference) -> list[str]:
    """Return the row as a table: a line a column, those that differ marked."""
    lines = [f"first differing row: {d.stream} row {d.row:,}, event time {moment(d.ts_ns)} UTC"]
    if d.row_a is None or d.row_b is None:
        lines.append(f"only {'b' if d.row_a is None else 'a'} has this row")
    cells = [("", "column", "a", "b")]
    for name in d.row_a or d.row_b or {}:
        mark = "≠" if name in d.columns else ""
        cells.append((mark, name, _cell(d.stream, name, d.row_a), _cell(d.stream, name, d.row_b)))
    widths = [max(len(row[k]) for row in cells) for k in range(4)]
    return lines + [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in cells
    ]


def _cell(stream: str, name: str, row: Mapping[str, Any] | None) -> str:
    if row is None:
        return "–"
    value = row[name]
    if isinstance(value, list):
        return " ".join(f"{Code(k).name}:{v}" for k, v in enumerate(value) if v and k < len(Code)) or "0"
    if (stream, name) in _NAMES:
        return f"{value} {name_of(_NAMES[stream, name], value)}"
    return str(value)


def _verdict(c: Comparison) -> str:
    if c.same:
        return "same: every row and every digest"
    if not c.streams:
        return "the rows are the same, the digests are not: the runs' facts differ (policy, envelope, code or tape)"
    return f"different: {', '.join(d.stream for d in c.streams)}"
