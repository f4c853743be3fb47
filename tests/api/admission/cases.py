"""For every policy what it lets pass and what it refuses, and with which words."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from api.admission.conftest import (
    CHILD,
    ENGAGED,
    LIVE,
    MACHINE,
    OURS,
    claim,
    config_map,
    pod,
    pod_spec,
    stateful_set,
)
from resource_documents import ABSENT, document

SHA = "b" * 64
DECOMMISSIONED = "alphatrade.io/decommissioned"
SECRET = CHILD


@dataclass(frozen=True)
class Case:
    """A request. said: words of the refusal, empty when it passes.  into: one of own, plain, closed."""

    policy: str
    who: str
    words: tuple[str, ...]
    said: str = ""
    body: dict[str, Any] | None = None
    into: str = "own"

    def __str__(self) -> str:
        """Name it in a test's output."""
        what = " ".join(self.words)[:50] if self.body is None else f"{self.words[0]} {self.body['kind']}"
        return f"{self.policy}-{self.who}-{'refused' if self.said else 'accepted'}-{what}"


def create(policy: str, who: str, body: dict[str, Any], said: str = "", into: str = "own") -> Case:
    return Case(policy, who, ("create",), said, body, into)


def patch(policy: str, who: str, what: str, change: Any, said: str = "", *more: str) -> Case:
    return Case(policy, who, ("patch", *what.split("/"), "--type=merge", "-p", json.dumps(change), *more), said)


def delete(policy: str, who: str, what: str, said: str = "") -> Case:
    return Case(policy, who, ("delete", *what.split("/")), said)


def labels(**given: str | None) -> dict[str, Any]:
    return {"metadata": {"labels": given}}


def annotation(name: str, value: str | None) -> dict[str, Any]:
    return {"metadata": {"annotations": {name: value}}}


def spec(**fields: Any) -> dict[str, Any]:
    return {"spec": fields}


def records() -> Iterator[Case]:
    name, status = "alphatrade-status", {"status": {"phase": "Trading"}}
    yield patch(name, "operator", "strategy/alpha", status, "", "--subresource=status")
    for who in ("admin", "bob", "bot"):
        said = "status: only the operator writes it; change spec instead"
        yield patch(name, who, "strategy/alpha", status, said, "--subresource=status")

    name, kind = "alphatrade-sign-off", "SignOff"
    yield create(name, "bob", document(kind, {"spec.user": "bob"}))
    yield create(
        name,
        "alice",
        document(kind, {"spec.user": "alice"}),
        "needs verb approve on governanceproposals/weigh-less; ask for a binding to role alphatrade-approver",
    )
    yield create(name, "bob", document(kind, {"spec.user": "carol"}), "spec.user: you are bob and sign as nobody else")
    for who in ("operator", "named-bot", "bot"):
        yield create(name, who, document(kind), "only people sign off; system:serviceaccount:")
    yield patch(name, "bob", "signoff/signed", labels(a="b"), "a sign-off never changes")
    yield patch(name, "admin", "signoff/signed", spec(comment="no"), "")  # the schema is first to refuse it
    for who in ("bob", "admin", "remover", "collector"):
        yield delete(name, who, "signoff/signed", "stays until its namespace is decommissioned: kubectl alphatrade")
    yield delete(name, "operator", "signoff/signed")

    name, kind = "alphatrade-proposal", "GovernanceProposal"
    own = f"system:serviceaccount:OWN:{MACHINE}"
    yield create(name, "alice", document(kind))
    yield create(name, "alice", document(kind, {"spec.author": "bob"}), "spec.author: you are alice and propose as")
    yield create(
        name,
        "named-bot",
        document(kind, {"spec.author": "system:serviceaccount:OWN:named-bot"}),
        "spec.source: Human is for people",
    )
    for source in ("Reflection", "Evolution"):
        yield create(
            name,
            "alice",
            document(kind, {"spec.source": source}),
            f"spec.source: {source} is for the service accounts of its own pods; write Human",
        )
    yield create(name, MACHINE, document(kind, {"spec.author": own, "spec.source": "Reflection"}))
    yield create(
        name,
        MACHINE,
        document(kind, {"spec.author": own, "spec.source": "Evolution"}),
        "spec.source: Evolution is for the service accounts of its own pods",
    )

    name, kind = "alphatrade-ledger", "PolicyLedgerEntry"
    entry = document(kind, {"spec.sequence": 8}, "ple-8")
    yield create(name, "operator", entry)
    for who in ("admin", "bob", "bot"):
        yield create(name, who, entry, "the operator alone writes the ledger; make a GovernanceProposal instead")
    for who in ("operator", "admin"):
        yield patch(name, who, "ple/ple-7", labels(a="b"), "a ledger entry never changes")
    for who in ("admin", "bob", "remover", "collector"):
        yield delete(name, who, "ple/ple-7", "a ledger entry stays until its namespace is decommissioned: kubectl")
    yield delete(name, "operator", "ple/ple-7")


