"""A limit that is looser than the operator's ceiling is found, whatever its sense; every limit has a ceiling."""

from typing import Any

import pytest

from alphatrade_operator.limit_ceilings import LimitCeilings
from alphatrade_operator.risk_template.ceilings import above_ceiling, envelope_of
from alphatrade_operator.risk_template.limits import INSTRUMENT_LIMITS, LIMITS
from alphatrade_operator.risk_template.model import Drawdown, InstrumentLimits, Limits, RiskTemplateSpec

SPEC: Any = {"instruments": [{"symbol": "AAA", "maxPositionLots": 100, "maxOrderLots": 10, "minOrderLots": 2}]}
# Each limit: where it is in a template, a value, the tightest ceiling that lets it pass, and one that does not.
CASES = [
    ("limits.streamStale", "2s", "2s", "1999ms", "streamStale"),
    ("limits.maxNotionalBps", 500, 500, 499, "maxNotionalBps"),
    ("limits.bandLimitBps", 50, 50, 49, "bandLimitBps"),
    ("limits.bandMarketableBps", 20, 20, 19, "bandMarketableBps"),
    ("limits.maxNetExposureBps", 5_000, 5_000, 4_999, "maxNetExposureBps"),
    ("limits.maxLeverageBps", 10_000, 10_000, 9_999, "maxLeverageBps"),
    ("limits.maxOrdersPerSecond", 50, 50, 49, "maxOrdersPerSecond"),
    ("limits.maxOrdersPerMinute", 1_200, 1_200, 1_199, "maxOrdersPerMinute"),
    ("limits.maxOpenOrders", 64, 64, 63, "maxOpenOrders"),
    ("limits.maxTurnoverMinuteBps", 20_000, 20_000, 19_999, "maxTurnoverMinuteBps"),
    ("limits.maxTurnoverHourBps", 100_000, 100_000, 99_999, "maxTurnoverHourBps"),
    ("limits.riskPerTradeBps", 200, 200, 199, "riskPerTradeBps"),
    ("limits.stopBps", 100, 100, 101, "stopBps"),
    ("limits.nearMissBps", 8_000, 8_000, 7_999, "nearMissBps"),
    ("limits.markJumpBps", 500, 500, 499, "markJumpBps"),
    ("drawdown.dayBps", 500, 500, 499, "dayDrawdownBps"),
    ("drawdown.maxBps", 1_500, 1_500, 1_499, "maxDrawdownBps"),
    ("maxFlattenSlippageBps", 50, 50, 49, "maxFlattenSlippageBps"),
    ("flattenBlind", True, True, False, "flattenBlind"),
    ("killSwitch.maxStaleness", "10s", "10s", "9s", "killMaxStaleness"),
    ("instruments[AAA].maxPositionLots", 100, 100, 99, "maxPositionLots"),
    ("instruments[AAA].maxOrderLots", 10, 10, 9, "maxOrderLots"),
    ("instruments[AAA].minOrderLots", 2, 2, 3, "minOrderLots"),
    ("instruments[AAA].maxQuoteAge", "1s", "1s", "999ms", "maxQuoteAge"),
]


def _template(path, value):
    spec: Any = {**SPEC, "instruments": [dict(SPEC["instruments"][0])]}
    *parents, last = path.split(".")
    target = spec
    for part in parents:
        target = spec["instruments"][0] if part.startswith("instruments") else target.setdefault(part, {})
    target[last] = value
    return RiskTemplateSpec.model_validate(spec)


def _found(template, **ceiling):
    ceilings: Any = {"Live": LimitCeilings.model_validate(ceiling)}
    return above_ceiling(ceilings, "Live", envelope_of(template), "RiskTemplate/law")


@pytest.mark.parametrize(("path", "value", "passes", "refuses", "name"), CASES, ids=[case[0] for case in CASES])
def test_at_its_ceiling_a_limit_passes_and_above_it_is_named(path, value, passes, refuses, name):
    template = _template(path, value)
    assert _found(template, **{name: passes}) is None
    finding = _found(template, **{name: refuses})
    assert finding is not None
    assert finding.reason == "LimitAboveCeiling"
    shown = {"1999ms": "1s999ms", True: "true", False: "false"}
    assert finding.message == (
        f"RiskTemplate/law: {path} is {shown.get(value, value) if isinstance(value, bool) else value}, looser than "
        f"{shown.get(refuses, refuses) if isinstance(refuses, (bool, str)) else refuses}, the operator's ceiling for "
        f"mode Live; tighten it there; the ceiling is operator.limitCeilings.Live.{name} of the chart's values"
    )


def test_every_ceiling_has_a_case_and_every_limit_a_ceiling():
    named = {name for *_, name in CASES}
    assert named == {field.alias for field in LimitCeilings.model_fields.values()}
    assert set(LimitCeilings.model_fields) == LIMITS.keys() | INSTRUMENT_LIMITS.keys()
    paths = {path for path, _ in LIMITS.values()}
    assert {f"limits.{field.alias}" for field in Limits.model_fields.values()} <= paths
    assert {f"drawdown.{field.alias}" for name, field in Drawdown.model_fields.items() if name != "enabled"} <= paths
    limits = set(InstrumentLimits.model_fields) - {"symbol", "allowed"}
    assert limits == INSTRUMENT_LIMITS.keys()


def test_a_drawdown_that_is_off_is_above_every_ceiling():
    template = _template("drawdown", {"enabled": False})
    finding = _found(template, maxDrawdownBps=10_000)
    assert finding is not None
    assert "drawdown.maxBps is off, looser than 10000" in finding.message


def test_a_mode_without_ceilings_and_a_limit_without_one_pass():
    template = _template("limits.maxLeverageBps", 1_000_000)
    assert _found(template, maxNotionalBps=500) is None
    ceilings: Any = {"Live": LimitCeilings.model_validate({"maxLeverageBps": 1})}
    assert above_ceiling(ceilings, "Paper", envelope_of(template), "RiskTemplate/law") is None
