"""Network policies open exactly the flows of the table: one test a flow, and all else stays closed."""

import itertools
from datetime import UTC, datetime

import pytest

from alphatrade_operator.core.plan import Key
from alphatrade_operator.namespace.decide import decide
from alphatrade_operator.namespace.facts import POD_MONITOR_DEFINITION, gather
from alphatrade_operator.namespace.flows import flows
from alphatrade_operator.namespace.render import render_network_policies
from unit.operator.cache import Cache, namespace

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
OURS = {"app.kubernetes.io/part-of": "alphatrade"}
POLICIES = render_network_policies("desk", "sys")


def pod(component=None, home="desk", labels=None, namespace_labels=None):
    """Return a pod as a network policy sees it: namespace, its labels, the labels of its namespace."""
    own = {**OURS, "app.kubernetes.io/component": component} if component else {}
    return home, {**own, **(labels or {})}, {"kubernetes.io/metadata.name": home, **(namespace_labels or {})}


PEERS = {
    "operator": pod("operator", "sys"),
    "monitoring": pod(home="prom", namespace_labels={"alphatrade.io/monitoring": "true"}),
    "strategy": pod("strategy"),
    "feed": pod("feed"),
    "broker": pod("broker"),
    "replay": pod("replay"),
    "client": pod(labels={"alphatrade.io/client": "true"}),
    "dns": pod(home="kube-system"),
    "api": ("", {}, {}),  # an address outside
    "stranger": pod(),
    "strategy elsewhere": pod("strategy", "other"),
    "operator elsewhere": pod("operator", "other"),
}
PORTS = [("TCP", 7443), ("TCP", 8080), ("TCP", 443), ("TCP", 6443), ("UDP", 53), ("TCP", 53), ("TCP", 22)]
ALLOWED = {
    ("operator", "strategy", 7443), ("operator", "feed", 7443), ("operator", "broker", 7443),
    ("operator", "strategy", 8080), ("operator", "feed", 8080), ("operator", "broker", 8080),
    ("monitoring", "strategy", 8080), ("monitoring", "feed", 8080), ("monitoring", "broker", 8080),
    ("operator", "replay", 7443), ("operator", "replay", 8080), ("monitoring", "replay", 8080),
    ("strategy", "feed", 7443), ("strategy", "broker", 7443), ("broker", "feed", 7443), ("client", "strategy", 7443),
    ("strategy", "operator", 7443),
}  # fmt: skip


def selected(selector, labels):
    return selector.get("matchLabels", {}).items() <= labels.items()


def meets(peer, other, home):
    """Whether a pod is one that `from` or `to` of a policy in `home` means."""
    where, labels, namespace_labels = other
    if "namespaceSelector" in peer:
        if not selected(peer["namespaceSelector"], namespace_labels):
            return False
    elif where != home:
        return False
    return selected(peer.get("podSelector", {}), labels)


def opens(policy, direction, own, other, protocol, port):
    """Whether a policy lets `own` talk in a direction, as Kubernetes defines it."""
    spec = policy["spec"]
    if direction not in spec["policyTypes"] or not selected(spec["podSelector"], own[1]):
        return False
    side = {"Ingress": ("ingress", "from"), "Egress": ("egress", "to")}[direction]
    for rule in spec.get(side[0], []):
        ports = [(one["protocol"], one["port"]) for one in rule["ports"]]
        if (protocol, port) in ports and (side[1] not in rule or any(meets(p, other, "desk") for p in rule[side[1]])):
            return True
    return False


def passes(source, target, protocol, port):
    """Whether a connection passes: both of its ends that are in the namespace must allow it."""
    ends = [(target, source, "Ingress"), (source, target, "Egress")]
    return all(
        any(opens(policy, direction, own, other, protocol, port) for policy in POLICIES)
        for own, other, direction in ends
        if own[0] == "desk"
    )


@pytest.mark.parametrize(("source", "target", "port"), sorted(ALLOWED))
def test_a_flow_passes(source, target, port):
    assert passes(PEERS[source], PEERS[target], "TCP", port)


@pytest.mark.parametrize("port", [443, 6443])
def test_a_strategy_reaches_the_api_server(port):
    assert passes(PEERS["strategy"], PEERS["api"], "TCP", port)


@pytest.mark.parametrize("component", ["strategy", "feed", "broker"])
@pytest.mark.parametrize("protocol", ["UDP", "TCP"])
def test_pods_reach_dns(component, protocol):
    assert passes(PEERS[component], PEERS["dns"], protocol, 53)


def test_nothing_else_passes():
    extra = [
        (source, target, protocol, port)
        for source, target in itertools.permutations(PEERS, 2)
        for protocol, port in PORTS
        if "desk" in (PEERS[source][0], PEERS[target][0])
        and not (protocol == "TCP" and (source, target, port) in ALLOWED)
        and not (target == "dns" and port == 53 and source in ("strategy", "feed", "broker", "replay"))
        and not (
            source == "strategy"
            and target not in ("stranger", "feed", "broker", "client", "replay")
            and port in (443, 6443)
        )
        and passes(PEERS[source], PEERS[target], protocol, port)
    ]
    assert extra == []


def test_everything_is_denied_by_default_in_both_directions():
    deny = POLICIES[0]["spec"]
    assert deny == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_every_flow_is_named_in_a_policy():
    names = {policy["metadata"]["name"] for policy in POLICIES}
    for flow in flows("sys"):
        assert names & {f"alphatrade-{flow.name}-in", f"alphatrade-{flow.name}-out"}


def plan(found, name):
    return decide(gather(found, Key("Namespace", "", name)), NOW)


def kinds(made):
    return sorted({child["kind"] for child in made.children})


def test_a_trading_namespace_gets_all_of_it():
    made = plan(Cache(namespace("desk"), operator_namespace="sys"), "desk")
    assert kinds(made) == ["NetworkPolicy", "PodDisruptionBudget", "Role"]
    assert {child["metadata"]["namespace"] for child in made.children} == {"desk"}


def test_a_pod_monitor_is_there_where_the_server_knows_them():
    definition = {"kind": "CustomResourceDefinition", "metadata": {"name": POD_MONITOR_DEFINITION}}
    assert "PodMonitor" in kinds(plan(Cache(namespace("desk"), definition), "desk"))


def test_the_operators_namespace_gets_the_role_that_reads_its_kill_switches():
    made = plan(Cache(namespace("sys", trading=False), operator_namespace="sys"), "sys")
    assert kinds(made) == ["Role"]
    (rule,) = made.children[0]["rules"]
    assert rule == {"apiGroups": ["alphatrade.io"], "resources": ["killswitches"], "verbs": ["get", "list", "watch"]}


@pytest.mark.parametrize(
    "found",
    [
        Cache(namespace("desk", trading=False)),
        Cache(namespace("desk", deletionTimestamp="now")),
        Cache(namespace("desk"), namespaces=("other",)),
    ],
)
def test_any_other_namespace_is_left_alone(found):
    assert plan(found, "desk").children == ()
