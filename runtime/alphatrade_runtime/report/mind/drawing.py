"""Bands over time and shares over time, in the manner of the page's charts."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from alphatrade_runtime.report import figures
from alphatrade_runtime.report.axes import time_ticks
from alphatrade_runtime.report.curves import Floats, Ints
from alphatrade_runtime.report.markup import Html, el
from alphatrade_runtime.report.mind.stretches import Stretch, squeezed

_WIDTH, _HEIGHT = 1000.0, 100.0  # of a view box; the page stretches it
_RECTANGLES, _LEAST = 1_200, 40  # of a chart, and of one lane however many there are


class Mark(NamedTuple):
    """How a key is shown: its name, and the role that chooses its colour."""

    name: str
    role: str


def lanes_chart(
    title: str,
    lanes: Sequence[tuple[str, Sequence[Stretch]]],
    marks: Mapping[int, Mark],
    span: tuple[int, int],
    held: Mapping[int, float],
    note: str,
) -> Html:
    """Return a band a lane, coloured by what held. held: share of each key, for the legend."""
    rows = [el("span", name, cls="lane") for name, _ in lanes]
    most = max(_LEAST, _RECTANGLES // max(len(lanes), 1))
    bands = [_band(name, squeezed(lane, *span, most), marks, span) for name, lane in lanes]
    cells = [cell for pair in zip(rows, bands, strict=True) for cell in pair]
    return el(
        "figure",
        el("figcaption", title, _legend(marks, held)),
        el("div", cells, el("span"), _times(span), cls="lanes"),
        el("p", note, cls="note"),
        cls="chart",
    )


def shares_chart(
    title: str, edges: Ints, parts: Floats, keys: Sequence[int], marks: Mapping[int, Mark], note: str
) -> Html:
    """Return shares (keys, bins) of spans of time, one upon the other."""
    span = (int(edges[0]), int(edges[-1]))
    drawing = []
    for b in range(parts.shape[1]):
        left, right = (_x(int(edge), span) for edge in edges[b : b + 2])
        top = _HEIGHT
        for k, key in enumerate(keys):
            tall = float(parts[k, b]) * _HEIGHT
            top -= tall
            if tall > 0:
                drawing.append(_rect(left, right, top, tall, marks[key]))
    svg = el(
        "svg", drawing, viewBox=f"0 0 {_WIDTH:g} {_HEIGHT:g}", preserveAspectRatio="none", role="img", aria_label=title
    )
    labels = [
        el("span", f"{100 - top}%", cls="y", style=f"top:calc(var(--height)*{top / 100:g})") for top in (0, 50, 100)
    ]
    plot = el("div", labels, el("div", svg, cls="canvas"), _times(span), cls="plot", style="--height:140px")
    return el("figure", el("figcaption", title), plot, el("p", note, cls="note"), cls="chart")


def _band(name: str, lane: Sequence[Stretch], marks: Mapping[int, Mark], span: tuple[int, int]) -> Html:
    drawn = [_rect(_x(s.start_ns, span), _x(s.end_ns, span), 0.0, _HEIGHT, marks[s.key]) for s in lane]
    return el(
        "svg", drawn, viewBox=f"0 0 {_WIDTH:g} {_HEIGHT:g}", preserveAspectRatio="none", role="img", aria_label=name,
        cls="lane",
    )  # fmt: skip


def _rect(left: float, right: float, top: float, tall: float, mark: Mark) -> Html:
    return el(
        "rect", el("title", mark.name), x=f"{left:.1f}", width=f"{right - left:.1f}", y=f"{top:.1f}",
        height=f"{tall:.1f}", cls=f"band {mark.role}",
    )  # fmt: skip


def _x(ts_ns: int, span: tuple[int, int]) -> float:
    return (ts_ns - span[0]) / max(span[1] - span[0], 1) * _WIDTH


def _times(span: tuple[int, int]) -> Html:
    start, end = span[0], max(span[1], span[0] + 1)
    places = [
        el("span", text, style=f"left:{(ts - start) / (end - start) * 100:.2f}%") for ts, text in time_ticks(start, end)
    ]
    return el("div", places, cls="x")


def _legend(marks: Mapping[int, Mark], held: Mapping[int, float]) -> Html:
    keys = [el("span", f"{marks[key].name} {figures.percent(share)}", cls=f"key {marks[key].role}")
            for key, share in held.items()]  # fmt: skip
    return el("span", keys, cls="legend marks")
