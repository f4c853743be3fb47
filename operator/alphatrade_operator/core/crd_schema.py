"""Turn a model into the structural OpenAPI schema of a CustomResourceDefinition.

The result is complete in itself: no references, no unbounded list, map or text, a description on every field.
"""

from typing import Any

from alphatrade_operator.core.model import RULES, Model

Schema = dict[str, Any]
_COPIED = ("type", "format", "pattern", "enum", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems")
_BOUNDS = {"string": ("maxLength",), "integer": ("minimum", "maximum"), "array": ("maxItems",)}
_MAX_FREE_FORM = 64


class SchemaFault(ValueError):
    """A model that cannot become a schema: which field, and what to add."""


def structural(model: type[Model], *, status: bool = False) -> Schema:
    """Return the schema of a model.

    status: leave out defaults and rules; what the operator writes is its own affair, and is checked by the models.
    Raises SchemaFault for a field without description or bound.
    """
    source = model.model_json_schema(by_alias=True, mode="serialization")
    return _Walk(source.get("$defs", {}), plain=status).node(source, model.__name__)


class _Walk:
    """One walk over a model's JSON schema. plain: without defaults and rules."""

    def __init__(self, definitions: Schema, *, plain: bool) -> None:
        self._definitions, self._plain = definitions, plain

    def node(self, source: Schema, path: str) -> Schema:
        """Return the structural schema of one node."""
        source = self._inlined(source)
        out = {key: source[key] for key in ("description", *_COPIED) if key in source}
        if "const" in source:
            out |= {"type": "string", "enum": [source["const"]]}
        if out.get("type") == "integer":
            out["format"] = "int64"
        if out.get("type") == "object":
            out |= self._object(source, path)
        elif out.get("type") == "array":
            out |= self._array(source, path)
        _check_bounded(out, path)
        if not self._plain:
            out |= self._rules(source) | _default(source, out, path)
        return out

    def _inlined(self, source: Schema) -> Schema:
        """Follow a reference and drop `or null`: an absent field is the only null there is."""
        beside = {key: value for key, value in source.items() if key not in ("$ref", "anyOf", "allOf")}
        if "$ref" in source:
            return self._inlined(_merged(self._definitions[source["$ref"].removeprefix("#/$defs/")], beside))
        if "anyOf" in source:
            (choice,) = [option for option in source["anyOf"] if option.get("type") != "null"]
            return self._inlined(_merged(choice, beside))
        return source

    def _object(self, source: Schema, path: str) -> Schema:
        values = _map_values(source)
        if "properties" in source:
            out: Schema = {"properties": self._properties(source["properties"], path)}
            return out | ({"required": source["required"]} if source.get("required") else {})
        if values is True:
            return {"x-kubernetes-preserve-unknown-fields": True, "maxProperties": _MAX_FREE_FORM}
        if not isinstance(values, dict):
            raise SchemaFault(f"{path}: an object without fields; give it some, or make it a map")
        if "maxProperties" not in source:
            raise SchemaFault(f"{path}: a map without a bound; give it max_length")
        return {"additionalProperties": self.node(values, f"{path}.*"), "maxProperties": source["maxProperties"]}

    def _properties(self, fields: Schema, path: str) -> Schema:
        out = {name: self.node(field, f"{path}.{name}") for name, field in fields.items()}
        for name, field in out.items():
            if "description" not in field:
                raise SchemaFault(f"{path}.{name}: no description; say what it means and its unit")
        return out

    def _array(self, source: Schema, path: str) -> Schema:
        out: Schema = {"items": self.node(source["items"], f"{path}[]")}
        kept = {key: source[key] for key in ("x-kubernetes-list-type", "x-kubernetes-list-map-keys") if key in source}
        return out | (kept or {"x-kubernetes-list-type": "atomic"})

    def _rules(self, source: Schema) -> Schema:
        return {RULES: source[RULES]} if source.get(RULES) else {}


def _map_values(source: Schema) -> Any:
    """Return the schema of a map's values; what keys must look like cannot be said in a structural schema."""
    for values in source.get("patternProperties", {}).values():
        return values
    return source.get("additionalProperties")


def _merged(inner: Schema, beside: Schema) -> Schema:
    """Return a schema with what stands beside a reference to it; rules of both hold."""
    rules = inner.get(RULES, []) + beside.get(RULES, [])
    return inner | beside | ({RULES: rules} if rules else {})


def _check_bounded(node: Schema, path: str) -> None:
    if "enum" in node:
        return
    for bound in _BOUNDS.get(node.get("type", ""), ()):
        if bound not in node:
            raise SchemaFault(f"{path}: {node['type']} without {bound}; bound it")


def _default(source: Schema, out: Schema, path: str) -> Schema:
    """Return the default, whole: the API server holds it to the rules before it fills in the fields' own."""
    default = _without_nulls(source.get("default"))
    if default is None:
        return {}
    if isinstance(default, dict) and filled({}, out) != default:
        raise SchemaFault(f"{path}: its default is not that of its fields; leave the fields to their own")
    return {"default": default}


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return value


def filled(value: Any, schema: Schema) -> Any:
    """Return a value with the defaults of a schema, as the API server fills it in."""
    if isinstance(value, dict):
        fields, others = schema.get("properties", {}), schema.get("additionalProperties", {})
        whole = {name: field["default"] for name, field in fields.items() if "default" in field} | value
        return {name: filled(item, fields.get(name, others)) for name, item in whole.items()}
    if isinstance(value, list):
        return [filled(item, schema.get("items", {})) for item in value]
    return value
