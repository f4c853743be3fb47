"""Charts as inline SVG that stretches with the page, with axis labels in HTML so that they stay readable."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from alphatrade_runtime.report.axes import Labels, plain_labels, ticks, time_ticks
from alphatrade_runtime.report.curves import Floats, Ints, thin
from alphatrade_runtime.report.figures import moment
from alphatrade_runtime.report.markup import Html, el, join

_WIDTH, _HEIGHT = 1000.0, 100.0  # of the view box; the page stretches it


@dataclass(frozen=True)
class Series:
    """A curve over time. `role` chooses its colour; filled: the area to `base` is shaded."""

    name: str
    ts: Ints
    values: Floats
    role: str = "main"
    filled: bool = False
    steps: bool = False
    base: float | None = None


@dataclass(frozen=True)
class Level:
    """A horizontal line with a name, such as a limit."""

    name: str
    value: float
    role: str = "limit"


@dataclass(frozen=True)
class Span:
    """A stretch of time that is shaded, such as a tripped kill switch."""

    start_ns: int
    end_ns: int
    name: str


@dataclass(frozen=True)
class Frame:
    """How data lie in the view box."""

    t0: int
    t1: int
    low: float
    high: float

    def x(self, ts: Ints) -> Floats:
        """Return the places of times."""
        return np.asarray((ts - self.t0) / max(self.t1 - self.t0, 1) * _WIDTH)

    def y(self, values: Floats) -> Floats:
        """Return the places of values, from the top."""
        return np.asarray((self.high - values) / (self.high - self.low) * _HEIGHT)


def time_chart(
    title: str,
    series: Sequence[Series],
    *,
    levels: Sequence[Level] = (),
    spans: Sequence[Span] = (),
    labels: Labels = plain_labels,
    note: str = "",
    height: int = 220,
) -> Html:
    """Return a chart of curves over event time (UTC)."""
    shown = [_thinned(s) for s in series if len(s.ts)]
    if not shown:
        return el("figure", el("figcaption", title), el("p", "no rows to draw", cls="empty"), cls="chart")
    frame = _frame(shown, levels)
    marks = ticks(frame.low, frame.high, max(3, height // 50))
    drawing = join(
        [*[_shade(span, frame) for span in spans], *[_grid(value, frame) for value in marks],
         *[_level(level, frame) for level in levels], *[_curve(s, frame) for s in shown]]
    )  # fmt: skip
    svg = el(
        "svg", drawing, viewBox=f"0 0 {_WIDTH:g} {_HEIGHT:g}", preserveAspectRatio="none", role="img",
        aria_label=f"{title}, {moment(frame.t0)} to {moment(frame.t1)} UTC",
    )  # fmt: skip
    plot = el(
        "div",
        [_y_label(text, value, frame) for value, text in zip(marks, labels(marks), strict=True)],
        el("div", svg, el("div", cls="cursor"), cls="canvas", data_curves=_data(shown, frame)),
        el("div", [_x_label(ts, text, frame) for ts, text in time_ticks(frame.t0, frame.t1)], cls="x"),
        cls="plot",
        style=f"--height:{height}px",
    )
    return el("figure", el("figcaption", title, _legend(shown, levels)), plot, _note(note), cls="chart")


def bar_chart(title: str, edges: Floats, counts: Ints, labels: Labels, note: str = "") -> Html:
    """Return a histogram whose bars below and above 0 have their own colours."""
    if counts.sum() == 0:
        return el("figure", el("figcaption", title), el("p", "nothing to count", cls="empty"), cls="chart")
    top = float(counts.max())
    low, high = float(edges[0]), float(edges[-1])
    bars = []
    for left, right, n in zip(edges[:-1].tolist(), edges[1:].tolist(), counts.tolist(), strict=True):
        x, width = (left - low) / (high - low) * _WIDTH, (right - left) / (high - low) * _WIDTH
        tall = n / top * _HEIGHT
        role = "gain" if left + right > 0 else "loss"
        bars.append(
            el("rect", x=f"{x + width * 0.06:.1f}", y=f"{_HEIGHT - tall:.2f}", width=f"{width * 0.88:.1f}",
               height=f"{tall:.2f}", cls=role)
        )  # fmt: skip
    marks = ticks(low, high)
    places = [
        el("span", text, style=f"left:{(value - low) / (high - low) * 100:.2f}%")
        for value, text in zip(marks, labels(marks), strict=True)
    ]
    svg = el(
        "svg", bars, viewBox=f"0 0 {_WIDTH:g} {_HEIGHT:g}", preserveAspectRatio="none", role="img", aria_label=title
    )
    plot = el("div", el("div", svg, cls="canvas"), el("div", places, cls="x"), cls="plot bare", style="--height:150px")
    return el("figure", el("figcaption", title), plot, _note(note), cls="chart")


def _thinned(s: Series) -> Series:
    ts, values = thin(s.ts, s.values)
    return Series(s.name, ts, values, s.role, s.filled, s.steps, s.base)


def _frame(shown: Sequence[Series], levels: Sequence[Level]) -> Frame:
    lows = [float(s.values.min()) for s in shown] + [s.base for s in shown if s.base is not None]
    highs = [float(s.values.max()) for s in shown] + [s.base for s in shown if s.base is not None]
    low, high = min(lows), max(highs)
    for level in levels:  # a limit far off would flatten the curve: it is named in the legend all the same
        if low - 4 * (high - low) <= level.value <= high + 4 * (high - low) or high == low:
            low, high = min(low, level.value), max(high, level.value)
    margin = (high - low) * 0.06 or max(abs(high) * 0.001, 1.0)
    bases = {s.base for s in shown}
    t0, t1 = min(int(s.ts[0]) for s in shown), max(int(s.ts[-1]) for s in shown)
    low_edge = low if low in bases and high > low else low - margin
    high_edge = high if high in bases and high > low else high + margin
    return Frame(t0, max(t1, t0 + 1), low_edge, high_edge)


def _curve(s: Series, frame: Frame) -> Html:
    x, y = frame.x(s.ts), frame.y(s.values)
    if s.steps:
        x, y = np.repeat(x, 2)[1:], np.repeat(y, 2)[:-1]
    points = [f"{a:.1f} {b:.2f}" for a, b in zip(x.tolist(), y.tolist(), strict=True)]
    line = el("path", d="M" + "L".join(points), cls=f"line {s.role}")
    if not s.filled or s.base is None:
        return line
    floor = float(frame.y(np.array([s.base]))[0])
    area = f"M{x[0]:.1f} {floor:.2f}L" + "L".join(points) + f"L{x[-1]:.1f} {floor:.2f}Z"
    return join([el("path", d=area, cls=f"area {s.role}"), line])


def _grid(value: float, frame: Frame) -> Html:
    y = float(frame.y(np.array([value]))[0])
    return el("line", x1="0", x2=f"{_WIDTH:g}", y1=f"{y:.2f}", y2=f"{y:.2f}", cls="grid")


def _level(level: Level, frame: Frame) -> Html | None:
    if not frame.low <= level.value <= frame.high:
        return None
    y = float(frame.y(np.array([level.value]))[0])
    return el("line", x1="0", x2=f"{_WIDTH:g}", y1=f"{y:.2f}", y2=f"{y:.2f}", cls=f"level {level.role}")


def _shade(span: Span, frame: Frame) -> Html:
    left, right = frame.x(np.array([max(span.start_ns, frame.t0), min(span.end_ns, frame.t1)])).tolist()
    return el("rect", x=f"{left:.1f}", width=f"{max(right - left, 1.5):.1f}", y="0", height=f"{_HEIGHT:g}", cls="span")


def _y_label(text: str, value: float, frame: Frame) -> Html:
    top = float(frame.y(np.array([value]))[0])
    return el("span", text, cls="y", style=f"top:calc(var(--height)*{top / _HEIGHT:.4f})")


def _x_label(ts: int, text: str, frame: Frame) -> Html:
    return el("span", text, style=f"left:{(ts - frame.t0) / (frame.t1 - frame.t0) * 100:.2f}%")


def _legend(shown: Sequence[Series], levels: Sequence[Level]) -> Html | None:
    if len(shown) == 1 and not levels:
        return None
    entries = [el("span", s.name, cls=f"key {s.role}") for s in shown]
    entries += [el("span", level.name, cls=f"key {level.role}") for level in levels]
    return el("span", entries, cls="legend")


def _data(shown: Sequence[Series], frame: Frame) -> str:
    curves = [
        {"name": s.name, "x": [round(float(v), 1) for v in frame.x(s.ts)], "v": [float(f"{v:.9g}") for v in s.values]}
        for s in shown
    ]
    return json.dumps({"t0": frame.t0 // 10**6, "t1": frame.t1 // 10**6, "curves": curves}, separators=(",", ":"))


def _note(note: str) -> Html | None:
    return el("p", note, cls="note") if note else None
