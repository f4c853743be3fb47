"""Policies of what the operator makes: by its label, or by a name of the operator's form."""

from alphatrade.names import MANAGED_BY, TRADING_LABEL
from alphatrade_operator.admission.names import ANY
from alphatrade_operator.admission.policy import Must, Operation, Policy, Requests
from alphatrade_operator.admission.requester import CONTROLLER, NODE, OPERATOR, granted, wildcard

TRADING = {TRADING_LABEL: "true"}
OURS = {"app.kubernetes.io/managed-by": MANAGED_BY}
_MAKERS = f"({OPERATOR}) || ({CONTROLLER})"
_OWNER = "change the Strategy, MarketDataFeed or BrokerConnection that it belongs to"
_WRITES: tuple[Operation, ...] = ("CREATE", "UPDATE", "DELETE")

CHILDREN = Policy(
    name="alphatrade-children",
    about="What carries the operator's label only the operator and the cluster's own controllers change.",
    requests=(
        Requests(("statefulsets", "deployments", "daemonsets", "replicasets"), _WRITES, group="apps"),
        Requests(("jobs", "cronjobs"), _WRITES, group="batch"),
        Requests(("services", "configmaps", "secrets", "serviceaccounts"), _WRITES, group=""),
        Requests(("networkpolicies",), _WRITES, group="networking.k8s.io"),
        Requests(("poddisruptionbudgets",), _WRITES, group="policy"),
        Requests(("roles", "rolebindings"), _WRITES, group="rbac.authorization.k8s.io"),
        Requests(("podmonitors",), _WRITES, group="monitoring.coreos.com"),
    ),
    object_labels=OURS,
    musts=(
        Must(_MAKERS, f"what is labelled app.kubernetes.io/managed-by={MANAGED_BY} is the operator's alone; {_OWNER}"),
    ),
)

PODS = Policy(
    name="alphatrade-child-pods",
    about="A pod of ours changes by no other hand; ending it takes verb debug, its journal outlives it.",
    requests=(Requests(("pods", "pods/resize"), _WRITES, group=""),),
    object_labels=OURS,
    variables={"wildcard": wildcard(), "debug": granted("debug", "strategies")},
    musts=(
        Must(
            f"{_MAKERS} || ({NODE}) || (request.operation == 'DELETE' && variables.debug)",
            f"a pod labelled app.kubernetes.io/managed-by={MANAGED_BY} is the operator's; {_OWNER}; deleting it needs "
            "verb debug on strategies in the namespace",
        ),
    ),
)

_SAME_OWNER = (
    "object.metadata.?labels == oldObject.metadata.?labels && "
    "object.metadata.?ownerReferences == oldObject.metadata.?ownerReferences"
)
CLAIMS = Policy(
    name="alphatrade-claims",
    about="A volume holds a journal and with it a latch: who deletes it lets go. Storage may annotate it and grow it.",
    requests=(Requests(("persistentvolumeclaims",), _WRITES, group=""),),
    object_labels=OURS,
    variables={"wildcard": wildcard(), "release": granted("release", "strategies")},
    musts=(
        Must(
            f"{_MAKERS} || (request.operation == 'UPDATE' && {_SAME_OWNER}) || "
            "(request.operation == 'DELETE' && variables.release)",
            "the volume holds a journal and what is latched in it; deleting it, or its label, needs verb release on "
            "strategies in the namespace: ask a risk officer",
        ),
    ),
)

# A Scale has no labels; what it says of the pods' selector comes from the StatefulSet.
SCALE = Policy(
    name="alphatrade-scale",
    about="How many pods there are is the operator's to say.",
    requests=(Requests(("statefulsets/scale",), ("UPDATE",), group="apps"),),
    namespace_labels=TRADING,
    when={"ours": "oldObject.status.?selector.orValue('').contains('alphatrade.io/kind=')"},
    musts=(Must(_MAKERS, "the operator alone scales its StatefulSets; set spec.suspend of the Strategy instead"),),
)

NAMES = Policy(
    name="alphatrade-names",
    about="Names of the operator's form are kept free for it: a StatefulSet takes what has its name.",
    requests=(
        Requests(
            ("pods", "services", "configmaps", "secrets", "serviceaccounts", "persistentvolumeclaims"),
            ("CREATE",),
            group="",
        ),
        Requests(("statefulsets",), ("CREATE",), group="apps"),
    ),
    namespace_labels=TRADING,
    when={"ours": f"object.metadata.?name.orValue('').matches({ANY})"},
    musts=(
        Must(
            _MAKERS,
            "metadata.name: {object.metadata.name} has the form of the operator's own names; choose another",
        ),
    ),
)

DEBUG = Policy(
    name="alphatrade-debug",
    about="Getting into a pod of a trading namespace needs verb debug.",
    requests=(
        Requests(("pods/exec", "pods/attach", "pods/portforward"), ("CONNECT",), group=""),
        Requests(("pods/ephemeralcontainers",), ("UPDATE",), group=""),
    ),
    namespace_labels=TRADING,
    variables={"wildcard": wildcard()},
    musts=(
        Must(
            granted("debug", "strategies"),
            "exec, attach, port-forward and ephemeral containers in a trading namespace need verb debug on strategies "
            "there; ask for a binding to role alphatrade-platform",
        ),
    ),
)

OF_CHILDREN = (CHILDREN, PODS, CLAIMS, SCALE, NAMES, DEBUG)
