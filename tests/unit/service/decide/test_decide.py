"""Decisions event by event are those of a replay, byte for byte, as long as rows come no later than reports."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphatrade_runtime.market.schema import Kind, Rows, Status, rows_from_columns
from alphatrade_runtime.market.simulator import iterate
from alphatrade_runtime.service.decide.session import MAX_ROWS
from unit.loop.made_tapes import made_rows, with_events
from unit.loop.mixed_sessions import mixed
from unit.risk.law_session import policy, quotes, session
from unit.service.decide.decided import decided, replayed

LATENCIES_MS = (0, 1, 5, 12)


def with_latency(entry_ms, response_ms):
    return {"entry_latency_ns": entry_ms * 1_000_000, "response_latency_ns": response_ms * 1_000_000}


def shifted(rows, latency_ns):
    """The same rows, which took exactly so long to arrive."""
    columns = {**rows._asdict(), "ts_event_ns": rows.ts_init_ns - latency_ns}
    return rows_from_columns(columns)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("tape", [{}, {"together": True}, {"depth": True}], ids=["apart", "together", "depth"])
def test_records_are_those_of_a_replay(monkeypatch, seed, tape):
    rows = with_events(made_rows(2_000, 7, seed=seed, **tape), seed)
    records, overtaken, answers = decided(mixed(), rows, tape.get("depth", False))
    assert records == replayed(mixed(), rows, monkeypatch)
    assert overtaken == 0
    assert {row.action for answer in answers for row in answer.rows} >= {1, 3}


@pytest.mark.parametrize("entry_ms", LATENCIES_MS)
@pytest.mark.parametrize("latency_ms", LATENCIES_MS)
def test_a_row_may_take_as_long_as_a_report(monkeypatch, entry_ms, latency_ms):
    document = mixed(exchange=with_latency(entry_ms, latency_ms))
    rows = shifted(with_events(made_rows(800, 7, step_ns=3_000_000)), latency_ms * 1_000_000)
    records, overtaken, _ = decided(document, rows)
    assert records == replayed(document, rows, monkeypatch)
    assert overtaken == 0


def takers(**options):
    """Market orders only: nothing of ours rests, so that a late row can differ only by what a command missed."""
    return session(policy("ema_cross", {"fast": 2, "slow": 4}, "market", {}, ["SIM-0"], name="taker"), n=1, **options)


def makers(**options):
    """Orders that rest where they are: a late row can differ only by when we hear of a fill."""
    return session(quotes((1, 9_995, 3, 10_005, 3), instruments=["SIM-0"]), n=1, **options)


@settings(max_examples=150)
@given(
    st.sampled_from([(mixed, 7), (takers, 1), (makers, 1)]),
    st.integers(0, 10**6),
    st.sampled_from(LATENCIES_MS),
    st.sampled_from(LATENCIES_MS),
    st.integers(0, 20_000_000),
    st.sampled_from([(400, 2_000_000), (60, 10_000_000)]),
)
def test_a_difference_is_never_silent(kind, seed, entry_ms, response_ms, latency_ns, length):
    made, instruments = kind
    document = made(exchange=with_latency(entry_ms, response_ms))
    n, step_ns = length
    rows = shifted(made_rows(n, instruments, seed=seed, step_ns=step_ns), latency_ns)
    records, overtaken, _ = decided(document, rows)
    with pytest.MonkeyPatch.context() as patch:
        same = records == replayed(document, rows, patch)
    assert same or overtaken > 0
    if latency_ns <= response_ms * 1_000_000:
        assert overtaken == 0


def test_a_fill_heard_of_late_is_counted(monkeypatch):
    document, differed = makers(exchange=with_latency(0, 1)), 0
    for seed in range(40):
        rows = shifted(made_rows(40, 1, seed=seed, step_ns=10_000_000), 8_000_000)
        records, overtaken, _ = decided(document, rows)
        same = records == replayed(document, rows, monkeypatch)
        assert same or overtaken > 0, seed
        differed += not same
    assert differed > 5


def test_late_rows_do_make_a_difference_and_are_counted(monkeypatch):
    document = mixed(exchange=with_latency(0, 0))
    rows = shifted(made_rows(2_000, 7, step_ns=2_000_000), 30_000_000)
    records, overtaken, _ = decided(document, rows)
    assert records != replayed(document, rows, monkeypatch)
    assert overtaken > 0


def test_a_simulated_market_with_its_own_latencies(monkeypatch):
    config = {"duration": "1m", "latency_jitter": "0ms", "instruments": [{"symbol": f"SIM-{k}"} for k in range(7)]}
    chunks = list(iterate(config))
    rows = rows_from_columns({name: np.concatenate([getattr(c, name) for c in chunks]) for name in Rows._fields})
    records, overtaken, _ = decided(mixed(), rows)
    assert records == replayed(mixed(), rows, monkeypatch)
    assert overtaken == 0


def test_each_step_is_answered_at_once():
    rows = made_rows(600, 7, together=True)
    _, _, answers = decided(mixed(), rows)
    *steps, end = answers
    assert [answer.seq for answer in steps] == rows.seq[(rows.flags & 2) != 0].tolist()
    assert end.seq == rows.seq[-1]
    assert sum(answer.decisions for answer in answers) > 100
    assert all(len(answer.target_lots) == 7 for answer in answers)
    assert len({tuple(answer.target_lots) for answer in answers}) > 5
    row = next(row for answer in answers for row in answer.rows if row.action)
    record = np.frombuffer(row.record, "i8", 6)
    assert (row.seq, row.decision_id, row.qty, row.price) == (record[0], record[1], record[4], record[5])


def test_two_calls_know_nothing_of_each_other():
    rows = made_rows(600, 7)
    first, second = decided(mixed(), rows), decided(mixed(), rows)
    assert first[0] == second[0]


def test_more_rows_than_a_buffer_or_an_answer_holds(monkeypatch):
    n = 9_000
    rows = made_rows(n, 7)
    columns = {name: np.array(column) for name, column in rows._asdict().items()}
    halts = slice(200, n - 200)
    columns["kind"][halts], columns["instrument"][halts], columns["flags"][halts] = int(Kind.STATUS), 0, 0
    columns["price"][halts] = np.arange(n - 400) % 2 + int(Status.TRADING)
    rows = rows_from_columns(columns)
    records, _, answers = decided(mixed(), rows)
    assert records == replayed(mixed(), rows, monkeypatch)
    largest = max(len(answer.rows) for answer in answers)
    assert largest == MAX_ROWS
    assert max(answer.ByteSize() for answer in answers) < 4 << 20
