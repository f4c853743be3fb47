"""What the operator renders is what the pods read: the same examples through both halves."""

import copy
from pathlib import Path

import pytest

from alphatrade.config import digest_of
from alphatrade_operator.resources import load_folder
from alphatrade_runtime.service.broker import config as broker_config
from alphatrade_runtime.service.feed import config as feed_config
from alphatrade_runtime.service.strategy import config as strategy_config
from unit.operator.world import World

EXAMPLES = Path(__file__).resolve().parents[4] / "examples"


@pytest.fixture(params=["quickstart", "run-sim", "daily-bars", "paper"])
def world(request):
    world = World(artifact_store={"claim_name": "tapes"})
    world.objects.clear()
    for loaded in load_folder(EXAMPLES / request.param).by_key.values():
        document = copy.deepcopy(loaded.document.data)
        document["metadata"]["namespace"] = "desk"
        if "tape" in document["spec"]:
            document["spec"]["tape"]["path"] = "daily"  # in the store; beside the YAML it is for one process
        world.add(document)
    return world


def names(world, kind):
    return [manifest["metadata"]["name"] for manifest in world.list(kind)]


def test_each_pod_reads_its_configuration(world):
    read = {
        "Strategy": lambda document: strategy_config.parse(document, "document"),
        "MarketDataFeed": lambda document: feed_config.parse(document, "document"),
        "BrokerConnection": lambda document: broker_config.parse(document, "document"),
    }
    for kind, parse in read.items():
        for name in names(world, kind):
            world.look(kind, name)
            parse(world.document(kind, name))


def test_a_strategy_logs_on_with_the_session_that_the_gateway_has(world):
    (name,) = names(world, "Strategy")
    world.look("Strategy", name)
    own = strategy_config.parse(world.document("Strategy", name), "document")
    (account,) = names(world, "BrokerConnection")
    world.look("BrokerConnection", account)
    terms = broker_config.parse(world.document("BrokerConnection", account), "document")
    if own.config.broker is None:
        assert terms.clients == {}
        return
    client = terms.clients[own.config.identity]
    assert (client.session, client.fault) == (own.session, "")
    assert terms.law is not None


def test_draining_runs_on_under_the_same_session():
    world = World().trading()
    trading = world.document()
    world.delete("Strategy", "alpha")
    (push,) = world.look().pushes
    before, after = (strategy_config.parse(document, "document") for document in (trading, push.document))
    assert before.runs_on_with(after)
    assert (before.drains, after.drains, digest_of(trading) == digest_of(push.document)) == (False, True, False)
