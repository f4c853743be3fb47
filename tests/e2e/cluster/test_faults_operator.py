"""The operator killed in the middle of its work: it comes back, all of it converges, and nothing is there twice."""

from collections import Counter

from alphatrade.names import child_name
from e2e.cluster.market import TURNS, account, feed, kill_switch, law, strategy
from e2e.cluster.place import Place

LAWS, SWITCHES, STRATEGIES = 40, 15, 10
CHILDREN = ("statefulset", "service", "configmap", "secret")
NOWHERE = {"nodeSelector": {"example.com/none": "such"}}  # pods that are made and cost nothing
OURS = "app.kubernetes.io/managed-by=alphatrade-operator"


def many():
    """Return objects enough for seconds of the operator's work."""
    strategies = [strategy(f"s{n}", TURNS, scheduling=NOWHERE) for n in range(STRATEGIES)]
    laws = [law(f"l{n}") for n in range(LAWS)]
    switches = [kill_switch(f"k{n}", "Armed") for n in range(SWITCHES)]
    return [law(), account(), feed(), *laws, *switches, *strategies]


def test_killed_in_mid_reconcile_it_goes_on_and_doubles_nothing(installed, namespace, quiet):
    quiet.at_rest()
    place = Place(installed.kube, namespace)
    place.apply(*many())
    place.until("some of it is done", lambda: done(place), timeout_s=30.0)
    quiet.restart()
    place.until("all of it is done", lambda: done(place) == LAWS + 1 + SWITCHES, timeout_s=120.0)
    place.until("each Strategy has a pod", lambda: len(pods(place)) == STRATEGIES, timeout_s=60.0)
    kinds = (*CHILDREN, "serviceaccount")
    children = [(kind, name) for kind in kinds for name in listed(place, kind, "-l", OURS)]
    assert sorted(children) == sorted(wanted(place))
    assert repeated(place) == []


def done(place):
    """Count the laws in force and the switches seen."""
    return sum(
        any(one["type"] == "Ready" and one["status"] == "True" for one in item.get("status", {}).get("conditions", ()))
        for item in place.kube.get("risktemplates,killswitches", namespace=place.namespace)["items"]
    )


def listed(place, kind, *words):
    return [item["metadata"]["name"] for item in place.kube.get(kind, *words, namespace=place.namespace)["items"]]


def pods(place):
    return [name for name in listed(place, "pods") if name.startswith("st-")]


def wanted(place):
    """List the children that there are to be: one of each for every Strategy, feed and account."""
    prefixes = {"Strategy": "st", "MarketDataFeed": "mdf", "BrokerConnection": "bc"}
    for item in place.kube.get("strategies,marketdatafeeds,brokerconnections", namespace=place.namespace)["items"]:
        name = child_name(prefixes[item["kind"]], item["metadata"]["name"], item["metadata"]["uid"])
        yield from ((kind, name) for kind in CHILDREN)
        if item["kind"] == "Strategy":  # a gateway asks the API server for nothing, so it has no account there
            yield "serviceaccount", name


def repeated(place):
    """List what was told twice of laws and switches, which have one transition each."""
    items = place.kube.get("events", namespace=place.namespace)["items"]
    told = Counter(
        (item["involvedObject"]["kind"], item["involvedObject"]["name"], item["reason"])
        for item in items
        if item["involvedObject"]["kind"] in ("RiskTemplate", "KillSwitch")
    )
    return [what for what, count in told.items() if count > 1]
