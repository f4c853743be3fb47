"""Stories on a real cluster share it, and one Helm install."""

from collections.abc import Iterator

import pytest

from cluster.backend import Backend
from e2e.cluster import quiet as quiet_namespace
from e2e.cluster.desks import SPARE, WALL, Desk, beside
from e2e.cluster.place import Place
from kube_fixtures import (  # noqa: F401
    Installed,
    backend,
    cluster,
    definitions,
    image,
    installed,
    namespace,
    trading_namespace,
)


@pytest.fixture(scope="session")
def quiet(installed: Installed, backend: Backend) -> Iterator[quiet_namespace.Quiet]:  # noqa: F811
    """Make a namespace that comes to rest and stays so for as long as stories go on."""
    with trading_namespace(installed.kube, "quiet") as name:
        place, system = Place(installed.kube, name), Place(installed.kube, installed.namespace)
        place.apply(*quiet_namespace.manifests())
        yield quiet_namespace.Quiet(place, system, backend)


@pytest.fixture(scope="session")
def trader(installed: Installed, backend: Backend) -> Iterator[Desk]:  # noqa: F811
    """Open a desk for the stories that come last: it quotes in real time, whatever befalls the machine."""
    with trading_namespace(installed.kube, "trader") as name:
        opened = Desk(Place(installed.kube, name), backend, WALL)
        opened.open()
        yield opened


@pytest.fixture(scope="session")
def spare(trader: Desk) -> Desk:
    """Open a desk on the trader's feed that may be stopped: what is latched stays so until the end."""
    opened = Desk(trader.place, trader.backend, SPARE)
    opened.open(*beside(SPARE, WALL))
    return opened


@pytest.fixture(scope="session", autouse=True)
def quiet_from_the_start(request: pytest.FixtureRequest) -> None:
    """Let it come to rest beside the first stories, when one of this session asks for it."""
    if any("quiet" in getattr(item, "fixturenames", ()) for item in request.session.items):
        request.getfixturevalue("quiet")
