"""Thirty years of real daily prices under the research template: SESSION, STALE and PRICE_BAND only where planted."""

import copy
from pathlib import Path

import numpy as np
import pytest

from alphatrade_operator.render import render_session
from alphatrade_operator.resources import load_folder
from alphatrade_runtime.loop.build import instrument_of
from alphatrade_runtime.loop.engine import Engine
from alphatrade_runtime.market.calendar import Calendar
from alphatrade_runtime.market.importers.bars import write_bars
from alphatrade_runtime.market.schema import Flag, Kind, Rows, Status, rows_from_columns
from alphatrade_runtime.market.tape import Tape
from alphatrade_runtime.policy.document import parse_session
from unit.risk.law_session import policy

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
WATCHED = {"SESSION", "STALE", "PRICE_BAND"}
YEAR_NS = int(365.25 * 86_400 * 1e9)
DAY_NS = 86_400 * 10**9


def _session():
    """The daily-bars example with oil added, and each instrument worked another way."""
    document = copy.deepcopy(render_session(load_folder(EXAMPLES / "daily-bars"), "daily-bars"))
    envelope = document["policy"]["envelope"]
    envelope["instruments"].append({**envelope["instruments"][0], "symbol": "WTI"})
    envelope["limits"]["symbols"] = ["SP500", "NASDAQ", "WTI"]
    document["policy"]["genotype"]["policies"] = [
        policy("ema_cross", {"fast": 20, "slow": 100}, "market", {}, ["SP500"], name="trend"),
        policy("breakout", {"window": 50}, "twap", {"duration_ns": DAY_NS, "slices": 4}, ["NASDAQ"], name="slow"),
        policy("mean_reversion", {"window": 20, "enter": 1.0}, "pegged", {"timeout_ns": DAY_NS}, ["WTI"], name="oil"),
    ]  # fmt: skip
    return document


def _oil():
    """Closing prices on the exchange's days, as bars without a range."""
    prices = pytest.importorskip("arch.data.wti").load().dropna()
    prices = prices[prices.iloc[:, 0] > 0]
    calendar = Calendar.load("XNYS", int(prices.index[0].value), int(prices.index[-1].value) + DAY_NS)
    days = {str(np.datetime64(int(ns), "ns").astype("datetime64[D]")) for ns in calendar.open_ns}
    prices = prices[[str(day.date()) in days for day in prices.index]]
    return prices.assign(open=prices.iloc[:, 0], high=prices.iloc[:, 0], low=prices.iloc[:, 0], close=prices.iloc[:, 0])


@pytest.fixture(scope="module")
def tape(tmp_path_factory):
    frames = {
        "SP500": pytest.importorskip("arch.data.sp500").load(),
        "NASDAQ": pytest.importorskip("arch.data.nasdaq").load(),
        "WTI": _oil(),
    }
    instruments = [instrument_of(t) for t in parse_session(_session()).policy.envelope.instruments]
    folder = tmp_path_factory.mktemp("bars") / "daily"
    write_bars(folder, frames, instruments, name="arch", calendar="XNYS", round_to_units=True)
    return Tape.open(folder)


def _rows(tape):
    columns = [np.concatenate(parts) for parts in zip(*tape.chunks(), strict=True)]
    return dict(zip(Rows._fields, columns, strict=True))


def test_thirty_years_give_no_such_denial(tape):
    result = Engine(_session()).replay(tape)
    columns = _rows(tape)
    assert columns["ts_init_ns"][-1] - columns["ts_init_ns"][0] > 30 * YEAR_NS
    assert result.counts["decisions"] > 15_000
    assert result.counts["orders"] > 500
    assert result.counts["fills"] > 300
    assert WATCHED & set(result.counts["denials"]) == set(), result.counts["denials"]
    assert result.violations == []


def _planted(tape, missing):
    """Every third NASDAQ bar falls into a halt; the one after it may be missing, so that its slice meets no bar."""
    columns = _rows(tape)
    nasdaq = np.flatnonzero(columns["instrument"] == 1)[100:]
    halted, after = nasdaq[::3][:-1], nasdaq[1::3][: len(nasdaq[::3]) - 1]
    keep = np.ones(len(columns["seq"]), bool)
    if missing:
        keep[after] = False
    columns = {name: column[keep] for name, column in columns.items()}
    places = np.cumsum(keep) - keep  # where a row lies once those before it are gone
    for status, rows in ((Status.HALTED, halted), (Status.TRADING, after)):
        shift = np.searchsorted(np.sort(halted), rows, side="right") if status is Status.TRADING else 0
        where = (places[rows] + shift).astype(np.int64)
        for name, column in columns.items():
            fields = {"kind": int(Kind.STATUS), "instrument": 1, "price": int(status)}
            inherited = (
                column[np.minimum(where, len(column) - 1)] if name in ("ts_init_ns", "ts_event_ns", "seq") else 0
            )
            columns[name] = np.insert(column, where, fields.get(name, inherited))
    last = np.append(columns["ts_init_ns"][1:] != columns["ts_init_ns"][:-1], True)
    columns["flags"] = np.where(last, int(Flag.LAST), 0)
    return rows_from_columns(columns)


def test_planted_halts_are_session_denials(tape):
    result = Engine(_session()).replay(_planted(tape, missing=False))
    assert WATCHED & set(result.counts["denials"]) == {"SESSION"}


def test_planted_missing_bars_are_stale_denials(tape):
    """A slice that a halt held back is asked for again when others' bars come and its own does not."""
    result = Engine(_session()).replay(_planted(tape, missing=True))
    assert WATCHED & set(result.counts["denials"]) == {"SESSION", "STALE"}


def test_a_planted_far_peg_is_a_price_band_denial(tape):
    document = _session()
    document["policy"]["genotype"]["policies"][2]["execution_topology"]["params"]["offset_ticks"] = 100
    result = Engine(document).replay(tape)
    assert WATCHED & set(result.counts["denials"]) == {"PRICE_BAND"}
