"""Turn what a model refuses into one line a problem: where, the value, and what is accepted."""

import types
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from alphatrade_operator.core.model import Model, OutOfOrder

Location = tuple[str | int, ...]
_SHOWN = 60
_COMPARED, _LISTED = 500, 20  # known names: comparing thousands would hold up everything else


@dataclass(frozen=True, slots=True)
class Problem:
    """A fault at a field; `location` is the path from the document's root."""

    location: Location
    text: str


def problems_of(error: ValidationError, model: type[Model]) -> Iterator[Problem]:
    """Yield each fault of a refused document, in the order of its fields."""
    details = error.errors(include_url=False)
    for detail in details:
        if detail["type"] == "too_short" and any(_inside(other["loc"], detail["loc"]) for other in details):
            continue  # the entries are there, each refused for a reason of its own
        cause = detail.get("ctx", {}).get("error")
        if isinstance(cause, OutOfOrder):
            yield from (Problem((*detail["loc"], *_parts(path)), text) for path, text in cause.findings)
        else:
            yield Problem(detail["loc"], _explain(detail, model))


def _inside(location: Location, outer: Location) -> bool:
    return len(location) > len(outer) and location[: len(outer)] == outer


def shown(value: object) -> str:
    """Quote a value for a message: one line, cut when long."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def dotted(location: Location) -> str:
    """Write a path as people do: spec.policies[0].name."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def nearest(name: str, known: list[str]) -> str:
    """Suggest the known name closest to a mistyped one, else list what there is; of very many only the first few."""
    by_folded = {other.casefold(): other for other in known}
    compared = list(by_folded) if len(by_folded) <= _COMPARED else ()
    close = get_close_matches(name.casefold(), compared, n=1, cutoff=0.6)
    if close:
        return f"did you mean {by_folded[close[0]]}?"
    more = f" and {len(known) - _LISTED} more" if len(known) > _LISTED else ""
    return f"there are {', '.join(sorted(known)[:_LISTED])}{more}" if known else "there is none"


def _parts(path: str) -> Location:
    return tuple(int(part) if part.isdigit() else part for part in path.split("."))


def _explain(detail: ErrorDetails, model: type[Model]) -> str:
    kind, location = detail["type"], detail["loc"]
    if kind == "extra_forbidden":
        return _unknown_field(str(location[-1]), _model_at(model, location[:-1]))
    if kind == "missing":
        return "missing; add it" + _meaning(str(location[-1]), _model_at(model, location[:-1]))
    return f"{shown(detail['input'])} is not accepted: {_accepted(detail)}"


def _unknown_field(name: str, parent: type[Model] | None) -> str:
    if parent is None:
        return "unknown field; remove it"
    if name in parent.unavailable:
        return f"not available in this version; {parent.unavailable[name]}"
    return f"unknown field; {nearest(name, [f.alias or n for n, f in parent.model_fields.items()])}"


def _meaning(name: str, parent: type[Model] | None) -> str:
    for field in parent.model_fields.values() if parent else ():
        if field.alias == name and field.description:
            return f" ({field.description[0].lower()}{field.description[1:].split('.')[0]})"
    return ""


def _accepted(detail: ErrorDetails) -> str:
    ctx: dict[str, Any] = detail.get("ctx", {})
    match detail["type"]:
        case "value_error":
            return str(ctx["error"])
        case "int_type" | "int_parsing" | "int_from_float":
            return "write a whole number without unit or quotes"
        case "bool_type" | "bool_parsing":
            return "write true or false"
        case "string_type":
            return "write text (in quotes when it looks like a number)"
        case "literal_error":
            return f"write {ctx['expected']}".replace("'", "")
        case "greater_than_equal":
            return f"write {ctx['ge']} or more"
        case "less_than_equal":
            return f"write {ctx['le']} or less"
        case "string_pattern_mismatch":
            return f"it must match {ctx['pattern']}"
        case "string_too_long" | "too_long" | "string_too_short" | "too_short":
            return _length(ctx)
        case "model_type" | "model_attributes_type" | "dict_type":
            return "write a map of fields"
        case "tuple_type" | "list_type":
            return "write a list"
    return detail["msg"]


def _length(ctx: dict[str, Any]) -> str:
    if "max_length" in ctx:
        return f"at most {ctx['max_length']} characters or items"
    return f"at least {ctx['min_length']}"


def _model_at(model: type[Model], location: Location) -> type[Model] | None:
    current: type[Model] | None = model
    for part in location:
        if isinstance(part, int) or current is None:
            continue
        fields = [field for field in current.model_fields.values() if field.alias == part]
        current = _model_in(fields[0].annotation) if fields else None
    return current


def _model_in(annotation: Any) -> type[Model] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation if issubclass(annotation, Model) else None
    if get_origin(annotation) in (Annotated, Union, types.UnionType, tuple):
        return next((found for arg in get_args(annotation) if (found := _model_in(arg))), None)
    return None
