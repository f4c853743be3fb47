"""Every code of the law, produced and not produced by the running step; boundaries are exact."""

import pytest

from alphatrade_runtime.risk.codes import Code
from unit.risk.law_scenarios import SCENARIOS, tell


@pytest.mark.twin
@pytest.mark.parametrize("name", SCENARIOS)
def test_the_running_step_denies_just_so(name):
    assert tell(SCENARIOS[name]) == ""


def test_every_code_is_denied_by_some_scenario():
    produced = {code for scenario in SCENARIOS.values() for code in scenario.denials}
    assert produced == {code.name for code in Code} - {"ACCEPT"}
