"""`make run-sim`: a simulated market through many regimes, and 20 years of real daily prices, under one law each."""

import argparse
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from alphatrade_runtime.cli import options
from alphatrade_runtime.cli.main import guarded
from alphatrade_runtime.market.faults import InputError

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
BREACH = 3
_SYMBOLS = {"SP500": "sp500", "NASDAQ": "nasdaq"}


def main() -> None:
    """Run both parts; leave with 0, or 2 for bad input, or 3 for a breach."""
    parser = argparse.ArgumentParser(prog="make run-sim", description=__doc__)
    parser.add_argument("--artifacts", type=Path, default=options.ARTIFACTS, help="folder under which runs are kept")
    given = parser.parse_args()
    sys.exit(guarded(lambda: run_sim(given.artifacts)))


def run_sim(base: Path) -> int:
    """Run the simulated and the real part; return the exit code."""
    if not EXAMPLES.is_dir():
        raise InputError(f"{EXAMPLES}: missing; run this from a clone, or use `alphatrade run -f DIR`")
    codes = [
        _part("simulated market", lambda: _run(EXAMPLES / "run-sim", base, None)),
        _part("real daily bars: S&P 500 and NASDAQ", lambda: _run(EXAMPLES / "daily-bars", base, daily_bars(base))),
    ]
    return max(codes)


def _part(title: str, run: Callable[[], int]) -> int:
    print(f"== {title}", flush=True)
    code = run()
    print(flush=True)
    return code


def _run(folder: Path, base: Path, tape: Path | None) -> int:
    from alphatrade_runtime.cli.run import trade
    from alphatrade_runtime.cli.session import read_plan

    feed = None if tape is None else {"type": "tape", "path": str(tape)}
    return trade(read_plan(folder, feed=feed, speed="Max"), base)


def daily_bars(base: Path) -> Path:
    """Return the tape of daily bars, made of the prices that the installed `arch` package ships."""
    from alphatrade_runtime.loop.artifacts import cached_tape
    from alphatrade_runtime.market.tape import Tape

    return cached_tape(base, "daily-bars", _write_daily_bars, lambda folder: Tape.open(folder).close())


def _write_daily_bars(folder: Path) -> None:
    from alphatrade_runtime.market.importers.bars import write_bars
    from alphatrade_runtime.market.instrument import Instrument

    instruments = [Instrument(symbol, Decimal("0.01"), Decimal(1)) for symbol in _SYMBOLS]
    frames = {symbol: _prices(module) for symbol, module in _SYMBOLS.items()}
    write_bars(
        folder,
        frames,
        instruments,
        name="arch.data: S&P 500 and NASDAQ, daily, 1999 to 2018",
        calendar="XNYS",
        round_to_units=True,
        replace=True,
    )


def _prices(module: str) -> Any:
    """Return one table of prices; its volume is left out, which is in shares of all members."""
    import importlib

    try:
        frame = importlib.import_module(f"arch.data.{module}").load()
    except ImportError:
        raise InputError(
            "the package arch is not installed; `make run-sim` installs it, or: pip install arch"
        ) from None
    return frame[["Open", "High", "Low", "Close"]]


if __name__ == "__main__":
    main()
