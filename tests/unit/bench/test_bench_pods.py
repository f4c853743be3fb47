"""P5c, P8 and P11: what pods wrote and clients printed becomes the right spans."""

import numpy as np
import pytest

from alphatrade_runtime.loop.journal import Journal, read_records
from alphatrade_runtime.loop.live_batch import make_batch
from alphatrade_runtime.loop.live_rows import control_row, timer_row
from alphatrade_runtime.market.orders import COMMAND_DTYPE
from alphatrade_runtime.market.schema import Control
from bench import hops, kill, starts
from bench.bare_hops import sizes
from bench.make_tape import START_NS
from bench.table import markdown
from bench.watchers import moments_of
from unit.bench.test_bench_figures import FACTS

MS = 1_000_000
WALL_NS = 1_700_000_000_000_000_000
CLOCK = {"origin_ns": START_NS, "wall_start_ns": WALL_NS, "speed": 1}


def journal(folder, *batches):
    """Write a journal: each batch is (spans, ms after the session's start, whether it decides, commands)."""
    written = Journal.create(folder, {"clock": CLOCK})
    for spans, at_ms, decide, commands in batches:
        written.append_rows(make_batch(spans, CLOCK["origin_ns"] + at_ms * MS, 0, decide))
        if commands:
            written.append_commands(np.zeros(commands, COMMAND_DTYPE))
        written.flush()
    written.close()
    return folder


def test_an_order_is_of_the_first_row_of_its_batch(tmp_path):
    tape = hops.quotes(6)
    folder = journal(
        tmp_path / "journal",
        ([tape.slice(0, 1)], 0, True, 0),
        ([tape.slice(1, 3)], 21, True, 1),
        ([timer_row()], 25, True, 1),
        ([tape.slice(3, 6)], 52, True, 2),
    )
    start = CLOCK["origin_ns"]
    assert [tuple(order) for order in hops.orders_of(folder)] == [
        (1, start + 21 * MS), (1, start + 25 * MS), (3, start + 52 * MS), (3, start + 52 * MS),
    ]  # fmt: skip


def test_latency_counts_from_the_time_at_which_the_row_was_due():
    tape = hops.quotes(hops.LEAD_ROWS + 2)
    due = tape.ts_init_ns
    first, second = hops.LEAD_ROWS, hops.LEAD_ROWS + 1
    orders = [hops.Order(5, 0), hops.Order(first, int(due[first]) + MS), hops.Order(second, int(due[second]) + MS)]
    arrived = np.array([0, due[first] + 2 * MS, due[second] + 4 * MS])
    found = hops.latencies(tape, orders, arrived)
    assert (found["orders"], found["p50_us"]) == (2, 3_000.0)
    assert (found["to_runtime_p50_us"], found["to_broker_p50_us"]) == (1_000.0, 2_000.0)


def test_quotes_turn_at_each_row_and_are_ten_milliseconds_apart():
    tape = hops.quotes(4)
    assert np.diff(tape.bid).tolist() == [10, -10, 10]
    assert np.diff(tape.ts_init_ns).tolist() == [hops.INTERVAL_NS] * 3


def test_bare_messages_have_the_sizes_of_a_quote_and_of_an_order():
    quote, order = sizes(2)
    assert sizes(3) == [quote, quote, order]
    assert 100 < quote < 250
    assert 30 < order < 80


def test_a_start_ends_at_the_first_quote_behind_the_reconciliation(tmp_path):
    tape = hops.quotes(5)
    folder = journal(
        tmp_path / "journal",
        ([control_row(Control.LINK_LOST)], 0, False, 0),
        ([tape.slice(0, 1)], 10, True, 0),
        ([control_row(Control.RECONCILED)], 15, True, 0),
        ([timer_row()], 20, True, 0),
        ([tape.slice(1, 2)], 30, False, 0),
        ([tape.slice(2, 3)], 40, True, 0),
        ([tape.slice(3, 5)], 70, True, 1),
    )
    since_start = [moment - WALL_NS / 1e9 for moment in starts.moments(read_records(folder))]
    assert since_start == pytest.approx([0.04, 0.07], abs=1e-6)


def test_clients_of_an_engagement_are_pooled_and_the_last_one_is_shown():
    names = [f"bench-{k}" for k in range(2)]
    applied = {name: k * 1_000 * MS for k, name in enumerate(names)}
    bare = {name: [at + MS] * kill.RUNTIMES for name, at in applied.items()}
    ours = {name: [at + 5 * MS] * (kill.RUNTIMES - 1) + [at + 31 * MS] for name, at in applied.items()}
    found = kill.figures(applied, ours, bare)
    mine, theirs = found["rows"]
    assert (mine["p50_ms"], mine["last_p50_ms"], mine["last_max_ms"]) == (5.0, 31.0, 31.0)
    assert (theirs["p99_ms"], found["p99_over_bare_ms"], found["met"]) == (1.0, 30.0, False)
    assert kill.figures(applied, bare, bare)["met"]


def test_a_runtime_that_is_silent_in_one_engagement_misses_the_target():
    applied = {"bench-0": 0}
    all_of_them, one_less = {"bench-0": [MS] * kill.RUNTIMES}, {"bench-0": [MS] * (kill.RUNTIMES - 1)}
    assert not kill.figures(applied, one_less, all_of_them)["met"]


def test_what_clients_print_is_read_by_kill_switch():
    assert moments_of("watching 200\nbench-0 5\nwatching 200\nbench-0 7\nbench-1 9\n") == {
        "bench-0": [5, 7],
        "bench-1": [9],
    }


def test_page_leaves_out_speed_where_something_else_sets_the_pace():
    row = {"engine": "alphatrade", "version": "0.1.0", "events": 200, "p50_ms": 3.25, "p99_ms": 12.5}
    result = {"rows": [row], "paced": True, "p99_over_bare_ms": 1.5, "target": "a target", "met": True}
    page = markdown({"P8": {**result, "wall_s": 3.0, "facts": FACTS}})
    assert "| engine | events | p50_ms | p99_ms |" in page
    assert "| alphatrade 0.1.0 | 200 | 3.25 | 12.5 |" in page
    assert "p99 over bare ms: 1.5" in page