def kill_switches() -> Iterator[Case]:
    name, engaged, armed = "alphatrade-kill-switch", "killswitch/engaged", "killswitch/armed"
    release = "needs verb release on killswitches/engaged: ask a risk officer"
    selector = ENGAGED["spec.selector"]
    yield patch(name, "alice", engaged, spec(mode="Flatten"))
    yield patch(name, "alice", engaged, spec(reason="worse"))
    yield patch(name, "alice", engaged, spec(selector={"matchLabels": {"desk": None}}))
    yield patch(name, "alice", engaged, labels(a="b"))
    yield patch(name, "alice", armed, spec(mode="Halt"))
    yield delete(name, "alice", armed)
    for who in ("alice", "bot", "operator"):
        yield patch(name, who, engaged, spec(mode="Reduce"), f"spec.mode: Halt to Reduce lets go; that {release}")
        yield patch(name, who, engaged, spec(mode="Armed"), f"spec.mode: Halt to Armed lets go; that {release}")
        yield delete(name, who, engaged, f"Halt is engaged; deleting the switch {release}")
    for more in ({"x": "y"}, {"desk": "two"}):
        narrow = {"matchLabels": selector["matchLabels"] | more}
        yield patch(name, "alice", engaged, spec(selector=narrow), "spec.selector, spec.scope: an engaged kill switch")
    exists = {"matchExpressions": [{"key": "x", "operator": "Exists"}]}
    yield patch(name, "alice", engaged, spec(selector=exists), "may be made to match more, not less or others")
    yield patch(name, "alice", engaged, spec(maxFlattenSlippageBps=1), f"while engaged {release}")
    for who in ("bob", "named-bot", "admin"):
        yield patch(name, who, engaged, spec(mode="Armed"))
        yield patch(name, who, engaged, spec(selector=exists))
        yield delete(name, who, engaged)
    for who in ("remover", "collector"):
        yield delete(name, who, engaged, release)


def switches() -> Iterator[Case]:
    name, golive = "alphatrade-go-live", "spec.mode: Live needs verb golive on strategies/live: ask a risk officer"
    live = {field.removeprefix("spec."): value for field, value in LIVE.items()}
    yield create(name, "bob", document("Strategy", LIVE, "another"))
    yield create(name, "alice", document("Strategy", LIVE, "another"), "needs verb golive on strategies/another")
    yield patch(name, "alice", "strategy/alpha", spec(**live), "needs verb golive on strategies/alpha")
    yield patch(name, "bob", "strategy/alpha", spec(**live))
    for who in ("alice", "bot"):
        yield patch(name, who, "strategy/live", spec(seed=8), golive)
        yield patch(name, who, "strategy/live", labels(a="b"))
        yield patch(name, who, "strategy/live", spec(mode="Paper"))
    yield patch(name, "named-bot", "strategy/live", spec(seed=8))

    name = "alphatrade-strategy-references"
    yield create(name, "alice", document("Strategy", name="another"))
    yield create(name, "bot", document("Strategy", name="another"), "needs verb use on ")
    yield create(name, "named-bot", document("Strategy", name="another"))
    for field, plural in (("riskTemplateRef", "risktemplates"), ("brokerConnectionRef", "brokerconnections")):
        other = spec(**{field: {"name": "other"}})
        said = f"spec.{field}.name: needs verb use on {plural}/other; ask for it, or name one that you may use"
        yield patch(name, "alice", "strategy/alpha", other, said)
        yield patch(name, "bot", "strategy/alpha", other, said)
        yield patch(name, "bob", "strategy/alpha", other)
    yield patch(name, "bot", "strategy/alpha", spec(seed=8))

    name, other = "alphatrade-brokerconnection-references", {"riskTemplateRef": {"name": "other"}}
    yield patch(name, "alice", "bc/paper", spec(**other), "spec.riskTemplateRef.name: needs verb use on risktemplates")
    yield patch(name, "bob", "bc/paper", spec(**other))
    yield patch(name, "alice", "bc/paper", spec(riskTemplateRef=None))
    yield patch(name, "bot", "bc/paper", spec(riskTemplateRef=None), "needs verb use on risktemplates/law")
    without = document("BrokerConnection", {"spec.riskTemplateRef": ABSENT}, "another")
    yield create(name, "bot", without)


