"""Write the tapes that a benchmark's engines share into its scratch folder, one file for each format."""

import gzip
import hashlib
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.market.importers.binance_capture import import_capture
from alphatrade_runtime.market.importers.options import ImportOptions
from alphatrade_runtime.market.instrument import Instrument
from alphatrade_runtime.market.tape import Tape
from alphatrade_runtime.market.tape_writer import write_tape
from bench.make_capture import write_capture
from bench.make_tape import LOT_SIZE, TICK_SIZE, Market, bar_columns, quote_columns, quote_rows
from bench.p2_rows import peer_columns, quotes_and_trades, repeated

GENERATED_MOMENTS = 11_000


@dataclass(frozen=True)
class CaptureTape:
    """P2's rows twice: as our tape and as the peers' columns."""

    name: str
    folder: Path
    columns: Path
    source_sha256: str  # of the text, since compressed bytes differ by library


def columns_sha256(columns: dict[str, npt.NDArray[np.int64]]) -> str:
    """Hash named int64 columns: name, newline, little-endian bytes, in order of name."""
    digest = hashlib.sha256()
    for name in sorted(columns):
        digest.update(name.encode() + b"\n" + np.ascontiguousarray(columns[name], dtype="<i8").tobytes())
    return digest.hexdigest()


def quotes_file(scratch: Path, n: int, market: Market) -> Path:
    """Write n of P1's quotes as columns."""
    path = scratch / f"{market}-{n}.npz"
    np.savez(path, **quote_columns(n, market))  # type: ignore[arg-type]
    return path


def bars_file(scratch: Path, n: int) -> Path:
    """Write n of P1's bars as columns."""
    path = scratch / f"bars-{n}.npz"
    np.savez(path, **bar_columns(n))  # type: ignore[arg-type]
    return path


def quotes_tape(scratch: Path, n: int) -> Path:
    """Write n of P1's quotes as a tape."""
    instrument = Instrument("TAPE", Decimal(TICK_SIZE), Decimal(LOT_SIZE), Decimal(1))
    folder = scratch / f"tape-{n}"
    source = {"type": "bench", "name": f"quotes-{n}", "simulated": True}
    write_tape(folder, quote_rows(n, "trends"), [instrument], source=source, replace=True)
    return folder


def generated_capture(scratch: Path, least_rows: int = 0) -> CaptureTape:
    """Make and import the seeded capture, repeated until it has `least_rows`."""
    path = scratch / "generated.gz"
    write_capture(path, GENERATED_MOMENTS)
    return capture_tape(scratch, path, "generated", least_rows)


def capture_tape(scratch: Path, capture: Path, name: str, least_rows: int = 0) -> CaptureTape:
    """Import a capture, keep its quotes and trades, repeated until there are `least_rows`."""
    imported, folder, columns = scratch / f"{name}-all", scratch / name, scratch / f"{name}.npz"
    import_capture(capture, imported, ImportOptions(replace=True))
    with Tape.open(imported) as tape:
        rows = quotes_and_trades(tape.rows())
        rows = repeated(rows, max(1, -(-least_rows // len(rows.seq))))
        instruments, source = tape.instruments, tape.manifest["source"]
    write_tape(folder, rows, instruments, source=source, replace=True)
    np.savez(columns, **peer_columns(rows))  # type: ignore[arg-type]
    return CaptureTape(name, folder, columns, hashlib.sha256(gzip.decompress(capture.read_bytes())).hexdigest())
