"""The models are the manual: every field described, bounded, named as YAML names it."""

from typing import Any

import pytest

from alphatrade_operator.core.model import Model
from alphatrade_operator.core.status import StatusPart
from alphatrade_operator.resources.load import KINDS

SCHEMAS = {name: kind.model_json_schema(by_alias=True, mode="serialization") for name, kind in KINDS.items()}


def fields(schema: dict[str, Any], path: str = "", where: str = ""):
    """Yield (path, field schema) of every field, references followed."""
    for name, field in schema.get("properties", {}).items():
        yield f"{where}.{name}", field
    for name, definition in schema.get("$defs", {}).items():
        yield from fields(definition, where=name)


def leaves(schema: Any):
    """Yield every schema inside a field, its own included."""
    if isinstance(schema, dict):
        yield schema
        for value in schema.values():
            yield from leaves(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from leaves(value)


ALL = [(kind, path, field) for kind, schema in SCHEMAS.items() for path, field in fields(schema)]


@pytest.mark.parametrize(("kind", "path", "field"), ALL, ids=[f"{kind}{path}" for kind, path, _ in ALL])
def test_every_field_is_described_and_bounded(kind, path, field):
    assert field["description"].endswith((".", ")")), path
    assert "_" not in path
    for leaf in leaves(field):
        bounded = {
            "string": "maxLength" in leaf or "const" in leaf or "enum" in leaf or "pattern" in leaf,
            "integer": "minimum" in leaf and "maximum" in leaf,
            "array": "maxItems" in leaf,
            "object": "maxProperties" in leaf or "properties" in leaf,
        }
        kind_of_leaf = leaf.get("type")
        if isinstance(kind_of_leaf, str):
            assert bounded.get(kind_of_leaf, True) or path == "SimulatorSource.config", (path, leaf)


def test_a_default_is_written_as_yaml_writes_it():
    limits = SCHEMAS["RiskTemplate"]["$defs"]["Limits"]["properties"]
    assert limits["streamStale"]["default"] == "2s"
    assert limits["streamStale"]["format"] == "duration"


def test_models_are_frozen_and_written_back_unchanged(folder):
    for name, document in folder.resources.items():
        model = KINDS[name].model_validate(document)
        again = KINDS[name].model_validate(model.model_dump(by_alias=True, mode="json", exclude_none=True))
        assert again == model
        with pytest.raises(ValueError, match="frozen"):
            setattr(model, "spec", None)  # noqa: B010 (an assignment would not pass the type checker)


def test_every_model_refuses_unknown_fields():
    def below(model: type[Model]):
        for child in model.__subclasses__():
            yield child
            yield from below(child)

    read_leniently = {StatusPart, *below(StatusPart)}
    assert all(model.model_config["extra"] == "forbid" for model in set(below(Model)) - read_leniently)
