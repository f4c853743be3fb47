"""The auditor finds nothing in consistent records, whatever the chunks, and is fast and small."""

import os
import random
import subprocess
import sys
import time
from dataclasses import astuple, replace
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest

from alphatrade_runtime.market.orders import OrderState as S
from alphatrade_runtime.market.orders import TimeInForce
from alphatrade_runtime.policy.document import parse_session
from alphatrade_runtime.risk.auditor import AuditInstrument, AuditLimits, Auditor
from alphatrade_runtime.risk.codes import Guard, KillState
from unit.policy.conftest import SESSION
from unit.risk.record_streams import INITIAL_CASH, INSTRUMENTS, Streams, clean_run, new_auditor


def feed_in_chunks(auditor, arrays, cuts):
    """Feed whole steps: rows with low <= seq < high."""
    for low, high in pairwise(cuts):
        chunk = {name: rows[(rows["seq"] >= low) & (rows["seq"] < high)] for name, rows in arrays.items()}
        auditor.feed(**chunk)


@pytest.mark.parametrize("seed", range(4))
def test_consistent_records_give_no_violation(seed):
    arrays = clean_run(400, seed).arrays()
    auditor = new_auditor()
    assert auditor.feed(**arrays) == []
    assert auditor.finish() == []
    assert auditor.total == 0
    assert auditor.audited == {name: len(arrays[name]) for name in ("orders", "fills", "equity")}


def test_chunks_do_not_change_the_findings():
    streams = clean_run(300, 7)
    streams.rows["fills"][50]["fee"] += 1
    streams.rows["orders"][400]["leaves"] += 1
    arrays = streams.arrays()
    whole, parts = new_auditor(), new_auditor()
    whole.feed(**arrays)
    rng = random.Random(3)
    cuts = [0, *sorted(rng.sample(range(101, streams.seq), 60)), streams.seq + 1]
    feed_in_chunks(parts, arrays, cuts)
    assert whole.violations == parts.violations
    assert whole.total > 0


_TWIN = """
import sys
from dataclasses import astuple
import numpy as np
sys.path[:0] = sys.argv[1:]
from unit.risk.test_auditor import a_run_with_faults
from unit.risk.record_streams import new_auditor
np.seterr(over="ignore")
auditor = new_auditor()
auditor.feed(**a_run_with_faults())
print([astuple(v) for v in auditor.violations], auditor.counts)
"""


