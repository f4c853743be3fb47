"""What comes after t changes nothing at or before t: the tape cut there, and the tape with other values from there on.

After each group of quotes a STATUS row of an instrument that nobody trades makes the diary write down every
decision so far, so that a diary up to t holds all decisions up to t.
"""

import numpy as np
import pytest

from alphatrade_runtime.loop import replay
from alphatrade_runtime.loop.build import build
from alphatrade_runtime.market.schema import Flag, Kind, rows_from_columns
from alphatrade_runtime.policy.document import parse_session
from unit.loop.made_tapes import changed_after, made_rows, until
from unit.loop.mixed_sessions import mixed
from unit.risk.law_session import policy, session, targets

TRADED = 7
STEPS = 240
MOMENTS = 200
BAR_NS = 60_000_000_000


def with_marks(rows, instrument, gap_ns=1):
    """Append to every group a STATUS row, `gap_ns` later, that halts or resumes the instrument which nobody trades."""
    columns = {name: np.array(column) for name, column in rows._asdict().items()}
    ends = np.flatnonzero(columns["flags"] & int(Flag.LAST))
    added = {name: np.zeros(len(ends), column.dtype) for name, column in columns.items()}
    added["ts_init_ns"] = added["ts_event_ns"] = columns["ts_init_ns"][ends] + gap_ns
    added["instrument"][:] = instrument
    added["kind"][:] = int(Kind.STATUS)
    added["price"] = 2 - np.arange(len(ends)) % 2
    joined = {name: np.concatenate([columns[name], added[name]]) for name in columns}
    order = np.argsort(joined["ts_init_ns"], kind="stable")
    joined = {name: column[order] for name, column in joined.items()}
    joined["seq"] = np.arange(1, len(order) + 1)
    return rows_from_columns(joined)


def as_bars(rows):
    """The quotes of a made tape as bars of a minute, released at their close, the open of the next."""
    columns = {name: np.array(column) for name, column in rows._asdict().items()}
    group = np.unique(columns["ts_init_ns"], return_inverse=True)[1]
    start = columns["ts_init_ns"][0]
    low, high = columns["bid"] - columns["bid_size"] % 7, columns["ask"] + columns["ask_size"] % 7
    columns |= {
        "kind": np.full(len(group), int(Kind.BAR)), "ts_event_ns": start + group * BAR_NS,
        "ts_init_ns": start + (group + 1) * BAR_NS, "venue_seq": group, "price": columns["ask"],
        "size": columns["ask_size"], "bid_size": columns["bid"], "bid": low, "ask": high,
        "ask_size": np.zeros(len(group), np.int64),
    }  # fmt: skip
    return rows_from_columns(columns)


def decisions(document, rows, bars):
    """Return the diary rows of a run, as bytes a row, and their times."""
    core = build(parse_session(document), None, bar_mode=bars)
    depth = np.zeros((len(document["policy"]["envelope"]["instruments"]), 2, 0), np.int64)
    assert replay.run(core, rows, len(rows.seq), True, depth) == replay.DONE
    found = np.asarray(core[0].out_decisions)[: int(core[0].out_n[0])]
    written = np.zeros(len(found), [(name, found.dtype[name]) for name in found.dtype.names or ()])  # no padding
    for name in found.dtype.names or ():
        written[name] = found[name]
    assert core[0].loop[0].plugin_faults == 0
    return written["event_ts_ns"].copy(), [row.tobytes() for row in written], int(core[0].loop[0].decisions)


def on_quotes(steps):
    document = mixed()
    document["policy"]["envelope"]["instruments"].append(
        {**document["policy"]["envelope"]["instruments"][0], "symbol": "IDLE"}
    )
    rows = made_rows(steps * TRADED, TRADED, together=True, step_ns=1_000_000_000)
    return document, with_marks(rows, TRADED), False


def on_bars(steps):
    signals = [
        ("ema_cross", {"fast": 3, "slow": 8}),
        ("mean_reversion", {"window": 8}),
        ("breakout", {"window": 8, "exit_window": 4}),
    ]
    policies = [
        policy(s, p, "market" if k else "passive_quote", {}, [f"SIM-{k}"], name=s) for k, (s, p) in enumerate(signals)
    ]
    policies.append(targets((1, 1.0), (40, -1.0), (90, 0.5), topology="pegged", instruments=["SIM-3"], name="own"))
    document = session(
        *policies, n=5, terms={"max_position_lots": 40, "max_order_lots": 80}, clock="bar", interval_ns=BAR_NS
    )
    rows = made_rows(steps * 4, 4, together=True, step_ns=1_000_000_000)
    quotes = {**rows._asdict(), "kind": np.full(len(rows.seq), int(Kind.QUOTE))}
    for name, value in (("bid", 9_990), ("ask", 9_993), ("bid_size", 20), ("ask_size", 20)):
        quotes[name] = np.where(rows.kind == int(Kind.QUOTE), rows._asdict()[name], value)
    return document, with_marks(as_bars(rows_from_columns(quotes)), 4), True


def disagreements(document, rows, bars, most, run=decisions):
    """Return (moments t whose past depends on what follows, moments after which the changes show, moments tried)."""
    times, whole, _ = run(document, rows, bars)
    marks = rows.ts_init_ns[rows.kind == int(Kind.STATUS)]
    moments = np.sort(np.random.default_rng(7).permutation(marks)[:most])
    before, after = 0, 0
    for k, t in enumerate(moments):
        expected = whole[: int(np.searchsorted(times, t, side="right"))]
        other_times, other, _ = run(document, changed_after(rows, t, seed=k), bars)
        cut = run(document, until(rows, t), bars)[1]
        before += cut != expected or other[: int(np.searchsorted(other_times, t, side="right"))] != expected
        after += other != whole
    return before, after, len(moments)


@pytest.mark.parametrize("tape", [on_quotes, on_bars])
def test_nothing_after_t_changes_a_decision_at_or_before_t(tape):
    document, rows, bars = tape(STEPS)
    _, whole, decided = decisions(document, rows, bars)
    assert decided > 3 * STEPS
    assert len(set(whole)) > STEPS // 2
    before, after, tried = disagreements(document, rows, bars, MOMENTS)
    assert (before, tried) == (0, MOMENTS)
    assert after > MOMENTS * 0.9  # the changes do change what is decided later


def reads_the_next_quote(document, rows, bars):
    """A loop that looks ahead, made by handing the sound one the prices of the next group."""
    ahead = np.minimum(np.arange(len(rows.seq)) + TRADED + 1, len(rows.seq) - 1)
    columns = rows._asdict()
    later = {n: np.where(rows.kind == int(Kind.QUOTE), columns[n][ahead], columns[n]) for n in ("bid", "ask")}
    return decisions(document, rows_from_columns({**columns, **later}), bars)


def hears_fills_before_their_cause(document, rows, bars):
    """A venue 3 s ahead of the market data, so that reports tell what the tape has not told yet."""
    return decisions(
        document, rows_from_columns({**rows._asdict(), "ts_event_ns": rows.ts_event_ns - 3_000_000_000}), bars
    )


@pytest.mark.parametrize("ahead", [reads_the_next_quote, hears_fills_before_their_cause])
def test_a_loop_that_looks_ahead_is_caught(ahead):
    document, rows, bars = on_quotes(STEPS)
    before, _, tried = disagreements(document, rows, bars, 20, ahead)
    assert before > tried // 2
