"""`make replay-capture`: import a recorded market whole, then trade it with the strategies of examples/capture."""

import argparse
import sys
from decimal import Decimal
from pathlib import Path

from alphatrade_runtime.cli import options
from alphatrade_runtime.cli.importing import print_import
from alphatrade_runtime.cli.main import guarded
from alphatrade_runtime.cli.screen import progress

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "capture"
STRATEGIES = ("capture-flow", "capture-quotes")


def main() -> None:
    """Import and replay; leave with 0, or 2 for bad input, or 3 for a breach."""
    parser = argparse.ArgumentParser(prog="make replay-capture", description=__doc__)
    parser.add_argument("capture", type=Path, help="a Binance USD-M capture of BTCUSDT, gzip or plain lines")
    parser.add_argument("--artifacts", type=Path, default=options.ARTIFACTS, help="folder under which runs are kept")
    parser.add_argument("--strategy", choices=STRATEGIES, help="one of the example's strategies; both when absent")
    given = parser.parse_args()
    wanted = (given.strategy,) if given.strategy else STRATEGIES
    sys.exit(guarded(lambda: replay_capture(given.capture, given.artifacts, wanted)))


def replay_capture(capture: Path, base: Path, strategies: tuple[str, ...] = STRATEGIES) -> int:
    """Import a capture and trade it; return the exit code."""
    from alphatrade_runtime.cli.run import trade
    from alphatrade_runtime.cli.session import read_plan

    folder = base / "tapes" / f"capture-{capture.name.partition('.')[0]}"
    _import(capture, folder)
    codes = []
    for name in strategies:
        print(f"\n== {name}", flush=True)
        codes.append(trade(read_plan(EXAMPLE, name, feed={"type": "tape", "path": str(folder)}, speed="Max"), base))
    return max(codes)


def _import(capture: Path, folder: Path) -> None:
    """Make the tape with the tick and lot size of the example, which a capture does not state."""
    from alphatrade_runtime.cli.session import read_plan
    from alphatrade_runtime.market.importers.options import ImportOptions
    from alphatrade_runtime.market.importers.registry import import_file
    from alphatrade_runtime.market.instrument import Instrument

    terms = read_plan(EXAMPLE, STRATEGIES[0]).document["policy"]["envelope"]["instruments"]
    instruments = tuple(
        Instrument(one["symbol"], Decimal(one["tick_size"]), Decimal(one["lot_size"]), Decimal(one["multiplier"]))
        for one in terms
    )
    print(f"== importing {capture}", flush=True)
    with progress("importing", "messages") as advance:
        wanted = ImportOptions(instruments=instruments, replace=True, progress=lambda done: advance(done, 0))
        manifest = import_file(capture, folder, wanted, "binance-usdm")
    print_import(manifest, folder)


if __name__ == "__main__":
    main()
