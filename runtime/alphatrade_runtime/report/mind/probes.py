"""Probes: of the decisions on record, in how many each was available and fired."""

import numpy as np

from alphatrade_runtime.reflection.probes.state import DOCS, Probe
from alphatrade_runtime.report import figures
from alphatrade_runtime.report.markup import Html, el, join
from alphatrade_runtime.report.mind.streams import MindData
from alphatrade_runtime.report.run_data import Columns
from alphatrade_runtime.report.tables import table

_HEAD = ["probe", "unavailable without", "available", "fired", "fired when available", "mean score when available"]


def probes_table(mind: MindData) -> Html | None:
    """Return a line a probe; None when probes were off."""
    if "probes" not in mind.streams:
        return None
    columns = mind.streams["probes"]
    n = len(columns["available"])
    if n == 0:
        return el("p", "Probes were on, and no decision is on record.", cls="note")
    rows = [
        [probe.name.lower().replace("_", " "), DOCS[probe].unavailable, *_numbers(columns, probe)] for probe in Probe
    ]
    note = f"n = {figures.count(n)} decisions on record: those that sent, changed, or were denied something."
    return join([el("h3", "Probes"), table(_HEAD, rows, texts=2), el("p", note, cls="note")])


def _numbers(columns: Columns, probe: int) -> list[str]:
    known, fired = (columns[name][:, probe] != 0 for name in ("available", "fired"))
    scores = columns["score"][:, probe][known]
    return [
        figures.percent(float(known.mean())),
        figures.percent(float(fired.mean())),
        figures.percent(float(fired[known].mean())) if known.any() else "–",
        f"{float(np.mean(scores)):.3f}" if known.any() else "–",
    ]
