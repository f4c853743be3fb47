"""One process trades the market that a feed gateway of the same YAML serves, whatever part of it a Strategy trades."""

from pathlib import Path

import pytest

from alphatrade.config import FeedConfig, Owner
from alphatrade_operator.feed.gateway import render_config
from alphatrade_operator.feed.model import MarketDataFeed
from alphatrade_operator.resources import load_folder
from alphatrade_operator.workload.child import Child
from alphatrade_runtime.cli.execute import execute_live
from alphatrade_runtime.cli.feeds import open_tape
from alphatrade_runtime.cli.session import read_plan
from alphatrade_runtime.loop import recovery
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.service.feed.config import feed_of, parse
from alphatrade_runtime.service.feed.source import open_feed


def gateway_tape(folder, data):
    """Return the tape that the feed's gateway makes."""
    (feed,) = load_folder(folder).of_kind(MarketDataFeed)
    child = Child("feed", Owner(namespace="desk", name="simulator", uid="00000000-0000-4000-8000-000000000000"), {})
    config: FeedConfig = parse(render_config(child, feed.resource.spec), "configuration")
    return open_feed(config, feed_of(config, "configuration"), data, Path(), lambda share: None)


def test_a_strategy_of_one_of_two_instruments_trades_the_gateways_market(two_instruments, tmp_path):
    plan = read_plan(two_instruments)
    assert [terms.symbol for terms in plan.session.policy.envelope.instruments] == ["SIM-B"]
    with open_tape(plan, tmp_path / "here") as here, gateway_tape(two_instruments, tmp_path / "there") as there:
        assert [instrument.symbol for instrument in here.instruments] == ["SIM-A", "SIM-B"]
        assert here.digest == there.digest
        assert plan.engine().replay(here).digests == plan.engine().replay(there).digests


def test_what_the_feed_says_of_an_instrument_that_is_not_traded_is_no_fault(two_instruments, tmp_path):
    path = two_instruments / "feed.yaml"
    edge = "      edge: {type: momentum, strength: 0.2}"
    path.write_text(path.read_text().replace(edge, f"{edge}\n      instruments: [{{symbol: SIM-A, price: '50'}}]"))
    with open_tape(read_plan(two_instruments), tmp_path) as tape:
        assert [instrument.symbol for instrument in tape.instruments] == ["SIM-A", "SIM-B"]


def test_the_wall_clock_trades_the_same_market(two_instruments, tmp_path):
    plan = read_plan(two_instruments, speed="Realtime")
    with open_tape(plan, tmp_path) as tape:
        done = execute_live(plan.engine(), plan, tape, tmp_path, duration_s=1.0)
        assert recovery.read_facts(done.folder).feed_digest == tape.digest == done.facts["tape"]["digest"]
    assert done.facts["counts"]["events"] > 0
    assert done.facts["speed"] == "Realtime"
    assert recovery.verify(done.folder).agrees


def test_an_exchange_in_its_own_process_would_see_another_market(two_instruments, tmp_path):
    plan = read_plan(two_instruments, speed="Realtime")
    with open_tape(plan, tmp_path) as tape, pytest.raises(InputError, match="--broker: an exchange in its own process"):
        execute_live(plan.engine(), plan, tape, tmp_path, broker=tmp_path / "x.sock")
    assert not (tmp_path / "paper").exists()
