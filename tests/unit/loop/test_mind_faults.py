"""Which faults a decision collects, and which of them ask for a row: by hand, as plain Python."""

import numpy as np
import pytest

from alphatrade_runtime.loop.core import new_core
from alphatrade_runtime.loop.mind import think
from alphatrade_runtime.loop.mind.faults import tell_faults
from alphatrade_runtime.loop.mind.rows import WANTED
from alphatrade_runtime.loop.mind.state import HAS_BELIEF, HAS_DRIFT, HAS_FAST, HAS_REGIME, MIND_DTYPE, SYMBOL_DTYPE
from alphatrade_runtime.reflection.routes import Masked

pytestmark = pytest.mark.twin


class Desk:
    """One instrument with a sound book and all parts on."""

    def __init__(self):
        self.core = new_core()
        self.c = self.core[0]
        self.mind = np.zeros(1, MIND_DTYPE).view(np.recarray)[0]
        self.symbol = np.zeros(1, SYMBOL_DTYPE).view(np.recarray)[0]
        self.mind.parts = HAS_BELIEF | HAS_REGIME | HAS_FAST | HAS_DRIFT
        self.book(9_999, 10_001)

    def book(self, bid, ask, bid_size=5, ask_size=5):
        self.c.views["bid"][0], self.c.views["ask"][0] = bid, ask
        self.c.views["bid_size"][0], self.c.views["ask_size"][0] = bid_size, ask_size

    def tell(self):
        """Return whether a row is asked for."""
        self.core["loop"]["report"] = 0
        tell_faults(self.c, self.mind, self.symbol, 0)
        assert self.c.loop[0].report in (0, WANTED)
        return bool(self.c.loop[0].report)


@pytest.fixture
def desk():
    return Desk()


def test_a_sound_decision_asks_for_no_row(desk):
    assert not desk.tell()
    assert desk.symbol.masked == 0


@pytest.mark.parametrize(
    ("book", "bit"),
    [
        ((0, 0, 0, 0), Masked.EMPTY_BOOK), ((0, 10_001), Masked.EMPTY_BOOK), ((9_999, 0), Masked.EMPTY_BOOK),
        ((9_999, 10_001, 0, 0), Masked.EMPTY_BOOK), ((10_001, 9_999), Masked.CROSSED_BOOK),
        ((9_999, 9_999), Masked.CROSSED_BOOK), ((9_999, 10_001, 0, 5), 0),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_book(desk, book, bit):
    desk.book(*book)
    assert desk.tell() is bool(bit)
    assert desk.symbol.masked == bit


def test_bars_have_no_book_to_be_empty_and_no_spread(desk):
    desk.core["loop"]["bar_mode"] = 1
    desk.book(0, 0, 0, 0)
    assert not desk.tell()
    assert think._spread(desk.c, 0) == 0.0


@pytest.mark.parametrize(
    ("book", "spread"), [((9_999, 10_001), 2.0), ((0, 0), None), ((10_001, 9_999), None), ((9_999, 9_999), None)]
)
def test_a_spread_is_not_known_without_two_sides(desk, book, spread):
    desk.book(*book)
    found = think._spread(desk.c, 0)
    assert np.isnan(found) if spread is None else found == spread


@pytest.mark.parametrize(
    ("part", "field", "bit"),
    [
        ("regime", "masked", Masked.RETURN), ("sentry", "masked", Masked.DRIFT),
        ("fast", "frozen", Masked.FAST_WEIGHTS),
    ],
)  # fmt: skip
def test_what_a_part_left_out_is_told(desk, part, field, bit):
    record = desk.symbol[part][0]
    if part == "sentry":
        record[field][3] += 1
    else:
        record[field] += 1
    assert desk.tell()
    assert desk.symbol.masked == bit
    desk.symbol.masked = 0
    desk.tell()
    assert desk.symbol.masked == (bit if part == "fast" else 0)  # frozen it stays


@pytest.mark.parametrize("kind", ["faults", "exploding", "constant"])
def test_a_features_bit_asks_for_a_row_once_and_is_collected_each_time(desk, kind):
    for feature in (0, 63):
        bit = np.int64(1) << np.int64(feature)
        for first in (True, False):
            desk.symbol[kind] = 0
            if kind == "faults":
                desk.symbol.faults |= bit
            else:
                desk.symbol.standard[0][kind] = bit
            assert desk.tell() is first
            assert desk.symbol[kind] == bit


def test_a_new_regime_asks_for_a_row(desk):
    desk.symbol.changed = 1
    assert desk.tell()


def test_what_must_be_on_disk_at_once_stays_so(desk):
    desk.symbol.changed = 1
    desk.core["loop"]["report"] = 1
    tell_faults(desk.c, desk.mind, desk.symbol, 0)
    assert desk.c.loop[0].report == 1


def test_what_is_off_is_not_asked(desk):
    desk.mind.parts = 0
    desk.symbol.standard[0].exploding = 1
    desk.symbol.regime[0].masked = desk.symbol.fast[0].frozen = 1
    desk.symbol.sentry[0].masked[0] = 1
    assert not desk.tell()
