"""Policies of what people switch: kill switches, the way to Live, and what a resource refers to."""

from alphatrade_operator.admission.policy import Must, Policy, Requests
from alphatrade_operator.admission.removal import DECOMMISSIONED_HERE
from alphatrade_operator.admission.requester import REMOVER, granted, wildcard
from alphatrade_operator.api_group import KINDS
from alphatrade_operator.core.model import Model

_RANK = "{'Armed': 0, 'Reduce': 1, 'Halt': 2, 'Flatten': 2}"
_ASK = "ask a risk officer"
# Wider for certain: every condition of the new selector was one of the old's, or asks for less of the same label.
_ASKS_LESS = (
    "new.operator == 'In' ? old.?values.orValue([]).all(v, v in new.?values.orValue([])) : "
    "new.operator != 'NotIn' || new.?values.orValue([]).all(v, v in old.?values.orValue([]))"
)
_WIDER = (
    "object.spec.selector == oldObject.spec.selector || ("
    "object.spec.selector.?matchLabels.orValue({}).all(k, k in oldObject.spec.selector.?matchLabels.orValue({}) && "
    "oldObject.spec.selector.matchLabels[k] == object.spec.selector.matchLabels[k]) && "
    "object.spec.selector.?matchExpressions.orValue([]).all(new, "
    "oldObject.spec.selector.?matchExpressions.orValue([]).exists(old, "
    f"old.key == new.key && old.operator == new.operator && ({_ASKS_LESS}))))"
)

# It asks nothing of the operator: a switch can be engaged and made stricter whatever else is missing.
KILL_SWITCH = Policy(
    name="alphatrade-kill-switch",
    about="What a kill switch holds it holds until somebody with verb release lets go.",
    requests=(Requests(("killswitches",), ("UPDATE", "DELETE")),),
    when={"engaged": "oldObject.spec.mode != 'Armed'"},
    variables={
        "wildcard": wildcard(),
        "release": granted("release", "killswitches", name="oldObject.metadata.name"),
        "decommissioned": DECOMMISSIONED_HERE,
        "stricter": f"object != null && {_RANK}[object.spec.mode] > {_RANK}[oldObject.spec.mode]",
        "milder": f"object != null && {_RANK}[object.spec.mode] < {_RANK}[oldObject.spec.mode]",
        "wider": f"object.spec.scope == oldObject.spec.scope || object.spec.scope == 'Cluster' ? {_WIDER} : false",
    },
    musts=(
        Must(
            "!variables.milder || variables.release",
            "spec.mode: {oldObject.spec.mode} to {object.spec.mode} lets go; that needs verb release on "
            f"killswitches/{{oldObject.metadata.name}}: {_ASK}",
        ),
        Must(
            "request.operation == 'DELETE' || variables.wider || variables.release",
            "spec.selector, spec.scope: an engaged kill switch may be made to match more, not less or others; that "
            f"needs verb release on killswitches/{{oldObject.metadata.name}}: {_ASK}",
        ),
        Must(
            "request.operation == 'DELETE' || variables.stricter || variables.release || "
            "object.spec.?maxFlattenSlippageBps == oldObject.spec.?maxFlattenSlippageBps",
            "spec.maxFlattenSlippageBps: changing it while engaged needs verb release on "
            f"killswitches/{{oldObject.metadata.name}}: {_ASK}",
        ),
        Must(
            f"request.operation != 'DELETE' || (({REMOVER}) && variables.decommissioned) || variables.release",
            "{oldObject.spec.mode} is engaged; deleting the switch needs verb release on "
            f"killswitches/{{oldObject.metadata.name}}: {_ASK}",
        ),
    ),
)

GO_LIVE = Policy(
    name="alphatrade-go-live",
    about="Mode Live, and any change of a spec in it, needs verb golive.",
    requests=(Requests(("strategies",), ("CREATE", "UPDATE")),),
    when={"live": "object.spec.mode == 'Live'", "changed": "oldObject == null || object.spec != oldObject.spec"},
    variables={"wildcard": wildcard()},
    musts=(
        Must(
            granted("golive", "strategies", name="object.metadata.name"),
            f"spec.mode: Live needs verb golive on strategies/{{object.metadata.name}}: {_ASK}",
        ),
    ),
)

USED = {"riskTemplateRef": "risktemplates", "explorationBudgetRef": "explorationbudgets",
        "brokerConnectionRef": "brokerconnections"}  # fmt: skip


def references_of(spec: type[Model]) -> dict[str, str]:
    """Return the fields of a spec that lay another's law, budget or account on it, with the plural referred to."""
    fields = (found.alias or name for name, found in spec.model_fields.items())
    return {name: USED[name] for name in fields if name in USED}


def _references(kind: str, plural: str, fields: dict[str, str]) -> Policy:
    return Policy(
        name=f"alphatrade-{kind.lower()}-references",
        about=f"What a {kind} newly refers to, its maker may use.",
        requests=(Requests((plural,), ("CREATE", "UPDATE")),),
        variables={"wildcard": wildcard()} | {name: _may_use(name, used) for name, used in fields.items()},
        musts=tuple(_must_use(name, used) for name, used in fields.items()),
    )


def _may_use(field: str, plural: str) -> str:
    # Without its template an account is under those of its strategies: dropping it takes the right to use it, too.
    name = f"object.spec.?{field}.?name.orValue(oldObject == null ? '' : oldObject.spec.?{field}.?name.orValue(''))"
    return granted("use", plural, name=name)


def _must_use(field: str, plural: str) -> Must:
    old = f"(oldObject == null ? '' : oldObject.spec.?{field}.?name.orValue(''))"
    same = f"object.spec.?{field}.?name.orValue('') == {old}"
    named = f"object.spec.?{field}.?name.orValue({old})"
    return Must(
        f"{same} || variables.{field}",
        f"spec.{field}.name: needs verb use on {plural}/{{{named}}}; ask for it, or name one that you may use",
    )


def _all_references() -> tuple[Policy, ...]:
    found = []
    for kind in KINDS:
        spec = kind.model_fields["spec"].annotation
        if isinstance(spec, type) and issubclass(spec, Model) and (fields := references_of(spec)):
            found.append(_references(kind.__name__, kind.definition.plural, fields))
    return tuple(found)


REFERENCES = _all_references()
SWITCHES = (KILL_SWITCH, GO_LIVE, *REFERENCES)