def a_run_with_faults():
    """A run in which every column that money or order life depends on is off by one somewhere."""
    streams = clean_run(120, 11)
    plants = {"fills": ("fee", "price", "qty", "position_after", "cash_after", "order_id", "side"),
              "orders": ("leaves", "qty", "price", "state", "order_id"), "marks": ("mark2", "position"),
              "equity": ("nav", "cash", "fees", "gross", "funding")}  # fmt: skip
    for stream, columns in plants.items():
        for k, column in enumerate(columns):
            rows = streams.rows[stream]
            rows[len(rows) * (k + 1) // (len(columns) + 1)][column] += -2 if column == "side" else 1
    return streams.arrays()


def test_the_compiled_auditor_and_its_python_twin_find_the_same():
    auditor = new_auditor()
    auditor.feed(**a_run_with_faults())
    compiled = f"{[astuple(v) for v in auditor.violations]} {auditor.counts}"
    paths = [path for path in sys.path if path.rstrip("/").endswith(("tests", "runtime"))]
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1"}
    twin = subprocess.run([sys.executable, "-c", _TWIN, *paths], env=environment, capture_output=True, text=True)
    assert twin.stdout.strip() == compiled, twin.stderr
    assert len(auditor.counts) > 8


def test_records_of_a_read_only_map_are_taken():
    arrays = clean_run(30).arrays()
    for rows in arrays.values():
        rows.setflags(write=False)
    assert new_auditor().feed(**arrays) == []


def test_rows_of_another_stream_are_refused():
    with pytest.raises(ValueError, match="auditor: rows of"):
        new_auditor().feed(orders=clean_run(3).arrays()["fills"])


def test_money_after_the_last_equity_row_is_unproven():
    streams = clean_run(5)
    streams.step().trade(0, 1, 3)
    auditor = new_auditor()
    auditor.feed(**streams.arrays())
    assert [v.rule for v in auditor.finish()] == ["EQUITY_MISSING"]


def test_a_cancel_race_is_no_violation():
    """A fill beats a cancel; a cancel reject returns to the prior state."""
    streams = Streams()
    order = streams.rest(0, 1, 10)
    streams.step().tell(order, S.PENDING_CANCEL)
    streams.step().fill(order, 4)
    streams.step().tell(order, S.PARTIALLY_FILLED)
    streams.step().fill(order, 6)
    streams.step().show()
    assert new_auditor().feed(**streams.arrays()) == []


def test_several_fills_of_one_step_are_no_violation():
    streams = Streams()
    order = streams.send(0, 1, 10, tif=TimeInForce.IOC)
    streams.step().fill(order, 3, maker=0)
    streams.fill(order, 3, maker=0)
    streams.tell(order, S.EXPIRED)
    streams.step().show()
    assert new_auditor().feed(**streams.arrays()) == []


@pytest.mark.parametrize("latency_ns", [0, 1_000])
def test_reports_that_arrive_before_the_next_row_follow_the_money_of_their_step(latency_ns):
    """One step sends an order and shows money; under the same seq the fill arrives, and the session closes."""
    streams = Streams()
    streams.step().trade(0, 1, 10)
    first = streams.send(0, -1, 4, tif=TimeInForce.IOC)
    second = streams.send(1, 1, 4)
    streams.show()
    streams.late_ns = latency_ns
    streams.fill(first, 4, maker=0)
    streams.tell(second, S.CANCELED)
    streams.show()
    assert new_auditor().feed(**streams.arrays()) == []


def test_reports_before_a_step_precede_its_money():
    streams = Streams()
    order = streams.rest(0, 1, 10)
    streams.step().fill(order, 4)
    streams.send(0, -1, 4)
    streams.show()
    assert new_auditor().feed(**streams.arrays()) == []


def test_reports_after_a_step_that_sent_nothing_follow_its_money():
    streams = Streams()
    order = streams.rest(0, 1, 10)
    streams.step().show()
    streams.late_ns = 1_000
    streams.fill(order, 10)
    streams.step().show()
    assert new_auditor().feed(**streams.arrays()) == []


def test_exposure_is_not_asked_while_an_amend_is_under_way():
    streams = Streams()
    order = streams.rest(0, 1, 10)
    order.qty = 12
    streams.step().tell(order, S.PENDING_AMEND)
    streams.show(gross=1, net=-1)
    streams.step().tell(order, S.ACCEPTED)
    streams.show()
    assert new_auditor().feed(**streams.arrays()) == []
    streams.show(gross=1)
    assert [v.rule for v in new_auditor().feed(**streams.arrays())] == ["EXPOSURE"]


def test_a_restored_auditor_goes_on_as_if_nothing_had_happened():
    streams = clean_run(200, 5)
    streams.rows["orders"][-4]["leaves"] += 1
    streams.rows["orders"][4]["leaves"] += 1
    arrays = streams.arrays()
    half = streams.seq // 2
    first, second = new_auditor(), new_auditor()
    feed_in_chunks(first, arrays, [0, half])
    second.restore(first.checkpoint())
    feed_in_chunks(first, arrays, [half, streams.seq + 1])
    feed_in_chunks(second, arrays, [half, streams.seq + 1])
    assert first.violations == second.violations
    assert len(first.violations) >= 2


def test_an_amend_may_shrink_an_order():
    streams = Streams()
    order = streams.rest(0, 1, 10)
    order.qty, order.price = 6, order.price - 2
    streams.step().tell(order, S.PENDING_AMEND)
    streams.step().tell(order, S.ACCEPTED)
    streams.step().fill(order, 6)
    streams.step().show()
    assert new_auditor().feed(**streams.arrays()) == []


def test_a_denied_duplicate_leaves_the_first_order_alone():
    streams = Streams()
    order = streams.rest(0, 1, 10)
    streams.step().tell(order, S.DENIED, code=18)
    streams.step().fill(order, 10)
    streams.step().show()
    assert new_auditor().feed(**streams.arrays()) == []


def test_an_at_open_order_fills_away_from_its_band():
    streams = Streams()
    order = streams.send(0, 1, 10, tif=TimeInForce.AT_OPEN)
    streams.step().fill(order, 10, maker=0, price=order.price + 50_000)
    streams.step().show()
    assert new_auditor().feed(**streams.arrays()) == []


def test_funding_explains_cash_that_moved_without_a_fill():
    streams = clean_run(10)
    streams.pay_funding(12_345)
    streams.step().trade(0, 1, 2)
    streams.step().show()
    streams.step().trade(0, -1, 2)
    streams.step().show()
    assert new_auditor(funding=True).feed(**streams.arrays()) == []


def test_reductions_may_leave_under_a_reduce_kill():
    streams = Streams()
    streams.trade(0, 1, 10)
    streams.step().guard(KillState.TRIPPED, qty=1)
    streams.step().trade(0, -1, 10)
    streams.step().guard(KillState.ARMED, Guard.RELEASED)
    streams.trade(0, 1, 10)
    streams.step().show()
    assert new_auditor().feed(**streams.arrays()) == []


def test_an_auditor_starts_from_a_session_document():
    session = parse_session(SESSION)
    bbb, aaa = (AuditInstrument.from_terms(terms) for terms in session.policy.envelope.instruments)
    assert bbb == AuditInstrument("BBB", 10_000, -100, 500, 2**48 - 1, 10)
    assert aaa.mult == 10_000_000
    assert Auditor.from_session(session).feed() == []


def test_a_fee_per_fill_is_read_in_quanta():
    terms = replace(parse_session(SESSION).policy.envelope.instruments[0], fee_per_fill=Decimal("0.01"))
    assert AuditInstrument.from_terms(terms).flat_fee == 1_000_000


def test_a_p1_sized_chunk_costs_little():
    """20,000 orders with 60,000 rows and 20,000 fills: 10 ms on an idle core; the bound leaves room for a busy one."""
    streams = Streams()
    for n in range(1_000):
        streams.step().trade(0, 1 if n % 2 == 0 else -1, 5)
    block = streams.arrays()
    auditor = new_auditor()
    auditor.feed(**{name: rows[:0] for name, rows in block.items()})
    started = time.process_time()
    for _ in range(20):
        auditor.feed(orders=block["orders"], fills=block["fills"])
        for name, by in (("orders", ("order_id", "seq")), ("fills", ("order_id", "exec_id", "seq"))):
            for column in by:
                block[name][column] += 10_000
        block["fills"]["cash_after"] += streams.cash - INITIAL_CASH
    spent_ms = (time.process_time() - started) * 1e3
    assert auditor.total == 0
    assert auditor.audited["fills"] == 20_000
    assert spent_ms < 60, f"{spent_ms:.1f} ms"


def test_memory_does_not_grow_with_orders():
    auditor = new_auditor()
    sizes = [array.nbytes for array in vars(auditor).values() if isinstance(array, np.ndarray)]
    assert sum(sizes) < 8 * 2**20
    auditor.feed(**clean_run(200).arrays())
    assert sizes == [array.nbytes for array in vars(auditor).values() if isinstance(array, np.ndarray)]


def test_more_instruments_get_a_larger_order_table():
    many = [AuditInstrument(f"S{i}", 2, 0, 0, 1, 1) for i in range(100)]
    auditor = Auditor(many, INITIAL_CASH, AuditLimits())
    assert len(auditor._ids) >= 8 * 100 * 64
    assert len(new_auditor()._ids) >= 8 * len(INSTRUMENTS) * 64
