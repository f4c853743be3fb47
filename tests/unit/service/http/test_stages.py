"""The loop's histograms as Prometheus reads them: the same counts below the same bounds."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from alphatrade.metrics import metric
from alphatrade.telemetry import Registry
from alphatrade_runtime.reflection.telemetry import Histogram
from alphatrade_runtime.service.http.stages import export_stages

NAME = "alphatrade_stage_latency_seconds"


@given(st.lists(st.integers(0, 1 << 33), max_size=50))
def test_counts_below_a_bound_are_those_of_the_values(values_ns):
    registry, histogram = Registry("strategy", "x"), Histogram()
    export_stages(registry, {"order_ack": histogram})
    histogram.record_all(np.array(values_ns, np.int64))
    (family,) = [f for f in text_string_to_metric_families(registry.text().decode()) if f.name == NAME]
    found = {s.labels["le"]: s.value for s in family.samples if s.name.endswith("_bucket")}
    bounds_ns = [round(bound * 1e9) for bound in metric(NAME).buckets]
    assert list(found.values()) == [*(sum(v < b for v in values_ns) for b in bounds_ns), len(values_ns)]
    (total,) = [s.value for s in family.samples if s.name.endswith("_sum")]
    assert abs(total - sum(values_ns) / 1e9) <= sum(values_ns) / 1e9 / 200 + 1e-12
