"""Drift: the level of each watched stream over time, the surprise that beliefs met, and every event."""

import numpy as np

from alphatrade_runtime.reflection.drift.detectors import ALERT, NONE, WARN, Detector
from alphatrade_runtime.reflection.drift.sentry import Stream
from alphatrade_runtime.report import figures
from alphatrade_runtime.report.markup import Child, Html, el, join
from alphatrade_runtime.report.mind.drawing import Mark, lanes_chart
from alphatrade_runtime.report.mind.streams import MindData
from alphatrade_runtime.report.mind.stretches import Stretch, shares, stretches
from alphatrade_runtime.report.plot import Series, Span, time_chart
from alphatrade_runtime.report.run_data import Columns
from alphatrade_runtime.report.tables import table
from alphatrade_runtime.report.tallies import name_of

MARKS = {NONE: Mark("none", "none"), WARN: Mark("warn", "l1"), ALERT: Mark("alert", "l2")}
_SHOWN = 50
_HEAD = [
    "time, UTC", "instrument", "stream", "detector", "level", "statistic", "threshold", "mean before", "mean after",
    "size × before", "size × after", "seq",
]  # fmt: skip


def drift_figures(mind: MindData) -> Html | None:
    """Return levels, surprise and events; None when drift was not watched."""
    if "drift" not in mind.streams:
        return None
    events = mind.streams["drift"]
    if len(events["seq"]) == 0:
        return join([el("p", "Drift was watched and no stream left its level.", cls="note"), _surprise(mind, [])])
    lanes = levels(mind)
    alerts = [Span(s.start_ns, s.end_ns, "alert") for _, lane in lanes for s in lane if s.key == ALERT]
    held = shares([lane for _, lane in lanes])
    span = (mind.start_ns, mind.end_ns)
    note = f"{_count(events, WARN)} warnings, {_count(events, ALERT)} alerts. Streams without an event are left out."
    return join(
        [
            lanes_chart("Drift, level of each stream", lanes, MARKS, span, held, note) if lanes else None,
            _surprise(mind, alerts),
            el("h3", "Drift events"),
            table(_HEAD, _rows(mind, events), texts=5),
            _earlier(len(events["seq"])),
        ]
    )


def levels(mind: MindData) -> list[tuple[str, list[Stretch]]]:
    """Return the level of each stream that told of anything, by instrument and stream."""
    lanes = []
    for i in mind.instruments("drift"):
        rows = mind.of("drift", i)
        for stream in sorted(set(rows["stream"].tolist()) - {int(Stream.ALL)}):
            ours = rows["stream"] == stream
            lane = stretches(rows["event_ts_ns"][ours], rows["level"][ours], mind.start_ns, mind.end_ns, first=NONE)
            lanes.append((f"{mind.run.symbols[i]} {_words(name_of(Stream, stream))}", lane))
    return lanes


def _count(events: Columns, level: int) -> str:
    return figures.count(int((events["level"] == level).sum()))


def _surprise(mind: MindData, alerts: list[Span]) -> Html | None:
    """Return the surprise of the beliefs on record; None without a belief."""
    beliefs = mind.streams.get("belief_snapshots")
    if beliefs is None:
        return None
    known = np.isfinite(beliefs["surprise"])
    note = "Half the mean square of the standardised features; about 0.5 where they are as they were."
    return time_chart(
        "Surprise of beliefs, all instruments",
        [Series("surprise", beliefs["event_ts_ns"][known], beliefs["surprise"][known], "main")],
        spans=alerts,
        height=140,
        note=note + (" Red stretches: a stream was in alert." if alerts else ""),
    )


def _rows(mind: MindData, events: Columns) -> list[list[Child]]:
    rows: list[list[Child]] = []
    for k in range(max(0, len(events["seq"]) - _SHOWN), len(events["seq"])):
        i, level = int(events["instrument"][k]), int(events["level"][k])
        numbers = [f"{float(events[name][k]):,.3f}" for name in ("statistic", "threshold", "mean_before", "mean_after")]
        sizes = [f"{float(events[name][k]):.2f}" for name in ("size_before", "size_after")]
        rows.append([
            figures.moment(int(events["event_ts_ns"][k])), mind.run.symbols[i] if i < len(mind.run.symbols) else i,
            _words(name_of(Stream, int(events["stream"][k]))), _words(name_of(Detector, int(events["detector"][k]))),
            el("span", MARKS[level].name if level in MARKS else level, cls="state bad" if level == ALERT else "state"),
            *numbers, *sizes, figures.count(int(events["seq"][k])),
        ])  # fmt: skip
    return rows


def _earlier(events: int) -> Html | None:
    left = events - _SHOWN
    text = f"{figures.count(left)} earlier ones: alphatrade diary sql RUN “SELECT * FROM drift”"
    return el("p", text, cls="note") if left > 0 else None


def _words(name: str) -> str:
    return name.replace("_", " ").lower()
