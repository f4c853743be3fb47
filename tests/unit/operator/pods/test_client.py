"""Calls to pods over real mTLS: to the one that is meant, and to no other."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from alphatrade.config import digest_of
from alphatrade.names import identity
from alphatrade.v1.control_pb2 import Acknowledgement, ApplyOutcome
from alphatrade_operator.core.plan import Key, Push
from alphatrade_operator.kube.errors import NotLeading
from alphatrade_operator.pki.authority import issue
from alphatrade_operator.pods.client import PodClient, PodSilent
from alphatrade_operator.pods.poller import Poller
from alphatrade_operator.pods.pusher import Pusher
from alphatrade_operator.pods.reports import Reports
from unit.operator.cache import Cache
from unit.operator.pods.control_server import LIFETIME, OPERATOR, OTHER_POD, POD, authority, serving

CA, FOREIGN = authority(), authority()
OWNER = Key("Strategy", "desk", "alpha")
CHILD = "st-alpha-11111111"


class Own:
    """The operator's own certificate, renewed when a test says so."""

    def __init__(self, ca=CA):
        self.ca = ca
        self.renew()

    def renew(self):
        self.pair = issue(self.ca, OPERATOR, (), datetime.now(UTC), LIFETIME)

    async def __call__(self):
        return self.pair, CA.trusted


@asynccontextmanager
async def client_of(own=None):
    client = PodClient(own or Own())
    try:
        yield client
    finally:
        await client.close()


def test_the_pod_that_is_meant_answers_and_learns_who_asks():
    async def scene():
        async with serving(CA) as (control, address), client_of() as client:
            status = await client.status(address, POD)
            assert status.strategy.phase == "Trading"
            assert control.asked_by == [OPERATOR]

    asyncio.run(scene())


def test_another_pod_at_its_address_is_not_believed():
    async def scene():
        async with serving(CA, OTHER_POD) as (control, address), client_of() as client:
            with pytest.raises(PodSilent):
                await client.status(address, POD)
            assert control.asked_by == []

    asyncio.run(scene())


def test_a_pod_of_another_authority_is_not_believed():
    async def scene():
        async with serving(FOREIGN) as (control, address), client_of() as client:
            with pytest.raises(PodSilent):
                await client.status(address, POD)
            assert control.asked_by == []

    asyncio.run(scene())


def test_an_operator_of_another_authority_is_not_let_in():
    async def scene():
        async with serving(CA) as (control, address), client_of(Own(FOREIGN)) as client:
            with pytest.raises(PodSilent):
                await client.status(address, POD)
            assert control.asked_by == []

    asyncio.run(scene())


def test_without_a_certificate_of_its_own_nobody_is_asked():
    async def none():
        raise RuntimeError("the Lease is not held")

    async def scene():
        async with serving(CA) as (control, address), client_of(none) as client:
            with pytest.raises(PodSilent, match="the Lease is not held"):
                await client.status(address, POD)
            assert control.asked_by == []

    asyncio.run(scene())


def test_an_identity_without_a_server_is_not_asked():
    async def scene():
        async with client_of() as client:
            with pytest.raises(PodSilent, match="no identity"):
                await client.status("127.0.0.1:1", identity("desk", "client", "mine", "0"))

    asyncio.run(scene())


def test_a_renewed_certificate_is_used_from_the_next_call_on():
    async def scene():
        own = Own()
        async with serving(CA) as (control, address), client_of(own) as client:
            await client.status(address, POD)
            own.renew()
            await client.status(address, POD)
            assert control.asked_by == [OPERATOR, OPERATOR]

    asyncio.run(scene())


def test_a_pod_that_is_not_there_is_silent_within_its_deadline():
    async def scene():
        async with client_of() as client:
            started_s = asyncio.get_running_loop().time()
            with pytest.raises(PodSilent):
                await client.status("127.0.0.1:9", POD)
            assert asyncio.get_running_loop().time() - started_s < 4.0

    asyncio.run(scene())


class Scene:
    """A cache with one pod at an address, and what was put on the queue."""

    reports: Any
    cache: Any

    def __init__(self, address, client):
        names = {"kind": "strategy", "owner": "alpha", "owner-uid": "11111111-0000"}
        host, _, self.port = address.partition(":")
        metadata: Any = {"name": f"{CHILD}-0", "namespace": "desk", "uid": "p1"}
        metadata["labels"] = {f"alphatrade.io/{name}": value for name, value in names.items()}
        pod = {"kind": "Pod", "metadata": metadata, "status": {"podIP": host, "phase": "Running"}}
        self.cache = Cache(pod, status_poll_s=0.05)
        self.cache.epoch = 7
        self.reports = Reports(0.05, asyncio.get_running_loop().time)
        self.cache.pod_status = self.reports.status
        self.queued = []
        self.poller = Poller(self.cache, client, self.reports, self.reported, lambda: True)
        self.leads = True
        self.pusher = Pusher(self.cache, client, self.reports, self.reported, self.require)

    def require(self):
        if not self.leads:
            raise NotLeading("another leads")

    def reported(self, owner, urgent, delay_s):
        self.queued.append((owner, urgent))


