"""Which limit in force is looser than the operator's ceiling for its mode. Pure.

Looked at is an envelope, as a session executes it: template, feed and account have all had their say by then.
"""

from collections.abc import Mapping
from typing import Any

from alphatrade_operator.core.plan import Finding
from alphatrade_operator.limit_ceilings import Ceilings, LimitCeilings, Mode
from alphatrade_operator.risk_template.effective import looser
from alphatrade_operator.risk_template.limits import INSTRUMENT_LIMITS, Limit, limit_text, limits_of
from alphatrade_operator.risk_template.model import RiskTemplateSpec
from alphatrade_operator.risk_template.render import render_limits


def above_ceiling(ceilings: Ceilings, mode: Mode, envelope: Mapping[str, Any], whose: str) -> Finding | None:
    """Return the first limit of an envelope that is above its mode's ceiling. whose: the template, for the message."""
    highest = ceilings.get(mode)
    if highest is None:
        return None
    return next(
        (_finding(highest, mode, limit, whose) for limit in limits_of(envelope) if _above(highest, limit)), None
    )


def envelope_of(template: RiskTemplateSpec) -> dict[str, Any]:
    """Return a template's limits as an envelope has them, where nobody trades under it yet."""
    instruments = [
        {"symbol": entry.symbol, **{name: getattr(entry, name) for name in INSTRUMENT_LIMITS}}
        for entry in template.instruments
    ]
    # An age that the template leaves to the feed is none of its own.
    return {
        "limits": render_limits(template, [], None),
        "instruments": [{name: value for name, value in one.items() if value is not None} for one in instruments],
    }


def _above(highest: LimitCeilings, limit: Limit) -> bool:
    ceiling = getattr(highest, limit.field)
    return ceiling is not None and looser(limit.field, ceiling, limit.value)


def _finding(highest: LimitCeilings, mode: Mode, limit: Limit, whose: str) -> Finding:
    field = type(highest).model_fields[limit.field].alias or limit.field
    value, ceiling = limit_text(limit.field, limit.value), limit_text(limit.field, getattr(highest, limit.field))
    text = f"{whose}: {limit.path} is {value}, looser than {ceiling}, the operator's ceiling for mode {mode}"
    where = f"operator.limitCeilings.{mode}.{field} of the chart's values"
    return Finding("LimitAboveCeiling", f"{text}; tighten it there; the ceiling is {where}")
