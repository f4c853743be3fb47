"""The thin way to prometheus_client: a process makes metrics of its own table only, and with bounded labels."""

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import prometheus_client
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

from alphatrade.metrics import LABELS, OTHER, OWN_LABELS, Component, Metric, Type, exported_by, metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
ReadBuckets = Callable[[], tuple[Sequence[int], float]]  # cumulative counts by bucket and above all, sum of values

# They would be a second series for each counter, and nothing here reads them.
prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]


class Total:
    """One counter. Any thread may `add`; one that is brought up by `reach` has a single writer."""

    def __init__(self, counter: prometheus_client.Counter) -> None:
        self._counter = counter
        self._reached = 0.0

    def add(self, n: float = 1) -> None:
        """Count n more."""
        self._reached += n
        self._counter.inc(n)

    def reach(self, total: float) -> None:
        """Bring the counter up to a total that is counted elsewhere; it never goes back."""
        if total > self._reached:
            self.add(total - self._reached)


class Registry:
    """The metrics of one process. own: name of the resource that a pod runs for.

    A name that the component does not export, or labels that are not the table's, raise: that is a fault of ours.
    """

    def __init__(self, component: Component, own: str = "") -> None:
        self.component = component
        self._own = (own,) if component in OWN_LABELS else ()
        self._own_label = (OWN_LABELS[component],) if component in OWN_LABELS else ()
        self._prometheus = prometheus_client.CollectorRegistry()
        prometheus_client.ProcessCollector(registry=self._prometheus)
        self._made: dict[str, Any] = {}
        self._children: dict[tuple[str, ...], Any] = {}
        self._seen: dict[tuple[str, str], set[str]] = {}
        self._lock = threading.RLock()

    def counter(self, name: str, **labels: str) -> Total:
        """Return a counter."""
        total: Total = self._child(name, "counter", labels)
        return total

    def gauge(self, name: str, **labels: str) -> prometheus_client.Gauge:
        """Return a gauge."""
        gauge: prometheus_client.Gauge = self._child(name, "gauge", labels)
        return gauge

    def histogram(self, name: str, **labels: str) -> prometheus_client.Histogram:
        """Return a histogram to observe values with."""
        histogram: prometheus_client.Histogram = self._child(name, "histogram", labels)
        return histogram

    def show(self, name: str, value: str) -> None:
        """Set a gauge with one listed label to 1 at this value and to 0 at all others."""
        (label,) = metric(name).labels
        shown = value if value in LABELS[label].values else OTHER
        for known in (*LABELS[label].values, OTHER):
            self.gauge(name, **{label: known}).set(known == shown)

    def read_histogram(self, name: str, read: ReadBuckets, **labels: str) -> None:
        """Export a histogram that is counted elsewhere: `read` is called at every scrape, in the scraper's thread."""
        with self._lock:
            found = self._checked(name, "histogram", labels)
            values = self._values(found, labels)
            if name not in self._made:
                self._made[name] = _Counted(found, (*self._own_label, *found.labels))
                self._prometheus.register(self._made[name])
            self._made[name].add(values, read)

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return prometheus_client.generate_latest(self._prometheus)

    def missing(self) -> list[str]:
        """Return the metrics of this component that nothing has made yet."""
        return [m.name for m in exported_by(self.component) if m.name not in self._made]

    def _child(self, name: str, kind: Type, labels: dict[str, str]) -> Any:
        key = (name, *labels, *labels.values())
        if key in self._children:
            return self._children[key]
        with self._lock:
            found = self._checked(name, kind, labels)
            values = self._values(found, labels)
            bounded = (name, *found.labels, *values[len(self._own) :])
            if bounded not in self._children:
                self._children[bounded] = self._with_values(found, values)
            return self._children[bounded]

    def _with_values(self, found: Metric, values: tuple[str, ...]) -> Any:
        if found.name not in self._made:
            self._made[found.name] = self._new(found)
        made = self._made[found.name]
        child = made.labels(*values) if values else made
        return Total(child) if found.type == "counter" else child

    def _new(self, found: Metric) -> Any:
        labels = (*self._own_label, *found.labels)
        if found.type == "counter":
            return prometheus_client.Counter(found.name, found.help, labels, registry=self._prometheus)
        if found.type == "gauge":
            return prometheus_client.Gauge(found.name, found.help, labels, registry=self._prometheus)
        return prometheus_client.Histogram(
            found.name, found.help, labels, registry=self._prometheus, buckets=found.buckets
        )

    def _checked(self, name: str, kind: Type, labels: dict[str, str]) -> Metric:
        found = metric(name)
        if self.component not in found.components:
            raise KeyError(f"metric {name}: exported by {', '.join(found.components)}, not by {self.component}")
        if found.type != kind:
            raise TypeError(f"metric {name}: a {found.type}, not a {kind}")
        if set(labels) != set(found.labels):
            raise ValueError(f"metric {name}: takes labels {found.labels}, not {tuple(labels)}")
        return found

    def _values(self, found: Metric, labels: dict[str, str]) -> tuple[str, ...]:
        return (*self._own, *(self._bounded(found.name, label, labels[label]) for label in found.labels))

    def _bounded(self, name: str, label: str, value: str) -> str:
        bound = LABELS[label]
        if bound.values:
            return value if value in bound.values else OTHER
        seen = self._seen.setdefault((name, label), set())
        if value not in seen and len(seen) >= bound.most:
            return OTHER
        seen.add(value)
        return value


class _Counted(Collector):
    """A histogram whose counts are kept elsewhere."""

    def __init__(self, found: Metric, labels: tuple[str, ...]) -> None:
        self._metric, self._labels = found, labels
        self._reads: dict[tuple[str, ...], ReadBuckets] = {}

    def add(self, values: tuple[str, ...], read: ReadBuckets) -> None:
        """Read these label values from here."""
        self._reads[values] = read

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """Read all of them."""
        family = HistogramMetricFamily(self._metric.name, self._metric.help, labels=self._labels)
        for values, read in list(self._reads.items()):
            counts, total = read()
            bounds = [*(repr(bound) for bound in self._metric.buckets), "+Inf"]
            family.add_metric(values, list(zip(bounds, map(float, counts), strict=True)), total)
        yield family
