"""The operator's chart as text: rights, settings and schema agree with the code, without Helm."""

import json
import re
from pathlib import Path

import pytest
import yaml

from alphatrade_operator.kube.resources import BY_KIND, EVENT, LAW_KINDS, LEASE, OURS
from alphatrade_operator.settings import SETTINGS_FILE, FeatureFlagCeilings, Settings

CHART = Path(__file__).resolve().parents[3] / "charts" / "alphatrade"
TEMPLATES = sorted(path for path in (CHART / "templates").rglob("*") if path.suffix in (".yaml", ".tpl", ".txt"))
WATCHED = [one for one in BY_KIND.values() if one not in (LEASE, EVENT, *LAW_KINDS)]
PERSONS_VERBS = {"release", "golive", "approve", "debug", "use", "decommission"}


def _rules(kind):
    """Return the rules of the chart's (Cluster)Role: template lines hold no rule, so they can go."""
    text = "\n".join(line for line in (CHART / "templates" / "rbac.yaml").read_text().splitlines() if "{{" not in line)
    documents = [document for document in yaml.safe_load_all(text) if document["kind"] == kind]
    assert len(documents) == 1
    return documents[0]["rules"]


def _granted():
    """Return verbs by (group, resource) over the whole cluster."""
    found: dict[tuple[str, str], set[str]] = {}
    for rule in _rules("ClusterRole"):
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                found.setdefault((group, resource), set()).update(rule["verbs"])
    return found


def test_no_right_is_a_wildcard_and_none_is_a_persons():
    for rule in _rules("ClusterRole") + _rules("Role"):
        assert "*" not in rule["verbs"] + rule["resources"] + rule["apiGroups"]
        assert not PERSONS_VERBS & set(rule["verbs"])
        assert "resourceNames" not in rule


def test_the_operator_writes_no_spec_of_a_kill_switch_proposal_or_sign_off():
    granted = _granted()
    for plural in ("killswitches", "governanceproposals", "signoffs", "policyledgerentries", "replays"):
        assert granted["alphatrade.io", plural] == {"get", "list", "watch"}
    for plural in (resource.plural for resource in OURS):
        assert not granted["alphatrade.io", plural] & {"create", "update", "delete", "deletecollection"}


@pytest.mark.parametrize("resource", WATCHED, ids=str)
def test_every_kind_that_the_operator_watches_may_be_read(resource):
    group = resource.api_version.rpartition("/")[0]
    assert {"get", "list", "watch"} <= _granted()[group, resource.plural]


def test_every_right_is_for_a_kind_that_the_operator_knows():
    known = {(resource.api_version.rpartition("/")[0], resource.plural) for resource in BY_KIND.values()}
    assert {(group, plural.partition("/")[0]) for group, plural in _granted()} <= known


def test_volumes_are_never_removed_and_pods_never_made():
    granted = _granted()
    assert granted["", "persistentvolumeclaims"] == {"get", "list", "watch"}
    assert granted["", "pods"] == {"get", "list", "watch", "patch", "delete"}


def test_settings_has_every_field_and_no_other():
    text = (CHART / "templates" / "_settings.tpl").read_text()
    assert re.findall(r"^([a-z_]+):", text, re.MULTILINE) == list(Settings.model_fields)
    ceilings = text[text.index("feature_flag_ceilings") :]
    assert re.findall(r"^  ([a-z_]+): ", ceilings, re.MULTILINE) == list(FeatureFlagCeilings.model_fields)


def test_the_settings_lie_where_the_operator_looks():
    (mount,) = re.findall(r"name: settings, mountPath: ([^,]+),", (CHART / "templates" / "deployment.yaml").read_text())
    assert f"{mount}/settings.yaml" == SETTINGS_FILE


def _unknown(values, schema, where=""):
    """Yield the values that a schema does not name; free maps (labels) may hold anything."""
    for name, value in values.items():
        part = schema["properties"].get(name)
        if part is None:
            yield f"{where}{name}"
        elif isinstance(value, dict) and "properties" in part:
            yield from _unknown(value, part, f"{where}{name}.")


@pytest.mark.parametrize("file", ["values.yaml", "values-paper.yaml"])
def test_the_schema_names_every_value(file):
    schema = json.loads((CHART / "values.schema.json").read_text())
    assert list(_unknown(yaml.safe_load((CHART / file).read_text()), schema)) == []


def test_the_schema_leaves_no_room_for_a_mistyped_value():
    def open_ones(part, where):
        if part.get("type") == "object" and "properties" in part and part.get("additionalProperties") is not False:
            yield where
        for name, below in part.get("properties", {}).items():
            yield from open_ones(below, f"{where}.{name}")

    assert list(open_ones(json.loads((CHART / "values.schema.json").read_text()), "")) == []


def test_values_name_every_property_of_the_schema():
    def absent(schema, values, where):
        for name, part in schema.get("properties", {}).items():
            if name not in values:
                yield f"{where}{name}"
            elif isinstance(values[name], dict):
                yield from absent(part, values[name], f"{where}{name}.")

    values = yaml.safe_load((CHART / "values.yaml").read_text()) | {"global": {}}
    schema = json.loads((CHART / "values.schema.json").read_text())
    assert [path for path in absent(schema, values, "") if not path.startswith("resources.limits")] == []


def test_there_are_no_trading_resources_and_no_live_values():
    for path in TEMPLATES:
        assert "apiVersion: alphatrade.io" not in path.read_text(), path.name
    assert not list(CHART.glob("*live*"))
