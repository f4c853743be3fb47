"""Which policies traded: shares over time, and a band an instrument."""

import numpy as np

from alphatrade_runtime.reflection.routes import NOBODY
from alphatrade_runtime.report.markup import Html, join
from alphatrade_runtime.report.mind.drawing import Mark, lanes_chart, shares_chart
from alphatrade_runtime.report.mind.streams import MindData
from alphatrade_runtime.report.mind.stretches import Stretch, binned, edges_of, shares, stretches

_BINS = 60
_COLOURS = 8
_NOTE = "Of event time. Who traded is on record whenever something was done, and holds until the next record."


def router_figures(mind: MindData) -> Html | None:
    """Return both figures; None when there was one policy only, or no time passed."""
    genes = mind.run.session.policy.genotype.policies
    lanes = [(mind.run.symbols[i], chosen(mind, i)) for i in mind.instruments("routes")]
    held = shares([lane for _, lane in lanes])
    if len(genes) < 2 or not held:
        return None
    marks = {j: Mark(gene.name, f"p{j % _COLOURS}") for j, gene in enumerate(genes)}
    marks[NOBODY] = Mark("nobody", "none")
    edges = edges_of(mind.start_ns, mind.end_ns, _BINS)
    keys = list(held)
    how = "by attention" if mind.run.session.policy.envelope.flags.linear_attention else "by regime and weight"
    return join(
        [
            lanes_chart(f"Who trades, chosen {how}", lanes, marks, (mind.start_ns, mind.end_ns), held, _NOTE),
            shares_chart(
                "Share of each policy over time, all instruments", edges,
                binned([lane for _, lane in lanes], edges, keys), keys, marks, "Colours as above.",
            ),
        ]
    )  # fmt: skip


def chosen(mind: MindData, instrument: int) -> list[Stretch]:
    """Return who traded an instrument and when."""
    rows = mind.of("routes", instrument)
    return stretches(rows["event_ts_ns"], np.asarray(rows["chosen"]), mind.start_ns, mind.end_ns)