def removal() -> Iterator[Case]:
    name, own, closed = "alphatrade-namespaces", "namespace/OWN", "namespace/CLOSED"
    verb = "needs verb decommission on strategies in namespace OWN"
    for who in ("bob", "admin", "bot"):
        yield delete(name, who, own, "once its ledger is exported: kubectl alphatrade decommission OWN")
    yield delete(name, "alice", closed)
    yield delete(name, "alice", "namespace/PLAIN")
    for who in ("alice", "bot", "operator"):
        yield patch(name, who, own, annotation(DECOMMISSIONED, SHA), f"annotation {DECOMMISSIONED}: {verb}")
        yield patch(name, who, own, labels(**{"alphatrade.io/trading": None}), f"taking it off {verb}")
        yield patch(name, who, own, labels(**{"alphatrade.io/trading": "no"}), f"taking it off {verb}")
        yield patch(name, who, own, labels(a="b"))
    yield patch(name, "alice", closed, annotation(DECOMMISSIONED, None), "needs verb decommission on strategies")
    yield patch(name, "bob", own, annotation(DECOMMISSIONED, "done"), "must be the SHA-256 of the ledger's export")
    for who in ("bob", "named-bot"):
        yield patch(name, who, own, annotation(DECOMMISSIONED, SHA))
        yield patch(name, who, own, labels(**{"alphatrade.io/trading": None}))

    name, crd = "alphatrade-definitions", "crd/replays.alphatrade.io"
    for who in ("bob", "admin", "bot"):
        yield delete(name, who, crd, "decommission the trading namespaces, then run: kubectl alphatrade uninstall")
    for who in ("alice", "bot"):
        said = "needs verb decommission on strategies in the whole cluster"
        yield patch(name, who, crd, annotation(DECOMMISSIONED, SHA), said)
        yield patch(name, who, crd, labels(a="b"))
    yield patch(name, "bob", crd, annotation(DECOMMISSIONED, SHA))
    yield patch(name, "bob", crd, annotation(DECOMMISSIONED, "x"), "must be the SHA-256 of the ledgers' export")

    name = "alphatrade-decommissioned"
    for kind in ("Strategy", "RiskTemplate", "KillSwitch", "BrokerConnection", "MarketDataFeed"):
        said = "namespace CLOSED is decommissioned and its ledger is closed; use another namespace"
        yield create(name, "admin", document(kind, name="new"), said, into="closed")
        yield create(name, "admin", document(kind, name="new"))
        yield create(name, "admin", document(kind, name="new"), into="plain")

    name, abandon = "alphatrade-abandon", annotation("alphatrade.io/abandon", "0123456789ab")
    for what in ("strategy/alpha", "bc/paper"):
        for who in ("alice", "bot", "operator"):
            yield patch(name, who, what, abandon, "annotation alphatrade.io/abandon: needs verb release on strategies/")
        for who in ("bob", "named-bot"):
            yield patch(name, who, what, abandon)

    name, none = "alphatrade-finalizers", {"metadata": {"finalizers": None}}
    for who in ("alice", "bot"):
        yield patch(name, who, "strategy/alpha", none, "taking one off needs verb release on strategies")
    for who in ("bob", "operator"):
        yield patch(name, who, "strategy/alpha", none)


