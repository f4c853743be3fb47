"""The exploration budget from YAML to the session: its numbers, what it needs, and what a cluster says to it."""

from pathlib import Path

import pytest

from alphatrade_operator.exploration_budget.model import MOST_BPS
from alphatrade_operator.render import Places, render_document, render_session
from alphatrade_operator.resources import ResourceError, load_folder
from alphatrade_operator.session import ON_A_CLUSTER, gather, problems_of
from alphatrade_operator.strategy.model import Strategy
from alphatrade_runtime.adaptation.exploration.budget import SHARES_BPS
from alphatrade_runtime.policy.document import Exploration, parse_session
from alphatrade_runtime.policy.hashes import ENVELOPE_DEFAULTS

DEFAULTS = {name: value for name, value in ENVELOPE_DEFAULTS[("exploration",)].items() if name != "by_permit"}


def budgeted(folder, flag=True, **spec):
    folder.put("Strategy/spec/explorationBudgetRef", {"name": "small"})
    folder.put("Strategy/spec/featureFlags", {"exploration": flag})
    meta = {"apiVersion": "alphatrade.io/v1alpha1", "kind": "ExplorationBudget", "metadata": {"name": "small"}}
    folder.resources["ExplorationBudget"] = {**meta, "spec": spec}
    return folder


def envelope(folder):
    return render_session(load_folder(folder.write()))["policy"]["envelope"]


def test_no_budget_by_itself(folder):
    assert "exploration" not in envelope(folder)


def test_the_defaults_of_the_yaml_are_those_of_the_hash(folder):
    found = envelope(budgeted(folder))
    assert found["exploration"] == DEFAULTS
    assert found["flags"]["exploration"]


def test_every_number_arrives(folder):
    given = {
        "maxFlowShareBps": 123, "mutateEveryDecisions": 7, "windowDecisions": 99,
        "freeze": {"driftWarning": False, "drawdownBps": 40, "nearMissShareBps": 3_000},
        "release": {"quietDecisions": 11},
    }  # fmt: skip
    document = render_session(load_folder(budgeted(folder, **given).write()))
    assert parse_session(document).policy.envelope.exploration == Exploration(
        share_bps=123, cadence=7, window=99, freeze_on_warning=False, freeze_drawdown_bps=40,
        freeze_near_miss_bps=3_000, quiet_decisions=11,
    )  # fmt: skip


def test_a_permit_is_for_clusters_and_passed_over_with_a_note(folder):
    (note,) = load_folder(budgeted(folder, permitTTL="20s").write()).notes
    assert note.endswith("ExplorationBudget/small: spec.permitTTL: passed over in one process; it is for a cluster")


def refused(folder):
    with pytest.raises(ResourceError) as caught:
        render_session(load_folder(folder.write()))
    return caught.value.problems


def test_the_flag_needs_a_budget_that_is_there(folder):
    budgeted(folder)
    del folder.resources["ExplorationBudget"]
    assert "no ExplorationBudget 'small' in namespace" in refused(folder)[0]
    folder.drop("Strategy/spec/explorationBudgetRef")
    assert "spec.featureFlags.exploration: it spends a budget; add explorationBudgetRef" in refused(folder)[0]


def test_the_flag_needs_a_second_policy(folder):
    policies = budgeted(folder).resources["Strategy"]["spec"]["genotype"]["policies"]
    del policies[1], policies[0]["instruments"]
    assert "spec.featureFlags.exploration: it tries the second best policy" in refused(folder)[0]


def test_a_budget_alone_switches_nothing(folder):
    found = envelope(budgeted(folder, flag=False))
    assert found["exploration"] == DEFAULTS
    assert not found["flags"]["exploration"]


def parts_of(folder):
    resources = load_folder(folder.write())
    return gather(resources, resources.of_kind(Strategy)[0]).parts


def test_on_a_cluster_the_same_budget_is_spent_by_permit(folder):
    parts = parts_of(budgeted(folder))
    assert problems_of(parts, ON_A_CLUSTER) == []
    document = render_document(parts._replace(by_permit=True), Places(Path(), ()))
    assert parse_session(document).policy.envelope.exploration == Exploration(**DEFAULTS, by_permit=True)


@pytest.mark.parametrize(("mode", "most"), [("Sim", 1_000), ("Paper", 500)])
def test_a_budget_may_not_pass_what_the_mode_explores(folder, mode, most):
    folder.put("Strategy/spec/mode", mode)
    assert problems_of(parts_of(budgeted(folder, maxFlowShareBps=most)), ON_A_CLUSTER) == []
    (problem,) = problems_of(parts_of(budgeted(folder, maxFlowShareBps=most + 1)), ON_A_CLUSTER)
    assert problem.location == ("spec", "explorationBudgetRef")
    assert f"gives {most + 1} bps, and {mode} explores {most} bps at most" in problem.text


def test_on_a_cluster_too_the_flag_needs_a_budget(folder):
    budgeted(folder)
    folder.drop("Strategy/spec/explorationBudgetRef")
    (problem,) = problems_of(parts_of(folder), ON_A_CLUSTER)
    assert "it spends a budget; add explorationBudgetRef" in problem.text


def test_the_shares_of_the_modes_are_those_of_the_runtime():
    assert {mode: most for mode, most in SHARES_BPS.items() if most} == MOST_BPS