@pytest.fixture(autouse=True)
def any_port(monkeypatch):
    """Let pods serve on the ports that tests give them."""

    def at(port):
        monkeypatch.setattr("alphatrade_operator.pods.targets.GRPC_PORT", int(port))

    return at


def test_a_round_asks_every_pod_and_queues_what_is_new(any_port):
    async def scene():
        async with serving(CA) as (control, address), client_of() as client:
            found = Scene(address, client)
            any_port(found.port)
            await found.poller.round()
            assert found.reports.status("desk", CHILD) == control.status
            assert found.queued == [(OWNER, True)]
            await found.poller.round()
            assert found.queued == [(OWNER, True)]
            control.status.strategy.nav = 5
            await found.poller.round()
            assert found.queued[1:] == [(OWNER, False)]
            await found.poller.close()

    asyncio.run(scene())


def test_an_acknowledgement_is_known_without_waiting_for_the_next_round(any_port):
    async def scene():
        async with serving(CA) as (control, address), client_of() as client:
            found = Scene(address, client)
            any_port(found.port)
            await found.poller.round()
            await asyncio.sleep(0.2)  # the stream is open
            found.queued.clear()
            control.status.strategy.acknowledged.append(Acknowledgement(name="stop"))
            control.changed.set()
            for _ in range(100):
                await asyncio.sleep(0.01)
                if found.queued:
                    break
            assert found.queued == [(OWNER, True)]
            await found.poller.close()

    asyncio.run(scene())


def test_a_pod_that_goes_silent_is_news_once(any_port):
    async def scene():
        async with client_of() as client:
            async with serving(CA) as (_, address):
                found = Scene(address, client)
                any_port(found.port)
                await found.poller.round()
            found.queued.clear()
            found.reports._silence_s = 0.0
            await found.poller.round()
            await found.poller.round()
            assert found.queued == [(OWNER, True)]
            assert found.reports.status("desk", CHILD) is None
            await found.poller.close()

    asyncio.run(scene())


def test_a_configuration_is_pushed_once_with_the_epoch(any_port):
    async def scene():
        async with serving(CA) as (control, address), client_of() as client:
            found = Scene(address, client)
            any_port(found.port)
            push = Push("ignored:7443", POD, b'{"a":1}')
            assert await found.pusher.push(push)
            assert await found.pusher.push(push)
            assert control.applied == [(b'{"a":1}', 7)]
            assert found.reports.pushed(POD).outcome == "Applied"
            assert found.reports.pushed(POD).digest == digest_of(b'{"a":1}')
            assert found.queued == [(OWNER, True)]

    asyncio.run(scene())


def test_who_leads_no_more_pushes_nothing(any_port):
    async def scene():
        async with serving(CA) as (control, address), client_of() as client:
            found = Scene(address, client)
            any_port(found.port)
            found.leads = False
            with pytest.raises(NotLeading):
                await found.pusher.push(Push("ignored:7443", POD, b'{"a":1}'))
            assert (control.applied, found.queued) == ([], [])

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("outcome", "known"),
    [
        (ApplyOutcome.APPLY_OUTCOME_REFUSED, "Refused"),
        (ApplyOutcome.APPLY_OUTCOME_RESTART_REQUIRED, "RestartRequired"),
        (ApplyOutcome.APPLY_OUTCOME_UNSPECIFIED, "Refused"),
        (17, "Refused"),
    ],
)
def test_an_answer_is_not_asked_for_again_until_the_pod_is_another(any_port, outcome, known):
    async def scene():
        async with serving(CA) as (control, address), client_of() as client:
            found = Scene(address, client)
            any_port(found.port)
            control.outcome = outcome
            push = Push("ignored:7443", POD, b"{}")
            await found.poller.round()
            await found.pusher.push(push)
            await found.pusher.push(push)
            assert (len(control.applied), found.reports.pushed(POD).outcome) == (1, known)
            found.cache.get("Pod", "desk", f"{CHILD}-0")["metadata"]["uid"] = "p2"
            await found.poller.round()
            await found.pusher.push(push)
            assert len(control.applied) == 2
            await found.poller.close()

    asyncio.run(scene())


def test_a_configuration_in_force_is_not_pushed(any_port):
    async def scene():
        async with serving(CA) as (control, address), client_of() as client:
            found = Scene(address, client)
            any_port(found.port)
            control.status.document_digest = digest_of(b"{}")
            await found.poller.round()
            assert await found.pusher.push(Push("ignored:7443", POD, b"{}"))
            assert control.applied == []
            await found.poller.close()

    asyncio.run(scene())


def test_a_pod_that_is_not_there_or_does_not_answer_could_not_be_asked(any_port):
    async def scene():
        async with client_of() as client:
            found = Scene("127.0.0.1:9", client)
            any_port(found.port)
            assert not await found.pusher.push(Push("ignored:7443", POD, b"{}"))
            found.cache.objects.clear()
            assert not await found.pusher.push(Push("ignored:7443", POD, b"{}"))

    asyncio.run(scene())
