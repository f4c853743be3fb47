"""Histograms merge exactly and keep their error bound; heartbeats keep their pace and show gaps."""

import json
import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.reflection.telemetry import (
    BUCKETS,
    STAGES,
    Gap,
    Heartbeat,
    Histogram,
    append_to,
    bucket_bounds,
    bucket_of,
    gaps,
    read_rss_kb,
    read_telemetry,
)

LATENCIES = st.lists(st.one_of(st.integers(0, 1000), st.integers(0, 2**63 - 1)), max_size=200)
SECOND = 1_000_000_000


def histogram(values):
    result = Histogram()
    result.record_all(np.array(values, np.int64))
    return result


class Clock:
    def __init__(self):
        self.now = 50 * SECOND

    def __call__(self):
        return self.now


@given(LATENCIES, LATENCIES)
def test_merging_is_recording_all(left, right):
    merged = histogram(left)
    merged.merge(histogram(right))
    assert np.array_equal(merged.counts, histogram(left + right).counts)
    assert merged.count == len(left) + len(right)


@given(LATENCIES)
def test_one_by_one_is_all_at_once(values):
    single = Histogram()
    for value in values:
        single.record(value)
    assert np.array_equal(single.counts, histogram(values).counts)


@given(LATENCIES.filter(len), st.sampled_from([0.0, 0.5, 0.99, 0.999, 1.0]))
def test_percentiles_are_within_1_256th(values, share):
    rank = min(max(int(np.ceil(share * len(values))), 1), len(values))
    exact = sorted(values)[rank - 1]
    assert abs(histogram(values).percentile(share) - exact) <= exact / 256


@given(st.integers(0, 2**63 - 1))
def test_a_bucket_s_bounds_hold_its_values_and_no_others(value):
    bucket = bucket_of(value)
    low, high = bucket_bounds(bucket)
    assert low <= value <= high
    assert bucket_of(low) == bucket == bucket_of(high)
    assert bucket_of.py_func(value) == bucket < BUCKETS


def test_buckets_follow_one_another_without_a_hole():
    bounds = [bucket_bounds(bucket) for bucket in range(BUCKETS)]
    assert bounds[0][0] == 0
    assert bounds[-1][1] == 2**63 - 1
    assert all(before[1] + 1 == after[0] for before, after in pairwise(bounds))


def test_a_negative_latency_counts_as_0():
    assert histogram([-5, 0]).to_json() == {"buckets": [0], "counts": [2]}


@given(LATENCIES)
def test_json_there_and_back(values):
    there = json.loads(json.dumps(histogram(values).to_json()))
    assert np.array_equal(Histogram.from_json(there).counts, histogram(values).counts)


@pytest.mark.parametrize("value", [{}, {"buckets": [1], "counts": []}, {"buckets": [BUCKETS], "counts": [1]}])
def test_no_histogram_is_refused(value):
    with pytest.raises(ValueError, match="not a histogram"):
        Histogram.from_json(value)


def test_an_empty_histogram_has_no_percentile():
    assert Histogram().summary() == {"count": 0, "p50_ns": None, "p99_ns": None, "p999_ns": None}


def beating(clock, lines):
    return Heartbeat(lines.append, lambda: 7, clock, lambda: 1234)


def counts(n):
    return {"events": n, "decisions": n // 2, "orders": n // 4, "acks": n // 8}


def test_one_line_a_second_on_the_grid_of_the_first():
    clock = Clock()
    lines: list[bytes] = []
    heartbeat = beating(clock, lines)
    beats = []
    for _ in range(300):
        beats.append(heartbeat.beat(counts(1)))
        clock.now += 10_000_001
    assert sum(beats) == len(lines) == 3
    assert json.loads(lines[0])["mono_ns"] == 50 * SECOND


def test_late_beats_do_not_pile_up_nor_shift_the_grid():
    clock = Clock()
    lines: list[bytes] = []
    heartbeat = beating(clock, lines)
    heartbeat.beat(counts(1))
    clock.now += 5 * SECOND + SECOND // 4
    assert heartbeat.beat(counts(2))
    assert not heartbeat.beat(counts(2))
    clock.now += SECOND * 3 // 4
    assert heartbeat.beat(counts(3))


def test_lines_hold_counts_and_the_latencies_since_the_last_one(tmp_path):
    clock, path = Clock(), tmp_path / "telemetry.jsonl"
    write = append_to(path)
    heartbeat = Heartbeat(write, lambda: 7, clock, read_rss_kb)
    for second in range(4):
        heartbeat.stages["ingest_signal"].record_all(np.arange(1000 * second, 1000 * second + 10))
        heartbeat.beat(counts(10 * second))
        clock.now += SECOND
    heartbeat.stages["order_ack"].record(5)
    heartbeat.close(counts(40))
    summary = read_telemetry(path)
    assert (summary.beats, summary.gaps, summary.counts) == (4, [], counts(40))
    assert summary.stages["ingest_signal"].count == 40
    assert [summary.stages[stage].count for stage in STAGES] == [40, 0, 1, 0]
    assert summary.max_rss_kb > 1000
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [sum(line["latency"]["ingest_signal"]["counts"]) for line in lines] == [10, 10, 10, 10, 0]
    assert [line["beat"] for line in lines] == [0, 1, 2, 3, 4]


def write_lines(path, times):
    clock = Clock()
    heartbeat = Heartbeat(append_to(path), lambda: 7, clock, lambda: 1)
    for t in times:
        clock.now = 50 * SECOND + t
        heartbeat.beat(counts(1))


def test_gaps_are_told_apart_from_jitter(tmp_path):
    path = tmp_path / "telemetry.jsonl"
    write_lines(path, [0, SECOND, 2 * SECOND + SECOND // 3, 3 * SECOND, 8 * SECOND, 9 * SECOND])
    assert gaps(path) == [Gap(53 * SECOND, 58 * SECOND, 4)]


def test_an_unfinished_line_is_left_out_and_a_bad_one_named(tmp_path):
    path = tmp_path / "telemetry.jsonl"
    write_lines(path, [0, SECOND])
    with path.open("ab") as file:
        file.write(b'{"beat": 2')
    assert read_telemetry(path).beats == 2
    with path.open("ab") as file:
        file.write(b"\n")
    with pytest.raises(InputError, match=r"telemetry\.jsonl: line 3 is no heartbeat"):
        gaps(path)


STOPPED = """
import sys, time
from pathlib import Path
from alphatrade_runtime.reflection.telemetry import Heartbeat, append_to, read_rss_kb
beat = Heartbeat(append_to(Path(sys.argv[1])), time.time_ns, time.monotonic_ns, read_rss_kb)
while True:
    beat.beat({"events": 1, "decisions": 1, "orders": 1, "acks": 1})
    time.sleep(0.02)
"""


def test_a_stopped_process_shows_as_a_gap(tmp_path):
    path = tmp_path / "telemetry.jsonl"
    child = subprocess.Popen([sys.executable, "-c", STOPPED, str(path)])
    try:
        _wait_for(path, 1)
        os.kill(child.pid, signal.SIGSTOP)
        time.sleep(3.2)
        os.kill(child.pid, signal.SIGCONT)
        _wait_for(path, 3)
    finally:
        child.kill()
        child.wait()
    assert [gap.missing >= 2 for gap in gaps(path)] == [True]


def _wait_for(path: Path, lines: int) -> None:
    for _ in range(600):
        if path.exists() and path.read_bytes().count(b"\n") >= lines:
            return
        time.sleep(0.05)
    raise AssertionError(f"{path} has fewer than {lines} lines")
