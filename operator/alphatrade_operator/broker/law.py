"""The law of an account: its own template over everything that its strategies trade. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from alphatrade.config import StrategyConfig
from alphatrade_operator.core.plan import Finding
from alphatrade_operator.risk_template.model import RiskTemplateSpec
from alphatrade_operator.risk_template.render import render_instrument_limits, render_limits
from alphatrade_operator.strategy.model import FeatureFlags
from alphatrade_operator.strategy.render import render_flags

_TERMS = (
    "symbol",
    "tick_size",
    "lot_size",
    "multiplier",
    "maker_fee_e7",
    "taker_fee_e7",
    "fee_per_fill",
    "initial_margin_bps",
)
Terms = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Law:
    """envelope: as a session document's; None while nobody trades.  admitted: names of those whom it covers.

    findings: why others are not admitted.
    """

    envelope: dict[str, Any] | None
    admitted: tuple[str, ...]
    findings: tuple[Finding, ...]


def account_law(template_name: str, template: RiskTemplateSpec, clients: Mapping[str, StrategyConfig]) -> Law:
    """Return the law over the clients, by name, the longest there first: who disagrees with them is not admitted."""
    terms: dict[str, Terms] = {}
    admitted: list[StrategyConfig] = []
    names: list[str] = []
    findings: list[Finding] = []
    for name, config in clients.items():
        finding = _disagreement(name, config, terms, admitted) or _unlimited(name, config, template_name, template)
        if finding:
            findings.append(finding)
            continue
        admitted.append(config)
        names.append(name)
        for one in _envelope(config)["instruments"]:
            terms[one["symbol"]] = _tighter_age(terms.get(one["symbol"]), one)
    return Law(_render(template, terms, admitted) if admitted else None, tuple(names), tuple(findings))


def _envelope(config: StrategyConfig) -> dict[str, Any]:
    envelope: dict[str, Any] = config.session["policy"]["envelope"]
    return envelope


def _disagreement(
    name: str, config: StrategyConfig, terms: Mapping[str, Terms], admitted: list[StrategyConfig]
) -> Finding | None:
    """One account has one set of terms an instrument, and one calendar."""
    for one in _envelope(config)["instruments"]:
        known = terms.get(one["symbol"], one)
        differing = [term for term in _TERMS if one[term] != known[term]]
        if differing:
            text = f"Strategy/{name}: {one['symbol']} has another {', '.join(differing)} than the others' feed says"
            return Finding("InstrumentTermsDiffer", f"{text}; correct the feed, or give it an account of its own")
    calendar = _envelope(config)["calendar"]
    if admitted and calendar != _envelope(admitted[0])["calendar"]:
        text = (
            f"Strategy/{name}: calendar {calendar!r} is not {_envelope(admitted[0])['calendar']!r}, as the others have"
        )
        return Finding("CalendarsDiffer", f"{text}; give it an account of its own")
    return None


def _unlimited(name: str, config: StrategyConfig, template_name: str, template: RiskTemplateSpec) -> Finding | None:
    """The account's template must have limits for what is traded."""
    symbols = [one["symbol"] for one in _envelope(config)["instruments"]]
    missing = [symbol for symbol in symbols if template.entry(symbol) is None]
    text = f"Strategy/{name}: RiskTemplate/{template_name} of the account has no entry for {', '.join(missing)}"
    return Finding("LimitsMissing", f"{text}; add one with maxPositionLots and maxOrderLots") if missing else None


def _tighter_age(known: Terms | None, one: Terms) -> Terms:
    ages = [terms["max_quote_age_ns"] for terms in (known, one) if terms]
    return {**one, "max_quote_age_ns": min(ages)}


def _render(template: RiskTemplateSpec, terms: Mapping[str, Terms], admitted: list[StrategyConfig]) -> dict[str, Any]:
    silence_ns = min(_envelope(config)["limits"]["stream_stale_ns"] for config in admitted)
    return {
        "limits": render_limits(template, list(terms), silence_ns),
        "flags": render_flags(FeatureFlags()),
        "instruments": [
            {term: one[term] for term in _TERMS}
            | render_instrument_limits(template, one["symbol"], one["max_quote_age_ns"])
            for one in terms.values()
        ],
        "calendar": _envelope(admitted[0])["calendar"],
        "seed": 1,
    }
