"""All policies: what the chart installs, and what the operator expects to find."""

from alphatrade_operator.admission.children import OF_CHILDREN
from alphatrade_operator.admission.mounts import MOUNTS
from alphatrade_operator.admission.policy import Policy, render_binding, render_policy
from alphatrade_operator.admission.records import RECORDS
from alphatrade_operator.admission.removal import REMOVAL
from alphatrade_operator.admission.switches import SWITCHES
from alphatrade_operator.core.plan import Manifest

POLICIES: tuple[Policy, ...] = (*RECORDS, *SWITCHES, *REMOVAL, *OF_CHILDREN, *MOUNTS)


def expected(operator_namespace: str) -> tuple[Manifest, ...]:
    """Return every policy and binding. operator_namespace: where the ConfigMap is that names the operator."""
    policies = [render_policy(policy) for policy in POLICIES]
    return (*policies, *(render_binding(policy, operator_namespace) for policy in POLICIES))
