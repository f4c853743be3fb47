"""The product is upgraded and rolled back while Strategies hold positions: nothing restarts by itself, nothing is lost.

Two images that differ in one byte of the runtime, so that neither can read the other's journal. Judged by UIDs of pods
and by the broker's own log.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

import pytest

from alphatrade_operator.kubectl.main import call
from cluster.backend import Backend
from e2e.cluster.books import journals
from e2e.cluster.faults import BACK_S
from e2e.cluster.market import TURNS, account, feed, law, strategy
from e2e.cluster.other_image import other_image
from e2e.cluster.place import Place
from e2e.cluster.runtime_journal import account_for, kept
from kube_fixtures import SYSTEM_NAMESPACE, Installed, settings, trading_namespace, upgrade

ALWAYS, DAILY = "always", "daily"  # a market that never closes, and one that closes soon behind the story's beginning
KINDS = ("Strategy", "BrokerConnection", "MarketDataFeed")
PODS = [(kind, name) for name in (ALWAYS, DAILY) for kind in KINDS]
CLOSE = datetime(2026, 1, 5, 21, tzinfo=UTC)  # of XNYS
BEGIN = "2026-01-05T20:57:00Z"
ROLL_S = 300.0
CODE = "from alphatrade_runtime.policy.hashes import code_hash, installed_code; print(code_hash(installed_code()))"


def desk(name):
    """Return a desk by the wall clock that turns its position round with each small move."""
    market = feed(name, "Realtime")
    if name == DAILY:
        market["spec"]["calendar"] = "XNYS"
        market["spec"]["simulator"]["config"] = {"start": BEGIN}
    return [law(name), market, account(name, name), strategy(name, TURNS, on=name, under=name,
                                                              brokerConnectionRef={"name": name})]  # fmt: skip


@dataclass
class Story:
    """Both desks in their namespace, and the product under them.

    codes: of the two images.  first: UIDs of the pods under the first one.
    """

    place: Place
    installed: Installed
    next: str
    codes: tuple[str, str] = ("", "")
    first: dict[tuple[str, str], str] = field(default_factory=dict)

    def uids(self):
        """Return the UID of every pod."""
        return {(kind, name): self.place.pod_identity(kind, name)[0] for kind, name in PODS}

    def upgrade(self, image):
        """Let helm install another image; return when its operator leads."""
        repository, _, tag = image.rpartition(":")
        words = (*settings(repository, tag), "--wait", "--timeout", "180s")
        self.place.kube.helm(*upgrade("alphatrade"), *words)

    def roll_back(self):
        """Let helm take the release before."""
        self.place.kube.helm("rollback", "alphatrade", "--namespace", SYSTEM_NAMESPACE, "--wait", "--timeout", "180s")

    def code(self, name):
        """Return the code that a Strategy's pod runs."""
        return self.place.run(self.place.pod("Strategy", name), "python", "-c", CODE).strip()

    def holds(self, name):
        """Return the lots that a Strategy holds by the broker's log."""
        return sum(one.position for one in journals(self.place, name, name))

    def pending(self, kind, name):
        """Whether an object's pod waits to be rolled."""
        return self.place.condition(kind, name, "RollPending")[0] == "True"

    def until_pending(self, reason, kind, name):
        """Wait until an object says why its pod stays; return the message."""
        return self.place.until_condition(kind, name, reason, "RollPending")

    def sound(self, name):
        """Hold the broker's log against the runtime's journals: one session, no order twice, no book broken."""
        assert account_for(self.place, name, name) > 0
        assert len(journals(self.place, name, name)) == len(kept(self.place, name)) == 1
        metrics = self.place.metrics(self.place.pod("Strategy", name))
        assert (metrics["alphatrade_breaks_total"], metrics["alphatrade_violations_total"]) == (0.0, 0.0)

    def trades(self, name, orders=3):
        """Wait until a Strategy has placed orders behind what is on record."""
        placed = lambda: sum(len(one.placed) for one in journals(self.place, name, name))  # noqa: E731
        before = placed()
        self.place.until(f"{name} trades", lambda: placed() >= before + orders, BACK_S)

    def roll(self, capsys, *words):
        """Run the command; return what it said."""
        code = call(["roll", *words, "-n", self.place.namespace, "--timeout", str(ROLL_S)])
        said = capsys.readouterr()
        assert code == 0, said.out + said.err
        return said.out + said.err


