"""Policies of what goes: namespaces, definitions, finalizers, positions left behind."""

from alphatrade.names import GROUP, TRADING_LABEL
from alphatrade_operator.admission.names import DECOMMISSIONED
from alphatrade_operator.admission.policy import Must, Policy, Requests
from alphatrade_operator.admission.requester import OPERATOR, annotation, granted, wildcard
from alphatrade_operator.strategy.abandon import ABANDON

DECOMMISSIONED_HERE = f"namespaceObject.metadata.?annotations[?'{DECOMMISSIONED}'].hasValue()"
_SAID, _SAID_BEFORE = annotation("object", DECOMMISSIONED), annotation("oldObject", DECOMMISSIONED)
_SHA256 = "'^[0-9a-f]{64}$'"
_WITH_FINALIZERS = ("strategies", "brokerconnections", "risktemplates", "marketdatafeeds", "explorationbudgets")

# By the label before or after the request: every other namespace of the cluster is none of its business.
NAMESPACES = Policy(
    name="alphatrade-namespaces",
    about="A trading namespace goes, or is taken out of trading, only once it is decommissioned.",
    requests=(Requests(("namespaces",), ("CREATE", "UPDATE", "DELETE"), group=""),),
    object_labels={TRADING_LABEL: "true"},
    variables={
        "name": "object == null ? oldObject.metadata.name : object.metadata.name",
        "said": _SAID,
        "before": _SAID_BEFORE,
        "wildcard": wildcard("variables.name"),
        "decommission": granted("decommission", "strategies", namespace="variables.name"),
        "unlabelled": f"oldObject != null && object != null && oldObject.metadata.?labels[?'{TRADING_LABEL}'] == "
        f"optional.of('true') && object.metadata.?labels[?'{TRADING_LABEL}'] != optional.of('true')",
    },
    musts=(
        Must(
            "request.operation != 'DELETE' || variables.before != ''",
            "a trading namespace goes only once its ledger is exported: kubectl alphatrade decommission "
            "{variables.name}",
        ),
        Must(
            "request.operation == 'DELETE' || variables.said == variables.before || variables.decommission",
            f"annotation {DECOMMISSIONED}: needs verb decommission on strategies in namespace {{variables.name}}; ask "
            "for a binding to role alphatrade-platform",
        ),
        Must(
            "request.operation == 'DELETE' || variables.said == variables.before || variables.said == '' || "
            f"variables.said.matches({_SHA256})",
            f"annotation {DECOMMISSIONED}: must be the SHA-256 of the ledger's export, 64 hexadecimal digits: kubectl "
            "alphatrade decommission {variables.name} writes it",
        ),
        Must(
            "!variables.unlabelled || variables.decommission",
            f"label {TRADING_LABEL}: taking it off needs verb decommission on strategies in namespace "
            "{variables.name}; ask for a binding to role alphatrade-platform",
        ),
    ),
)

DEFINITIONS = Policy(
    name="alphatrade-definitions",
    about="The definitions of the group go only once they are decommissioned: all objects go with them.",
    requests=(Requests(("customresourcedefinitions",), ("UPDATE", "DELETE"), group="apiextensions.k8s.io"),),
    when={"ours": f"oldObject.spec.group == '{GROUP}'"},
    variables={
        "said": _SAID,
        "before": _SAID_BEFORE,
        "wildcard": wildcard(""),
        "decommission": granted("decommission", "strategies", namespace=""),
    },
    musts=(
        Must(
            "request.operation != 'DELETE' || variables.before != ''",
            "with the definition every object of its kind goes; decommission the trading namespaces, then run: "
            "kubectl alphatrade uninstall",
        ),
        Must(
            "request.operation == 'DELETE' || variables.said == variables.before || variables.decommission",
            f"annotation {DECOMMISSIONED}: needs verb decommission on strategies in the whole cluster",
        ),
        Must(
            "request.operation == 'DELETE' || variables.said == variables.before || variables.said == '' || "
            f"variables.said.matches({_SHA256})",
            f"annotation {DECOMMISSIONED}: must be the SHA-256 of the ledgers' export, 64 hexadecimal digits: kubectl "
            "alphatrade uninstall writes it",
        ),
    ),
)

NOTHING_NEW = Policy(
    name="alphatrade-decommissioned",
    about="In a namespace that was decommissioned nothing of ours is made.",
    requests=(Requests(("*",), ("CREATE",)),),
    musts=(
        Must(
            f"!{DECOMMISSIONED_HERE}",
            "namespace {request.namespace} is decommissioned and its ledger is closed; use another namespace",
        ),
    ),
)

_LEFT, _LEFT_BEFORE = annotation("object", ABANDON), annotation("oldObject", ABANDON)
ABANDONED = Policy(
    name="alphatrade-abandon",
    about="Letting a position or an account go as it is needs verb release.",
    requests=(Requests(("strategies", "brokerconnections"), ("CREATE", "UPDATE")),),
    when={"said": f"{_LEFT} != ''", "anew": f"{_LEFT} != {_LEFT_BEFORE}"},
    variables={"wildcard": wildcard()},
    musts=(
        Must(
            granted("release", "strategies", name="object.metadata.name"),
            f"annotation {ABANDON}: needs verb release on strategies/{{object.metadata.name}}: ask a risk officer",
        ),
    ),
)

FINALIZERS = Policy(
    name="alphatrade-finalizers",
    about="The operator takes its finalizers off when all is flat; in its place it needs verb release.",
    requests=(Requests(_WITH_FINALIZERS, ("UPDATE",)),),
    variables={"operator": OPERATOR, "wildcard": wildcard(), "release": granted("release", "strategies")},
    musts=(
        Must(
            f"oldObject.metadata.?finalizers.orValue([]).all(f, !f.startsWith('{GROUP}/') || "
            "f in object.metadata.?finalizers.orValue([])) || variables.operator || variables.release",
            f"metadata.finalizers: those of {GROUP} are the operator's; taking one off needs verb release on "
            "strategies in the namespace: ask a risk officer",
        ),
    ),
)

REMOVAL = (NAMESPACES, DEFINITIONS, NOTHING_NEW, ABANDONED, FINALIZERS)
