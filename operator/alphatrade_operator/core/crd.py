"""CustomResourceDefinitions: each kind's model, names, columns and rules as one manifest."""

from typing import Any

import yaml

from alphatrade_operator.core.crd_schema import Schema, structural
from alphatrade_operator.core.definition import Column
from alphatrade_operator.core.model import GROUP, RULES, VERSION, Model, Resource, Rule
from alphatrade_operator.core.quantities import NAME_PATTERN

CATEGORY = "alphatrade"
HELM_KEEP = {"helm.sh/resource-policy": "keep"}
_NAME = {
    "type": "string",
    "description": "Name, unique among resources of this kind in the namespace; at most 63 characters.",
    "maxLength": 63,
    "pattern": NAME_PATTERN,
}
Kind = type[Resource[Any]]


def manifest(kind: Kind, annotations: dict[str, str] | None = None) -> dict[str, Any]:
    """Return the CustomResourceDefinition of a kind. Raises SchemaFault when a field is not fit for it."""
    definition, name = kind.definition, kind.__name__
    metadata: dict[str, Any] = {"name": f"{definition.plural}.{GROUP}"}
    if annotations:
        metadata["annotations"] = annotations
    metadata["labels"] = {"app.kubernetes.io/name": "alphatrade", "app.kubernetes.io/part-of": "alphatrade"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": metadata,
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": name,
                "listKind": f"{name}List",
                "plural": definition.plural,
                "singular": name.lower(),
                "shortNames": [definition.short],
                "categories": [CATEGORY],
            },
            "versions": [_version(kind)],
        },
    }


def to_yaml(document: dict[str, Any]) -> str:
    """Write a manifest, in one way only."""
    text = yaml.dump(document, Dumper=_NoAliases, sort_keys=False, width=110, allow_unicode=True)
    return f"# Generated from the models by `make generate`; do not edit.\n{text}"


class _NoAliases(yaml.SafeDumper):
    """Writes what occurs twice twice."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _version(kind: Kind) -> dict[str, Any]:
    version: dict[str, Any] = {"name": VERSION, "served": True, "storage": True}
    version["schema"] = {"openAPIV3Schema": root_schema(kind)}
    if kind.definition.status:
        version["subresources"] = {"status": {}}
    version["additionalPrinterColumns"] = [_column(column) for column in kind.definition.columns]
    return version


def root_schema(kind: Kind) -> Schema:
    """Return the schema of a kind's documents."""
    schema: Schema = {
        "type": "object",
        "description": kind.__doc__,
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string", "description": f"Version of the API: {GROUP}/{VERSION}."},
            "kind": {"type": "string", "description": f"Kind of the resource: {kind.__name__}."},
            "metadata": {"type": "object", "properties": {"name": _NAME}},
            "spec": structural(_spec_model(kind)),
        },
    }
    properties: Schema = schema["properties"]
    if kind.definition.status:
        properties["status"] = structural(kind.definition.status, status=True)
    for rule in kind.root_rules:
        _attach(schema, rule)
    return schema


def _spec_model(kind: Kind) -> type[Model]:
    model = kind.model_fields["spec"].annotation
    if not (isinstance(model, type) and issubclass(model, Model)):
        raise TypeError(f"{kind.__name__}: spec is no model")
    return model


def _attach(schema: Schema, rule: Rule) -> None:
    node: Schema = schema["properties"][rule.at] if rule.at else schema
    node[RULES] = [*node.get(RULES, []), {"rule": rule.rule, "message": rule.message}]


def _column(column: Column) -> dict[str, Any]:
    out: dict[str, Any] = {"name": column.name, "type": column.type, "description": column.description}
    if column.priority:
        out["priority"] = column.priority
    return out | {"jsonPath": column.path}
