"""The top of the page: what ran, whether it held, and what it came to in six numbers."""

from collections.abc import Mapping
from typing import Any

from alphatrade_runtime.report import figures
from alphatrade_runtime.report.markup import Html, el, join
from alphatrade_runtime.report.run_data import RunData
from alphatrade_runtime.report.statistics import ENOUGH, Sharpe, Statistics
from alphatrade_runtime.report.tallies import Costs

_SHOWN_VIOLATIONS = 20
_SAME = "Two runs of the same tape, policy, envelope and code print the same digests. To check the records: "
_CLEAN = (
    " The post-trade auditor recomputed cash, fees, positions, NAV and the life of every order from the records "
    "and agreed with all of them."
)


def header(run: RunData, stats: Statistics) -> Html:
    """Return title, what kind of run it is, and its time span."""
    policy = run.session.policy
    span = "no rows"
    if stats.span_ns:
        first, last = figures.moment(stats.first_ns), figures.moment(stats.first_ns + stats.span_ns)
        span = f"{first} – {last} UTC, {figures.duration(stats.span_ns)} of event time"
    symbols = run.symbols if len(run.symbols) <= 6 else [*run.symbols[:5], f"{len(run.symbols) - 5} more"]
    return el(
        "header",
        el("p", _badges(run), cls="badges"),
        el("h1", policy.strategy_id),
        el("p", " · ".join(symbols), cls="lead"),
        el("p", span, cls="lead"),
    )


def _badges(run: RunData) -> list[Html]:
    policy = run.session.policy
    kill = str(run.part("kill").get("state", "UNKNOWN"))
    badges = [
        el("span", "Simulated" if simulated(run) else "Not simulated", cls="badge sim"),
        el("span", policy.mode, cls="badge"),
        el("span", policy.stage, cls="badge"),
        el("span", f"risk: {policy.risk_template}", cls="badge"),
        el("span", f"kill switch {kill}", cls="badge" if kill == "ARMED" else "badge bad"),
    ]
    return badges


def simulated(run: RunData) -> bool:
    """True unless the run says that real orders went to a real venue: then market and fills were both real."""
    return run.session.policy.mode in ("Sim", "Paper", "LiveShadow")


def verdict(run: RunData) -> Html:
    """Return the auditor's result: violations first of all things, or that there are none."""
    violations = run.lines("violations")
    faults = {name: int(run.part("counts").get(name, 0)) for name in ("plugin_faults", "breaks")}
    lines = violations[:_SHOWN_VIOLATIONS]
    lines += [f"{n} {name.replace('_', ' ')}: see the diary" for name, n in faults.items() if n]
    if "violations" not in run.facts:
        return el("section", el("h2", "Not audited"), "run.json holds no result of the auditor.", cls="verdict warn")
    if not lines:
        return el("p", el("b", "0 violations."), _CLEAN, cls="verdict good")
    more = len(violations) - _SHOWN_VIOLATIONS
    return el(
        "section",
        el("h2", f"{figures.count(len(violations))} violations" if violations else "Breaches"),
        el("ul", [el("li", line) for line in lines]),
        el("p", f"and {more} more in run.json") if more > 0 else None,
        cls="verdict bad",
    )


def notes(run: RunData) -> Html | None:
    """Return what a reader must know before believing the numbers."""
    lines = run.lines("notes")
    limits = run.limits
    off = [name for name in ("day_drawdown_bps", "max_drawdown_bps") if getattr(limits, name) is None]
    if off and not any("drawdown" in line for line in lines):
        lines.append("drawdown limits are off")
    if run.session.funding_model == "none":
        lines.append("funding is not modelled (funding_model: none)")
    if not lines:
        return None
    return el("aside", el("h2", "Read this with"), el("ul", [el("li", line) for line in lines]), cls="notes")


