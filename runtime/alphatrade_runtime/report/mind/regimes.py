"""Regimes as bands over time, with their shares."""

from collections.abc import Sequence

from alphatrade_runtime.perception.regime.labels import Regime, title
from alphatrade_runtime.reflection.routes import NOBODY
from alphatrade_runtime.report import figures
from alphatrade_runtime.report.markup import Html
from alphatrade_runtime.report.mind.drawing import Mark, lanes_chart
from alphatrade_runtime.report.mind.streams import MindData
from alphatrade_runtime.report.mind.stretches import Stretch, shares, stretches

MARKS = {int(label): Mark(title(int(label)), f"r{int(label)}") for label in Regime}


def regimes_figure(mind: MindData) -> Html | None:
    """Return a band an instrument; None when regimes were off."""
    if "regimes" not in mind.streams:
        return None
    seen = sorted(set(mind.instruments("regimes")) | set(mind.instruments("routes")))
    lanes = [(mind.run.symbols[i], timeline(mind, i)) for i in seen]
    held = shares([lane for _, lane in lanes])
    moves = len(mind.streams["regimes"]["event_ts_ns"])
    return lanes_chart(
        "Regimes, % of event time", lanes, MARKS, (mind.start_ns, mind.end_ns), held,
        f"{figures.count(moves)} confirmed transitions; a label holds until the next one.",
    )  # fmt: skip


def timeline(mind: MindData, instrument: int) -> Sequence[Stretch]:
    """Return which regime an instrument was in and when: from its transitions, else the one that never changed."""
    moves = mind.of("regimes", instrument)
    if len(moves["after"]):
        return stretches(
            moves["event_ts_ns"], moves["after"], mind.start_ns, mind.end_ns, first=int(moves["before"][0])
        )
    if "routes" not in mind.streams:
        return []
    known = [int(label) for label in mind.of("routes", instrument)["regime"] if label != NOBODY]
    return [Stretch(mind.start_ns, mind.end_ns, known[0])] if known and mind.end_ns > mind.start_ns else []
