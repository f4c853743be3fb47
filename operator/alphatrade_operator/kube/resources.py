"""Every kind that is read or written: its API, its path, and which of its objects are ours to look at."""

from dataclasses import dataclass
from urllib.parse import quote

from alphatrade.names import API_VERSION, MANAGED_BY
from alphatrade_operator.admission.policy import API_VERSION as ADMISSION
from alphatrade_operator.admission.policy import BINDING, POLICY

MANAGED = f"app.kubernetes.io/managed-by={MANAGED_BY}"


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of the API. selector, fields: of the objects that are looked at; empty for all."""

    kind: str
    api_version: str
    plural: str
    namespaced: bool = True
    selector: str = ""
    fields: str = ""

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """Return the path of the collection, of an object, or of an object's subresource."""
        root = f"/api/{self.api_version}" if "/" not in self.api_version else f"/apis/{self.api_version}"
        parts = [root]
        if self.namespaced and namespace:
            parts += ["namespaces", quote(namespace)]
        parts.append(self.plural)
        parts += [quote(part) for part in (name, subresource) if part]
        return "/".join(parts)


OURS = tuple(
    Resource(kind, API_VERSION, plural)
    for kind, plural in (
        ("Strategy", "strategies"),
        ("RiskTemplate", "risktemplates"),
        ("ExplorationBudget", "explorationbudgets"),
        ("KillSwitch", "killswitches"),
        ("GovernanceProposal", "governanceproposals"),
        ("SignOff", "signoffs"),
        ("PolicyLedgerEntry", "policyledgerentries"),
        ("Replay", "replays"),
        ("Evolution", "evolutions"),
        ("Reflection", "reflections"),
        ("MarketDataFeed", "marketdatafeeds"),
        ("BrokerConnection", "brokerconnections"),
    )
)
NAMESPACE = Resource("Namespace", "v1", "namespaces", namespaced=False)
CHILDREN = (
    Resource("StatefulSet", "apps/v1", "statefulsets", selector=MANAGED),
    Resource("Pod", "v1", "pods", selector=MANAGED),
    Resource("Service", "v1", "services", selector=MANAGED),
    Resource("ConfigMap", "v1", "configmaps"),
    Resource("Secret", "v1", "secrets", selector=MANAGED),
    Resource("ServiceAccount", "v1", "serviceaccounts", selector=MANAGED),
    Resource("PersistentVolumeClaim", "v1", "persistentvolumeclaims", selector=MANAGED),
    Resource("NetworkPolicy", "networking.k8s.io/v1", "networkpolicies", selector=MANAGED),
    Resource("PodDisruptionBudget", "policy/v1", "poddisruptionbudgets", selector=MANAGED),
    Resource("Role", "rbac.authorization.k8s.io/v1", "roles", selector=MANAGED),
    Resource("RoleBinding", "rbac.authorization.k8s.io/v1", "rolebindings", selector=MANAGED),
)
POD_MONITOR = Resource("PodMonitor", "monitoring.coreos.com/v1", "podmonitors", selector=MANAGED)
# Only whether it is there is of interest.
DEFINITION = Resource(
    "CustomResourceDefinition",
    "apiextensions.k8s.io/v1",
    "customresourcedefinitions",
    namespaced=False,
    fields="metadata.name=podmonitors.monitoring.coreos.com",
)
# What the API server itself enforces; looked at whole, not watched.
LAW_KINDS = (
    Resource(POLICY, ADMISSION, "validatingadmissionpolicies", namespaced=False),
    Resource(BINDING, ADMISSION, "validatingadmissionpolicybindings", namespaced=False),
)
SELF_REVIEW = Resource(
    "SelfSubjectReview", "authentication.k8s.io/v1", "selfsubjectreviews", namespaced=False
)  # any user may ask who they are
LEASE = Resource("Lease", "coordination.k8s.io/v1", "leases")
EVENT = Resource("Event", "events.k8s.io/v1", "events")

BY_KIND = {
    resource.kind: resource
    for resource in (*OURS, NAMESPACE, *CHILDREN, POD_MONITOR, DEFINITION, *LAW_KINDS, LEASE, EVENT)
}
