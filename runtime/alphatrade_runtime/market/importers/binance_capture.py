"""Import a recorded Binance USD-M capture: gzip or plain lines `local_receive_ns {json}`."""

import json
import os
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

from alphatrade_runtime.market.fault_ledger import FaultLedger
from alphatrade_runtime.market.faults import InputError, RowFault
from alphatrade_runtime.market.importers.binance_usdm import BinanceUsdmParser
from alphatrade_runtime.market.importers.capture_writer import CaptureWriter
from alphatrade_runtime.market.importers.lines import read_lines
from alphatrade_runtime.market.importers.options import ImportOptions, check_options
from alphatrade_runtime.market.importers.row_buffer import RowBuffer
from alphatrade_runtime.market.instrument import Instrument
from alphatrade_runtime.market.manifest import Manifest
from alphatrade_runtime.market.tape import file_sha256

NAME = "binance-usdm"
SAMPLE_LINES = 20_000
_BLOCK_ROWS = 65_536


def import_capture(path: Path, folder: str | os.PathLike[str], options: ImportOptions) -> Manifest:
    """Import a capture as a tape; returns its manifest.

    Raises InputError naming the line at the first fault that is not tolerated; then no tape is left.
    """
    check_options(options, NAME)
    instruments = options.instruments or infer_instruments(path, options)
    ledger = FaultLedger(str(path), "line", options.tolerate)
    inferred = [] if options.instruments else [name for name in ("tick_size", "lot_size") if not getattr(options, name)]
    source = {
        "type": NAME,
        "name": path.name,
        "simulated": False,
        "sha256": file_sha256(path),
        "inferred": inferred,
    }
    with CaptureWriter(
        folder,
        instruments,
        ledger,
        source=source,
        calendar=options.calendar,
        base_latency_ns=options.base_latency_ns,
        replace=options.replace,
    ) as writer:
        _feed(path, BinanceUsdmParser(instruments), ledger, writer, options)
        return writer.finish()


def _feed(
    path: Path, parser: BinanceUsdmParser, ledger: FaultLedger, writer: CaptureWriter, options: ImportOptions
) -> None:
    buffer = RowBuffer()
    for lines in read_lines(path):
        for text in lines:
            ledger.read += 1
            rows = len(buffer)
            try:
                parser.parse_line(ledger.read, text, buffer)
                ledger.used += rows == len(buffer)  # a depth message without levels makes no row
            except RowFault as fault:
                if ledger.stops_at(fault.fault):
                    writer.append(*buffer.take())  # an earlier line may have a fault of its own
                ledger.refuse(fault.fault, ledger.read, fault.detail)
        if len(buffer) >= _BLOCK_ROWS:
            writer.append(*buffer.take())
        if options.progress:
            options.progress(ledger.read)
    writer.append(*buffer.take())


def infer_instruments(path: Path, options: ImportOptions) -> tuple[Instrument, ...]:
    """Read symbols and, where the options do not give them, tick and lot sizes from the first 20,000 lines.

    A size is the largest power of ten, at most 1, that divides every price or quantity seen.
    """
    decimals: dict[str, list[set[str]]] = defaultdict(lambda: [set(), set()])
    for text in islice(_texts(path), SAMPLE_LINES):
        _collect(text, decimals)
    symbols = [options.symbol] if options.symbol else sorted(decimals)
    if not symbols:
        _raise_first_fault(path)
        raise InputError(f"{path}: no quote, trade or depth in its first {SAMPLE_LINES} lines; give --symbol")
    return tuple(
        Instrument(
            symbol,
            Decimal(options.tick_size) if options.tick_size else _power_of_ten(decimals[symbol][0]),
            Decimal(options.lot_size) if options.lot_size else _power_of_ten(decimals[symbol][1]),
        )
        for symbol in symbols
    )


def _texts(path: Path) -> Iterator[str]:
    for lines in read_lines(path):
        yield from lines


def _collect(text: str, decimals: dict[str, list[set[str]]]) -> None:
    try:
        data = json.loads(text.partition(" ")[2])["data"]
        prices, sizes = _decimals(data)
        seen = decimals[str(data["s"])]
        seen[0].update(map(str, prices))
        seen[1].update(map(str, sizes))
    except (ValueError, KeyError, TypeError, RecursionError):
        return  # the import itself names what is wrong with the line


def _decimals(data: dict[str, Any]) -> tuple[list[str], list[str]]:
    if data["e"] == "depthUpdate":
        levels = data["b"] + data["a"]
        return [price for price, _ in levels], [size for _, size in levels]
    if data["e"] == "trade":
        return [data["p"]], [data["q"]]
    return [data["b"], data["a"]], [data["B"], data["A"]]


def _power_of_ten(texts: set[str]) -> Decimal:
    places = max((len(text.partition(".")[2].rstrip("0")) for text in texts), default=0)
    return Decimal(1).scaleb(-places)


def _raise_first_fault(path: Path) -> None:
    ledger, parser, buffer = FaultLedger(str(path), "line"), BinanceUsdmParser(()), RowBuffer()
    for line, text in enumerate(islice(_texts(path), SAMPLE_LINES), 1):
        try:
            parser.parse_line(line, text, buffer)
        except RowFault as fault:
            ledger.refuse(fault.fault, line, fault.detail)
