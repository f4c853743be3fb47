"""Permits over real mTLS: the certificate says who asks, and the operator is the one that is meant."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import grpc
import grpc.aio
import pytest

from alphatrade.mtls import channel_options
from alphatrade.names import MANAGED_BY, dns_names, identity, operator_identity
from alphatrade.v1.permits_pb2 import RenewPermitRequest
from alphatrade.v1.permits_pb2_grpc import PermitsStub
from alphatrade_operator.permits import server as servers
from alphatrade_operator.permits.server import Permits, PermitServer
from alphatrade_operator.pki.authority import issue
from unit.operator.permits.exploring import exploring_world
from unit.operator.pods.control_server import LIFETIME, authority

SYSTEM = "alphatrade-system"
OPERATOR = operator_identity(SYSTEM)
CA, NEXT_CA = authority(), authority()


def pair_of(ca, uri, names=()):
    return issue(ca, uri, names, datetime.now(UTC), LIFETIME)


class Served:
    """An operator's server, and what becomes of calls to it."""

    def __init__(self, leads=True):
        self.world = exploring_world().trading(session_id="s", exploration={})
        self.calls: list[Any] = []
        self.trusted, self.leads = CA.trusted, leads
        self.own = pair_of(CA, OPERATOR, dns_names(MANAGED_BY, SYSTEM))
        permits = Permits(self.world, lambda: self.leads, lambda: True, lambda *call: self.calls.append(call))
        self.server = PermitServer(permits, self.give)

    async def give(self):
        if self.own is None:
            raise RuntimeError("no authority yet")
        return self.own, self.trusted

    async def ask(self, who=None, ca=CA, expects=OPERATOR, trusts=CA.trusted, epoch=3):
        pair = pair_of(ca, self.world.child().identity if who is None else who)
        credentials = grpc.ssl_channel_credentials(trusts, pair.key, pair.certificate)
        target = f"127.0.0.1:{self.server.port}"
        async with grpc.aio.secure_channel(target, credentials, options=channel_options(expects)) as channel:
            return await PermitsStub(channel).RenewPermit(RenewPermitRequest(epoch=epoch), timeout=2.0)


@asynccontextmanager
async def serving(**given):
    served = Served(**given)
    task = asyncio.create_task(served.server.run("127.0.0.1:0"))
    try:
        await asyncio.wait_for(served.server.serving.wait(), 5.0)
        yield served
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def run(scene, **given):
    async def whole():
        async with serving(**given) as served:
            await scene(served)

    asyncio.run(whole())


def test_a_strategy_gets_what_its_budget_gives():
    async def scene(served):
        answer = await served.ask()
        assert (answer.share_bps, answer.ttl.ToSeconds(), answer.frozen_reason, answer.epoch) == (400, 20, "", 3)
        ((method, code, took_s),) = served.calls
        assert (method, code) == ("RenewPermit", "OK")
        assert took_s < 1.0

    run(scene)


def test_a_standby_says_no_and_why():
    async def scene(served):
        answer = await served.ask()
        assert (answer.share_bps, answer.frozen_reason) == (0, "NotLeading")

    run(scene, leads=False)


@pytest.mark.parametrize(("epoch", "reason"), [(2, "EpochTooLow"), (4, "EpochTooHigh")])
def test_an_epoch_that_differs_is_told_ours(epoch, reason):
    async def scene(served):
        answer = await served.ask(epoch=epoch)
        assert (answer.share_bps, answer.frozen_reason, answer.epoch) == (0, reason, 3)

    run(scene)


def test_who_asks_for_another_gets_nothing():
    async def scene(served):
        answer = await served.ask(identity("desk", "strategy", "alpha", "another-uid"))
        assert (answer.share_bps, answer.frozen_reason) == (0, "UnknownIdentity")

    run(scene)


def test_a_certificate_of_another_authority_is_not_let_in():
    async def scene(served):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await served.ask(ca=NEXT_CA)
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        assert served.calls == []

    run(scene)


def test_a_server_that_is_not_the_operator_is_not_believed():
    async def scene(served):
        with pytest.raises(grpc.aio.AioRpcError):
            await served.ask(expects=identity("desk", "broker", "account", "11111111-0000"))
        served.own = None
        assert served.calls == []

    run(scene)


def test_a_new_authority_is_served_to_the_next_caller(monkeypatch):
    monkeypatch.setattr(servers, "LOOK_S", 0.05)

    async def scene(served):
        await served.ask()
        served.trusted = NEXT_CA.trusted
        served.own = pair_of(NEXT_CA, OPERATOR, dns_names(MANAGED_BY, SYSTEM))
        await asyncio.sleep(0.3)
        assert (await served.ask(ca=NEXT_CA, trusts=NEXT_CA.trusted)).share_bps == 400
        with pytest.raises(grpc.aio.AioRpcError):
            await served.ask(trusts=NEXT_CA.trusted)  # still of the authority before, which is not trusted any more

    run(scene)


def test_it_waits_for_its_first_certificate(monkeypatch):
    monkeypatch.setattr(servers, "LOOK_S", 0.05)

    async def scene():
        served = Served()
        own, served.own = served.own, None
        task = asyncio.create_task(served.server.run("127.0.0.1:0"))
        await asyncio.sleep(0.1)
        assert not served.server.serving.is_set()
        served.own = own
        await asyncio.wait_for(served.server.serving.wait(), 5.0)
        assert (await served.ask()).share_bps == 400
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(scene())
