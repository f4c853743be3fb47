"""Trading calendars as sorted int64 nanosecond arrays: sessions, trading days, bar ordinals.

"24/7" has one session a UTC day. Every other name is one of exchange_calendars. A trading day
starts at its session's open and lasts to the next session's open. Ordinals count from the first
session of 1970 (or the calendar's first, if later), so that they do not depend on the range.
"""

import difflib
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.market.faults import InputError

Ints = npt.NDArray[np.int64]

ALWAYS = "24/7"
DAY_NS = 86_400_000_000_000
MARGIN_DAYS = 15  # longer than any exchange's longest holiday


@dataclass(frozen=True)
class Calendar:
    """The sessions of one venue around a range of time.

    open_ns, close_ns: (n,) trading intervals [open, close); a midday break splits a session.
    day_start_ns, session_close_ns: (m,) first open and last close of each session.
    dates: (m,) the sessions' local dates as days since 1970.
    anchor: position here of the session whose ordinal is 0; negative when it lies before the first.
    """

    name: str
    open_ns: Ints
    close_ns: Ints
    day_start_ns: Ints
    session_close_ns: Ints
    dates: Ints
    anchor: int

    @classmethod
    def load(cls, name: str, first_ns: int, last_ns: int) -> "Calendar":
        """Load a calendar that covers first_ns..last_ns and 15 days to each side where it has them.

        Raises InputError for an unknown name (with near matches) or a range that it does not cover.
        """
        if name == ALWAYS:
            return _always(first_ns // DAY_NS - MARGIN_DAYS, last_ns // DAY_NS + MARGIN_DAYS)
        return _from_exchange(name, first_ns // DAY_NS, last_ns // DAY_NS)

    def session_index(self, ts_ns: npt.ArrayLike) -> Ints:
        """Position of the trading day that holds each time. (n,) int64.

        Raises InputError when a time is before the first session here.
        """
        index = np.searchsorted(self.day_start_ns, np.asarray(ts_ns, np.int64), side="right").astype(np.int64) - 1
        if (index < 0).any():
            raise InputError(f"calendar {self.name}: a time is before its first session; load it from an earlier time")
        return index

    def session_ordinal(self, ts_ns: npt.ArrayLike) -> Ints:
        """Ordinal of the trading day that holds each time. (n,) int64."""
        return self.session_index(ts_ns) - self.anchor

    def is_open(self, ts_ns: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Whether each time lies in a trading interval. (n,) bool."""
        times = np.asarray(ts_ns, np.int64)
        index = np.searchsorted(self.open_ns, times, side="right") - 1
        return np.asarray((index >= 0) & (times < self.close_ns[np.maximum(index, 0)]))

    def session_of_date(self, days: npt.ArrayLike) -> Ints:
        """Position of the session of each local date (days since 1970); -1 when it is none. (n,) int64."""
        wanted = np.asarray(days, np.int64)
        index = np.minimum(np.searchsorted(self.dates, wanted), len(self.dates) - 1)
        return np.where(self.dates[index] == wanted, index, -1).astype(np.int64)

    def bar_ordinal(self, open_ns: npt.ArrayLike, duration_ns: int) -> Ints:
        """Ordinal of the bar that holds each time; neighbours in the calendar differ by 1. (n,) int64.

        A bar of one day is a session; shorter ones start at a session's open, the last may be short.
        """
        check_duration(duration_ns)
        times = np.asarray(open_ns, np.int64)
        if self.name == ALWAYS:
            return times // duration_ns
        index = self.session_index(times)
        if duration_ns == DAY_NS:
            return index - self.anchor
        counts = -((self.day_start_ns - self.session_close_ns) // duration_ns)
        base = np.cumsum(counts) - counts
        return base[index] - base[self.anchor] + (times - self.day_start_ns[index]) // duration_ns

    def bar_span(self, inside_ns: npt.ArrayLike, duration_ns: int) -> tuple[Ints, Ints]:
        """Open and close of the bar that holds each time; the close is at most the session's. (n,) int64 each."""
        check_duration(duration_ns)
        times = np.asarray(inside_ns, np.int64)
        index = self.session_index(times)
        start, end = self.day_start_ns[index], self.session_close_ns[index]
        if duration_ns == DAY_NS:
            return start, end
        opened = start + (times - start) // duration_ns * duration_ns
        return opened, np.minimum(opened + duration_ns, end)


def check_duration(duration_ns: int) -> None:
    """Raise InputError unless bars of this duration fill a day evenly."""
    if not 0 < duration_ns <= DAY_NS or DAY_NS % duration_ns:
        raise InputError(f"bar duration {duration_ns} ns: give one that divides a day, such as 1d, 1h, 5min or 1s")


def _always(first_day: int, last_day: int) -> Calendar:
    dates = np.arange(first_day, last_day + 1, dtype=np.int64)
    opens, closes = dates * DAY_NS, (dates + 1) * DAY_NS
    return Calendar(ALWAYS, opens, closes, opens, closes, dates, -first_day)


def _from_exchange(name: str, first_day: int, last_day: int) -> Calendar:
    recent = _exchange_calendar(name)
    low, high = (_day(bound) for bound in (recent.bound_min(), recent.bound_max()))
    if (low is not None and first_day < low) or (high is not None and last_day > high):
        known = f"{_date(low) or 'any'} to {_date(high) or 'any'}"
        raise InputError(
            f"calendar {name}: knows {known}, the data span {_date(first_day)} to {_date(last_day)}; "
            "cut the data or choose another calendar"
        )
    start = max(min(0, first_day - MARGIN_DAYS), low if low is not None else -(10**6))
    end = min(last_day + MARGIN_DAYS, high if high is not None else 10**6)
    return _arrays(name, _exchange_calendar(name, start=_date(start), end=_date(max(end, start + 1))))


@lru_cache(maxsize=8)
def _exchange_calendar(name: str, **bounds: Any) -> Any:
    import exchange_calendars  # takes 0.3 s, and "24/7" needs none of it

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # its own use of pandas
            return exchange_calendars.get_calendar(name, **bounds)
    except exchange_calendars.errors.InvalidCalendarName:
        names = exchange_calendars.get_calendar_names()
        near = difflib.get_close_matches(name.upper(), names, n=3, cutoff=0.5) or ["24/7", "XNYS", "XLON"]
        raise InputError(f"calendar {name!r} is unknown; did you mean {', '.join(near)}?") from None
    except (ValueError, exchange_calendars.errors.CalendarError) as error:
        raise InputError(f"calendar {name}: {error}; cut the data or choose another calendar") from None


def _arrays(name: str, exchange: Any) -> Calendar:
    opens, closes = _ns(exchange.opens), _ns(exchange.closes)
    halves = exchange.break_starts.notna().to_numpy()
    intervals_open = np.concatenate((opens, _ns(exchange.break_ends[halves])))
    intervals_close = np.concatenate((closes, closes[halves]))
    intervals_close[: len(opens)][halves] = _ns(exchange.break_starts[halves])
    order = np.argsort(intervals_open, kind="stable")
    dates = exchange.sessions.to_numpy().astype("datetime64[D]").astype(np.int64)
    anchor = int(np.searchsorted(dates, 0))
    return Calendar(name, intervals_open[order], intervals_close[order], opens, closes, dates, anchor)


def _ns(times: Any) -> Ints:
    return np.asarray(times.to_numpy(dtype="datetime64[ns]"), "datetime64[ns]").astype(np.int64)


def _day(bound: Any) -> int | None:
    return None if bound is None else int(np.datetime64(bound, "D").astype(np.int64))


def _date(day: int | None) -> str:
    return "" if day is None else str(np.datetime64(day, "D"))
