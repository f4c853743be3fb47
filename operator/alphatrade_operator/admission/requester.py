"""Who asks, and what they may do, as CEL."""

from alphatrade.names import GROUP

DECOY_VERB, DECOY_RESOURCE = "nobody", "decoys"  # granted to nobody: who has it has a wildcard

USER = "request.userInfo.username"
OPERATOR = f"{USER} == params.data.user"
# With one identity for each controller, as kubeadm has it, or one for all of them.
CONTROLLER = (
    f"{USER}.startsWith('system:serviceaccount:kube-system:') || "
    f"{USER} in ['system:kube-controller-manager', 'system:kube-scheduler']"
)
NODE = f"{USER}.startsWith('system:node:') && 'system:nodes' in request.userInfo.groups"
REMOVER = (
    f"{USER} in ['system:serviceaccount:kube-system:namespace-controller', "
    "'system:serviceaccount:kube-system:generic-garbage-collector', 'system:kube-controller-manager']"
)
SERVICE_ACCOUNT = f"{USER}.startsWith('system:serviceaccount:') || 'system:serviceaccounts' in request.userInfo.groups"
PERSON = f"!{USER}.startsWith('system:') && !('system:serviceaccounts' in request.userInfo.groups)"


def has_verb(verb: str, resource: str, *, namespace: str = "request.namespace", name: str = "") -> str:
    """Return whether the requester has a verb on a resource of ours. namespace, name: CEL; empty means all."""
    within = f".namespace({namespace})" if namespace else ""
    named = f".name({name})" if name else ""
    return f"authorizer.group('{GROUP}').resource('{resource}'){within}{named}.check('{verb}').allowed()"


def wildcard(namespace: str = "request.namespace") -> str:
    """Return whether a service account's rights are a wildcard, in which no custom verb was ever named."""
    decoy = has_verb(DECOY_VERB, DECOY_RESOURCE, namespace=namespace)
    return f"({SERVICE_ACCOUNT}) && {decoy}"


def granted(verb: str, resource: str, *, namespace: str = "request.namespace", name: str = "") -> str:
    """Return whether a custom verb was meant to be given; needs the variable `wildcard`."""
    return f"!variables.wildcard && {has_verb(verb, resource, namespace=namespace, name=name)}"


def annotation(of: str, name: str) -> str:
    """Return an annotation of an object that may be null, empty when it has none."""
    return f"({of} == null ? '' : {of}.metadata.?annotations[?'{name}'].orValue(''))"