def tiles(run: RunData, stats: Statistics, costs: Costs) -> Html:
    """Return the six numbers."""
    currency = run.session.policy.currency
    total = costs.maker_fees + costs.taker_fees - costs.rebates + costs.funding
    result = f"{currency} · {figures.bps(stats.return_bps, sign=True)} on {figures.money(stats.initial)}"
    return el(
        "section",
        _tile("Net P&L", figures.money(stats.pnl, sign=True), result, stats.pnl),
        _tile("Deepest drawdown", figures.bps(stats.max_drawdown_bps), _drawdown_note(stats)),
        _tile("Closed trades", figures.count(stats.hits.n), _hits(stats)),
        _tile("Sharpe ratio", *_sharpe(stats.sharpe)),
        _tile("Turnover", f"{stats.turnover_x:,.1f} ×", f"of {figures.money(stats.initial)} initial cash"),
        _tile("Fees and funding", figures.money(total), f"{currency} · {_per_turnover(total, costs.turnover)}"),
        cls="tiles",
    )  # fmt: skip


def _tile(label: str, value: str, note: str, signed: float = 0) -> Html:
    tone = "gain" if signed > 0 else "loss" if signed < 0 else None
    return el(
        "div", el("h3", label), el("p", value, cls=f"value {tone}" if tone else "value"), el("p", note), cls="tile"
    )


def _drawdown_note(stats: Statistics) -> str:
    if stats.max_drawdown_bps <= 0:
        return "NAV never fell below an earlier high"
    return f"{figures.moment(stats.drawdown_from_ns)} to {figures.moment(stats.drawdown_to_ns)}"


def _hits(stats: Statistics) -> str:
    hits = stats.hits
    if hits.value is None:
        return "no position was opened and closed"
    text = f"{figures.percent(hits.value)} made money after fees"
    if hits.n < ENOUGH:
        return f"{text}; n = {hits.n} is too small to say more"
    return f"{text} (95% interval {figures.percent(hits.low)} to {figures.percent(hits.high)})"


def _sharpe(s: Sharpe) -> tuple[str, str]:
    clock = f"{s.clock}ly returns" if s.clock == "minute" else "daily returns"
    if s.ratio is None or s.error is None:
        return "–", f"n = {s.n} {clock}: too few, or all equal"
    if s.n < ENOUGH:
        return "–", f"n = {s.n} {clock}: too small to tell it from noise"
    if s.annual is not None and s.annual_error is not None:
        return _minus(f"{s.annual:.2f} ± {s.annual_error:.2f}"), f"a year, from n = {figures.count(s.n)} {clock}"
    return _minus(f"{s.ratio:.3f} ± {s.error:.3f}"), f"per {s.clock}, n = {figures.count(s.n)}; too short to annualise"


def _per_turnover(total: int, turnover: int) -> str:
    return f"{figures.bps(total / turnover * 1e4)} of turnover" if turnover else "nothing was traded"


def _minus(text: str) -> str:
    return text.replace("-", "−")


def provenance(run: RunData) -> Html:
    """Return what it takes to check this run or to run it again."""
    facts: Mapping[str, Any] = run.facts
    tape, digests = run.part("tape"), run.part("digests")
    rows = [
        ("Run", facts.get("run_id")),
        ("Speed", facts.get("speed")),
        ("Tape", tape.get("path")),
        ("Tape digest", tape.get("digest")),
        *[(f"Digest: {name}", digests.get(name)) for name in ("diary", "fills", "pnl")],
        *[
            (name.replace("_", " ").capitalize(), facts.get(name))
            for name in ("policy_hash", "envelope_hash", "code_hash")
        ],
        ("Signals", ", ".join(f"{g.name}: {g.signal.ref}" for g in run.session.policy.genotype.policies)),
        ("Plug-ins", ", ".join(str(p.digest or "not pinned") for p in run.session.policy.plugins) or "none"),
        ("Exchange", _exchange(run)),
    ]
    return el(
        "section",
        el("h2", "Provenance"),
        el("dl", [_fact(name, value) for name, value in rows], cls="facts"),
        el("p", _SAME, el("code", "alphatrade diary verify RUN"), "; to compare two runs: ",
           el("code", "alphatrade compare A B"), "."),
    )  # fmt: skip


def _fact(name: str, value: Any) -> Html:
    return join([el("dt", name), el("dd", "unknown" if value is None else value)])


def _exchange(run: RunData) -> str:
    x = run.session.exchange
    fills = "partial fills" if x.partial_fills else "no partial fills"
    inward, outward = figures.duration(x.entry_latency_ns), figures.duration(x.response_latency_ns)
    return f"simulated, {x.queue_model} queue, {fills}, latency {inward} in and {outward} out"
