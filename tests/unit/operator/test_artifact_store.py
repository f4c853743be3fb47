"""A tape is read from a claim that pods of every node can mount, or from a cluster that says it has one node."""

import pytest

from alphatrade_operator.core.dispatch import concerned
from alphatrade_operator.kube.resources import artifact_claim
from alphatrade_operator.reconcilers import RECONCILERS
from unit.operator.cache import Cache, resource
from unit.operator.world import World, message, of_kind, ready


def claim(*modes):
    metadata = {"name": "tapes", "namespace": "desk"}
    return {"apiVersion": "v1", "kind": "ArtifactClaim", "metadata": metadata, "spec": {"accessModes": list(modes)}}


def reading_a_tape(*modes, **store):
    world = World(artifact_store={"claim_name": "tapes", **store})
    world.change("MarketDataFeed", "feed", "simulator", None)
    world.objects[("MarketDataFeed", "desk", "feed")]["spec"].pop("simulator")
    world.change("MarketDataFeed", "feed", "tape", {"path": "a.tape", "speed": "1x"})
    if modes:
        world.add(claim(*modes))
    return world


@pytest.mark.parametrize(
    ("modes", "store", "shared"),
    [
        (("ReadWriteMany",), {}, True),
        (("ReadWriteOnce", "ReadWriteMany"), {}, True),
        (("ReadWriteOnce",), {}, False),
        (("ReadWriteOnce",), {"single_node": True}, True),
        (("ReadOnlyMany",), {}, False),
        (("ReadWriteOncePod",), {"single_node": True}, False),
        ((), {}, True),  # no claim: the pod waits for it, and says so
    ],
)
def test_a_claim_that_one_node_can_mount_is_refused_by_feed_and_strategy(modes, store, shared):
    world = reading_a_tape(*modes, **store)
    for what in (("Strategy", "alpha"), ("MarketDataFeed", "feed")):
        plan = world.plan(*what)
        assert ready(plan) == (False, "Starting" if shared else "ArtifactStoreNotShared"), what
        assert bool(of_kind(plan, "StatefulSet")) == shared
    if not shared:
        assert message(plan) == (
            f"PersistentVolumeClaim tapes in namespace desk has {modes[0]}: pods of other nodes cannot mount it; make "
            "it ReadWriteMany, or, where the cluster has one node and the claim ReadWriteOnce, set "
            "artifactStore.singleNode in the chart's values"
        )


def test_who_reads_no_tape_does_not_care_about_the_claim():
    world = World(artifact_store={"claim_name": "tapes"})
    world.add(claim("ReadWriteOnce"))
    assert ready(world.plan()) == (False, "Starting")
    assert ready(world.plan("MarketDataFeed", "feed")) == (False, "Starting")


def test_a_claim_that_changes_concerns_the_feeds_and_strategies_of_its_namespace():
    cache = Cache(resource("Strategy", "alpha"), resource("MarketDataFeed", "feed"), resource("Strategy", "b", "other"))
    keys = {f"{key.kind}/{key.name}" for key in concerned(cache, claim("ReadWriteOnce"), RECONCILERS)}
    assert keys == {"Strategy/alpha", "MarketDataFeed/feed"}


def test_only_that_claim_is_watched():
    watched = artifact_claim("tapes")
    assert watched.path("desk") == "/api/v1/namespaces/desk/persistentvolumeclaims"
    assert watched.fields == "metadata.name=tapes"
