"""The verbs that RBAC grants and only the policies know: asked of the API server by each identity about itself."""

from api.privileges.caller import Caller, Request
from api.privileges.outcome import ALLOWED, FORBIDDEN
from api.privileges.world import World

VERBS = {
    "governanceproposals": ("approve",),
    "killswitches": ("release",),
    "strategies": ("golive", "release", "debug", "decommission"),
    "risktemplates": ("use",),
    "explorationbudgets": ("use",),
    "brokerconnections": ("use",),
    "decoys": ("nobody",),
}
_PATH = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


def granted(caller: Caller, world: World, plural: str, verb: str) -> str:
    """Return whether RBAC grants a verb in the trading namespace; who is nobody may not even ask."""
    attributes = {"group": "alphatrade.io", "resource": plural, "verb": verb, "namespace": world.desk}
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    answer = caller.ask(Request("POST", _PATH, body))
    return ALLOWED if answer.status == 201 and answer.body["status"]["allowed"] else FORBIDDEN
