"""Roles and law of this tree on a cluster, a trading namespace with one of everything, and all that ask there."""

import json
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import yaml

from api.privileges.caller import Caller
from api.privileges.identities import ROLES, nobody, person, server_of, service_account
from api.privileges.rows import admission
from api.privileges.world import World, seed
from cluster.kubectl import Kube
from kube_fixtures import (  # noqa: F401
    CHARTS,
    SYSTEM_NAMESPACE,
    alone,
    backend,
    cluster,
    definitions,
    trading_namespace,
)

_TEMPLATES = ("roles.yaml", "rbac.yaml", "serviceaccount.yaml")


@pytest.fixture(scope="session")
def roles(alone: Kube) -> Kube:  # noqa: F811
    """Put this tree's roles, and the operator's own rights, onto a cluster whose operator sleeps."""
    shown = [word for name in _TEMPLATES for word in ("--show-only", f"templates/{name}")]
    where = ("--namespace", SYSTEM_NAMESPACE, "--kube-version", "1.32.0")  # else it takes a version that is too old
    rendered = alone.helm("template", "alphatrade", CHARTS / "alphatrade", *where, *shown)
    alone.apply(rendered, "--server-side", "--force-conflicts", namespace=SYSTEM_NAMESPACE)
    return alone


@pytest.fixture(scope="session")
def world(roles: Kube) -> Iterator[World]:
    """Offer a trading namespace with one of everything."""
    admin = json.loads(roles.kubectl("auth", "whoami", "-o", "json"))["status"]["userInfo"]["username"]
    with trading_namespace(roles, "privileges") as name, ExitStack() as after:
        made = World(name, admin)
        seed(roles, made)
        _cluster_wide(roles, after)
        yield made


@pytest.fixture(scope="session")
def callers(roles: Kube, world: World) -> Iterator[dict[str, Caller]]:
    """Offer everybody, by the name that the matrix has for them."""
    server = server_of(roles)
    people = {role: person(roles, server, role) for role in (*ROLES, "edit")}
    for role in ROLES:
        _bind(roles, world.desk, f"alphatrade-{role}", f"--user={role}")
    _bind(roles, world.desk, "edit", "--user=edit")
    with ExitStack() as after:
        wildcard = _wildcard(roles, world.desk, after)
        operator = service_account(roles, server, SYSTEM_NAMESPACE, "alphatrade-operator")
        found = {
            "anonymous": nobody(server),
            **people,
            "wildcard": service_account(roles, server, *wildcard),
            "operator": operator,
        }
        yield found
        for caller in found.values():
            caller.close()


def _bind(kube: Kube, namespace: str, role: str, whom: str) -> None:
    kube.kubectl("create", "rolebinding", role, f"--clusterrole={role}", whom, "-n", namespace)


def _wildcard(kube: Kube, desk: str, after: ExitStack) -> tuple[str, str]:
    """Make a service account that may do everything everywhere, as a GitOps controller's often may."""
    namespace = name = f"{desk}-gitops"
    kube.kubectl("create", "namespace", namespace)
    after.callback(kube.kubectl, "delete", "namespace", namespace, "--wait=false")
    kube.kubectl("create", "serviceaccount", name, "-n", namespace)
    rules = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}, {"nonResourceURLs": ["*"], "verbs": ["*"]}]
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": name}}
    kube.apply(json.dumps({**role, "rules": rules}))
    after.callback(kube.kubectl, "delete", "clusterrole", name)
    whom = f"--serviceaccount={namespace}:{name}"
    kube.kubectl("create", "clusterrolebinding", name, f"--clusterrole={name}", whom)
    after.callback(kube.kubectl, "delete", "clusterrolebinding", name)
    return namespace, name


def _cluster_wide(kube: Kube, after: ExitStack) -> None:
    """Make a policy and a binding about nothing, which may be changed without changing the law."""
    for kind in ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"):
        kube.apply(yaml.safe_dump(admission(kind, "privileges")))
        after.callback(kube.kubectl, "delete", kind, "privileges")
