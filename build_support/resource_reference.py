"""The reference of the custom resources: every field of every kind, out of the same schemas as the definitions."""

from collections.abc import Iterator
from typing import Any

from alphatrade_operator.api_group import KINDS
from alphatrade_operator.core.crd import root_schema
from alphatrade_operator.core.model import RULES, Resource
from pages import table

Schema = dict[str, Any]
_HEADER = ["field", "type", "default", "meaning"]
_TOLD_ELSEWHERE = ("status.effective", "status.conditions")  # a copy of the spec; the page says what conditions are
_TEXTS = {"duration": "duration", "date-time": "time"}
_PLAIN = {"boolean": "true or false", "object": "object", "number": "number"}


def resource_reference() -> str:
    """Write a section for each kind."""
    return "\n\n".join(_section(kind) for kind in KINDS)


def _section(kind: type[Resource[Any]]) -> str:
    schema = root_schema(kind)
    names = f"`kubectl get {kind.definition.short}`, in full `{kind.definition.plural}.alphatrade.io`."
    parts = [f"## {kind.__name__}", f"{kind.__doc__} {names}"]
    for part in ("spec", "status"):
        if part in schema["properties"]:
            parts.append(table(_HEADER, _rows(schema["properties"][part], part)))
    rules = [f"- {message}" for message in dict.fromkeys(_messages(schema))]
    if rules:
        parts.append("\n".join(["What it refuses beyond single fields, in its own words:", "", *rules]))
    return "\n\n".join(parts)


def _rows(schema: Schema, path: str) -> Iterator[list[str]]:
    for name, field in schema.get("properties", {}).items():
        default = "required" if name in schema.get("required", ()) else _default(field)
        yield [f"`{path}.{name}`", _type(field), default, field["description"]]
        if f"{path}.{name}" not in _TOLD_ELSEWHERE:
            yield from _rows(_inner(field), f"{path}.{name}{'[]' if 'items' in field else ''}")


def _inner(field: Schema) -> Schema:
    values = field.get("items") or field.get("additionalProperties")
    return values if isinstance(values, dict) else field


def _default(field: Schema) -> str:
    default = field.get("default")
    if default is None or isinstance(default, (dict, list)):
        return ""
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def _type(field: Schema) -> str:
    if "enum" in field:
        return ", ".join(f"`{word}`" for word in field["enum"])
    if "items" in field:
        return f"list of {_type(field['items'])}, at most {field['maxItems']}"
    if isinstance(field.get("additionalProperties"), dict):
        return f"map to {_type(field['additionalProperties'])}, at most {field['maxProperties']}"
    if field["type"] == "integer":
        return f"`{field['minimum']}` to `{field['maximum']}`"
    return _TEXTS.get(field.get("format", ""), "text") if field["type"] == "string" else _PLAIN[field["type"]]


def _messages(schema: Schema) -> Iterator[str]:
    """Yield what rules say, ranges of one field left out."""
    yield from (rule["message"] for rule in schema.get(RULES, ()) if not rule["message"].startswith("write "))
    for field in schema.get("properties", {}).values():
        yield from _messages(field)
    if _inner(schema) is not schema:
        yield from _messages(_inner(schema))
