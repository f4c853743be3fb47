"""The tables of the page."""

from collections.abc import Sequence

import numpy as np

from alphatrade_runtime.execution.topology import Topology
from alphatrade_runtime.report import figures
from alphatrade_runtime.report.markup import Child, Html, el
from alphatrade_runtime.report.run_data import RunData
from alphatrade_runtime.report.tallies import Costs, GuardEvent, InstrumentTally, TopologyTally, name_of
from alphatrade_runtime.report.trades import ClosedTrades

_ENDS = 8  # trades shown at either end
_GUARDS = 100


def table(head: Sequence[str], rows: Sequence[Sequence[Child]], texts: int = 1) -> Html:
    """Return a table that scrolls sideways by itself; the first `texts` columns are text, the rest numbers."""
    kinds = [None if k < texts else "num" for k in range(len(head))]
    body = [el("tr", [el("td", cell, cls=kind) for cell, kind in zip(row, kinds, strict=True)]) for row in rows]
    top = el("tr", [el("th", name, cls=kind, scope="col") for name, kind in zip(head, kinds, strict=True)])
    return el("div", el("table", el("thead", top), el("tbody", body)), cls="scroll", tabindex="0")


def bars(title: str, rows: Sequence[tuple[str, int]], role: str, empty: str) -> Html:
    """Return a bar a name, longest first."""
    if not rows:
        return el("figure", el("figcaption", title), el("p", empty, cls="empty"), cls="bars")
    top = max(n for _, n in rows)
    lines = [
        el("li", el("span", name, cls="name"), _track([(role, n)], top), el("span", figures.count(n), cls="n"))
        for name, n in rows
    ]
    return el("figure", el("figcaption", title), el("ul", lines), cls="bars")


def law_section(denied: list[tuple[str, int]], near: list[tuple[str, int]], near_bps: int) -> Html:
    """Return denials by code and near-misses by code."""
    return el(
        "section",
        el("h2", "The law"),
        el(
            "div",
            bars("Denials by code", denied, "deny", "nothing was denied"),
            bars(f"Near-misses by code (sent at {near_bps / 100:g}% of a limit or more)", near, "near", "none"),
            cls="pair",
        ),
    )


def topology_section(lines: Sequence[TopologyTally]) -> Html:
    """Return orders by topology with how they ended."""
    rows = [
        [
            t.name.lower(), _fates(t), figures.count(t.sent), figures.count(t.filled), figures.count(t.canceled),
            figures.count(t.expired), figures.count(t.rejected), figures.count(t.denied), figures.count(t.fills),
            figures.money(t.turnover),
        ]
        for t in lines
    ]  # fmt: skip
    head = [
        "topology",
        "how they ended",
        "sent",
        "filled",
        "canceled",
        "expired",
        "rejected",
        "denied",
        "fills",
        "turnover",
    ]
    legend = el("p", [el("span", name, cls=f"key {name}") for name in ("filled", "canceled", "expired", "rejected")],
                cls="legend")  # fmt: skip
    return el("section", el("h2", "Orders by topology"), table(head, rows, texts=2), legend)


def _fates(t: TopologyTally) -> Html:
    parts = [("filled", t.filled), ("canceled", t.canceled), ("expired", t.expired), ("rejected", t.rejected)]
    return _track(parts, max(t.sent, 1), "track wide")


def _track(parts: Sequence[tuple[str, int]], whole: int, cls: str = "track") -> Html:
    return el("span", [el("i", style=f"width:{n / whole * 100:.2f}%", cls=name) for name, n in parts if n], cls=cls)


def cost_section(run: RunData, costs: Costs) -> Html:
    """Return what trading cost, in money and in bps of turnover."""
    lines = [
        ("taker fees", costs.taker_fees, False),
        ("maker fees", costs.maker_fees, False),
        ("rebates", -costs.rebates, False),
        ("funding", costs.funding, False),
        ("fees and funding", costs.taker_fees + costs.maker_fees - costs.rebates + costs.funding, True),
        ("fills against the mid when their order left", costs.slippage, False),
    ]
    rows = [
        [el("b", name) if total else name, figures.money(value, sign=True), _bps_of(value, costs.turnover)]
        for name, value, total in lines
    ]
    maker = costs.maker_turnover / costs.turnover if costs.turnover else 0.0
    return el(
        "section",
        el("h2", "Costs"),
        table(["cost (+) or gain (−)", run.session.policy.currency, "of turnover"], rows),
        el("p", f"Turnover {figures.money(costs.turnover)}, of it {figures.percent(maker)} as maker. The last line is "
           "already part of the P&L through the fill prices: it is the spread, the impact and the wait.", cls="note"),
    )  # fmt: skip


