"""Policies of what pods mount: no pod of a user's own gets at a Secret, a volume or a service account of ours."""

from alphatrade_operator.admission.children import TRADING
from alphatrade_operator.admission.names import CHILD, CLAIM, CLAIM_WITHOUT_ORDINAL, SECRET
from alphatrade_operator.admission.policy import Must, Operation, Policy, Requests
from alphatrade_operator.admission.requester import CONTROLLER, OPERATOR, granted, wildcard

_OTHERS = {"by-a-user": f"!({CONTROLLER})"}
_LATER: tuple[Operation, ...] = ("CREATE", "UPDATE")


def _named(path: str, pattern: str) -> str:
    return f"{path}.orValue('').matches({pattern})"


def _variables(pod: str) -> dict[str, str]:
    return {
        "operator": OPERATOR,
        "wildcard": wildcard(),
        "debug": granted("debug", "strategies"),
        "pod": pod,
        "volumes": "variables.pod.?volumes.orValue([])",
        "containers": "variables.pod.containers + variables.pod.?initContainers.orValue([])",
        "secret": f"variables.volumes.exists(v, {_named('v.?secret.?secretName', SECRET)} || "
        f"{_named('v.?csi.?nodePublishSecretRef.?name', SECRET)} || "
        f"v.?projected.?sources.orValue([]).exists(s, {_named('s.?secret.?name', SECRET)}))",
        "variable": "variables.containers.exists(c, "
        f"c.?env.orValue([]).exists(e, {_named('e.?valueFrom.?secretKeyRef.?name', SECRET)}) || "
        f"c.?envFrom.orValue([]).exists(e, {_named('e.?secretRef.?name', SECRET)}))",
        "claim": f"variables.volumes.exists(v, {_named('v.?persistentVolumeClaim.?claimName', CLAIM)})",
        "writable": "variables.volumes.exists(v, !v.?persistentVolumeClaim.?readOnly.orValue(false) && "
        f"{_named('v.?persistentVolumeClaim.?claimName', CLAIM)})",
        "account": _named("variables.pod.?serviceAccountName", CHILD),
    }


_NO_CLAIM = Must(
    "variables.operator || !variables.claim",
    "a volume of the operator's pods is for those pods alone; take the claim out of volumes",
)
# What a diary's volume holds outlives its Strategy, and is there to be read.
_READ_ONLY_CLAIM = Must(
    "variables.operator || !variables.claim || (!variables.writable && variables.debug)",
    "a volume of the operator's pods is for those pods alone; reading it in a pod of your own takes readOnly: true on "
    "the claim, and verb debug on strategies in the namespace",
)


def _policy(name: str, pod: str, *requests: Requests, claim: Must = _NO_CLAIM) -> Policy:
    return Policy(
        name=f"alphatrade-mounts-{name}",
        about="Secrets, volumes and service accounts of the operator's pods are for those pods.",
        requests=requests,
        namespace_labels=TRADING,
        when=_OTHERS,
        variables=_variables(pod),
        musts=(
            Must(
                "variables.operator || !(variables.secret || variables.variable)",
                "a Secret of the operator's pods is for those pods alone; take it out of volumes, env and envFrom",
            ),
            claim,
            Must(
                "variables.operator || !variables.account",
                "serviceAccountName: {variables.pod.serviceAccountName} is for the operator's pods alone; use another",
            ),
        ),
    )


IN_PODS = _policy("pods", "object.spec", Requests(("pods",), ("CREATE",), group=""), claim=_READ_ONLY_CLAIM)
IN_WORKLOADS = _policy(
    "workloads",
    "object.spec.template.spec",
    Requests(("statefulsets", "deployments", "daemonsets", "replicasets"), _LATER, group="apps"),
    Requests(("replicationcontrollers",), _LATER, group=""),
    Requests(("jobs",), _LATER, group="batch"),
)
IN_CRON_JOBS = _policy(
    "cron-jobs", "object.spec.jobTemplate.spec.template.spec", Requests(("cronjobs",), _LATER, group="batch")
)

# `<template>-<set>-<ordinal>`: two names of a user's own can make one of ours.
BY_TEMPLATE = Policy(
    name="alphatrade-mounts-claim-templates",
    about="A StatefulSet takes a claim that is there; none of a user's own takes ours.",
    requests=(Requests(("statefulsets",), ("CREATE",), group="apps"),),
    namespace_labels=TRADING,
    when=_OTHERS,
    variables={"operator": OPERATOR},
    musts=(
        Must(
            "variables.operator || !object.spec.?volumeClaimTemplates.orValue([]).exists(t, "
            f"(t.metadata.name + '-' + object.metadata.name).matches({CLAIM_WITHOUT_ORDINAL}))",
            "spec.volumeClaimTemplates: with the StatefulSet's name it makes the name of a volume of ours; choose "
            "another",
        ),
    ),
)

MOUNTS = (IN_PODS, IN_WORKLOADS, IN_CRON_JOBS, BY_TEMPLATE)
