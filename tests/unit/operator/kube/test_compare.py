"""When an object is as wanted, although the server has added to it."""

import copy
from typing import Any

import pytest

from alphatrade_operator.kube.compare import APPLIED, holds, owned_fields, with_digest

WANTED: Any = {
    "metadata": {"name": "a", "labels": {"x": "1"}, "annotations": {}},
    "spec": {
        "replicas": 1,
        "containers": [{"name": "main", "image": "i", "ports": [{"name": "grpc", "containerPort": 7443}], "env": []}],
        "args": ["serve", "feed"],
    },
}
LIVE = copy.deepcopy(WANTED)
LIVE["metadata"] |= {"uid": "u", "labels": {"x": "1", "theirs": "2"}}
LIVE["spec"]["containers"].insert(0, {"name": "injected"})
LIVE["spec"]["containers"][1] |= {"imagePullPolicy": "Always"}
del LIVE["spec"]["containers"][1]["env"]


def test_defaults_and_additions_of_others_do_not_count():
    assert holds(WANTED, LIVE)


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("spec", "replicas"), 2),
        (("spec", "replicas"), True),
        (("spec", "args"), ["serve"]),
        (("spec", "args"), ["feed", "serve"]),
        (("spec", "args"), "serve feed"),
        (("metadata", "labels", "x"), "2"),
        (("spec", "containers", 1, "image"), "other"),
        (("spec", "containers", 1, "ports", 0, "containerPort"), 1),
        (("spec", "containers"), []),
        (("spec", "containers"), None),
        (("spec",), []),
    ],
)
def test_every_difference_counts(where, value):
    live: Any = copy.deepcopy(LIVE)
    target = live
    for part in where[:-1]:
        target = target[part]
    target[where[-1]] = value
    assert not holds(WANTED, live)


def test_a_field_that_is_not_there_counts():
    live = copy.deepcopy(LIVE)
    del live["spec"]["replicas"]
    assert not holds(WANTED, live)


def test_items_that_share_their_key_are_compared_in_order():
    ports = [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]
    assert holds(ports, copy.deepcopy(ports))
    assert not holds(ports, ports[::-1])
    assert not holds(ports, ports[:1])


def test_the_digest_is_of_the_whole_manifest():
    one, other = with_digest(WANTED), with_digest({**WANTED, "spec": {}})
    assert one["metadata"]["annotations"][APPLIED] != other["metadata"]["annotations"][APPLIED]
    assert one == with_digest(copy.deepcopy(WANTED))
    assert APPLIED not in WANTED["metadata"]["annotations"]


def test_owned_fields_are_those_of_the_manager_and_the_subresource():
    entries: Any = [
        {"manager": "me", "operation": "Apply", "subresource": "status", "fieldsV1": {"f:status": {"f:phase": {}}}},
        {"manager": "me", "operation": "Update", "subresource": "status", "fieldsV1": {"f:status": {"f:x": {}}}},
        {"manager": "you", "operation": "Apply", "subresource": "status", "fieldsV1": {"f:status": {"f:y": {}}}},
    ]
    live = {"metadata": {"managedFields": entries}}
    assert owned_fields(live, "me", "f:status", "status") == {"f:phase": {}}
    assert owned_fields(live, "me", "f:status") == {}
