from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphatrade_runtime.market.faults import InputError, RowFault
from alphatrade_runtime.market.instrument import Instrument, plain

BTC = Instrument("BTCUSDT", Decimal("0.1"), Decimal("0.001"))


def test_mult_is_quanta_per_tick_and_lot():
    assert BTC.mult == 10_000
    assert Instrument("ES", Decimal("0.25"), Decimal(1), Decimal(50)).mult == 1_250_000_000


@given(st.integers(-(2**47), 2**47), st.sampled_from(["0.1", "0.25", "0.00001", "5", "1e-8"]))
def test_price_round_trips_exactly(ticks, tick_size):
    instrument = Instrument("X", Decimal(tick_size), Decimal(1000))
    price = instrument.ticks_to_price(ticks)
    assert instrument.price_to_ticks(price) == ticks
    assert instrument.price_to_ticks(plain(price)) == ticks


@given(st.integers(0, 2**47), st.integers(1, 99))
def test_a_price_between_ticks_is_refused(ticks, cents):
    price = BTC.ticks_to_price(ticks) + Decimal(cents) / 1000
    with pytest.raises(RowFault) as caught:
        BTC.price_to_ticks(price)
    assert caught.value.fault == "tick_mismatch"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("NaN", "not_a_number"),
        ("inf", "not_a_number"),
        ("", "not_a_number"),
        ("1_0", "not_a_number"),
        (" 1", "not_a_number"),
        ("１", "not_a_number"),
        ("0x10", "not_a_number"),
        ("1e999", "too_large"),
        ("1e-999", "tick_mismatch"),
        ("28147497671065.6", "too_large"),
        ("0.05", "tick_mismatch"),
    ],
)
def test_each_bad_price_has_its_fault(text, fault):
    with pytest.raises(RowFault) as caught:
        BTC.price_to_ticks(text)
    assert caught.value.fault == fault


def test_a_size_between_lots_is_refused():
    assert BTC.size_to_lots("2.507") == 2507
    assert BTC.lots_to_size(2507) == Decimal("2.507")
    with pytest.raises(RowFault, match="lot size"):
        BTC.size_to_lots("0.0005")


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"tick_size": "0"}, "tick_size is 0"),
        ({"tick_size": "-1"}, "tick_size is -1"),
        ({"tick_size": "NaN"}, "tick_size is NaN"),
        ({"tick_size": "abc"}, "tick_size is 'abc'"),
        ({"tick_size": 0.1}, "tick_size is 0.1; give a decimal in quotes"),
        ({"tick_size": None}, "tick_size is None"),
        ({"lot_size": "1e-30"}, "lot_size is 1E-30"),
        ({"tick_size": "0.0001", "lot_size": "0.0001"}, "no even number"),
        ({"tick_size": "0.00001", "lot_size": "0.0001"}, "no even number"),
        ({"tick_size": "1e9", "lot_size": "1e9"}, r"2\*\*60"),
        ({"contract": "inverse"}, "inverse.*refused"),
        ({"contract": "quanto"}, "quanto.*refused"),
        ({"taker_fee_e7": 10**7}, "taker_fee_e7 is 10000000"),
        ({"max_quote_age_ns": 0}, "max_quote_age_ns is 0"),
        ({"symbol": ""}, "symbol is empty"),
    ],
)
def test_each_unsound_instrument_is_refused_in_one_line(facts, message):
    with pytest.raises(InputError, match=message) as caught:
        Instrument.from_mapping({"symbol": "X", "tick_size": "0.1", "lot_size": "0.001", **facts})
    assert "\n" not in str(caught.value)


def test_a_missing_symbol_is_named():
    with pytest.raises(InputError, match="symbol is missing"):
        Instrument.from_mapping({"tick_size": "0.1"})


def test_mapping_round_trips():
    facts = Instrument("X", Decimal("0.10"), Decimal("1E+1"), Decimal("2")).to_mapping()
    assert facts == {"symbol": "X", "tick_size": "0.1", "lot_size": "10", "multiplier": "2"}
    assert Instrument.from_mapping(facts).to_mapping() == facts


def test_notional_beyond_2_60_is_refused():
    BTC.check_notional(10**7, 10**7)
    with pytest.raises(InputError, match="lower max_position_lots"):
        BTC.check_notional(2**30, 2**30)
