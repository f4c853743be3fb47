"""A strategy that explores, and the budget that it spends."""

from unit.operator.world import World

ON = {"exploration": True}
BUDGET = {
    "apiVersion": "alphatrade.io/v1alpha1",
    "kind": "ExplorationBudget",
    "metadata": {"name": "small"},
    "spec": {"maxFlowShareBps": 400, "permitTTL": "20s"},
}


def exploring_world() -> World:
    """Return a world whose strategy alpha explores on the budget small; nothing of it runs yet."""
    made = World(feature_flag_ceilings=ON)
    made.add(BUDGET)
    spec = made.get("Strategy", "desk", "alpha")["spec"]
    spec |= {"featureFlags": ON, "explorationBudgetRef": {"name": "small"}}
    policies = spec["genotype"]["policies"]
    policies.append({**policies[0], "name": "other"})
    return made
