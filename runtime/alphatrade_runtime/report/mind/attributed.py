"""How many orders are attributed, and what the others lack, with the kind of tape that they were made on."""

from alphatrade_runtime.reflection.diary.attribution import ATTRIBUTED, LACKS, Attribution, attribution
from alphatrade_runtime.report import figures
from alphatrade_runtime.report.markup import Html, el, join
from alphatrade_runtime.report.mind.streams import MindData
from alphatrade_runtime.report.run_data import RunData
from alphatrade_runtime.report.tables import table


def attribution_table(mind: MindData) -> Html:
    """Return a line for the attributed orders and one for each lack."""
    found = attribution(mind.run.folder)
    currency = mind.run.session.policy.currency
    rows = [_line(found, fate) for fate in (ATTRIBUTED, *LACKS) if fate == ATTRIBUTED or fate in found.orders]
    return join(
        [
            el("h3", "Attribution"),
            el("p", in_words(found, tape_kind(mind.run)), "."),
            table(["orders that left", "orders", "of orders", f"notional, {currency}", "of notional"], rows),
        ]
    )


def in_words(found: Attribution, kind: str) -> str:
    """Say both shares in one line. kind: of the tape."""
    if found.share is None or found.notional_share is None:
        return f"no order left ({kind})"
    shares = f"{figures.percent(found.share)} of orders and {figures.percent(found.notional_share)} of notional"
    return f"{shares} resolve to belief, probes and explanation ({kind}, n = {figures.count(found.total)})"


def tape_kind(run: RunData) -> str:
    """Name the kind of tape that a run read."""
    tape = run.part("tape")
    if "simulated" not in tape:
        return "tape of unknown kind"
    return f"{'simulated' if tape['simulated'] else 'recorded'} tape, {tape.get('source', 'of unknown source')}"


def _line(found: Attribution, fate: str) -> list[str]:
    orders, notional = found.orders.get(fate, 0), found.notional.get(fate, 0)
    whole = sum(found.notional.values())
    return [
        fate,
        figures.count(orders),
        figures.percent(orders / found.total) if found.total else "–",
        figures.money(notional),
        figures.percent(notional / whole) if whole else "–",
    ]