def children() -> Iterator[Case]:
    name, said = "alphatrade-children", "app.kubernetes.io/managed-by=alphatrade-operator is the operator's alone"
    off, on = labels(**dict.fromkeys(OURS)), labels(**OURS)
    for who in ("operator", "controller"):
        yield patch(name, who, "configmap/ours", {"data": {"a": "b"}})
        yield delete(name, who, "configmap/ours")
    for who in ("collector", "remover"):
        yield delete(name, who, "configmap/ours")
    for who in ("admin", "bob", "bot"):
        yield patch(name, who, "configmap/ours", {"data": {"a": "b"}}, said)
        yield patch(name, who, "configmap/ours", off, said)
        yield patch(name, who, "configmap/theirs", on, said)
        yield delete(name, who, "configmap/ours", said)
        yield delete(name, who, f"statefulset/{CHILD}", said)
        yield create(name, who, config_map("new", OURS), said)
    yield patch(name, "alice", "configmap/theirs", {"data": {"a": "b"}})
    yield create(name, "alice", config_map("new"))

    name, said = "alphatrade-child-pods", "deleting it needs verb debug on strategies in the namespace"
    for who in ("alice", "bot"):
        yield delete(name, who, f"pod/{CHILD}-0", said)
    for who in ("bob", "operator", "controller", "collector"):
        yield delete(name, who, f"pod/{CHILD}-0")
    for who in ("admin", "bob"):
        yield patch(name, who, f"pod/{CHILD}-0", labels(a="b"), said)
        yield create(name, who, pod("new", OURS), said)
    yield patch(name, "operator", f"pod/{CHILD}-0", annotation("a", "b"))
    yield create(name, "controller", pod("new", OURS))

    name, volume = "alphatrade-claims", f"pvc/data-{CHILD}-0"
    said = "deleting it, or its label, needs verb release on strategies in the namespace: ask a risk officer"
    for who in ("alice", "bot"):
        yield delete(name, who, volume, said)
    yield patch(name, "bob", volume, off, said)
    yield patch(name, "alice", volume, annotation("a", "b"))
    for who in ("bob", "named-bot", "collector"):
        yield delete(name, who, volume)
    yield create(name, "alice", claim("new", OURS), said)

    scale = ("scale", "statefulset", CHILD, "--replicas=1")
    for who in ("admin", "bob", "bot"):
        said = "the operator alone scales its StatefulSets; set spec.suspend of the Strategy instead"
        yield Case("alphatrade-scale", who, scale, said)
    yield Case("alphatrade-scale", "operator", scale)

    name = "alphatrade-names"
    bodies = (
        config_map("mdf-feed-12345678"),
        claim("data-bc-account-12345678-0"),
        pod("st-alpha-12345678-0"),
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "rfl-day-12345678"}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "st-alpha-12345678"}},
        stateful_set("st-alpha-12345678"),
    )
    for body in bodies:
        said = f"metadata.name: {body['metadata']['name']} has the form of the operator's own names; choose another"
        yield create(name, "admin", body, said)
        yield create(name, "controller", body)
    yield create(name, "alice", bodies[0], into="plain")

    name, said = "alphatrade-debug", "in a trading namespace need verb debug on strategies there"
    for words in (("exec", f"{CHILD}-0", "--", "true"), ("debug", f"{CHILD}-0", "--image=r.example/none:1")):
        for who in ("alice", "bot", "operator"):
            yield Case(name, who, words, said)
        yield Case(name, "bob", words)


def volume(**source: Any) -> dict[str, Any]:
    return {"volumes": [{"name": "v", **source}]}


def env(**more: Any) -> dict[str, Any]:
    return {"container": more}


