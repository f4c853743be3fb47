"""A pod's keeper and the operator's server over real mTLS, both as they are: what one gives the other has."""

import asyncio
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from alphatrade.config import Endpoint
from alphatrade.mtls import AUTHORITY, CERTIFICATE, KEY, Certificates
from alphatrade.names import MANAGED_BY, dns_names, operator_identity
from alphatrade_operator.permits.server import Permits, PermitServer
from alphatrade_operator.pki.authority import Authority, issue, new_authority, read_pair
from alphatrade_runtime.service.control.epoch import EpochFile
from alphatrade_runtime.service.strategy.permits import PermitKeeper, asks
from unit.operator.permits.exploring import exploring_world

SYSTEM = "alphatrade-system"
OPERATOR = operator_identity(SYSTEM)


def authority():
    pair = new_authority(datetime.now(UTC))
    return Authority(pair, read_pair(pair), pair.certificate)


def issued(ca, identity, names=()):
    return issue(ca, identity, names, datetime.now(UTC), timedelta(hours=1))


class Operator:
    """An operator's server on a loop of its own thread."""

    def __init__(self, ca):
        self.leads, self.world = True, exploring_world().trading(session_id="s", exploration={})
        self._own = issued(ca, OPERATOR, dns_names(MANAGED_BY, SYSTEM)), ca.trusted
        self._loop = asyncio.new_event_loop()
        permits = Permits(self.world, lambda: self.leads, lambda: True)
        self._server = PermitServer(permits, self._give)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._up = threading.Event()
        self._thread.start()
        assert self._up.wait(5.0)

    @property
    def port(self):
        return self._server.port

    async def _give(self):
        return self._own

    def _serve(self):
        asyncio.set_event_loop(self._loop)
        self._task = self._loop.create_task(self._server.run("127.0.0.1:0"))
        self._loop.create_task(self._tell())
        with pytest.raises(asyncio.CancelledError):
            self._loop.run_until_complete(self._task)

    async def _tell(self):
        await self._server.serving.wait()
        self._up.set()

    def end(self):
        self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(5.0)
        self._loop.close()


@contextmanager
def pod(operator, ca, folder):
    """Yield the keeper of the strategy alpha."""
    pair = issued(ca, operator.world.child().identity)
    for name, content in ((CERTIFICATE, pair.certificate), (KEY, pair.key), (AUTHORITY, ca.trusted)):
        (folder / name).write_bytes(content)
    endpoint = Endpoint(target=f"127.0.0.1:{operator.port}", identity=OPERATOR)
    ask, close = asks(endpoint, Certificates(folder))
    try:
        yield PermitKeeper(ask, EpochFile(folder / "data"))
    finally:
        close()


def test_a_permit_from_budget_to_pod(tmp_path):
    ca = authority()
    operator = Operator(ca)
    try:
        with pod(operator, ca, tmp_path) as keeper:
            wait_s = keeper.renew()  # of epoch 0: it learns the operator's, and asks again
            assert (keeper.held().share_bps, keeper.held().epoch) == (400, 3)
            assert 6.0 < wait_s <= 20 / 3
            assert EpochFile(tmp_path / "data").highest == 3
            operator.world.say(exploration={"frozen": ["DriftAlert"]}, phase="Trading")
            keeper.renew()
            assert (keeper.held().share_bps, keeper.why_not) == (0, "DriftAlert")
            operator.world.say(exploration={}, phase="Trading")
            keeper.renew()
            assert keeper.held().share_bps == 400
            operator.world.epoch = 2  # one of the past: what was given goes on to its end
            keeper.renew()
            assert keeper.held().share_bps == 400
            operator.world.epoch, operator.leads = 3, False
            keeper.renew()
            assert (keeper.held().share_bps, keeper.why_not) == (0, "NotLeading")
    finally:
        operator.end()


def test_an_operator_that_is_gone_leaves_the_permit_to_its_end(tmp_path):
    ca = authority()
    operator = Operator(ca)
    with pod(operator, ca, tmp_path) as keeper:
        keeper.renew()
        operator.end()
        keeper.renew()
        assert keeper.held().share_bps == 400
        keeper._mono_ns = lambda: keeper._permit.until_ns
        assert (keeper.held().share_bps, keeper.why_not) == (0, "OperatorUnreachable")
