"""The simulator's configuration: defaults, units, refusals that name the field, the way back from a manifest."""

import pytest

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.simulator.config import SimulatorConfig, describe, parse_config
from alphatrade_runtime.market.simulator.examples import DAILY_BARS, FOUR_HOURS

MINUTE = 60 * 10**9


def test_defaults_are_the_dataclass():
    assert parse_config({}) == SimulatorConfig()


def test_durations_are_text_or_nanoseconds():
    assert parse_config({"duration": "1m30s"}).duration_ns == 90 * 10**9
    assert parse_config({"duration_ns": 90 * 10**9}).duration_ns == 90 * 10**9
    assert parse_config({"latency": "0.5ms"}).latency_ns == 500_000


def test_a_regime_keeps_its_own_defaults_beneath_what_is_given():
    storm = parse_config({"regimes": {"storm": {"weight": 2}}}).regimes.storm
    assert (storm.weight, storm.volatility, storm.spread) == (2.0, 4.0, 4.0)


def test_bars_count_inner_times_in_bars():
    config = parse_config({"bars": {"duration": "1d"}, "edge": {"type": "momentum"}})
    assert config.regimes.calm.mean_steps == 60
    assert config.volatility.slow_half_life_steps == 60
    assert parse_config({}).regimes.calm.mean_steps == 600


@pytest.mark.parametrize("example", [FOUR_HOURS, DAILY_BARS, {}])
def test_what_a_manifest_keeps_reads_back(example):
    config = parse_config(example)
    assert parse_config(config.resolved()) == config


def test_a_session_decides_sizes_and_order():
    facts: list[dict[str, object]] = [
        {"symbol": "B", "tick_size": "0.1", "lot_size": "0.1", "multiplier": "1", "maker_fee_e7": 200},
        {"symbol": "A", "tick_size": "0.5", "lot_size": "1", "multiplier": "1"},
    ]
    config = parse_config({"instruments": [{"symbol": "A", "price": "50", "tick_size": "0.01"}]}, facts)
    assert [one.symbol for one in config.instruments] == ["B", "A"]
    assert (str(config.instruments[1].tick_size), str(config.instruments[1].price)) == ("0.5", "50")


def test_every_field_is_described():
    names = [name for name, _, _ in describe()]
    assert {"seed", "duration", "instruments[].price", "regimes.storm.volatility", "events[].at"} <= set(names)
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"sed": 1}, "simulator.sed: unknown field; did you mean seed"),
        ({"flow": {"momentun": 1}}, "simulator.flow.momentun: unknown field; did you mean momentum"),
        ({"regimes": {"panic": {}}}, "simulator.regimes.panic: unknown field"),
        ({"regimes": {"storm": {"vol": 1}}}, "simulator.regimes.storm.vol: unknown field"),
        ({"seed": -1}, "simulator.seed: -1 is refused"),
        ({"seed": True}, "simulator.seed: True is refused"),
        ({"seed": 1.5}, "simulator.seed: 1.5 is refused; give a whole number"),
        ({"correlation": 1.1}, "simulator.correlation: 1.1 is refused"),
        ({"correlation": float("nan")}, "simulator.correlation: nan is refused"),
        ({"correlation": "high"}, "simulator.correlation: 'high' is refused"),
        ({"duration": 3600}, "simulator.duration: 3600 is no duration"),
        ({"duration": "3600"}, "simulator.duration: '3600' is no duration"),
        ({"duration": "1 h"}, "simulator.duration: '1 h' is no duration"),
        ({"duration": "0s"}, "simulator.duration: '0s' is refused"),
        ({"latency": "0.5ns"}, "simulator.latency: '0.5ns' is no whole number of nanoseconds"),
        ({"duration": "1h", "duration_ns": 1}, "simulator.duration_ns: is given twice"),
        ({"start": "yesterday"}, "simulator.start: 'yesterday' is refused"),
        ({"start": "2026-01-05T00:00:00"}, "simulator.start"),
        ({"instruments": []}, "simulator.instruments: give 1 to 1000"),
        ({"instruments": {}}, "simulator.instruments: {} is no list"),
        ({"instruments": [{"symbol": "A"}, {"symbol": "A"}]}, "different symbols"),
        ({"instruments": [{"tick_size": 0.01}]}, "simulator.instruments[0].tick_size: 0.01 is refused"),
        ({"instruments": [{"tick_size": "0"}]}, "simulator.instruments[0].tick_size"),
        ({"instruments": [{"price": "100.005"}]}, "simulator.instruments[0].price: 100.005"),
        ({"instruments": [{"price": "0.05"}]}, "simulator.instruments[0].price: 0.05"),
        ({"instruments": [{"lot_size": "0.00000001"}]}, "no even number of 1e-8"),
        ({"instruments": [3]}, "simulator.instruments[0]: 3 is no mapping"),
        ({"edge": {"type": "magic"}}, "simulator.edge.type: 'magic' is refused; give none, momentum"),
        ({"edge": {"type": "momentum", "strength": 0.9}}, "simulator.edge.strength: 0.9"),
        ({"events": [{"type": "halt", "at": "1s"}]}, "simulator.events[0].duration: is missing"),
        ({"events": [{"type": "quake"}]}, "simulator.events[0].type: 'quake'"),
        ({"events": [{"type": "crash", "size": -1.0}]}, "simulator.events[0].size: -1.0 is refused for crash"),
        ({"events": [{"type": "bad_print", "size": 0}]}, "simulator.events[0].size: 0.0 is refused for bad_print"),
        ({"events": [{"type": "bad_print", "instrument": "Z", "size": 2}]}, "events[0].instrument: 'Z' is unknown"),
        ({"events": [{"type": "storm", "duration": "1m", "instrument": "SIM-A"}]}, "takes the whole market"),
        ({"events": [{"type": "halt", "duration": "1m", "refill": 0.5}]}, "events[0].refill"),
        ({"bars": {}, "events": [{"type": "bad_print", "size": 2}]}, "bars have no bad_print"),
        (
            {"regimes": {n: {"weight": 0} for n in ("calm", "trend_up", "trend_down", "mean_reverting", "storm")}},
            "is 0",
        ),
    ],
)
def test_refusals_name_the_field(given, told):
    with pytest.raises(InputError) as caught:
        parse_config(given)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_simulated_instrument_outside_the_session_is_refused():
    facts = [{"symbol": "A", "tick_size": "0.01", "lot_size": "0.01", "multiplier": "1"}]
    with pytest.raises(InputError, match="Z is not among the feed's instruments"):
        parse_config({"instruments": [{"symbol": "Z"}]}, facts)
