"""Latency as this host measured it, when the run wrote telemetry."""

import math

from alphatrade_runtime.reflection.telemetry import Histogram, Telemetry, bucket_bounds
from alphatrade_runtime.report import figures
from alphatrade_runtime.report.markup import Html, el
from alphatrade_runtime.report.tables import table

_NAMES = {
    "ingest_signal": "row received → signal",
    "signal_order": "signal → order sent",
    "order_ack": "order sent → acknowledged",
    "ingest_order": "row received → order sent",
}
_NONE = "This run wrote no telemetry.jsonl."
_SIMULATED = (
    "Time in this run was that of its rows, in which a decision takes none: there is no latency to measure. "
    "Run it at Realtime speed to measure this host."
)
_WIDTH, _HEIGHT, _BARS = 240.0, 34.0, 48


def latency_section(telemetry: Telemetry | None, *, simulated_time: bool) -> Html:
    """Return a line a stage with its percentiles and its histogram on a logarithmic scale."""
    if telemetry is None or simulated_time:
        return el(
            "section", el("h2", "Latency"),
            el("p", _SIMULATED if simulated_time else _NONE, cls="empty"),
            el("p", _host(telemetry), ".", cls="note") if telemetry is not None else None,
        )  # fmt: skip
    measured = {name: h for name, h in telemetry.stages.items() if h.count}
    low, high = _range(list(measured.values()))
    rows = [
        [
            _NAMES.get(name, name),
            _spark(h, low, high),
            figures.count(h.count),
            *[_at(h, p) for p in (0.5, 0.99, 0.999, 1.0)],
        ]
        for name, h in measured.items()
    ]
    head = [
        "stage",
        f"{figures.duration(low)} to {figures.duration(high)}, log scale",
        "n",
        "p50",
        "p99",
        "p99.9",
        "highest",
    ]
    return el(
        "section",
        el("h2", "Latency"),
        table(head, rows, texts=2) if rows else el("p", "no order passed all stages", cls="empty"),
        el("p", f"Wall clock of this host. {_host(telemetry)}. Percentiles are within 0.4%.", cls="note"),
    )


def _host(telemetry: Telemetry) -> str:
    """Say how the process fared on its host."""
    beats = f"{figures.count(telemetry.beats)} heartbeats"
    gaps = f"{len(telemetry.gaps)} gaps" if telemetry.gaps else "no gap"
    return f"{beats}, {gaps}; resident memory at most {telemetry.max_rss_kb / 1024:,.0f} MiB"


def _at(h: Histogram, share: float) -> str:
    value = h.percentile(share)
    return "–" if value is None else figures.duration(value)


def _range(histograms: list[Histogram]) -> tuple[int, int]:
    """Return the decades around all values."""
    if not histograms:
        return 1, 10
    used = [h.counts.nonzero()[0] for h in histograms]
    low = min(bucket_bounds(int(u[0]))[0] for u in used)
    high = max(bucket_bounds(int(u[-1]))[1] for u in used)
    return int(10 ** math.floor(math.log10(max(low, 1)))), int(10 ** math.ceil(math.log10(max(high, 10))))


def _spark(h: Histogram, low: int, high: int) -> Html:
    bars = [0] * _BARS
    span = math.log10(high / low)
    for bucket in h.counts.nonzero()[0].tolist():
        middle = max(sum(bucket_bounds(bucket)) / 2, low)
        at = min(int(math.log10(middle / low) / span * _BARS), _BARS - 1)
        bars[at] += int(h.counts[bucket])
    top, width = max(bars), _WIDTH / _BARS
    rects = [
        el("rect", x=f"{k * width:.1f}", width=f"{width - 1:.1f}", y=f"{_HEIGHT - n / top * _HEIGHT:.1f}",
           height=f"{max(n / top * _HEIGHT, 0.6):.1f}", cls="main")
        for k, n in enumerate(bars) if n
    ]  # fmt: skip
    return el("svg", rects, viewBox=f"0 0 {_WIDTH:g} {_HEIGHT:g}", cls="spark", role="img", aria_label="histogram")
