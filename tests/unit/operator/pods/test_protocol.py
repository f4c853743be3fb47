"""Operator and runtime of neighbouring versions: what was released is served, what is older is refused by name."""

import asyncio
from typing import Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

import protos
from alphatrade.protocol import FIRST, PROTOCOL, understood
from alphatrade.v1.control_pb2 import GetStatusResponse, PodStatus, StrategyStatus
from unit.operator.pods.control_server import POD, serving
from unit.operator.pods.test_client import CA, client_of
from unit.operator.world import World, message, ready, types


def released(name):
    """Return a message of the oldest release kept, as its own code has it."""
    pool = descriptor_pool.DescriptorPool()
    files = descriptor_pb2.FileDescriptorSet.FromString(protos.releases()[0].read_bytes())
    for file in files.file:
        pool.Add(file)
    kind: Any = message_factory.GetMessageClass(pool.FindMessageTypeByName(f"alphatrade.v1.{name}"))
    return kind


def test_the_release_before_says_nothing_of_a_protocol_and_counts_as_the_first():
    assert "protocol" not in released("PodStatus").DESCRIPTOR.fields_by_name
    old = released("PodStatus")(code_hash="c", strategy={"phase": "Trading", "session_ns": 7})
    read = PodStatus.FromString(old.SerializeToString())
    assert (read.protocol, read.strategy.phase, read.strategy.session_ns) == (0, "Trading", 7)
    assert understood(read.protocol)
    assert PROTOCOL - FIRST == 1, "keep the release before this one, and drop those before it"


def test_a_status_of_this_version_is_read_by_the_one_before():
    new = PodStatus(protocol=PROTOCOL, code_hash="c", strategy=StrategyStatus(phase="Trading", in_break=True))
    read = released("PodStatus").FromString(new.SerializeToString())
    assert (read.code_hash, read.strategy.phase) == ("c", "Trading")


def test_a_runtime_of_the_version_before_is_asked_and_told_over_the_wire():
    async def scene():
        async with serving(CA) as (control, address), client_of() as client:
            old = released("GetStatusResponse")(status={"strategy": {"phase": "Trading"}})
            control.status = GetStatusResponse.FromString(old.SerializeToString()).status
            status = await client.status(address, POD)
            assert (status.strategy.phase, understood(status.protocol)) == ("Trading", True)
            await client.apply(address, POD, b"{}", 3)
            assert control.applied == [(b"{}", 3)]

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("own", "theirs", "fits"),
    [(1, 0, True), (2, 0, True), (2, 1, True), (2, 2, True), (2, 3, True), (2, 4, False), (3, 1, False), (3, 0, False)],
)
def test_neighbours_understand_each_other_and_no_others(own, theirs, fits):
    assert understood(theirs, own) is fits


def speaking(protocol):
    world = World().trading(policy_hash="ab" * 32)
    world.said[("desk", world.child().name)].protocol = protocol
    return world


@pytest.mark.parametrize("protocol", [0, PROTOCOL - 1, PROTOCOL, PROTOCOL + 1])
def test_a_runtime_next_to_this_version_is_served_and_reported(protocol):
    world = speaking(protocol)
    plan = world.look()
    assert (ready(plan), plan.status["phase"]) == ((True, "Trading"), "Trading")
    world.change("RiskTemplate", "law", "instruments.0.maxPositionLots", 50)
    assert len(world.look().pushes) == 1


@pytest.mark.parametrize(("protocol", "reason"), [(-1, "ProtocolTooOld"), (PROTOCOL + 2, "ProtocolTooNew")])
def test_one_further_away_is_refused_and_left_alone(protocol, reason):
    world = speaking(protocol)
    world.change("RiskTemplate", "law", "instruments.0.maxPositionLots", 50)
    plan = world.look()
    assert (ready(plan), types(plan)) == ((False, reason), {"Stalled"})
    assert f"the pod speaks protocol {protocol}" in message(plan)
    assert (plan.pushes, plan.deletions) == ((), ())