def mounts() -> Iterator[Case]:
    no_secret = "a Secret of the operator's pods is for those pods alone; take it out of volumes, env and envFrom"
    no_claim = "a volume of the operator's pods is for those pods alone"
    no_account = f"serviceAccountName: {MACHINE} is for the operator's pods alone; use another"
    mine = {"claimName": f"data-{CHILD}-0"}
    key = {"name": SECRET, "key": "tls.key"}
    bad = (
        (volume(secret={"secretName": SECRET}), no_secret),
        (volume(secret={"secretName": "alphatrade-ca"}), no_secret),
        (volume(projected={"sources": [{"secret": {"name": SECRET}}]}), no_secret),
        (env(env=[{"name": "A", "valueFrom": {"secretKeyRef": key}}]), no_secret),
        (env(envFrom=[{"secretRef": {"name": SECRET}}]), no_secret),
        (volume(persistentVolumeClaim=mine), no_claim),
        ({"serviceAccountName": MACHINE}, no_account),
    )
    good: dict[str, Any] = {
        "volumes": [
            {"name": "a", "secret": {"secretName": "mine"}},
            {"name": "b", "persistentVolumeClaim": {"claimName": "data-web-0"}},
            {"name": "c", "emptyDir": {}},
        ],
        "container": {
            "env": [{"name": "A", "value": "b"}],
            "envFrom": [{"secretRef": {"name": "mine"}}, {"configMapRef": {"name": "x"}}],
        },
    }
    read = volume(persistentVolumeClaim=mine | {"readOnly": True})
    name = "alphatrade-mounts-pods"
    for parts, said in bad:
        for who in ("alice", "admin"):
            yield create(name, who, pod("new", **parts), said)
        yield create(name, "controller", pod("new", **parts))
    yield create(name, "alice", pod("new", **good))
    yield create(name, "alice", pod("new", **read), "takes readOnly: true on the claim, and verb debug on strategies")
    yield create(name, "bob", pod("new", **read))

    name = "alphatrade-mounts-workloads"
    for parts, said in bad:
        yield create(name, "alice", workload("apps/v1", "Deployment", parts), said)
    for api, kind in (("apps/v1", "DaemonSet"), ("apps/v1", "ReplicaSet"), ("batch/v1", "Job")):
        yield create(name, "bob", workload(api, kind, bad[0][0]), no_secret)
        yield create(name, "alice", workload(api, kind, good))
    yield create(name, "bob", workload("v1", "ReplicationController", read), no_claim)
    yield create(name, "alice", stateful_set("new", pod=pod_spec(**bad[0][0])), no_secret)
    yield create(name, "operator", stateful_set("new", pod=pod_spec(**bad[0][0], serviceAccountName=MACHINE)))
    yield create(name, "controller", workload("apps/v1", "ReplicaSet", bad[5][0]))

    name = "alphatrade-mounts-cron-jobs"
    for parts, said in (bad[0], bad[5], bad[6]):
        yield create(name, "alice", cron_job(parts), said)
    yield create(name, "alice", cron_job(good))
    yield create(name, "operator", cron_job(bad[0][0]))

    name = "alphatrade-mounts-claim-templates"
    said = "with the StatefulSet's name it makes the name of a volume of ours; choose another"
    taken = stateful_set("alpha-0a1b2c3d", volumeClaimTemplates=[claim("data-st")])
    yield create(name, "admin", taken, said)
    yield create(name, "operator", taken)
    yield create(name, "alice", stateful_set("web", volumeClaimTemplates=[claim("data")]))


def workload(api: str, kind: str, parts: dict[str, Any]) -> dict[str, Any]:
    pod_of_it = pod_spec(**parts) | ({"restartPolicy": "Never"} if kind == "Job" else {})
    template = {"metadata": {"labels": {"app": "new"}}, "spec": pod_of_it}
    selector = {"app": "new"} if kind == "ReplicationController" else {"matchLabels": {"app": "new"}}
    chosen = {} if kind == "Job" else {"selector": selector}
    return {"apiVersion": api, "kind": kind, "metadata": {"name": "new"}, "spec": {"template": template, **chosen}}


def cron_job(parts: dict[str, Any]) -> dict[str, Any]:
    job = {"spec": workload("batch/v1", "Job", parts)["spec"]}
    spec_of_it = {"schedule": "0 0 1 1 *", "jobTemplate": job}
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "new"}, "spec": spec_of_it}


CASES = [*records(), *kill_switches(), *switches(), *removal(), *children(), *mounts()]
