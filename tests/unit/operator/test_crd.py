"""The resource definitions as a whole: bounded, described, without defaults where hashes are made, always the same."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any, ClassVar

import pytest
import yaml
from pydantic import Field, WithJsonSchema

from alphatrade_operator.api_group import KINDS
from alphatrade_operator.core.crd import manifest, root_schema, to_yaml
from alphatrade_operator.core.crd_schema import SchemaFault, filled, structural
from alphatrade_operator.core.model import Model, Reference, Rule
from resource_definitions import CHART, CRDS, definition_files, stale_definitions

ROOT = Path(__file__).resolve().parents[3]
FILES = definition_files()
BY_NAME = {kind.__name__: kind for kind in KINDS}
STRUCTURAL = {
    *("type", "format", "description", "properties", "required", "items", "additionalProperties", "enum", "default"),
    *("pattern", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "maxProperties"),
    *("x-kubernetes-validations", "x-kubernetes-list-type", "x-kubernetes-list-map-keys"),
    "x-kubernetes-preserve-unknown-fields",
}


def nodes(schema, at=""):
    """Yield (place, node) of every node of a schema."""
    yield at, schema
    for name, field in schema.get("properties", {}).items():
        yield from nodes(field, f"{at}.{name}")
    for inner in (schema.get("items"), schema.get("additionalProperties")):
        if isinstance(inner, dict):
            yield from nodes(inner, f"{at}[]")


@pytest.fixture(params=KINDS, ids=list(BY_NAME))
def kind(request):
    return request.param


def test_the_group_has_twelve_kinds_with_names_of_their_own():
    definitions = [kind.definition for kind in KINDS]
    assert len(KINDS) == len({d.plural for d in definitions}) == len({d.short for d in definitions}) == 12


def test_a_schema_is_structural_and_bounded(kind):
    for at, node in nodes(root_schema(kind)):
        assert node.keys() <= STRUCTURAL, at
        match node["type"]:
            case "string":
                assert "maxLength" in node or "enum" in node or at in (".apiVersion", ".kind"), at
            case "integer":
                assert {"minimum", "maximum"} <= node.keys(), at
            case "array":
                assert {"items", "maxItems", "x-kubernetes-list-type"} <= node.keys(), at
            case "object":
                assert {"properties", "maxProperties"} & node.keys(), at


def test_every_field_is_described_in_a_sentence(kind):
    for at, node in nodes(root_schema(kind)):
        for name, field in node.get("properties", {}).items():
            if (at, name) != ("", "metadata"):
                assert re.search(r"[.)]$", field["description"]), f"{at}.{name}"


def test_enums_are_pascal_case(kind):
    for at, node in nodes(root_schema(kind)):
        assert all(re.fullmatch(r"[A-Z][A-Za-z0-9]*", word) for word in node.get("enum", ())), at


@pytest.mark.parametrize("name", ["GovernanceProposal", "SignOff", "PolicyLedgerEntry"])
def test_what_is_hashed_has_no_default(name):
    assert [at for at, node in nodes(root_schema(BY_NAME[name])) if "default" in node] == []


def test_a_status_has_no_default_and_no_rule_of_the_spec(kind):
    if kind.definition.status is None:
        return
    status = root_schema(kind)["properties"]["status"]
    assert [at for at, node in nodes(status) if "default" in node] == []
    assert [at for at, node in nodes(status) if at and "x-kubernetes-validations" in node] == []
    assert status["properties"]["conditions"]["x-kubernetes-list-map-keys"] == ["type"]
    assert "observedGeneration" in status["properties"]


def test_a_default_is_whole_and_one_that_the_models_accept(kind):
    spec = root_schema(kind)["properties"]["spec"]
    for at, node in nodes(spec):
        if isinstance(node.get("default"), dict):
            assert filled(node["default"], node) == node["default"] == filled({}, node), at


def test_the_rules_that_compare_with_before_stand_on_what_is_always_there(kind):
    """A rule on a field that is taken away is not run, so the spec must be required."""
    assert root_schema(kind)["required"] == ["spec"]


def test_fields_that_this_version_refuses_are_not_in_the_schema():
    strategy = root_schema(BY_NAME["Strategy"])["properties"]["spec"]["properties"]
    assert {"slos", "colocated"}.isdisjoint(strategy)
    assert "file" not in strategy["plugins"]["items"]["properties"]
    assert {"runtimeImage", "resources", "scheduling", "suspend", "explorationBudgetRef"} <= strategy.keys()
    assert "fix" not in root_schema(BY_NAME["BrokerConnection"])["properties"]["spec"]["properties"]


def test_a_map_keeps_its_values_schema_also_where_keys_have_a_pattern():
    policy = root_schema(BY_NAME["Strategy"])["properties"]["spec"]["properties"]["genotype"]["properties"]["policies"]
    params = policy["items"]["properties"]["signal"]["properties"]["params"]
    assert params["additionalProperties"] == {"type": "number"}


class _Rules(Model):
    rules: ClassVar[tuple[Rule, ...]] = (Rule("self.a > 1", "a: too low", at="a"), Rule("true", "whole"))

    a: Annotated[int, Field(ge=0, le=9)] = Field(description="A number.")
    ref: Reference | None = Field(None, description="Another one.")
    refs: Annotated[tuple[Reference, ...], Field(max_length=3)] = Field((), description="Some.")


def test_rules_stand_where_they_belong():
    schema = structural(_Rules)
    assert schema["x-kubernetes-validations"] == [{"rule": "true", "message": "whole"}]
    assert schema["properties"]["a"]["x-kubernetes-validations"] == [{"rule": "self.a > 1", "message": "a: too low"}]
    assert "x-kubernetes-validations" not in str(structural(_Rules, status=True))


def test_what_may_be_absent_has_neither_null_nor_default():
    schema = structural(_Rules)
    assert schema["required"] == ["a"]
    assert schema["properties"]["ref"] == {
        "type": "object",
        "description": "Another one.",
        "properties": structural(Reference)["properties"],
        "required": ["name"],
    }
    assert schema["properties"]["refs"]["default"] == []


class _NoDescription(Model):
    a: Annotated[int, Field(ge=0, le=9)]


class _NoBound(Model):
    a: str = Field(description="A text.")


class _NoMaximum(Model):
    a: Annotated[int, Field(ge=0)] = Field(description="A number.")


class _LongList(Model):
    a: tuple[Reference, ...] = Field(description="A list.")


class _LongMap(Model):
    a: dict[str, bool] = Field(description="A map.")


class _Empty(Model):
    a: Annotated[Any, WithJsonSchema({"type": "object"})] = Field(description="Nothing.")


class _Inner(Model):
    a: bool = Field(False, description="A switch.")


class _OtherDefault(Model):
    inner: _Inner = Field(_Inner(a=True), description="A part.")


@pytest.mark.parametrize(
    ("model", "fault"),
    [
        (_NoDescription, "_NoDescription.a: no description"),
        (_NoBound, "_NoBound.a: string without maxLength"),
        (_NoMaximum, "_NoMaximum.a: integer without maximum"),
        (_LongList, "_LongList.a: array without maxItems"),
        (_LongMap, "_LongMap.a: a map without a bound"),
        (_Empty, "_Empty.a: an object without fields"),
        (_OtherDefault, "_OtherDefault.inner: its default is not that of its fields"),
    ],
)
def test_a_model_that_is_not_fit_is_refused_by_name(model, fault):
    with pytest.raises(SchemaFault, match=re.escape(fault)):
        structural(model)


def test_files_are_those_of_the_tree_and_the_chart_keeps_its_own_on_uninstall():
    assert len(FILES) == 24
    assert stale_definitions(ROOT) == {}
    for name, text in FILES.items():
        annotations = yaml.safe_load(text)["metadata"].get("annotations", {})
        assert annotations == ({"helm.sh/resource-policy": "keep"} if name.startswith(CHART) else {})
        assert "{{" not in text


def test_a_file_that_differs_or_is_left_over_is_found(tmp_path):
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert stale_definitions(tmp_path) == {}
    changed, gone, left = (tmp_path / CRDS / f"{name}.yaml" for name in ("strategies", "replays", "wishes"))
    changed.write_text("x")
    gone.unlink()
    left.write_text("x")
    assert stale_definitions(tmp_path) == {
        changed: FILES[f"{CRDS}/strategies.yaml"],
        gone: FILES[f"{CRDS}/replays.yaml"],
        left: None,
    }


def test_columns_point_into_the_schema(kind):
    def below(schema: dict[str, Any], path: str) -> bool:
        for part in re.sub(r"\[[^]]*\]", "", path).strip(".").split("."):
            schema = schema.get("items", schema)
            if part not in schema.get("properties", {}):
                return False
            schema = schema["properties"][part]
        return True

    for column in kind.definition.columns:
        assert column.path == ".metadata.creationTimestamp" or below(root_schema(kind), column.path), column


_WRITE = "from resource_definitions import definition_files; print(sorted(definition_files().items()))"


def test_the_files_are_the_same_under_every_hash_seed():
    def written(seed: str) -> bytes:
        environ = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT / "build_support")}
        return subprocess.run([sys.executable, "-c", _WRITE], env=environ, capture_output=True, check=True).stdout

    assert written("1") == written("2")


def test_a_manifest_is_one_way_of_writing_it():
    text = to_yaml(manifest(BY_NAME["Strategy"]))
    assert text.startswith("# Generated from the models by `make generate`; do not edit.\napiVersion: apiextensions")
    assert "&id" not in text
    assert yaml.safe_load(text) == manifest(BY_NAME["Strategy"])
