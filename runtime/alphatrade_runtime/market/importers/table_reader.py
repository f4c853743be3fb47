"""Read CSV and Parquet block by block; which column is which."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from alphatrade_runtime.market.faults import InputError

BLOCK_ROWS = 65_536
_CSV_BLOCK_BYTES = 4 * 2**20

NAMES: dict[str, tuple[str, ...]] = {
    "ts": ("ts", "timestamp", "time", "datetime", "date", "ts_event"),
    "ts_init": ("ts_init", "local_timestamp", "received"),
    "symbol": ("symbol", "instrument", "ticker"),
    "bid": ("bid", "best_bid", "bid_price"),
    "ask": ("ask", "best_ask", "ask_price"),
    "bid_size": ("bid_size", "bid_qty", "bid_amount"),
    "ask_size": ("ask_size", "ask_qty", "ask_amount"),
    "price": ("price",),
    "size": ("size", "qty", "quantity", "amount"),
    "side": ("side",),
    "seq": ("seq", "sequence", "id", "trade_id"),
    "open": ("open",),
    "high": ("high",),
    "low": ("low",),
    "close": ("close",),
    "volume": ("volume",),
    "rate": ("rate", "funding_rate"),
}
ROW_KINDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "quotes": (("ts", "bid", "ask", "bid_size", "ask_size"), ("ts_init", "symbol", "seq")),
    "bars": (("ts", "open", "high", "low", "close"), ("symbol", "volume")),
    "trades": (("ts", "price", "size"), ("ts_init", "symbol", "side", "seq")),
    "funding": (("ts", "rate"), ("symbol",)),
}


def map_columns(
    path: Path, header: list[str], rows: str | None, given: Mapping[str, str]
) -> tuple[str, dict[str, str]]:
    """Return (kind of rows, our name -> the file's column). Raises InputError naming what is missing."""
    for ours, theirs in given.items():
        if ours not in NAMES:
            raise InputError(f"--columns {ours}={theirs}: unknown name {ours}; choose from {', '.join(NAMES)}")
        if theirs not in header:
            raise InputError(f"{path}: no column {theirs!r} for {ours}; the file has {', '.join(header)}")
    found = {**_by_name(header, given), **given}
    kind = rows or next((kind for kind, (needed, _) in ROW_KINDS.items() if found.keys() >= set(needed)), None)
    if kind is None:
        raise InputError(
            f"{path}: columns {', '.join(header)} are no quotes, trades, bars or funding; name them, such as "
            "--rows quotes --columns ts=time,bid=b,ask=a,bid_size=bs,ask_size=as"
        )
    if kind not in ROW_KINDS:
        raise InputError(f"--rows {kind}: unknown; choose from {', '.join(ROW_KINDS)}")
    needed, optional = ROW_KINDS[kind]
    missing = [name for name in needed if name not in found]
    if missing:
        raise InputError(
            f"{path}: no column for {', '.join(missing)}; name it with --columns {missing[0]}=..., "
            f"the file has {', '.join(header)}"
        )
    return kind, {name: found[name] for name in (*needed, *optional) if name in found}


def _by_name(header: list[str], given: Mapping[str, str]) -> dict[str, str]:
    lower = {name.strip().lower().replace(" ", "_"): name for name in reversed(header)}
    taken = set(given.values())
    found = {ours: next((lower[name] for name in names if name in lower), None) for ours, names in NAMES.items()}
    return {ours: theirs for ours, theirs in found.items() if theirs is not None and theirs not in taken}


def open_table(path: Path) -> tuple[list[str], Iterator[Any]]:
    """Open a CSV or Parquet file: (column names, record batches). CSV columns are text, so no digit is lost.

    Raises InputError for a damaged file, also while the batches are read.
    """
    try:
        if is_parquet(path):
            file = pq.ParquetFile(path)
            return list(file.schema_arrow.names), _guarded(path, file.iter_batches(BLOCK_ROWS))
        return _open_csv(path)
    except (pa.ArrowException, OSError) as error:
        raise _damaged(path, error) from None


def is_parquet(path: Path) -> bool:
    """Whether a file starts as Parquet files do."""
    with path.open("rb") as file:
        return file.read(4) == b"PAR1"


def _open_csv(path: Path) -> tuple[list[str], Iterator[Any]]:
    read = pacsv.ReadOptions(block_size=_CSV_BLOCK_BYTES, use_threads=False)
    probe = pacsv.open_csv(path, read_options=read, parse_options=_parse_options(path))
    names = list(probe.schema.names)
    probe.close()
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{path}: column {name!r} is there twice; rename one")
    convert = pacsv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False)
    batches = pacsv.open_csv(path, read_options=read, parse_options=_parse_options(path), convert_options=convert)
    return names, _guarded(path, iter(batches))


def _parse_options(path: Path) -> pacsv.ParseOptions:
    with pa.input_stream(str(path), compression="detect") as stream:
        first = stream.read(65_536).split(b"\n")[0]
    return pacsv.ParseOptions(delimiter=max(",;\t", key=lambda mark: first.count(mark.encode())))


def _guarded(path: Path, batches: Iterator[Any]) -> Iterator[Any]:
    try:
        yield from batches
    except (pa.ArrowException, OSError) as error:
        raise _damaged(path, error) from None


def _damaged(path: Path, error: Exception) -> InputError:
    return InputError(f"{path}: cannot be read as a table ({error}); correct the row or fetch the file again")
