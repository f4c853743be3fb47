"""The curves of the page: NAV, drawdown, exposure."""

import numpy as np

from alphatrade_runtime.report import figures
from alphatrade_runtime.report.axes import plain_labels
from alphatrade_runtime.report.curves import histogram, nav_curve
from alphatrade_runtime.report.markup import Html, el
from alphatrade_runtime.report.plot import Level, Series, Span, bar_chart, time_chart
from alphatrade_runtime.report.run_data import RunData
from alphatrade_runtime.report.statistics import drawdown
from alphatrade_runtime.report.tallies import GuardEvent
from alphatrade_runtime.report.trades import ClosedTrades

_QUANTA = 1e8


def money_charts(run: RunData, guards: list[GuardEvent]) -> Html:
    """Return NAV and drawdown over the same time; stretches without an armed kill switch are shaded."""
    ts, nav = nav_curve(run)
    spans = tripped_spans(guards, int(ts[-1]) if len(ts) else 0)
    currency = run.session.policy.currency
    limit = run.limits.max_drawdown_bps
    depths = drawdown(nav.astype(np.float64)) * 1e4
    levels = [] if limit is None else [Level(f"kill at −{limit:,} bps", -float(limit))]
    return el(
        "section",
        el("h2", "Money"),
        time_chart(
            f"NAV, {currency}",
            [Series("NAV", ts, nav / _QUANTA, "main", filled=True, base=run.initial_cash / _QUANTA)],
            spans=spans,
            height=260,
            note="Shading starts at the initial cash."
            + (" Red stretches: the kill switch was not ARMED." if spans else ""),
        ),
        time_chart(
            "Drawdown from the highest NAV before, bps",
            [Series("drawdown", ts, depths, "loss", filled=True, base=0.0)],
            levels=levels,
            spans=spans,
            height=140,
        ),
    )


def tripped_spans(guards: list[GuardEvent], end_ns: int) -> list[Span]:
    """Return the stretches of time in which the kill state was not ARMED."""
    spans: list[Span] = []
    since: int | None = None
    for event in guards:
        if event.kill_state != "ARMED" and since is None:
            since = event.ts_ns
        elif event.kill_state == "ARMED" and since is not None:
            spans.append(Span(since, event.ts_ns, "tripped"))
            since = None
    return spans if since is None else [*spans, Span(since, end_ns, "tripped")]


def exposure_chart(run: RunData) -> Html:
    """Return gross and net exposure as shares of NAV against their limits."""
    equity = run.streams["equity"]
    good = equity["nav"] > 0
    ts, nav = equity["ts_ns"][good], equity["nav"][good].astype(np.float64)
    limits = run.limits
    net_limit = limits.max_net_exposure_bps / 100
    net = equity["net"][good] / nav * 100
    levels = [
        Level(f"gross limit {limits.max_leverage_bps / 100:g}%", limits.max_leverage_bps / 100),
        Level(f"net limit ±{net_limit:g}%", net_limit, "limit2"),
    ]
    if len(net) and float(net.min()) < 0:
        levels.append(Level("", -net_limit, "limit2"))
    return el(
        "section",
        el("h2", "Exposure"),
        time_chart(
            "Worst case of positions and working orders, % of NAV",
            [
                Series("gross", ts, equity["gross"][good] / nav * 100, "main", filled=True, base=0.0, steps=True),
                Series("net", ts, net, "second", steps=True),
            ],
            levels=levels,
            labels=lambda values: plain_labels(values, "%"),
            note="One point a minute of event time (bar tapes: one a bar).",
        ),
    )


def trade_chart(run: RunData, trades: ClosedTrades) -> Html | None:
    """Return the distribution of closed trades' net result in bps of their entry value."""
    value = trades.entry_value
    known = value > 0
    if not known.any():
        return None
    net_bps = trades.net[known] / value[known] * 1e4
    edges, counts = histogram(net_bps)
    middle = figures.bps(float(np.median(net_bps)), sign=True)
    return bar_chart(
        "Net result of closed trades, bps of entry value", edges, counts, plain_labels,
        note=f"Median {middle}. The outermost bars hold what lies beyond the 1st and 99th percentile.",
    )  # fmt: skip
