"""The formats that `alphatrade import` reads, by name; each recognises its own files by content."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.importers import binance_capture, tabular
from alphatrade_runtime.market.importers.lines import head_of
from alphatrade_runtime.market.importers.options import ImportOptions
from alphatrade_runtime.market.manifest import Manifest


class Importer(NamedTuple):
    """One format: what it is, whether a file (by its first bytes, decompressed) is one, and how to import it."""

    summary: str
    recognises: Callable[[bytes], bool]
    run: Callable[[Path, str | os.PathLike[str], ImportOptions], Manifest]


def _is_capture(head: bytes) -> bool:
    """Whether any of the first lines starts like `local_ns {`: the first may be damaged."""
    return any(line.partition(b" ")[0].isdigit() and line.partition(b" ")[2][:1] == b"{" for line in head.split(b"\n"))


def _is_table(head: bytes) -> bool:
    """Whether it is Parquet, or its first line is a header: several names, none a number."""
    if head[:4] == b"PAR1":
        return True
    cells = [cell.strip() for cell in head.split(b"\n")[0].replace(b";", b",").replace(b"\t", b",").split(b",")]
    return len(cells) > 1 and not any(cell[:1].isdigit() for cell in cells) and b"{" not in head.split(b"\n")[0]


IMPORTERS: dict[str, Importer] = {
    binance_capture.NAME: Importer(
        "Binance USD-M futures capture: gzip or plain lines `local_ns {json}`",
        _is_capture,
        binance_capture.import_capture,
    ),
    tabular.NAME: Importer(
        "CSV or Parquet with quotes, trades, bars or funding rates", _is_table, tabular.import_table
    ),
}


def import_file(
    path: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    options: ImportOptions | None = None,
    format_name: str | None = None,
) -> Manifest:
    """Import a file as the tape `folder`; without `format_name` the format is told by content.

    Raises InputError with one line; then nothing is left under `folder`.
    """
    source = Path(path)
    return _importer(source, format_name).run(source, folder, options or ImportOptions())


def _importer(path: Path, format_name: str | None) -> Importer:
    head = head_of(path)
    if format_name is not None:
        if format_name not in IMPORTERS:
            raise InputError(f"--format {format_name}: unknown; choose from {', '.join(IMPORTERS)}")
        return IMPORTERS[format_name]
    if not head:
        raise InputError(f"{path}: the file is empty or a damaged gzip file; fetch it again")
    for importer in IMPORTERS.values():
        if importer.recognises(head):
            return importer
    raise InputError(f"{path}: the format is not recognised; give --format with one of {', '.join(IMPORTERS)}")
