"""Simulated bars: times of a calendar, sound ranges, planted halts as missing bars, crashes as planted."""

import numpy as np
import pytest

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.quality import REFUSALS
from alphatrade_runtime.market.schema import Flag, Kind
from alphatrade_runtime.market.simulator.examples import DAILY_BARS
from unit.market_simulator.readings import only, rows_of

DAY = 86_400 * 10**9
TWO = [{"symbol": "SIM-A"}, {"symbol": "SIM-B"}]
FLAT = {"calm": {"volatility": 1.0}} | {
    name: {"weight": 0} for name in ("trend_up", "trend_down", "mean_reverting", "storm")
}


@pytest.fixture(scope="module")
def daily():
    return rows_of(DAILY_BARS)


def test_each_session_has_a_bar_of_each_instrument(daily):
    assert set(daily.kind.tolist()) == {Kind.BAR}
    assert len(daily.seq) == 2 * 2520
    bars = only(daily, Kind.BAR, 1)
    assert (np.diff(bars.venue_seq) == 1).all()
    hours = (bars.ts_init_ns - bars.ts_event_ns) / 3.6e12
    assert set(np.unique(hours)) == {3.5, 6.5}, "half days of the exchange are half as long"


def test_bars_are_sound(daily):
    for name, fault in REFUSALS:
        assert not fault(daily).any(), name
    assert (daily.size > 0).all()
    assert (daily.ask > daily.bid).mean() > 0.99


def test_bars_of_one_close_are_one_step(daily):
    ends = np.append(np.diff(daily.ts_init_ns) > 0, True)
    assert ((daily.flags & Flag.LAST > 0) == ends).all()
    assert ends.sum() == 2520


def test_a_bar_opens_away_from_the_close_before(daily):
    bars = only(daily, Kind.BAR)
    gap = np.log(bars.bid_size[1:] / bars.price[:-1])
    whole = np.log(bars.price[1:] / bars.price[:-1])
    assert 0.2 < gap.std() / whole.std() < 0.6


def test_daily_volatility_is_as_asked():
    market = {**DAILY_BARS, "regimes": FLAT, "volatility": {"fast_sd": 0, "slow_sd": 0}}
    bars = only(rows_of(market), Kind.BAR)
    assert np.diff(np.log(bars.price)).std() * np.sqrt(252) == pytest.approx(0.18, rel=0.05)


def test_minute_bars_never_sleep_in_the_24_7_calendar():
    rows = rows_of({"duration": "3h", "instruments": TWO, "bars": {"duration": "1m"}})
    bars = only(rows, Kind.BAR)
    assert len(bars.seq) == 180
    assert (np.diff(bars.ts_event_ns) == 60 * 10**9).all()


def test_minute_bars_of_an_exchange_keep_its_hours():
    rows = rows_of({"duration": "3d", "bars": {"duration": "1m", "calendar": "XNYS"}})
    assert len(rows.seq) == 3 * 390


@pytest.mark.parametrize("kind", ["halt", "gap", "stale"])
def test_bars_are_missing_where_the_market_or_the_feed_is(kind):
    event = {"type": kind, "at": "60m", "duration": "30m", "instrument": "SIM-A"}
    rows = rows_of({"duration": "3h", "instruments": TWO, "bars": {"duration": "1m"}, "events": [event]})
    assert np.diff(only(rows, Kind.BAR, 0).venue_seq).max() == 31
    assert np.diff(only(rows, Kind.BAR, 1).venue_seq).max() == 1


def test_a_crash_falls_as_planted():
    event = {"type": "crash", "at": "365d", "duration": "30d", "size": -0.3}
    market = {**DAILY_BARS, "regimes": FLAT, "instruments": [{"symbol": "SIM-A", "annual_volatility": 0.02}]}
    bars = only(rows_of({**market, "events": [event]}), Kind.BAR)
    start = bars.ts_event_ns[0]
    price = [bars.price[np.searchsorted(bars.ts_init_ns, start + day * DAY) - 1] for day in (365, 395)]
    assert price[1] / price[0] == pytest.approx(0.7, abs=0.03)


def test_regimes_show_in_bars():
    def moved(name):
        regimes = {other: {"weight": 0} for other in (*FLAT, "calm") if other != name}
        bars = only(rows_of({**DAILY_BARS, "regimes": {**regimes, name: {"weight": 1}}}), Kind.BAR)
        return np.log(bars.price[-1] / bars.price[0])

    assert moved("trend_up") > moved("calm") + 1 > moved("trend_down") + 2


@pytest.mark.parametrize(
    ("bars", "told"),
    [
        ({"duration": "7m", "calendar": "NOWHERE"}, "7m|420000000000"),
        ({"duration": "1d", "calendar": "NOWHERE"}, "calendar 'NOWHERE' is unknown"),
        ({"duration": "1d"}, "holds no whole bar"),
    ],
)
def test_refusals(bars, told):
    with pytest.raises(InputError, match=told):
        rows_of({"duration": "1h", "bars": bars})
