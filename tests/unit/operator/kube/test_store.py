"""The cache takes news in any order and ends with what the server said last."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from alphatrade_operator.kube.store import Store


def pod(name, version, namespace="desk", uid="u1", generation=1, **metadata):
    metadata |= {"name": name, "namespace": namespace, "resourceVersion": str(version), "uid": uid}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {**metadata, "generation": generation}}


def test_an_object_is_found_by_its_name():
    store = Store()
    store.put("Pod", pod("a", 1))
    assert store.get("Pod", "desk", "a") == pod("a", 1)
    assert store.get("Pod", "other", "a") is None
    assert store.get("Service", "desk", "a") is None


def test_lists_are_by_namespace_and_name_and_labels():
    store = Store()
    for name, namespace, labels in (("b", "desk", {"x": "1"}), ("a", "desk", {}), ("c", "else", {"x": "1"})):
        store.put("Pod", pod(name, 1, namespace, labels=labels))
    assert [one["metadata"]["name"] for one in store.list("Pod")] == ["a", "b", "c"]
    assert [one["metadata"]["name"] for one in store.list("Pod", "desk", {"x": "1"})] == ["b"]


def test_old_news_is_no_news():
    store = Store()
    store.put("Pod", pod("a", 5))
    assert store.put("Pod", pod("a", 5)) is None
    assert store.put("Pod", pod("a", 4)) is None
    assert store.get("Pod", "desk", "a") == pod("a", 5)


def test_an_object_that_is_gone_does_not_come_back_by_old_news():
    store = Store()
    store.put("Pod", pod("a", 5))
    store.remove("Pod", pod("a", 6))
    assert store.put("Pod", pod("a", 5)) is None
    assert store.get("Pod", "desk", "a") is None


def test_an_object_made_anew_is_not_removed_by_the_end_of_the_one_before():
    store = Store()
    store.put("Pod", pod("a", 9, uid="u2"))
    assert store.remove("Pod", pod("a", 6, uid="u1")) is None
    assert store.get("Pod", "desk", "a") is not None


def test_a_list_finds_what_a_watch_has_missed():
    store = Store()
    store.put("Pod", pod("kept", 1))
    store.put("Pod", pod("missed", 2))
    store.put("Pod", pod("late", 12))
    store.put("Pod", pod("elsewhere", 3, "other"))
    changes = store.replace("Pod", [pod("kept", 1), pod("new", 8)], 10, "desk")
    assert sorted(change.manifest["metadata"]["name"] for change in changes) == ["missed", "new"]
    assert [one["metadata"]["name"] for one in store.list("Pod")] == ["kept", "late", "new", "elsewhere"]


def test_a_change_says_whether_the_wish_changed():
    store: Any = Store()
    assert store.put("Pod", pod("a", 1)).of_spec
    assert not store.put("Pod", pod("a", 2)).of_spec
    assert store.put("Pod", pod("a", 3, generation=2)).of_spec
    assert store.put("Pod", pod("a", 4, generation=2, deletionTimestamp="now")).of_spec
    assert store.remove("Pod", pod("a", 5)).of_spec


@given(st.permutations(range(1, 7)))
def test_any_order_of_news_ends_alike(order):
    store = Store()
    for version in order:
        if version == 4:
            store.remove("Pod", pod("a", version))
        else:
            store.put("Pod", pod("a", version))
    assert store.get("Pod", "desk", "a") == pod("a", 6)
