"""What import-linter's contracts cannot say ahead: the auditor reaches no module of risk but the codes."""

import tomllib
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def graph():
    return grimp.build_graph("alphatrade_operator", "alphatrade_runtime", cache_dir=None)


def test_the_auditor_reaches_only_the_codes_of_risk(graph):
    reached = graph.find_upstream_modules("alphatrade_runtime.risk.auditor", as_package=True)
    risk = {module for module in reached if module.startswith("alphatrade_runtime.risk.")}
    assert {module for module in risk if ".auditor" not in module} == {"alphatrade_runtime.risk.codes"}


def test_every_package_has_its_layer(graph):
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = {name.strip("() ") for layer in contracts[0]["layers"] for name in layer.replace(":", "|").split("|")}
    packages = {child.rsplit(".", 1)[1] for child in graph.find_children("alphatrade_runtime")}
    assert packages <= layers


def test_nothing_is_imported_from_the_repository_root(graph):
    assert not (ROOT / "operator" / "__init__.py").exists()
    assert not (ROOT / "runtime" / "__init__.py").exists()
