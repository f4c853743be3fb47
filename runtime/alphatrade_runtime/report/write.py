"""Write a run's report: the page and the exports."""

import os
from pathlib import Path

from alphatrade_runtime.market.faults import disk_errors
from alphatrade_runtime.report.exports import write_exports
from alphatrade_runtime.report.page import page
from alphatrade_runtime.report.run_data import read_run_data
from alphatrade_runtime.report.tallies import fill_slippage
from alphatrade_runtime.report.trades import closed_trades


def write_report(run_folder: Path) -> Path:
    """Write report.html and exports/ into a run's folder; return the page's path.

    Raises InputError naming what cannot be read or written; files that were there stay as they were.
    """
    run = read_run_data(run_folder)
    text = page(run)
    write_exports(run, closed_trades(run.streams["fills"], fill_slippage(run), run.mults))
    path = run_folder / "report.html"
    partial = path.with_name(f"{path.name}.partial-{os.getpid()}")
    with disk_errors(path):
        try:
            partial.write_text(text, encoding="utf-8")
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)
    return path
