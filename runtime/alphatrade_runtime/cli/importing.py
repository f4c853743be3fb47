"""`alphatrade import`."""

from pathlib import Path
from typing import Annotated

import typer


def import_data(
    file: Annotated[Path, typer.Argument(help="The recording: a Binance USD-M capture, CSV or Parquet.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the tape to write; must not exist.")],
    format_name: Annotated[
        str | None, typer.Option("--format", help="binance-usdm or tabular; else told by content.")
    ] = None,
    symbol: Annotated[
        str | None, typer.Option(help="The symbol, where the data names none, or the only one wanted.")
    ] = None,
    tick_size: Annotated[
        str | None, typer.Option(help="Smallest price step, such as 0.1; else read from the data.")
    ] = None,
    lot_size: Annotated[str | None, typer.Option(help="Smallest quantity step, such as 0.001.")] = None,
    tolerate: Annotated[
        list[str] | None, typer.Option(help="A fault to skip and count rather than stop at; repeatable.")
    ] = None,
    calendar: Annotated[str, typer.Option(help='Trading sessions: "24/7" or an exchange code such as XNYS.')] = "24/7",
    base_latency_ns: Annotated[
        int | None, typer.Option(min=0, help="Least delay assumed from venue to recorder.")
    ] = None,
    replace: Annotated[bool, typer.Option(help="Replace a tape that is at --out.")] = False,
    rows: Annotated[
        str | None, typer.Option(help="Tables: quotes, trades, bars or funding; else told by columns.")
    ] = None,
    columns: Annotated[str | None, typer.Option(help="Tables: our=theirs pairs, such as ts=time,bid=b,ask=a.")] = None,
    ts_unit: Annotated[
        str | None, typer.Option(help="Tables: ns, us, ms, s, iso or date; else told by digits.")
    ] = None,
    bar_duration: Annotated[str | None, typer.Option(help="Bars: 1d, 1h, 5min, 30s.")] = None,
    bar_label: Annotated[str | None, typer.Option(help="Bars: what a bar's time says: open, close or date.")] = None,
    round_to_units: Annotated[
        bool, typer.Option("--round", help="Round to whole ticks and lots, and count it.")
    ] = False,
) -> int:
    """Make a tape of recorded market data: checked row by row, clock repaired, every fault named and counted.

    A strict import stops at the first fault and leaves nothing behind. Rows read = used + refused.

    \b
    Examples:
      alphatrade import capture.gz --out tapes/btc
      alphatrade import daily.csv --out tapes/spy --symbol SPY --tick-size 0.01 --lot-size 1 \\
          --rows bars --calendar XNYS --bar-duration 1d
      alphatrade import quotes.parquet --out tapes/eur --columns ts=time,bid=b,ask=a,bid_size=bs,ask_size=as
    """
    from alphatrade_runtime.cli.screen import progress
    from alphatrade_runtime.market.clock import BASE_LATENCY_NS
    from alphatrade_runtime.market.faults import check_tolerated
    from alphatrade_runtime.market.importers.options import ImportOptions
    from alphatrade_runtime.market.importers.registry import import_file

    with progress("importing", "messages") as advance:
        options = ImportOptions(
            symbol=symbol,
            tick_size=tick_size,
            lot_size=lot_size,
            tolerate=check_tolerated(frozenset(tolerate or [])),
            calendar=calendar,
            base_latency_ns=BASE_LATENCY_NS if base_latency_ns is None else base_latency_ns,
            replace=replace,
            rows=rows,
            columns=_pairs(columns),
            ts_unit=ts_unit,
            bar_duration=bar_duration,
            bar_label=bar_label,
            round_to_units=round_to_units,
            progress=lambda done: advance(done, 0),
        )
        manifest = import_file(file, out, options, format_name)
    print_import(manifest, out)
    return 0


def print_import(manifest: dict[str, object], folder: Path) -> None:
    """Print what an import read, used, refused and repaired."""
    from alphatrade_runtime.cli.screen import pairs

    pairs(import_rows(manifest, folder))


def import_rows(manifest: dict[str, object], folder: Path) -> list[tuple[str, str]]:
    """Return the table of an import, label and value."""
    counts, shifts, quality = manifest["counts"], manifest["clock_shift_ns"], manifest["quality"]
    assert isinstance(counts, dict)
    assert isinstance(shifts, dict)
    assert isinstance(quality, dict)
    refused = counts["refused"]
    named = "".join(f", {name} {n:,}" for name, n in sorted(refused.items()))
    table = [
        (f"{counts['unit']} read", f"{counts['read']:,}"),
        ("used", f"{counts['used']:,}"),
        ("refused", f"{sum(refused.values()):,}{named}"),
        ("rows written", f"{manifest['rows']:,}"),
    ]
    table += [("clock shift", f"{symbol} {shift:,} ns") for symbol, shift in shifts.items() if shift]
    return [*table, ("digest", str(manifest["digest"])), ("tape", str(folder))]


def _pairs(text: str | None) -> dict[str, str]:
    from alphatrade_runtime.market.faults import InputError

    found: dict[str, str] = {}
    for pair in (text or "").split(",") if text else []:
        ours, equals, theirs = pair.partition("=")
        if not (ours.strip() and equals and theirs.strip()):
            raise InputError(f"--columns {pair.strip()!r}: write our=theirs pairs, such as ts=time,bid=b,ask=a")
        found[ours.strip()] = theirs.strip()
    return found
