"""The examples are resources that run: each renders, and both halves of the product accept it."""

import importlib
import pkgutil
from pathlib import Path

import pytest

from alphatrade_operator.render import render_session
from alphatrade_operator.resources import load_folder
from alphatrade_operator.risk_template.model import RiskTemplate
from alphatrade_runtime.adaptation import signals
from alphatrade_runtime.market.simulator.config import parse_config
from alphatrade_runtime.plugin.contract import declared
from alphatrade_runtime.policy.document import parse_session

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
RUNNABLE = ["quickstart", "paper", "run-sim", "daily-bars", "learning"]


@pytest.fixture(scope="module", autouse=True)
def _built_in_signals():
    for module in pkgutil.iter_modules(signals.__path__, f"{signals.__name__}."):
        importlib.import_module(module.name)


@pytest.mark.parametrize("name", RUNNABLE)
def test_an_example_is_a_session_for_the_runtime(name):
    session = parse_session(render_session(load_folder(EXAMPLES / name)))
    for policy in session.policy.genotype.policies:
        declared()[policy.signal.ref].resolve(policy.signal.params)
    if session.feed.type == "simulator":
        parse_config(
            session.feed.config, render_session(load_folder(EXAMPLES / name))["policy"]["envelope"]["instruments"]
        )


def test_run_sim_uses_every_topology_and_plants_a_halt():
    session = render_session(load_folder(EXAMPLES / "run-sim"))
    policies = session["policy"]["genotype"]["policies"]
    assert {policy["execution_topology"]["type"] for policy in policies} == {
        "market",
        "passive_quote",
        "pegged",
        "twap",
    }
    assert any(event["type"] == "halt" for event in session["feed"]["config"]["events"])


def test_research_turns_drawdown_off_and_daily_bars_uses_the_same_law():
    (research,) = load_folder(EXAMPLES / "research").of_kind(RiskTemplate)
    (daily,) = load_folder(EXAMPLES / "daily-bars").of_kind(RiskTemplate)
    assert research.resource.spec.drawdown.effective_max_bps is None
    assert daily.resource == research.resource
