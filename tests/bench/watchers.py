"""P8's bare watch clients in a pod, and what they saw."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alphatrade import names
from bench import bare_watch
from bench.on_cluster import Desk
from kube_fixtures import remove_namespaces

POD = "bare-watch"
Moments = dict[str, list[int]]  # ns since the epoch, by KillSwitch


@contextmanager
def watching(desk: Desk, image: str, clients: int) -> Iterator[Callable[[], Moments]]:
    """Let clients watch a desk's kill switches; give what returns what they have seen.

    They run in a namespace of their own, where no network policy of the product's is in their way.
    """
    kube, place = desk.kube, f"{desk.namespace}-watch"
    log: Callable[[], str] = lambda: kube.kubectl("-n", place, "logs", POD)  # noqa: E731
    kube.kubectl("create", "namespace", place)
    try:
        desk.apply(*_rights(place))
        kube.apply(json.dumps(_pod(image, clients, desk.namespace)), namespace=place)
        kube.until("the bare clients watch", lambda: log().count(f"{bare_watch.WATCHING} 200") == clients)
        yield lambda: moments_of(log())
    finally:
        remove_namespaces(kube, place, "--timeout=120s")


def moments_of(log: str) -> Moments:
    """Return when each KillSwitch was seen, from what the clients printed."""
    found: Moments = {}
    for line in log.splitlines():
        name, _, at_ns = line.partition(" ")
        if name != bare_watch.WATCHING:
            found.setdefault(name, []).append(int(at_ns))
    return found


def _rights(place: str) -> list[dict[str, Any]]:
    rule = {"apiGroups": [names.GROUP], "resources": ["killswitches"], "verbs": ["list", "watch"]}
    head = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": POD}}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": POD}
    subject = {"kind": "ServiceAccount", "name": "default", "namespace": place}
    return [
        {**head, "kind": "Role", "rules": [rule]},
        {**head, "kind": "RoleBinding", "roleRef": role, "subjects": [subject]},
    ]


def _pod(image: str, clients: int, namespace: str) -> dict[str, Any]:
    program = Path(bare_watch.__file__).read_text()
    container = {
        "name": "clients",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python", "-c", program, str(clients), namespace],
    }
    spec = {"terminationGracePeriodSeconds": 0, "restartPolicy": "Never", "containers": [container]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": POD}, "spec": spec}
