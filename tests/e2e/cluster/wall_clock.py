"""The machine's time of day, set by less than a second and set back: every process on it sees a clock that steps.

The kernel has no time of day that is one namespace's own, and a step is what its readers are to notice, so it is the
real one. It is moved by an offset, not set to a time, so that what keeps it right meanwhile is not undone.
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

_SET_OFFSET, _NANO = 0x0100, 0x2000  # of adjtimex(2)
_MOST_S = 0.5
_WORDS = 26  # struct timex has 208 bytes


@contextmanager
def clock_moved(by_s: float) -> Iterator[None]:
    """Move the time of day, and back by as much at the end. Skips the test where nobody may."""
    assert abs(by_s) <= _MOST_S, "no test sets the machine's clock by more"
    try:
        _move(by_s)
    except PermissionError:
        pytest.skip("nobody here may set the clock of this machine: run the tests as root")
    try:
        yield
    finally:
        _move(-by_s)


def _move(by_s: float) -> None:
    seconds, nanoseconds = divmod(round(by_s * 1e9), 10**9)
    words = (ctypes.c_long * _WORDS)()
    words[0] = _SET_OFFSET | _NANO
    words[9], words[10] = seconds, nanoseconds
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.adjtimex(words) < 0:
        raise OSError(ctypes.get_errno(), "adjtimex")
