"""The law in force is never looser than it was, and tighter at once when it is to be."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphatrade_operator.risk_template.decide import law_document
from alphatrade_operator.risk_template.effective import tighter
from alphatrade_operator.risk_template.model import RiskTemplateSpec

BTC = {"symbol": "BTC", "maxPositionLots": 100, "maxOrderLots": 10}
ETH = {"symbol": "ETH", "maxPositionLots": 50, "maxOrderLots": 5}
ANY = {"symbol": "*", "maxPositionLots": 20, "maxOrderLots": 2}


def law(instruments=(BTC,), **parts):
    return RiskTemplateSpec.model_validate({"instruments": list(instruments), **parts})


def fields(effective):
    return [one.field for one in effective.pending]


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ({"limits": {"maxNotionalBps": 500}}, {"limits": {"maxNotionalBps": 600}}, "limits.maxNotionalBps"),
        ({"limits": {"streamStale": "2s"}}, {"limits": {"streamStale": "3s"}}, "limits.streamStale"),
        ({"limits": {"maxOpenOrders": 5}}, {"limits": {"maxOpenOrders": 6}}, "limits.maxOpenOrders"),
        ({"limits": {"stopBps": 100}}, {"limits": {"stopBps": 90}}, "limits.stopBps"),
        ({"limits": {"markJumpBps": 500}}, {"limits": {"markJumpBps": 501}}, "limits.markJumpBps"),
        ({"drawdown": {"dayBps": 400}}, {"drawdown": {"dayBps": 500}}, "drawdown.dayBps"),
        ({"drawdown": {"maxBps": 1400}}, {}, "drawdown.maxBps"),
        ({}, {"drawdown": {"enabled": False}}, "drawdown.enabled"),
        ({"maxFlattenSlippageBps": 50}, {"maxFlattenSlippageBps": 51}, "maxFlattenSlippageBps"),
        ({}, {"flattenBlind": True}, "flattenBlind"),
        ({}, {"killSwitch": {"maxStaleness": "11s"}}, "killSwitch.maxStaleness"),
        ({}, {"instruments": [BTC | {"maxPositionLots": 101}]}, "instruments[BTC].maxPositionLots"),
        ({}, {"instruments": [BTC | {"maxOrderLots": 11}]}, "instruments[BTC].maxOrderLots"),
        (
            {"instruments": [BTC | {"minOrderLots": 2}]},
            {"instruments": [BTC]},
            "instruments[BTC].minOrderLots",
        ),
        ({"instruments": [BTC | {"maxQuoteAge": "1s"}]}, {"instruments": [BTC]}, "instruments[BTC].maxQuoteAge"),
        ({"instruments": [BTC | {"allowed": False}]}, {"instruments": [BTC]}, "instruments[BTC].allowed"),
    ],
)
def test_each_loosened_field_waits_and_its_reverse_acts(old, new, path):
    old, new = law(**{"instruments": [BTC], **old}), law(**{"instruments": [BTC], **new})
    loosened, tightened = tighter(old, new), tighter(new, old)
    assert fields(loosened) == [path]
    assert tighter(old, loosened.spec).pending == ()
    assert tighter(loosened.spec, old).pending == ()  # so they are the same law
    assert tightened.pending == ()


def test_what_waits_is_told_as_people_write_it():
    effective = tighter(law(limits={"streamStale": "2s"}), law(limits={"streamStale": "1m30s"}))
    (waits,) = effective.pending
    assert (waits.effective, waits.wanted) == ("2s", "1m30s")


def test_a_mixture_takes_the_tighter_of_each():
    old = law(limits={"maxNotionalBps": 500, "maxLeverageBps": 10_000})
    effective = tighter(old, law(limits={"maxNotionalBps": 900, "maxLeverageBps": 8_000}))
    assert (effective.spec.limits.max_notional_bps, effective.spec.limits.max_leverage_bps) == (500, 8_000)


def test_a_new_instrument_is_listed_and_not_allowed():
    effective = tighter(law(), law([BTC, ETH]))
    assert fields(effective) == ["instruments[ETH].allowed"]
    entry = effective.spec.entry("ETH")
    assert entry is not None
    assert not entry.allowed


def test_an_instrument_taken_out_is_not_traded_any_more():
    effective = tighter(law([BTC, ETH]), law([BTC]))
    assert effective.pending == ()
    assert effective.spec.entry("ETH") is None


def test_an_instrument_replaced_by_another_leaves_none_allowed():
    effective = tighter(law([BTC]), law([ETH]))
    assert [(entry.symbol, entry.allowed) for entry in effective.spec.instruments] == [("ETH", False)]


def test_a_star_does_not_open_what_had_no_entry():
    effective = tighter(law([BTC]), law([BTC, ANY]))
    assert fields(effective) == ["instruments[*].allowed"]
    entry = effective.spec.entry("SOL")
    assert entry is not None
    assert not entry.allowed


def test_an_entry_of_its_own_is_held_against_the_star_that_it_comes_from():
    effective = tighter(law([ANY]), law([ANY, BTC]))
    assert fields(effective) == ["instruments[BTC].maxPositionLots", "instruments[BTC].maxOrderLots"]
    entry = effective.spec.entry("BTC")
    assert entry is not None
    assert entry.max_position_lots == 20


def test_an_entry_that_goes_back_to_the_star_keeps_what_was_tighter():
    small = BTC | {"maxPositionLots": 5, "maxOrderLots": 1}
    effective = tighter(law([small, ANY]), law([ANY]))
    entry = effective.spec.entry("BTC")
    assert entry is not None
    assert (entry.max_position_lots, entry.max_order_lots) == (5, 1)


def test_two_ranges_of_sizes_that_do_not_meet_allow_nothing():
    entry = tighter(law(), law([BTC | {"minOrderLots": 20, "maxOrderLots": 30}])).spec.entry("BTC")
    assert entry is not None
    assert not entry.allowed


def _limits(draw):
    return {
        "maxNotionalBps": draw(st.integers(1, 10_000)),
        "bandLimitBps": (band := draw(st.integers(2, 10_000))),
        "bandMarketableBps": draw(st.integers(1, band)),
        "stopBps": draw(st.integers(1, 10_000)),
        "maxOrdersPerSecond": (rate := draw(st.integers(1, 100))),
        "maxOrdersPerMinute": draw(st.integers(rate, 8_000)),
    }


def _instrument(draw, symbol):
    position = draw(st.integers(1, 50))
    order = draw(st.integers(1, 2 * position))
    entry = {"symbol": symbol, "maxPositionLots": position, "maxOrderLots": order, "allowed": draw(st.booleans())}
    return entry | {"minOrderLots": draw(st.integers(1, order))}


@st.composite
def laws(draw):
    symbols = draw(st.lists(st.sampled_from(["BTC", "ETH", "*"]), min_size=1, unique=True))
    drawdown = draw(st.sampled_from([{}, {"enabled": False}, {"dayBps": 100, "maxBps": 200}, {"dayBps": 700}]))
    return RiskTemplateSpec.model_validate(
        {
            "limits": _limits(draw),
            "drawdown": drawdown,
            "instruments": [_instrument(draw, symbol) for symbol in symbols],
            "flattenBlind": draw(st.booleans()),
            "killSwitch": {"maxStaleness": draw(st.sampled_from(["1s", "10s"]))},
        }
    )


@settings(max_examples=60)
@given(laws(), laws())
def test_the_law_in_force_is_looser_than_neither(old, new):
    effective = tighter(old, new).spec
    for symbol in ("BTC", "ETH", "SOL"):
        entry = effective.entry(symbol)
        if entry is None or not entry.allowed:
            continue
        for law_ in (old, new):
            its = law_.entry(symbol)
            assert its is not None
            assert its.allowed
            assert its.min_order_lots <= entry.min_order_lots <= entry.max_order_lots <= its.max_order_lots
            assert entry.max_position_lots <= its.max_position_lots
    for name in type(new.limits).model_fields:
        values = getattr(old.limits, name), getattr(new.limits, name)
        assert getattr(effective.limits, name) == (max(values) if name == "stop_bps" else min(values))


@settings(max_examples=60)
@given(laws(), laws())
def test_what_is_in_force_stays_in_force(old, new):
    """Looking again changes nothing: a repair round writes no status."""
    once = tighter(old, new)
    again = tighter(once.spec, new)
    assert again == once


@settings(max_examples=60)
@given(laws(), laws())
def test_it_comes_back_from_a_status_as_it_was(old, new):
    effective = tighter(old, new).spec
    assert RiskTemplateSpec.model_validate(law_document(effective)) == effective


@settings(max_examples=60)
@given(laws(), laws(), laws())
def test_no_detour_loosens(old, other, new):
    """By way of another spec the law ends where the tightest of all three is, in every limit."""
    effective = tighter(tighter(old, other).spec, new).spec
    for name in type(new.limits).model_fields:
        values = [getattr(one.limits, name) for one in (old, other, new)]
        assert getattr(effective.limits, name) == (max(values) if name == "stop_bps" else min(values))
