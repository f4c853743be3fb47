"""Put a run's page together: one file, nothing fetched."""

from importlib.resources import files

import numpy as np

from alphatrade_runtime.reflection.diary.attribution import minded
from alphatrade_runtime.report import charts, head, tables
from alphatrade_runtime.report.latency import latency_section
from alphatrade_runtime.report.markup import Html, el, join
from alphatrade_runtime.report.run_data import RunData
from alphatrade_runtime.report.statistics import statistics
from alphatrade_runtime.report.tallies import (
    by_instrument,
    by_topology,
    costs,
    denials,
    fill_slippage,
    guard_events,
    near_misses,
)
from alphatrade_runtime.report.trades import ClosedTrades, closed_trades, open_trades


def page(run: RunData) -> str:
    """Return the whole HTML page of a run."""
    slippage = fill_slippage(run)
    trades = closed_trades(run.streams["fills"], slippage, run.mults)
    body = el("main", _sections(run, trades, slippage))
    name = run.session.policy.strategy_id
    top = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        el("title", f"{name} · {run.facts['run_id']}"),
        el("style", _style(run)),
    )
    script = el("script", _asset("report.js"))
    return "<!doctype html>\n" + el("html", top, el("body", body, script), lang="en") + "\n"


def _sections(run: RunData, trades: ClosedTrades, slippage: np.ndarray) -> Html:
    stats, spent, guards = statistics(run, trades), costs(run, slippage), guard_events(run)
    n = len(run.symbols)
    closed = np.bincount(trades.instrument, minlength=n)
    won = np.bincount(trades.instrument[trades.net > 0], minlength=n)
    still_open = open_trades(run.streams["fills"], n)
    return join(
        [
            head.header(run, stats),
            head.verdict(run),
            head.notes(run),
            head.tiles(run, stats, spent),
            charts.money_charts(run, guards),
            charts.exposure_chart(run),
            tables.law_section(denials(run), near_misses(run), run.limits.near_miss_bps),
            tables.topology_section(by_topology(run)),
            tables.cost_section(run, spent),
            tables.instrument_section(by_instrument(run, slippage, closed, won)),
            tables.trade_section(run, trades, still_open, charts.trade_chart(run, trades)),
            tables.guard_section(guards),
            _understanding(run),
            latency_section(run.telemetry, simulated_time=run.simulated_time),
            head.provenance(run),
        ]
    )


def _understanding(run: RunData) -> Html | None:
    """Return the section of a run with an understanding loop; nothing of it is loaded for another."""
    if not minded(run.folder):
        return None
    from alphatrade_runtime.report.mind.section import mind_section

    return mind_section(run)


def _style(run: RunData) -> Html:
    if not minded(run.folder):
        return _asset("report.css")
    from alphatrade_runtime.report.mind.section import mind_style

    return Html(_asset("report.css") + mind_style())


def _asset(name: str) -> Html:
    return Html((files("alphatrade_runtime.report") / name).read_text(encoding="utf-8"))
