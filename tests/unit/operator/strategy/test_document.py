"""One document from one set of resources, in one process and on a cluster; and `decide` is a function."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphatrade.config import StrategyConfig, digest_of, to_json
from alphatrade_operator.render import render_session
from alphatrade_operator.resources import load_folder
from alphatrade_operator.strategy.document import draining, read_config
from alphatrade_operator.strategy.model import Strategy
from unit.operator.world import World, of_kind

EXAMPLES = Path(__file__).resolve().parents[4] / "examples"
RUNNABLE = sorted(
    folder.name
    for folder in EXAMPLES.iterdir()
    if any("kind: Strategy" in file.read_text() for file in folder.glob("*.yaml") if file.stem != "kustomization")
)


def on_a_cluster(folder, **settings):
    """Return the configurations of a folder's strategies as a cluster has them, by name."""
    resources = load_folder(folder)
    world = World(artifact_store={"claim_name": "tapes"}, **settings)
    world.objects.clear()
    for loaded in resources.by_key.values():
        document = copy.deepcopy(loaded.document.data)
        document["metadata"]["namespace"] = "desk"
        world.add(document)
    configs = {}
    for loaded in resources.of_kind(Strategy):
        name = loaded.resource.metadata.name
        for config_map in of_kind(world.plan("Strategy", name), "ConfigMap"):
            configs[name] = read_config(config_map["data"]["config.json"])
    return configs


def comparable(session):
    """Return a session without the paths, which are those of this machine or of a pod."""
    session = copy.deepcopy(session)
    session["feed"].pop("path", None)
    for plugin in session["policy"]["plugins"]:
        plugin["path"] = Path(plugin["path"]).name
    return json.loads(to_json_of(session))


def to_json_of(session):
    return json.dumps(session, sort_keys=True)


@pytest.mark.parametrize("name", RUNNABLE)
def test_a_cluster_renders_the_document_of_one_process(name):
    folder = EXAMPLES / name
    compared = 0
    ceilings = {"fast_weights": True, "linear_attention": True}
    for strategy, config in on_a_cluster(folder, feature_flag_ceilings=ceilings).items():
        assert comparable(config.session) == comparable(render_session(load_folder(folder), strategy))
        compared += 1
    assert compared > 0


def test_draining_changes_nothing_else():
    world = World()
    world.look()
    trading, drained = read_config(world.document()), read_config(draining(world.document()))
    assert trading
    assert drained
    assert (trading.run, drained.run) == ("Trade", "Drain")
    assert drained.model_copy(update={"run": "Trade"}) == trading


@pytest.mark.parametrize("text", [None, "", "{", "{}", '{"schema_version": 2}'])
def test_what_is_no_configuration_of_this_version_is_none(text):
    assert read_config(text) is None


def test_reading_back_gives_the_same_bytes():
    world = World()
    world.look()
    assert to_json(StrategyConfig.model_validate_json(world.document())) == world.document()


PHASES = ["Starting", "Trading", "Halted", "Latched", "Draining", "Drained", "Ended", "Failed", ""]


@given(
    phase=st.sampled_from(PHASES),
    seed=st.integers(1, 3),
    suspend=st.booleans(),
    deleting=st.booleans(),
    lots=st.integers(-2, 2),
    outcome=st.sampled_from([None, "Applied", "RestartRequired", "Refused"]),
)
def test_decide_is_a_function_and_never_leaves_a_position_without_a_pod(phase, seed, suspend, deleting, lots, outcome):
    world = World().trading(policy_hash="ab" * 32)
    world.say(phase=phase, positions={"AAA": lots})
    world.change("Strategy", "alpha", "seed", seed)
    world.change("Strategy", "alpha", "suspend", suspend)
    if deleting:
        world.delete("Strategy", "alpha")
    plan = world.plan()
    if plan.pushes and outcome:
        world.answer(plan.pushes[0], outcome)
        plan = world.plan()
    assert plan == world.plan()
    ends = (
        plan.finalizers == ()
        or any(ref.kind in ("Pod", "RoleBinding") for ref in plan.deletions)
        or any(one["spec"]["replicas"] == 0 for one in of_kind(plan, "StatefulSet"))
    )
    if ends:
        assert (
            phase in ("Drained", "Ended")
            or (phase == "Latched" and lots == 0)
            or (phase == "Failed" and not suspend and not deleting)
        )


# What the operator rendered before it knew of an understanding loop, by the digests of the bytes: an upgrade must leave
# the configurations of strategies without one as they are, or it would restart them, and an older runtime refuses more.
PLAIN: dict[str, Any] = {}
MANY: dict[str, Any] = {
    "instruments": [],
    "genotype.policies": [
        {
            "name": "trend",
            "signal": {"ref": "ema_cross", "params": {"fast": 20, "slow": 50.5}},
            "executionTopology": {"type": "Pegged", "params": {"timeout": "5s", "offsetTicks": 1}},
            "instruments": ["AAA"],
            "weightBps": 9_000,
        },
        {
            "name": "quotes",
            "signal": {"ref": "two_sided_quote"},
            "executionTopology": {"type": "PassiveQuote"},
            "instruments": ["BBB"],
        },
    ],
    "decisionClock": {"type": "Timer", "interval": "1s"},
    "seed": 9,
    "durability": "Fsync",
}
FILLED_IN: dict[str, Any] = {  # as an API server of now gives an object of before: with the defaults of new fields
    "genotype.fastWeights": {"rule": "Hebb", "halfLife": 700},
    "genotype.router": {"switchingCostBps": "1", "horizon": 10, "halfLife": 2_000},
}


@pytest.mark.parametrize(
    ("changes", "digest"),
    [
        (PLAIN, "cec500096625682e0f7c274c864e7a0a6a9528730632d6f2d5a57c908cea376e"),
        (PLAIN | FILLED_IN, "cec500096625682e0f7c274c864e7a0a6a9528730632d6f2d5a57c908cea376e"),
        (MANY, "547fddfa4e2f40601b51ad8ff7f15894a2f4d03850f91f2f8de64cd50950d9ac"),
        (MANY | FILLED_IN, "547fddfa4e2f40601b51ad8ff7f15894a2f4d03850f91f2f8de64cd50950d9ac"),
    ],
    ids=["plain", "plain, defaults filled in", "many", "many, defaults filled in"],
)
def test_a_strategy_without_an_understanding_loop_is_rendered_as_before_there_was_one(changes, digest):
    world = World()
    for where, value in changes.items():
        world.change("Strategy", "alpha", where, copy.deepcopy(value))
    assert digest_of(world.trading().document()) == digest


def test_one_with_it_is_not():
    world = World()
    world.change("Strategy", "alpha", "genotype.probes", {})
    assert digest_of(world.trading().document()) != "cec500096625682e0f7c274c864e7a0a6a9528730632d6f2d5a57c908cea376e"
