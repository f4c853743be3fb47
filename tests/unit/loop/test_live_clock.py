"""The session's clock and the watch for clock steps."""

import pytest

from alphatrade_runtime.loop.live_clock import ClockFacts, Clocks, SessionClock, StepWatch, parse_speed
from alphatrade_runtime.market.faults import InputError


class Host:
    """Clocks that a test sets."""

    def __init__(self):
        self.wall, self.mono = 1_000_000_000_000, 50_000_000_000
        self.clocks = Clocks(lambda: self.wall, lambda: self.mono)

    def sleep(self, ns):
        self.wall += ns
        self.mono += ns


def test_session_time_goes_at_its_speed_and_does_not_follow_a_set_clock():
    host = Host()
    clock = SessionClock(ClockFacts(7_000, host.wall, 20), host.clocks)
    assert clock() == 7_000
    host.sleep(100)
    assert clock() == 9_000
    host.wall += 3_600 * 10**9
    assert clock() == 9_000


def test_two_processes_show_the_same_time_and_a_restart_goes_on_from_the_time_of_day():
    host = Host()
    facts = ClockFacts(7_000, host.wall, 20)
    first = SessionClock(facts, host.clocks)
    host.sleep(1_000_000)
    assert SessionClock(facts, host.clocks)() == first() == 7_000 + 20_000_000


def test_time_that_was_reached_is_never_shown_again():
    host = Host()
    facts = ClockFacts(7_000, host.wall, 1)
    host.wall -= 10**9
    assert SessionClock(facts, host.clocks, not_before=8_000)() == 8_000


@pytest.mark.parametrize(("step_ns", "noticed"), [(100_000_000, 0), (100_000_001, 100_000_001), (-(10**9), -(10**9))])
def test_a_step_of_more_than_100_ms_is_noticed_once(step_ns, noticed):
    host = Host()
    watch = StepWatch(host.clocks)
    host.sleep(5_000_000_000)
    assert watch.moved_ns() == 0
    host.wall += step_ns
    assert watch.moved_ns() == noticed
    assert watch.moved_ns() == 0


def test_speeds():
    assert parse_speed("Realtime") == 1
    assert parse_speed("200x") == 200
    with pytest.raises(InputError, match="Max: a wall-clock session runs at Realtime or at a multiple"):
        parse_speed("Max")
