"""Folders, several documents a file, names, references."""

import pytest
import yaml

from alphatrade_operator.resources import ResourceError, load, load_folder
from alphatrade_operator.strategy.model import Strategy


def problems(*paths):
    with pytest.raises(ResourceError) as caught:
        load(paths)
    return caught.value.problems


def test_one_file_may_hold_all_and_a_folder_ignores_what_is_no_resource(folder):
    text = "\n---\n".join(yaml.safe_dump(resource) for resource in folder.resources.values())
    (folder.path / "all.yml").write_text(text + "\n---\n")
    (folder.path / "kustomization.yaml").write_text("resources: [all.yml]\n")
    (folder.path / "notes.txt").write_text("a: [")
    (folder.path / "sub.yaml").mkdir()
    resources = load_folder(folder.path)
    assert [key[0] for key in sorted(resources.by_key)] == [
        "BrokerConnection",
        "MarketDataFeed",
        "RiskTemplate",
        "Strategy",
    ]
    assert load_folder(folder.path / "all.yml").by_key.keys() == resources.by_key.keys()


def test_core_kinds_are_passed_over_with_a_note(folder):
    (folder.path / "core.yaml").write_text("apiVersion: v1\nkind: Namespace\n---\napiVersion: v1\nkind: ConfigMap\n")
    notes = load_folder(folder.write()).notes
    assert [note.split(": ", 1)[1] for note in notes] == [
        "a Namespace is passed over in one process",
        "a ConfigMap is passed over in one process",
    ]


def test_a_second_resource_of_the_same_name_names_both_files(folder):
    (folder.path / "zz.yaml").write_text(yaml.safe_dump(folder.resources["RiskTemplate"]))
    (problem,) = problems(folder.write())
    assert problem.startswith(f"{folder.path}/zz.yaml:")
    assert f"metadata.name: already given in {folder.path}/RiskTemplate.yaml:" in problem


def test_the_same_name_in_another_namespace_is_another_resource(folder):
    folder.put("RiskTemplate/metadata/namespace", "default")
    other = {**folder.resources["RiskTemplate"], "metadata": {"name": "law", "namespace": "other"}}
    (folder.path / "zz.yaml").write_text(yaml.safe_dump(other))
    assert len(load_folder(folder.write()).by_key) == 5


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("Strategy/spec/marketDataFeedRef/name", "no MarketDataFeed 'nope' in namespace default; found feed; add it"),
        ("Strategy/spec/brokerConnectionRef/name", "no BrokerConnection 'nope' in namespace default; found paper;"),
        ("Strategy/spec/riskTemplateRef/name", "spec.riskTemplateRef.name: no RiskTemplate 'nope' in namespace"),
    ],
)
def test_a_reference_that_is_not_met_names_what_was_found(folder, where, message):
    (problem,) = problems(folder.put(where, "nope").write())
    assert message in problem


def test_a_broker_s_reference_is_checked_too(folder):
    (problem,) = problems(folder.put("BrokerConnection/spec/riskTemplateRef", {"name": "nope"}).write())
    assert "BrokerConnection/paper: spec.riskTemplateRef.name: no RiskTemplate 'nope'" in problem


def test_a_reference_does_not_cross_namespaces(folder):
    (problem,) = problems(folder.put("RiskTemplate/metadata/namespace", "other").write())
    assert "found none (namespace other has one, but references stay within a namespace)" in problem


def test_a_template_alone_is_a_folder(folder):
    for kind in ("Strategy", "MarketDataFeed", "BrokerConnection"):
        folder.drop(kind)
    resources = load_folder(folder.write())
    assert resources.of_kind(Strategy) == []
    assert resources.find(Strategy, "default", "alpha") is None


@pytest.mark.parametrize(("make", "message"), [(False, "No such file"), (True, "no *.yaml or *.yml in it")])
def test_a_folder_without_resources_is_refused(tmp_path, make, message):
    path = tmp_path / "none"
    if make:
        path.mkdir()
    (problem,) = problems(path)
    assert message in problem


def test_too_many_files_are_refused(tmp_path):
    for index in range(257):
        (tmp_path / f"{index}.yaml").touch()
    (problem,) = problems(tmp_path)
    assert "257 YAML files; at most 256" in problem


def test_fields_about_pods_are_passed_over_with_a_note(folder):
    folder.put("Strategy/spec/runtimeImage", "registry.example/alphatrade:1.2.3")
    folder.put("Strategy/spec/resources", {"requests": {"cpu": "500m"}})
    notes = load_folder(folder.write()).notes
    assert [note.split("Strategy/alpha: ")[1] for note in notes] == [
        "spec.runtimeImage: passed over in one process; it is for a cluster",
        "spec.resources: passed over in one process; it is for a cluster",
    ]


def test_a_kind_that_only_a_cluster_heeds_is_refused_never_passed_over(folder):
    kill = {"apiVersion": "alphatrade.io/v1alpha1", "kind": "KillSwitch", "metadata": {"name": "halt"}, "spec": {}}
    (folder.path / "zz.yaml").write_text(yaml.safe_dump(kill))
    (problem,) = problems(folder.write())
    assert "KillSwitch/halt: kind: KillSwitch needs a cluster; in one process leave it out" in problem
