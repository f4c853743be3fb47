"""What a run prints: one table, the three digests, where the report lies."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alphatrade_runtime.cli.screen import pairs
from alphatrade_runtime.reflection.diary.attribution import attribution, minded
from alphatrade_runtime.report.run_data import RunData, read_run_data
from alphatrade_runtime.report.statistics import max_drawdown
from alphatrade_runtime.report.tallies import by_topology

_SHOWN_VIOLATIONS = 5


def print_summary(folder: Path) -> None:
    """Print a finished run's table, digests and report path."""
    run = read_run_data(folder)
    pairs(rows(run))
    for violation in run.lines("violations")[:_SHOWN_VIOLATIONS]:
        print(f"violation: {violation}")
    for name, digest in run.part("digests").items():
        print(f"{name} {digest}")
    print(f"report {folder / 'report.html'}")


def rows(run: RunData) -> list[tuple[str, str]]:
    """Return the table of a run, label and value."""
    speed = run.facts["speed"]
    clock = f"wall clock, {speed}" if speed == "Realtime" else speed
    counts, money, kill = run.part("counts"), run.part("money"), run.part("kill")
    currency = money["currency"]
    table = [
        ("strategy", f"{run.facts['strategy_id']} ({run.facts['mode']}, {clock})"),
        ("market", market(run.part("tape"))),
        ("events", f"{counts['events']:,} in {counts['steps']:,} steps"),
        ("decisions", f"{counts['decisions']:,}"),
        ("orders", f"{sum(orders(run).values()):,}{by_name(orders(run))}"),
        ("fills", f"{counts['fills']:,}"),
        ("denials", f"{sum(counts['denials'].values()):,}{by_name(counts['denials'])}"),
        ("near misses", f"{counts['near_misses']:,}"),
        ("net PnL", f"{signed(money['net_pnl'])} {currency}"),
        ("fees", f"{plain(money['fees'])} {currency}"),
        ("max drawdown", f"{max_drawdown_of(run):.2%}"),
        ("kill state", kill["state"]),
        ("violations", f"{len(run.lines('violations')):,}"),
    ]
    table += [(name.replace("_", " "), f"{counts[name]:,}") for name in ("plugin_faults", "breaks") if counts[name]]
    return table + understood(run) + [("note", note) for note in run.lines("notes")]


def understood(run: RunData) -> list[tuple[str, str]]:
    """Return how many orders are attributed; nothing for a run without an understanding loop."""
    if not minded(run.folder):
        return []
    from alphatrade_runtime.report.mind.attributed import in_words, tape_kind

    return [("attribution", in_words(attribution(run.folder), tape_kind(run)))]


def market(tape: Mapping[str, Any]) -> str:
    """Say which data a run read."""
    return f"{tape['source']} ({'simulated' if tape['simulated'] else 'recorded'})"


def orders(run: RunData) -> dict[str, int]:
    """Return the orders that left, by topology."""
    return {tally.name.lower(): tally.sent for tally in by_topology(run)}


def by_name(counts: Mapping[str, int]) -> str:
    """Write counts by name behind a total, most first."""
    parts = [f"{name} {n:,}" for name, n in sorted(counts.items(), key=lambda item: (-item[1], item[0])) if n]
    return f": {', '.join(parts)}" if parts else ""


def plain(money: str) -> str:
    """Round decimal text to cents."""
    return f"{float(money):,.2f}"


def signed(money: str) -> str:
    """Round decimal text to cents, with its sign."""
    return f"{float(money):+,.2f}"


def max_drawdown_of(run: RunData) -> float:
    """Return the deepest fall of NAV below its highest value before, as a share."""
    nav = run.streams["equity"]["nav"]
    return abs(max_drawdown(nav.astype("f8"))[0]) if len(nav) else 0.0
