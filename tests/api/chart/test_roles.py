"""The roles that the chart brings for people, and the operator's own: what they grant and, above all, what not."""

import pytest
import yaml

from api.privileges.identities import ROLES
from kube_fixtures import CHARTS

CHART = CHARTS / "alphatrade"
GROUP = "alphatrade.io"
NAMES = [f"alphatrade-{role}" for role in ROLES]
OWN_VERBS = {"approve", "release", "golive", "use", "debug", "decommission", "nobody"}
WRITES = {"create", "update", "patch", "delete", "deletecollection"}


@pytest.fixture(scope="module")
def rendered(cluster):
    return _rendered(cluster)


def _rendered(cluster, *words):
    text = cluster.helm("template", "alphatrade", CHART, "--kube-version", "1.32.0", *words)
    return [one for one in yaml.safe_load_all(text) if one and one["kind"] in ("ClusterRole", "Role")]


@pytest.fixture(scope="module")
def roles(rendered):
    return {one["metadata"]["name"]: one for one in rendered if one["metadata"]["name"] in NAMES}


@pytest.fixture(scope="module")
def granted(rendered):
    """Return who is granted what, as (group, resource, verb)."""
    found: dict[str, set[tuple[str, str, str]]] = {}
    for role in rendered:
        found.setdefault(role["metadata"]["name"], set()).update(_rules(role))
    return found


def _rules(role):
    for rule in role["rules"]:
        for group in rule["apiGroups"]:
            yield from ((group, resource, verb) for resource in rule["resources"] for verb in rule["verbs"])


def _verbs_on(granted, role, resource):
    return {verb for group, what, verb in granted[f"alphatrade-{role}"] if (group, what) == (GROUP, resource)}


def test_there_are_five(roles):
    assert sorted(roles) == sorted(NAMES)
    assert {one["kind"] for one in roles.values()} == {"ClusterRole"}


def test_none_is_made_where_none_is_wanted(cluster):
    without = _rendered(cluster, "--set", "roles.create=false")
    assert not {one["metadata"]["name"] for one in without} & set(NAMES)


@pytest.mark.parametrize("role", [*NAMES, "alphatrade-operator"])
def test_nothing_is_granted_by_an_asterisk(granted, role):
    assert not [right for right in granted[role] if any("*" in part for part in right)]


@pytest.mark.parametrize("role", NAMES)
def test_no_role_writes_a_status_reads_a_secret_or_grants_a_right(granted, role):
    rights = granted[role]
    assert not [right for right in rights if right[1].endswith("/status")]
    assert not [right for right in rights if right[1] in ("secrets", "serviceaccounts", "serviceaccounts/token")]
    assert not [right for right in rights if right[0] == "rbac.authorization.k8s.io"]
    assert not {verb for _, _, verb in rights} & {"impersonate", "bind", "escalate", "nobody", "deletecollection"}


@pytest.mark.parametrize("role", NAMES)
def test_no_role_becomes_part_of_the_built_in_ones(roles, role):
    labels = roles[role]["metadata"]["labels"]
    assert not [label for label in labels if label.startswith("rbac.authorization.k8s.io/aggregate-to-")]


@pytest.mark.parametrize("role", NAMES)
def test_every_role_sees_all_kinds(granted, role):
    seen = {what for group, what, verb in granted[role] if group == GROUP and verb == "watch"}
    assert len(seen) == 12


def test_a_viewer_changes_nothing(granted):
    assert {verb for _, _, verb in granted["alphatrade-viewer"]} == {"get", "list", "watch"}


def test_the_operator_has_no_verb_that_is_a_persons(granted):
    assert not {verb for _, _, verb in granted["alphatrade-operator"]} & OWN_VERBS


@pytest.mark.parametrize("role", ["quant", "risk-officer", "platform"])
def test_who_may_stop(granted, role):
    assert {"create", "update", "patch"} <= _verbs_on(granted, role, "killswitches")


def test_who_may_end_a_stop(granted):
    ends = {role for role in ROLES if _verbs_on(granted, role, "killswitches") & {"release", "delete"}}
    assert ends == {"risk-officer"}


def test_no_one_role_makes_the_account_sets_the_limits_and_signs(granted):
    accounts = {role for role in ROLES if _verbs_on(granted, role, "brokerconnections") & WRITES}
    limits = {role for role in ROLES if _verbs_on(granted, role, "risktemplates") & WRITES}
    live = {role for role in ROLES if "golive" in _verbs_on(granted, role, "strategies")}
    signs = {role for role in ROLES if "create" in _verbs_on(granted, role, "signoffs")}
    approves = {role for role in ROLES if "approve" in _verbs_on(granted, role, "governanceproposals")}
    assert (accounts, limits, live, signs, approves) == (
        {"platform"},
        {"risk-officer"},
        {"risk-officer"},
        {"approver"},
        {"approver"},
    )


def test_who_proposes_does_not_sign(granted):
    proposes = {role for role in ROLES if "create" in _verbs_on(granted, role, "governanceproposals")}
    assert proposes == {"quant", "risk-officer"}