@pytest.fixture(scope="module")
def story(
    installed: Installed, backend: Backend, image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Story]:
    """Have both desks trade under the first image."""
    name = other_image(backend, image, tmp_path_factory.mktemp("image"))
    with trading_namespace(installed.kube, "upgrade") as namespace:
        made = Story(Place(installed.kube, namespace), installed, name)
        made.place.apply(*desk(ALWAYS), *desk(DAILY))
        for desk_name in (ALWAYS, DAILY):
            made.place.until_phase(desk_name, "Trading", timeout_s=BACK_S)
        for desk_name in (ALWAYS, DAILY):
            made.place.until(f"{desk_name} holds", partial(made.holds, desk_name))
        try:
            yield made
        finally:
            made.upgrade(image)


def test_an_upgrade_restarts_no_trading_pod(story):
    first, before = story.code(ALWAYS), story.uids()
    story.upgrade(story.next)
    for kind in KINDS:
        story.place.until(f"{kind} says that its pod waits", lambda kind=kind: story.pending(kind, ALWAYS))
    text = story.until_pending("NoSessionBreak", "Strategy", ALWAYS)
    assert f"`kubectl alphatrade roll {ALWAYS} -n {story.place.namespace}`" in text
    story.trades(ALWAYS)
    after = story.uids()
    assert {pod: after[pod] for pod in after if pod[1] == ALWAYS} == {
        pod: before[pod] for pod in before if pod[1] == ALWAYS
    }
    assert story.code(ALWAYS) == first
    story.codes, story.first = (first, ""), before


def test_a_pod_rolls_in_its_session_break_and_its_position_goes_on(story):
    place = story.place
    one = ("Strategy", DAILY)
    place.until("daily rolls", lambda: place.pod_identity(*one)[0] != story.first[one], 600.0)
    place.until_phase(DAILY, "Trading", timeout_s=BACK_S)
    close_ns = int(CLOSE.timestamp()) * 10**9
    pod = place.kube.get("pod", place.pod("Strategy", DAILY), namespace=place.namespace)
    made = datetime.fromisoformat(pod["metadata"]["creationTimestamp"])
    assert made.timestamp() * 1e9 >= kept(place, DAILY)[-1].wall_ns(close_ns) - 1e9, "it did not wait for the break"
    held = story.holds(DAILY)
    assert held
    shown = [{"symbol": "SIM-A", "lots": held}]
    place.until("daily shows it", lambda: place.status("Strategy", DAILY).get("positions") == shown)
    story.sound(DAILY)
    for kind in KINDS[1:]:
        place.until(f"{kind} rolls behind it", lambda kind=kind: not story.pending(kind, DAILY))
    story.codes = (story.codes[0], story.code(DAILY))


def test_a_pod_without_a_break_rolls_when_it_is_asked(story, capsys):
    before = story.uids()
    said = story.roll(capsys, ALWAYS)
    assert f"Strategy/{ALWAYS}: the new pod is ready" in said
    after = story.uids()
    assert [pod for pod in before if after[pod] != before[pod]][:1] == [("Strategy", ALWAYS)]
    assert after[("BrokerConnection", ALWAYS)] == before[("BrokerConnection", ALWAYS)]
    assert story.code(ALWAYS) == story.codes[1]
    story.trades(ALWAYS)
    story.sound(ALWAYS)
    assert "nothing to roll" in story.roll(capsys, ALWAYS)


def test_rolling_back_is_the_same_way(story, capsys):
    before = story.uids()
    story.roll_back()
    story.until_pending("NoSessionBreak", "Strategy", ALWAYS)
    story.trades(ALWAYS)
    assert story.uids()[("Strategy", ALWAYS)] == before[("Strategy", ALWAYS)]
    said = story.roll(capsys, "--all")
    assert f"Strategy/{ALWAYS}: the new pod is ready" in said
    assert f"MarketDataFeed/{ALWAYS}" not in said, "it never left the first image"
    assert story.code(ALWAYS) == story.codes[0]
    story.trades(ALWAYS)
    story.sound(ALWAYS)
    story.sound(DAILY)
