"""The kustomize bases under examples/: what they list is there, labelled, acceptable, and pinned to what it names."""

from pathlib import Path

import pytest
import yaml

from alphatrade.names import TRADING_LABEL
from alphatrade_operator.feed.model import MarketDataFeed
from alphatrade_operator.kill_switch.model import KillSwitch
from alphatrade_operator.resources import load_folder
from alphatrade_operator.risk_template.model import Limits, RiskTemplate
from alphatrade_operator.strategy.model import Strategy
from alphatrade_runtime.plugin.load import digest_of

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
BASES = sorted(path.parent.name for path in EXAMPLES.glob("*/kustomization.yaml"))
WITH_NAMESPACE = ("dev", "paper")


def _kustomization(name):
    return yaml.safe_load((EXAMPLES / name / "kustomization.yaml").read_text())


def test_the_bases_are_those_that_the_manual_names():
    assert BASES == ["dev", "kill", "learning", "paper", "plugin", "quickstart"]


@pytest.mark.parametrize("name", BASES)
def test_a_base_lists_what_is_there(name):
    given = _kustomization(name)
    assert (given["apiVersion"], given["kind"]) == ("kustomize.config.k8s.io/v1beta1", "Kustomization")
    assert all((EXAMPLES / name / path).exists() for path in given["resources"])


@pytest.mark.parametrize("name", ["dev", "paper", "quickstart"])
def test_no_file_is_left_out(name):
    files = {path.name for path in (EXAMPLES / name).glob("*.yaml")} - {"kustomization.yaml"}
    assert files <= set(_kustomization(name)["resources"])


@pytest.mark.parametrize("name", WITH_NAMESPACE)
def test_a_namespace_comes_labelled_for_trading_and_everything_goes_there(name):
    space = yaml.safe_load((EXAMPLES / name / "namespace.yaml").read_text())
    assert space["metadata"]["labels"] == {
        TRADING_LABEL: "true",
        "pod-security.kubernetes.io/enforce": "restricted",
    }
    assert _kustomization(name)["namespace"] == space["metadata"]["name"]


def test_the_quickstart_trades_on_paper_in_simulated_time_wherever_it_is_put():
    resources = load_folder(EXAMPLES / "quickstart")
    (strategy,), (feed,) = resources.of_kind(Strategy), resources.of_kind(MarketDataFeed)
    assert strategy.resource.spec.mode == "Paper"
    assert feed.resource.spec.speed == "Max"
    assert "namespace" not in (EXAMPLES / "quickstart" / "kustomization.yaml").read_text()


def test_the_patches_of_dev_replace_fields_that_are_there():
    (patch,) = _kustomization("dev")["patches"]
    feed = yaml.safe_load((EXAMPLES / "quickstart" / "feed.yaml").read_text())
    assert patch["target"]["kind"] == feed["kind"]
    assert patch["target"]["name"] == feed["metadata"]["name"]
    for step in yaml.safe_load(patch["patch"]):
        at = feed
        for part in step["path"].strip("/").split("/"):
            at = at[part]
        assert step["op"] == "replace"
        assert at != step["value"]


def test_the_paper_law_is_tighter_than_the_defaults():
    (template,) = load_folder(EXAMPLES / "paper").of_kind(RiskTemplate)
    spec, default = template.resource.spec, Limits()
    given = spec.limits.model_fields_set
    assert given
    assert all(getattr(spec.limits, name) < getattr(default, name) for name in given)
    assert spec.drawdown.effective_day_bps == 100
    assert spec.drawdown.effective_max_bps == 300


KILL = sorted(path.name for path in (EXAMPLES / "kill").glob("*.yaml") if path.name != "kustomization.yaml")


@pytest.mark.parametrize("name", KILL)
def test_a_kill_switch_is_acceptable_and_engaged(name):
    switch = KillSwitch.model_validate(yaml.safe_load((EXAMPLES / "kill" / name).read_text()))
    assert switch.spec.mode != "Armed"
    assert switch.spec.scope == ("Cluster" if name == "cluster-halt.yaml" else "Namespace")


def test_every_mode_has_a_kill_switch_and_one_selects_a_label_of_an_example():
    switches = [KillSwitch.model_validate(yaml.safe_load((EXAMPLES / "kill" / name).read_text())) for name in KILL]
    assert {switch.spec.mode for switch in switches} == {"Reduce", "Halt", "Flatten"}
    (selecting,) = [switch for switch in switches if switch.spec.selector.match_labels]
    (strategy,) = load_folder(EXAMPLES / "paper").of_kind(Strategy)
    assert selecting.spec.selector.matches(strategy.resource.metadata.labels)


def test_the_plugin_is_pinned_to_its_file_and_named_by_a_policy():
    given = _kustomization("plugin")
    (generator,), (patch,) = given["configMapGenerator"], given["patches"]
    (file,) = generator["files"]
    spec = yaml.safe_load(patch["patch"])["spec"]
    (plugin,) = spec["plugins"]
    path = EXAMPLES / "plugin" / file
    assert plugin["digest"] == digest_of(path)
    assert plugin["configMapRef"] == {"name": generator["name"], "key": file}
    assert generator["options"] == {"disableNameSuffixHash": True}
    assert f'name="{spec["genotype"]["policies"][0]["signal"]["ref"]}"' in path.read_text()


def test_the_patched_strategy_is_acceptable():
    base = yaml.safe_load((EXAMPLES / "quickstart" / "strategy.yaml").read_text())
    patch = yaml.safe_load(_kustomization("plugin")["patches"][0]["patch"])
    assert patch["metadata"] == base["metadata"]
    base["spec"].update(patch["spec"])
    assert Strategy.model_validate(base).spec.plugins[0].config_map_ref is not None
