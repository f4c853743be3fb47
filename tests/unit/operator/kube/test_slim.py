"""What the cache keeps: all that a decision reads, and nothing that somebody else can make large."""

from typing import Any

from alphatrade_operator.kube.compare import owned_fields
from alphatrade_operator.kube.resources import BY_KIND
from alphatrade_operator.kube.slim import slim


def entry(manager, subresource="status"):
    fields: dict[str, Any] = {"f:status": {"f:phase": {}}}
    return {"manager": manager, "operation": "Apply", "subresource": subresource, "fieldsV1": fields}


def live(kind, labels=None, annotations=None, managers=(), **rest):
    metadata = {"name": "a", "namespace": "desk", "labels": labels or {}, "annotations": annotations or {}}
    return {"metadata": {**metadata, "managedFields": [entry(manager) for manager in managers]}, **rest}


def kept(kind, **options):
    return slim(live(kind, **options), BY_KIND[kind])


def test_items_of_lists_get_what_lists_leave_out():
    found = kept("Strategy", spec={"mode": "Sim"})
    assert (found["apiVersion"], found["kind"], found["spec"]) == (
        "alphatrade.io/v1alpha1",
        "Strategy",
        {"mode": "Sim"},
    )


def test_of_owned_fields_those_of_ours_on_our_kinds_stay():
    found = kept("Strategy", managers=("kubectl", "alphatrade-operator", "alphatrade-operator-core"))
    assert [one["manager"] for one in found["metadata"]["managedFields"]] == [
        "alphatrade-operator",
        "alphatrade-operator-core",
    ]
    assert owned_fields(found, "alphatrade-operator", "f:status", "status") == {"f:phase": {}}
    assert "managedFields" not in kept("StatefulSet", managers=("alphatrade-operator",))["metadata"]


def test_the_same_owned_fields_are_held_once_for_all_objects():
    one, other = (kept("Strategy", managers=("alphatrade-operator",)) for _ in range(2))
    fields = [found["metadata"]["managedFields"][0]["fieldsV1"] for found in (one, other)]
    assert fields[0] is fields[1]


def test_large_owned_fields_go_with_their_object():
    def large():
        fields: dict[str, Any] = {"f:status": {f"f:{number:05d}": {} for number in range(2_000)}}
        entries = [{"manager": "alphatrade-operator-x", "fieldsV1": fields}]
        return slim({"metadata": {"name": "a", "managedFields": entries}}, BY_KIND["Strategy"])

    one, other = (large()["metadata"]["managedFields"][0]["fieldsV1"] for _ in range(2))
    assert one == other
    assert one is not other


def test_an_entry_without_fields_owns_none():
    metadata = {"name": "a", "managedFields": [{"manager": "alphatrade-operator"}]}
    found = slim({"metadata": metadata}, BY_KIND["Strategy"])
    assert owned_fields(found, "alphatrade-operator", "f:status", "status") == {}


def test_what_kubectl_applied_last_is_dropped_and_other_annotations_stay():
    name = "kubectl.kubernetes.io/last-applied-configuration"
    found = kept("Strategy", annotations={name: "{}", "alphatrade.io/applied": "d"})
    assert found["metadata"]["annotations"] == {"alphatrade.io/applied": "d"}


def test_of_a_config_map_that_is_not_ours_only_the_keys_stay():
    data = {"plugin.py": "x" * 1_000_000}
    assert kept("ConfigMap", data=data, binaryData={"b": "AA=="})["data"] == {"plugin.py": ""}
    assert kept("ConfigMap", binaryData={"b": "AA=="})["binaryData"] == {}
    ours = {"app.kubernetes.io/managed-by": "alphatrade-operator"}
    assert kept("ConfigMap", labels=ours, data=data)["data"] == data


def test_of_a_pod_what_it_runs_and_how_it_is_stays():
    containers = [{"name": "strategy", "image": "alphatrade:1", "env": [{"name": "A", "value": "b"}]}]
    found = kept("Pod", spec={"nodeName": "n", "containers": containers}, status={"phase": "Running"})
    assert found["spec"] == {"nodeName": "n", "containers": [{"name": "strategy", "image": "alphatrade:1"}]}
    assert found["status"] == {"phase": "Running"}


def test_what_is_kept_is_kept_again_alike():
    for kind in ("Strategy", "ConfigMap", "Pod", "StatefulSet"):
        found = kept(kind, managers=("alphatrade-operator",), data={"k": "v"}, spec={"containers": []})
        assert slim(found, BY_KIND[kind]) == found
