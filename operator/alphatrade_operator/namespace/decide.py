"""Decide what a namespace gets once. Pure.

A namespace that is no longer labelled keeps what it has: taking away network policies would open what they close.
"""

from datetime import datetime

from alphatrade_operator.core.plan import Plan
from alphatrade_operator.namespace.facts import Facts
from alphatrade_operator.namespace.render import (
    render_budget,
    render_network_policies,
    render_pod_monitor,
    render_runtime_role,
)


def decide(facts: Facts, now: datetime) -> Plan:
    """Return the plan of a namespace. A namespace has no status of ours; what is refused is in the log and metrics."""
    name = facts.meta.name
    if facts.meta.deleting or not (facts.trading or facts.of_operator):
        return Plan()
    if not facts.trading:
        return Plan(children=(render_runtime_role(name),))
    monitor = (render_pod_monitor(name),) if facts.monitored else ()
    policies = render_network_policies(name, facts.operator_namespace)
    return Plan(children=(render_runtime_role(name), *policies, render_budget(name), *monitor))