def instrument_section(lines: Sequence[InstrumentTally]) -> Html:
    """Return a line an instrument."""
    rows = [
        [
            t.symbol, _toned(t.net), figures.money(t.fees), figures.money(t.slippage),
            figures.money(t.turnover), figures.count(t.orders), figures.count(t.denied), figures.count(t.fills),
            figures.count(t.closed), figures.percent(t.won / t.closed) if t.closed else "–", figures.count(t.position),
        ]
        for t in lines
    ]  # fmt: skip
    head = ["instrument", "net P&L", "fees", "slippage", "turnover", "orders", "denied", "fills", "closed", "won",
            "position, lots"]  # fmt: skip
    return el("section", el("h2", "Instruments"), table(head, rows))


def trade_section(run: RunData, trades: ClosedTrades, still_open: int, chart: Html | None) -> Html:
    """Return the distribution and the best and worst closed trades."""
    if not len(trades):
        return el("section", el("h2", "Closed trades"), el("p", "No position was opened and closed.", cls="empty"))
    order = np.argsort(trades.net, kind="stable")
    worst, best = order[:_ENDS], order[::-1][:_ENDS]
    parts = [chart]
    if len(trades) <= 2 * _ENDS:
        parts.append(_trade_table(run, trades, np.arange(len(trades))))
    else:
        parts += [
            el("h3", "Best"),
            _trade_table(run, trades, best),
            el("h3", "Worst"),
            _trade_table(run, trades, worst),
        ]
    tail = f" {still_open} position{'s' if still_open != 1 else ''} still open at the end." if still_open else ""
    note = f"All {figures.count(len(trades))} are in exports/trades.csv and exports/trades.parquet.{tail}"
    return el("section", el("h2", "Closed trades"), parts, el("p", note, cls="note"))


def _trade_table(run: RunData, trades: ClosedTrades, at: np.ndarray) -> Html:
    head = ["instrument", "side", "topology", "net", "bps", "fees", "lots", "fills", "held", "opened, UTC"]
    rows = [
        [
            run.symbols[int(trades.instrument[k])], "long" if trades.side[k] > 0 else "short",
            name_of(Topology, int(trades.topology[k])).lower(), _toned(int(trades.net[k])),
            _bps_of(int(trades.net[k]), int(trades.entry_value[k]), unit=False), figures.money(int(trades.fees[k])),
            figures.count(int(trades.lots[k])), figures.count(int(trades.fills[k])),
            figures.duration(int(trades.closed_ns[k] - trades.opened_ns[k])), figures.moment(int(trades.opened_ns[k])),
        ]
        for k in at
    ]  # fmt: skip
    return table(head, rows, texts=3)


def guard_section(guards: list[GuardEvent]) -> Html | None:
    """Return the timeline of the kill switch and the guards."""
    if not guards:
        return None
    rows = [
        [el("span", figures.moment(g.ts_ns), cls="nowrap"), _words(g.what), _state(g.kill_state),
         figures.count(g.seq), figures.money(g.nav)]
        for g in guards[-_GUARDS:]
    ]  # fmt: skip
    more = len(guards) - len(rows)
    return el(
        "section",
        el("h2", "Kill switch and guards"),
        table(["time, UTC", "what moved", "kill state after", "seq", "NAV"], rows, texts=3),
        el("p", f"{more} earlier ones: alphatrade diary show", cls="note") if more > 0 else None,
    )


def _state(name: str) -> Html:
    return el("span", name, cls="state" if name == "ARMED" else "state bad")


def _words(name: str) -> str:
    return name.replace("_", " ").lower()


def _toned(quanta: int) -> Html:
    return el("span", figures.money(quanta, sign=True), cls="gain" if quanta > 0 else "loss" if quanta < 0 else None)


def _bps_of(part: int, whole: int, unit: bool = True) -> str:
    if whole <= 0:
        return "–"
    text = figures.signed(part / whole * 1e4, "{:,.2f}" if unit else "{:,.1f}")
    return f"{text} bps" if unit else text
