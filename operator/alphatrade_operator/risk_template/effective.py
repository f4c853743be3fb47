"""The law in force: of an old and a new template, field by field, the tighter. Pure.

Tightening acts at once; what the new template loosens stays at the old limit until a proposal is decided.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from alphatrade_operator.core.model import Model
from alphatrade_operator.risk_template.model import Drawdown, InstrumentLimits, Loosening, RiskTemplateSpec

_HIGHER_IS_TIGHTER = {"stop_bps", "min_order_lots"}
_NO_LIMIT = float("inf")
PartT = TypeVar("PartT", bound=Model)


@dataclass(frozen=True, slots=True)
class Effective:
    """The law in force, and what of the new template waits."""

    spec: RiskTemplateSpec
    pending: tuple[Loosening, ...]


def tighter(old: RiskTemplateSpec, new: RiskTemplateSpec) -> Effective:
    """Return the law in force when `old` was, and `new` is wanted."""
    limits, pending = _part("limits", old.limits, new.limits)
    drawdown, waiting = _drawdown(old.drawdown, new.drawdown)
    pending += waiting
    instruments, waiting = _instruments(old, new)
    pending += waiting
    kill_switch, waiting = _part("killSwitch", old.kill_switch, new.kill_switch)
    pending += waiting
    top, waiting = _part("", old, new, ("max_flatten_slippage_bps", "flatten_blind"))
    parts: dict[str, Any] = {
        "limits": limits, "drawdown": drawdown, "instruments": instruments, "kill_switch": kill_switch
    }  # fmt: skip
    return Effective(top.model_copy(update=parts), (*pending, *waiting))


def _part(
    path: str, old: PartT, new: PartT, fields: tuple[str, ...] | None = None
) -> tuple[PartT, tuple[Loosening, ...]]:
    """Return the tighter of two parts, by each of its fields (all when not given), and what waits."""
    names = fields if fields is not None else tuple(type(new).model_fields)
    loosened = [name for name in names if looser(name, getattr(old, name), getattr(new, name))]
    kept = new.model_copy(update={name: getattr(old, name) for name in loosened})
    return kept, tuple(_waits(path, name, old, new) for name in loosened)


def looser(name: str, old: Any, new: Any) -> bool:
    """Whether a limit is looser than the old one, by the field's sense; None is no limit."""
    if isinstance(old, bool):
        return bool(new) and not old
    old_value, new_value = (_NO_LIMIT if value is None else value for value in (old, new))
    return new_value < old_value if name in _HIGHER_IS_TIGHTER else new_value > old_value


def _waits(path: str, name: str, old: Model, new: Model) -> Loosening:
    alias = type(new).model_fields[name].alias or name
    return Loosening(
        field=f"{path}.{alias}" if path else alias,
        effective=_text(old, name, alias),
        wanted=_text(new, name, alias),
    )


def _text(part: Model, name: str, alias: str) -> str:
    value = part.model_dump(mode="json", by_alias=True, include={name})[alias]
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _drawdown(old: Drawdown, new: Drawdown) -> tuple[Drawdown, tuple[Loosening, ...]]:
    if old.enabled != new.enabled:
        return (old, (_waits("drawdown", "enabled", old, new),)) if old.enabled else (new, ())
    kept, pending = new, []
    for name, low, high in (
        ("day_bps", old.effective_day_bps, new.effective_day_bps),
        ("max_bps", old.effective_max_bps, new.effective_max_bps),
    ):
        if low is not None and high is not None and high > low:
            kept = kept.model_copy(update={name: low})
            alias = Drawdown.model_fields[name].alias
            pending.append(Loosening(field=f"drawdown.{alias}", effective=str(low), wanted=str(high)))
    return kept, tuple(pending)


def _instruments(
    old: RiskTemplateSpec, new: RiskTemplateSpec
) -> tuple[tuple[InstrumentLimits, ...], tuple[Loosening, ...]]:
    entries: list[InstrumentLimits] = []
    pending: list[Loosening] = []
    for symbol in _symbols(old, new):
        before, wanted = old.entry(symbol), new.entry(symbol)
        if wanted is None:
            continue  # taken out: not traded from now on
        entry, waiting = _entry(symbol, before, wanted)
        entries.append(entry)
        pending += waiting
    return tuple(entries), tuple(pending)


def _symbols(old: RiskTemplateSpec, new: RiskTemplateSpec) -> Iterator[str]:
    """Yield the symbols with an entry of their own in either, those of the new first."""
    return iter(dict.fromkeys(entry.symbol for spec in (new, old) for entry in spec.instruments))


def _entry(
    symbol: str, old: InstrumentLimits | None, new: InstrumentLimits
) -> tuple[InstrumentLimits, tuple[Loosening, ...]]:
    path = f"instruments[{symbol}]"
    wanted = new.model_copy(update={"symbol": symbol})
    before = wanted.model_copy(update={"allowed": False}) if old is None else old
    fields = tuple(name for name in InstrumentLimits.model_fields if name not in ("symbol", "allowed"))
    entry, pending = _part(path, before, wanted, fields)
    if entry.min_order_lots > entry.max_order_lots:  # of two ranges that do not meet, nothing is allowed by both
        entry = entry.model_copy(update={"min_order_lots": min(new.min_order_lots, entry.max_order_lots)})
        before = before.model_copy(update={"allowed": False})
        pending = tuple(one for one in pending if not one.field.endswith(".minOrderLots"))
    if new.allowed and not before.allowed:
        entry = entry.model_copy(update={"allowed": False})
        pending += (Loosening(field=f"{path}.allowed", effective="false", wanted="true"),)
    return entry, pending
