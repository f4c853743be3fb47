"""Read a run's folder: what happened as columns, what it was as typed facts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.instrument import Instrument
from alphatrade_runtime.policy.document import InstrumentTerms, Limits, Session, parse_session
from alphatrade_runtime.reflection.diary import segments
from alphatrade_runtime.reflection.diary.dictionary import read_run
from alphatrade_runtime.reflection.telemetry import Telemetry, read_telemetry

Columns = dict[str, npt.NDArray[Any]]

COLUMNS: dict[str, tuple[str, ...]] = {
    "orders": ("ts_ns", "seq", "order_id", "ref2", "instrument", "state", "side", "topology", "code"),
    "fills": (
        "ts_ns", "order_id", "price", "qty", "fee", "position_after", "ref2", "instrument", "side", "maker", "topology",
        "purpose",
    ),
    "equity": (
        "ts_ns", "seq", "nav", "cash", "funding", "fees", "gross", "net", "high_water", "turnover", "kill_state",
        "reduce_only",
    ),
    "marks": ("ts_ns", "seq", "position", "mark2", "instrument"),
    "decisions": ("seq", "event_ts_ns", "kind", "code", "kill_state", "guard", "nav", "util"),
}  # fmt: skip


@dataclass(frozen=True)
class RunData:
    """A run: its folder, run.json as read, its session, its streams as columns, its telemetry if it has any."""

    folder: Path
    facts: Mapping[str, Any]
    session: Session
    streams: Mapping[str, Columns]
    telemetry: Telemetry | None

    @property
    def instruments(self) -> tuple[InstrumentTerms, ...]:
        """Instruments by their index in the streams."""
        return self.session.policy.envelope.instruments

    @property
    def limits(self) -> Limits:
        """The law's numbers of this run."""
        return self.session.policy.envelope.limits

    @property
    def symbols(self) -> list[str]:
        """Symbols by instrument index."""
        return [terms.symbol for terms in self.instruments]

    @property
    def mults(self) -> npt.NDArray[np.int64]:
        """Quanta a tick·lot by instrument index."""
        return np.array([_instrument(terms).mult for terms in self.instruments], np.int64)

    @property
    def initial_cash(self) -> int:
        """Cash at the start in quanta."""
        return int(self.session.policy.initial_cash * 10**8)

    @property
    def simulated_time(self) -> bool:
        """True when time was that of the rows, at whatever pace they came; False for the wall clock."""
        return self.session.feed.speed != "Realtime"

    def part(self, name: str) -> Mapping[str, Any]:
        """Return a mapping of run.json, empty when the run was stopped before it was written."""
        value = self.facts.get(name)
        return value if isinstance(value, dict) else {}

    def lines(self, name: str) -> list[str]:
        """Return a list of run.json as texts."""
        value = self.facts.get(name)
        return [_text(item) for item in value] if isinstance(value, list) else []


def read_run_data(folder: Path) -> RunData:
    """Read a run. Raises InputError naming the file or field that is missing or wrong."""
    facts = read_run(folder)
    for name in ("run_id", "session"):
        if name not in facts:
            raise InputError(f"{folder / 'run.json'}: field {name} is missing; restore the file from the run's copy")
    streams = {stream: read_columns(folder, stream, names) for stream, names in COLUMNS.items()}
    return RunData(folder, facts, parse_session(facts["session"]), streams, _telemetry(folder))


def read_columns(folder: Path, stream: str, names: Sequence[str]) -> Columns:
    """Read columns of a stream, compacted or live. Raises InputError naming the file that is missing or damaged."""
    table = read_table(folder, stream, names)
    return {name: _array(table.column(name)) for name in names}


def read_table(folder: Path, stream: str, names: Sequence[str] | None = None) -> pa.Table:
    """Read a stream as a table; names: its columns wanted, in their order."""
    path = segments.parquet_path(folder, stream)
    try:
        if path.is_file():
            return pq.read_table(path, columns=list(names) if names is not None else None)
        batches = list(_live(folder, stream))
        table = pa.Table.from_batches(batches, schema=batches[0].schema) if batches else _empty(folder, stream)
        return table.select(list(names)) if names is not None else table
    except (OSError, pa.ArrowException, KeyError) as error:
        raise InputError(f"{path}: cannot be read ({error}); restore the run from its copy") from None


def _live(folder: Path, stream: str) -> Iterator[pa.RecordBatch]:
    """Yield the rows that the manifest names, a message at a time; what a killed writer left behind is not read."""
    manifest = segments.read_manifest(folder, stream)
    schema = segments.arrow_schema(manifest.dtype)
    for (segment, offset, end), entries in groupby(manifest.entries, key=lambda e: (e.segment, e.offset, e.end)):
        named = list(entries)
        with pa.memory_map(str(folder / segment)) as file:
            message = pa.ipc.read_message(pa.py_buffer(file.read_at(end - offset, offset)))
        batch = pa.ipc.read_record_batch(message, schema)
        batch.validate()  # damaged lengths must not read beyond the buffers
        yield batch.slice(named[0].at, named[-1].at + named[-1].rows - named[0].at)


def _empty(folder: Path, stream: str) -> pa.Table:
    return segments.arrow_schema(segments.read_manifest(folder, stream).dtype).empty_table()


def _array(column: pa.ChunkedArray) -> npt.NDArray[Any]:
    if pa.types.is_fixed_size_list(column.type):
        flat = column.combine_chunks().flatten()
        return np.asarray(flat.to_numpy(zero_copy_only=False)).reshape(-1, column.type.list_size)
    return np.asarray(column.to_numpy())


def _telemetry(folder: Path) -> Telemetry | None:
    path = folder / "telemetry.jsonl"
    return read_telemetry(path) if path.is_file() else None


def _instrument(terms: InstrumentTerms) -> Instrument:
    return Instrument(terms.symbol, terms.tick_size, terms.lot_size, terms.multiplier)


def _text(item: Any) -> str:
    return str(item["text"]) if isinstance(item, dict) and "text" in item else str(item)
