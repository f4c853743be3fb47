"""The session document: read whole or refused by the name of the field."""

from decimal import Decimal

import pytest

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.policy.document import TapeFeed, parse_session


def target_of(document, where):
    *parents, last = [int(part) if part.isdigit() else part for part in where.split(".")]
    for part in parents:
        document = document[part]
    return document, last


def paths(value, prefix=""):
    if isinstance(value, dict):
        for key, item in value.items():
            if key not in ("params", "config"):
                yield f"{prefix}{key}"
                yield from paths(item, f"{prefix}{key}.")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from paths(item, f"{prefix}{index}.")


def test_values_are_typed_and_frozen(document):
    session = parse_session(document)
    assert session.policy.initial_cash == Decimal("1000000.50")
    assert session.policy.envelope.instruments[0].tick_size == Decimal("0.1")
    assert session.policy.genotype.policies[0].signal.params == {"fast": 20}
    assert session.policy.envelope.limits.symbols == ("BBB", "AAA")
    assert session.policy.envelope.limits.max_drawdown_bps is None
    with pytest.raises(AttributeError):
        session.policy.mode = "Live"  # type: ignore[misc]


def test_a_tape_feed(document):
    document["feed"] = {"type": "tape", "path": "x", "speed": "200x", "record": True}
    assert parse_session(document).feed == TapeFeed("tape", "x", "200x", True)


def test_every_field_is_required(document):
    for where in list(paths(document)):
        parent, last = target_of(document, where)
        kept = parent.pop(last)
        with pytest.raises(InputError, match="session"):
            parse_session(document)
        parent[last] = kept
    parse_session(document)


def test_no_map_takes_an_unknown_field(document):
    for where in ["nope", *(f"{path}.nope" for path in list(paths(document)))]:
        parent, last = target_of(document, where.removesuffix(".nope") if "." in where else where)
        target = parent if last == "nope" else parent[last]
        if isinstance(target, dict) and last not in ("params", "config"):
            target["nope"] = 1
            with pytest.raises(InputError, match="nope: unknown field; remove it"):
                parse_session(document)
            del target["nope"]
    parse_session(document)


REFUSED = [
    ("policy.policySchema", 2, "session.policy.policySchema: 2 is refused"),
    ("policy.mode", "live", "session.policy.mode: 'live' is refused"),
    ("policy.initial_cash", "0", "initial_cash: '0' is refused"),
    ("policy.initial_cash", 1000, "write a decimal in quotes"),
    ("policy.initial_cash", "NaN", "initial_cash: Decimal('NaN') is refused"),
    ("policy.initial_cash", "ten", "write a decimal in quotes"),
    ("policy.envelope.limits.max_notional_bps", "500", "max_notional_bps: '500' is refused"),
    ("policy.envelope.limits.max_notional_bps", 0, "max_notional_bps: 0 is refused"),
    ("policy.envelope.limits.max_notional_bps", True, "max_notional_bps: True is refused"),
    ("policy.envelope.limits.max_notional_bps", None, "max_notional_bps: None is refused"),
    ("policy.envelope.limits.band_marketable_bps", 51, "band_marketable_bps is above band_limit_bps"),
    ("policy.envelope.limits.max_orders_per_s", 1_201, "max_orders_per_s is above max_orders_per_min"),
    ("policy.envelope.limits.max_turnover_min_bps", 100_001, "max_turnover_min_bps is above max_turnover_hour_bps"),
    ("policy.envelope.limits.flatten_blind", 0, "flatten_blind: 0 is refused"),
    ("policy.envelope.limits.symbols", ["AAA", "AAA"], "limits.symbols: 'AAA' is named twice"),
    ("policy.envelope.limits.symbols", ["CCC"], "limits.symbols: 'CCC' is not among the instruments BBB, AAA"),
    ("policy.envelope.flags.exploration", True, "envelope.flags.exploration: not built yet"),
    ("policy.envelope.instruments.1.symbol", "BBB", "instruments: 'BBB' is named twice"),
    ("policy.envelope.instruments.1.max_order_lots", 201, "max_order_lots is above twice max_position_lots"),
    ("policy.envelope.instruments.1.min_order_lots", 11, "min_order_lots is above max_order_lots"),
    ("policy.envelope.instruments.1.tick_size", 0.01, "write a decimal in quotes"),
    ("policy.envelope.instruments.1.fee_per_fill", "-1", "fee_per_fill: '-1' is refused"),
    ("policy.envelope.instruments.1.lot_size", "-1", "lot_size: '-1' is refused"),
    ("policy.envelope.instruments", [], "instruments: [] is refused"),
    ("policy.envelope.seed", 2**53, "seed: 9007199254740992 is refused"),
    ("policy.genotype.policies", [], "policies: [] is refused"),
    ("policy.genotype.policies.1.name", "trend", "policies: 'trend' is named twice"),
    ("policy.genotype.policies.0.instruments", ["CCC"], "policy trend: instruments: 'CCC' is not among"),
    ("policy.genotype.policies.0.signal.params.fast", float("nan"), "fast"),
    ("policy.genotype.policies.0.signal.params.fast", "20", "fast"),
    ("policy.genotype.policies.0.signal.api", 2, "api: 2 is refused"),
    ("policy.genotype.policies.0.signal.digest", "abc", "digest: 'abc' is refused"),
    ("policy.genotype.policies.0.execution_topology.type", "iceberg", "type: 'iceberg' is refused"),
    ("policy.genotype.policies.0.execution_topology.params.timeout_ns", 1.5, "timeout_ns: 1.5 is refused"),
    ("policy.genotype.decision_clock", {"type": "timer", "interval_ns": 0}, "interval_ns is 0; timer needs one"),
    ("exchange.queue_model", "RiskAverse", "queue_model: 'RiskAverse' is refused"),
    ("exchange.entry_latency_ns", -1, "entry_latency_ns: -1 is refused"),
    ("feed.type", "binance", "session.feed"),
    ("feed.speed", "fast", "speed: 'fast' is refused"),
    ("funding_model", "None", "funding_model: 'None' is refused"),
    ("durability", "Group", "durability: 'Group' is refused"),
]


@pytest.mark.parametrize(("where", "value", "message"), REFUSED, ids=[f"{w}={v}" for w, v, _ in REFUSED])
def test_a_wrong_value_is_named_in_one_line(document, where, value, message):
    parent, last = target_of(document, where)
    parent[last] = value
    with pytest.raises(InputError) as caught:
        parse_session(document)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_drawdown_limits_stay_in_order(document):
    document["policy"]["envelope"]["limits"] |= {"day_drawdown_bps": 500, "max_drawdown_bps": 500}
    with pytest.raises(InputError, match="day_drawdown_bps is not below max_drawdown_bps"):
        parse_session(document)


def test_a_plugin_without_digest_is_for_simulation_only(document):
    document["policy"]["plugins"][0]["digest"] = None
    parse_session(document)
    document["policy"]["mode"] = "Paper"
    with pytest.raises(InputError, match="a plug-in has no digest; mode Paper needs"):
        parse_session(document)


@pytest.mark.parametrize("document", [None, [], {}, "x"])
def test_what_is_no_session_is_refused(document):
    with pytest.raises(InputError, match="session"):
        parse_session(document)
