"""The table of metrics: names that say their unit, labels that cannot grow, and nothing exported beside it."""

import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from alphatrade.metrics import LABELS, METRICS, OTHER, OWN_LABELS, exported_by, metric, metrics_table
from alphatrade.telemetry import Registry
from alphatrade_runtime.reflection.telemetry import STAGES
from alphatrade_runtime.risk.codes import Code, KillState

UNIT_SUFFIXES = {"seconds": "_seconds", "ratio": "_ratio", "account_currency": "_account_currency", "state": "_state"}


@pytest.mark.parametrize("m", METRICS, ids=lambda m: m.name)
def test_a_name_says_whose_it_is_and_in_what_unit(m):
    assert re.fullmatch(r"alphatrade(_[a-z]+)+", m.name)
    assert m.name.endswith("_total") == (m.type == "counter")
    if m.type != "counter":
        assert m.name.endswith(UNIT_SUFFIXES.get(m.unit, "")), "a unit of the table ends the name"
        assert m.unit in UNIT_SUFFIXES or m.unit.split("_")[0] in m.name, "else the unit is a word of the name"
    assert m.help.endswith(".")
    assert m.components


@pytest.mark.parametrize("m", METRICS, ids=lambda m: m.name)
def test_every_label_is_bounded(m):
    for label in m.labels:
        assert 0 < LABELS[label].most <= 256
    assert not set(m.labels) & set(OWN_LABELS.values()), "a pod's own name is added by the registry"


@pytest.mark.parametrize("m", METRICS, ids=lambda m: m.name)
def test_histograms_alone_have_buckets_and_they_rise(m):
    assert bool(m.buckets) == (m.type == "histogram")
    assert list(m.buckets) == sorted(set(m.buckets))


def test_no_name_twice():
    names = [m.name for m in METRICS]
    assert len(names) == len(set(names))


def test_every_label_of_the_list_is_used():
    used = {label for m in METRICS for label in m.labels}
    assert used == set(LABELS) - set(OWN_LABELS.values())


def test_the_lists_of_values_are_those_of_the_code():
    assert LABELS["code"].values == tuple(code.name for code in Code if code)
    assert LABELS["stage"].values == STAGES
    assert LABELS["state"].values == tuple(state.name for state in KillState)


def families(registry):
    return {f.name: f for f in text_string_to_metric_families(registry.text().decode())}


def series(registry, name):
    found = families(registry)[name.removesuffix("_total")]
    return {tuple(sorted(s.labels.items())): s.value for s in found.samples}


def test_a_pod_adds_its_own_name_to_every_series():
    registry = Registry("strategy", "trend")
    registry.counter("alphatrade_orders_total").add(2)
    registry.counter("alphatrade_denials_total", code="STALE").add()
    assert series(registry, "alphatrade_orders_total") == {(("strategy", "trend"),): 2}
    assert series(registry, "alphatrade_denials_total") == {(("code", "STALE"), ("strategy", "trend")): 1}


def test_the_operator_has_no_name_of_its_own():
    registry = Registry("operator")
    registry.gauge("alphatrade_operator_queue_keys").set(3)
    assert series(registry, "alphatrade_operator_queue_keys") == {(): 3}


@pytest.mark.parametrize("m", METRICS, ids=lambda m: m.name)
def test_every_metric_can_be_made_and_is_exported_under_its_name(m):
    for component in m.components:
        registry = Registry(component, "x")
        labels = {label: (LABELS[label].values or ("v",))[0] for label in m.labels}
        getattr(registry, m.type)(m.name, **labels)
        assert m.name.removesuffix("_total") in families(registry)
        assert m.name not in registry.missing()


def test_what_is_missing_is_told():
    assert Registry("feed", "x").missing() == [m.name for m in exported_by("feed")]


def test_a_name_that_is_not_in_the_table_is_refused():
    with pytest.raises(KeyError, match="alphatrade_luck_total: not in METRICS"):
        Registry("strategy", "x").counter("alphatrade_luck_total")
    with pytest.raises(KeyError, match="not in METRICS"):
        metric("alphatrade_luck_total")


def test_a_metric_of_another_component_type_or_label_is_refused():
    registry = Registry("strategy", "x")
    with pytest.raises(KeyError, match="exported by operator, not by strategy"):
        registry.gauge("alphatrade_operator_queue_keys")
    with pytest.raises(TypeError, match="a counter, not a gauge"):
        registry.gauge("alphatrade_orders_total")
    with pytest.raises(ValueError, match=r"takes labels \('code',\), not \(\)"):
        registry.counter("alphatrade_denials_total")


def test_a_value_off_the_list_is_other():
    registry = Registry("strategy", "x")
    registry.counter("alphatrade_denials_total", code="WEATHER").add()
    registry.counter("alphatrade_denials_total", code="MOOD").add()
    assert series(registry, "alphatrade_denials_total") == {(("code", OTHER), ("strategy", "x")): 2}


def test_a_free_label_stops_growing_at_its_bound():
    registry = Registry("strategy", "x")
    for k in range(300):
        registry.gauge("alphatrade_position_lots", instrument=f"I{k}").set(k)
    found = series(registry, "alphatrade_position_lots")
    assert len(found) == 257
    assert found[(("instrument", OTHER), ("strategy", "x"))] == 299


def test_a_total_follows_a_count_kept_elsewhere_and_never_goes_back():
    registry = Registry("strategy", "x")
    total = registry.counter("alphatrade_fills_total")
    for reached in (3, 10, 4):
        total.reach(reached)
    assert registry.counter("alphatrade_fills_total") is total
    assert series(registry, "alphatrade_fills_total") == {(("strategy", "x"),): 10}


def test_a_state_is_one_for_what_holds_and_zero_for_the_rest():
    registry = Registry("strategy", "x")
    for state in ("ARMED", "TRIPPED", "???", "HALTED"):
        registry.show("alphatrade_kill_state", state)
    found = {dict(labels)["state"]: value for labels, value in series(registry, "alphatrade_kill_state").items()}
    assert found == {"ARMED": 0, "TRIPPED": 0, "FLATTENING": 0, "HALTED": 1, OTHER: 0}


def test_a_histogram_counted_elsewhere_is_read_at_every_scrape():
    registry, n = Registry("strategy", "x"), len(metric("alphatrade_stage_latency_seconds").buckets)
    counts = [0] * (n + 1)
    registry.read_histogram("alphatrade_stage_latency_seconds", lambda: (counts, 0.5), stage="order_ack")
    counts[-1] = 7
    samples = families(registry)["alphatrade_stage_latency_seconds"].samples
    assert [s.value for s in samples if s.labels.get("le") == "+Inf"] == [7]
    assert [s.value for s in samples if s.name.endswith(("_sum", "_count"))] in ([0.5, 7], [7, 0.5])


def test_the_table_of_the_docs_has_a_row_a_metric():
    header, rows = metrics_table()
    assert [row[0] for row in rows] == [f"`{m.name}`" for m in METRICS]
    assert all(len(row) == len(header) for row in rows)
