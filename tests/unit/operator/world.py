"""A cluster of dicts: what a plan says is made true at once, and pods say what a test lets them say."""

import copy
from datetime import UTC, datetime
from typing import Any

import yaml

from alphatrade.config import digest_of
from alphatrade.v1.control_pb2 import BrokerStatus, FeedStatus, PodStatus, StrategyStatus
from alphatrade_operator.broker import decide as broker_decide
from alphatrade_operator.broker import facts as broker_facts
from alphatrade_operator.core.plan import Key, Pushed
from alphatrade_operator.feed import decide as feed_decide
from alphatrade_operator.feed import facts as feed_facts
from alphatrade_operator.settings import Settings
from alphatrade_operator.strategy import decide as strategy_decide
from alphatrade_operator.strategy import facts as strategy_facts
from alphatrade_operator.workload.child import child_of
from alphatrade_operator.workload.manifests import TEMPLATE_ANNOTATION

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
KINDS: dict[str, tuple[Any, Any, Any]] = {
    "Strategy": ("strategy", strategy_facts.gather, strategy_decide.decide),
    "MarketDataFeed": ("feed", feed_facts.gather, feed_decide.decide),
    "BrokerConnection": ("broker", broker_facts.gather, broker_decide.decide),
}
RESOURCES = """
- apiVersion: alphatrade.io/v1alpha1
  kind: RiskTemplate
  metadata: {name: law}
  spec:
    instruments:
      - {symbol: AAA, maxPositionLots: 100, maxOrderLots: 10}
      - {symbol: BBB, maxPositionLots: 50, maxOrderLots: 5}
- apiVersion: alphatrade.io/v1alpha1
  kind: MarketDataFeed
  metadata: {name: feed}
  spec:
    simulator: {seed: 7, duration: 1h, speed: 200x}
    instruments:
      - {symbol: AAA, tickSize: "0.01", lotSize: "1", makerFeeRate: "0", takerFeeRate: "0.0001"}
      - {symbol: BBB, tickSize: "0.01", lotSize: "1", makerFeeRate: "0", takerFeeRate: "0.0001"}
- apiVersion: alphatrade.io/v1alpha1
  kind: BrokerConnection
  metadata: {name: account}
  spec:
    paper: {initialCash: "1000000"}
    riskTemplateRef: {name: law}
- apiVersion: alphatrade.io/v1alpha1
  kind: Strategy
  metadata: {name: alpha, labels: {desk: one}}
  spec:
    mode: Paper
    instruments: [AAA]
    marketDataFeedRef: {name: feed}
    brokerConnectionRef: {name: account}
    riskTemplateRef: {name: law}
    featureFlags: {}
    genotype:
      policies:
        - name: trend
          signal: {ref: ema_cross, params: {fast: 20, slow: 50}}
          executionTopology: {type: Market}
"""


class World:
    """Objects by (kind, namespace, name); a View, and what applies plans to it."""

    def __init__(self, **settings):
        self.settings = Settings(**{"experiment_may_paper": True, **settings})
        self.epoch = 3
        self.law = None
        self.objects = {}
        self.said = {}
        self.answers = {}
        self.uids = 0
        for resource in yaml.safe_load(RESOURCES):
            self.add(resource)

    # as a View

    def get(self, kind, namespace, name):
        return self.objects.get((kind, namespace, name))

    def list(self, kind, namespace=None, labels=None):
        return [
            found
            for (its_kind, its_namespace, _), found in sorted(self.objects.items())
            if its_kind == kind
            and (namespace is None or its_namespace == namespace)
            and all(found["metadata"].get("labels", {}).get(key) == value for key, value in (labels or {}).items())
        ]

    def pod_status(self, namespace, child_name):
        return self.said.get((namespace, child_name))

    def pushed(self, identity):
        return self.answers.get(identity)

    # as an API server

    def add(self, resource):
        """Create an object, or replace its fields."""
        metadata = resource["metadata"]
        metadata.setdefault("namespace", "desk")
        key = (resource["kind"], metadata["namespace"], metadata["name"])
        if "uid" not in metadata:
            self.uids += 1
            there = self.objects.get(key, {}).get("metadata", {})
            metadata["uid"] = there.get("uid", f"{self.uids:08d}-0000-0000-0000-000000000000")
            metadata["creationTimestamp"] = there.get("creationTimestamp", f"2026-01-05T11:00:{self.uids:02d}Z")
        metadata.setdefault("generation", 1)
        self.objects[key] = copy.deepcopy(resource)
        return self.objects[key]

    def change(self, kind, name, where, value):
        """Set a field of an object's spec, or of `metadata` or `status` when the path begins so."""
        target = self.objects[(kind, "desk", name)]
        *parents, last = where.split(".")
        if parents[:1] not in (["metadata"], ["status"]) and last != "deletionTimestamp":
            parents = ["spec", *parents]
        for part in parents:
            target = target[int(part)] if isinstance(target, list) else target.setdefault(part, {})
        target[int(last) if isinstance(target, list) else last] = value

    def delete(self, kind, name):
        """Mark an object as being deleted."""
        self.objects[(kind, "desk", name)]["metadata"]["deletionTimestamp"] = "2026-01-05T11:59:00Z"

    def facts(self, kind="Strategy", name="alpha"):
        return KINDS[kind][1](self, Key(kind, "desk", name))

    def plan(self, kind="Strategy", name="alpha"):
        return KINDS[kind][2](self.facts(kind, name), NOW)

    def child(self, kind="Strategy", name="alpha"):
        return child_of(KINDS[kind][0], self.objects[(kind, "desk", name)])

    def look(self, kind="Strategy", name="alpha"):
        """Look at an object once, and make the plan true."""
        plan = self.plan(kind, name)
        owner = self.objects[(kind, "desk", name)]
        for manifest in plan.children:
            self.add(dict(copy.deepcopy(manifest)))
        for ref in plan.deletions:
            self.objects.pop((ref.kind, ref.namespace, ref.name), None)
        if plan.status is not None:
            owner["status"] = {**plan.status, **(plan.snapshot or {})}
        if plan.finalizers is not None:
            owner["metadata"]["finalizers"] = list(plan.finalizers)
        if plan.finalizers == () and "deletionTimestamp" in owner["metadata"]:
            del self.objects[(kind, "desk", name)]
        return plan

    # as kubelet and runtimes

    def run(self, kind="Strategy", name="alpha", *, ready=True, template=None, **container):
        """Let the pod of an object be there. container: fields of its container status."""
        child = self.child(kind, name)
        stateful_set = self.objects[("StatefulSet", "desk", child.name)]
        made_from = stateful_set["spec"]["template"]["metadata"]["annotations"][TEMPLATE_ANNOTATION]
        status = {"name": child.kind, "image": "alphatrade:dev", **({"state": {"running": {}}} | container)}
        return self.add(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {
                    "name": child.pod,
                    "labels": child.labels(),
                    "annotations": {TEMPLATE_ANNOTATION: made_from if template is None else template},
                },
                "status": {
                    "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
                    "containerStatuses": [status],
                },
            }
        )

    def gone(self, kind="Strategy", name="alpha"):
        """Let the pod of an object be gone."""
        child = self.child(kind, name)
        self.objects.pop(("Pod", "desk", child.pod), None)
        self.said.pop(("desk", child.name), None)
        self.answers.pop(child.identity, None)

    def document(self, kind="Strategy", name="alpha"):
        """Return what the ConfigMap of an object holds."""
        return self.objects[("ConfigMap", "desk", self.child(kind, name).name)]["data"]["config.json"].encode()

    def say(self, kind="Strategy", name="alpha", *, document=None, **said):
        """Let the pod say what it does. document: that it runs; what the ConfigMap holds when not given."""
        child = self.child(kind, name)
        part = {"Strategy": StrategyStatus, "MarketDataFeed": FeedStatus, "BrokerConnection": BrokerStatus}[kind]
        before = self.said.get(("desk", child.name))
        digest = (
            before.document_digest if before and document is None else digest_of(document or self.document(kind, name))
        )
        self.said[("desk", child.name)] = PodStatus(document_digest=digest, **{child.kind: part(**said)})

    def answer(self, push, outcome, detail=""):
        """Let the pod answer a push; what it applies it runs."""
        self.answers[push.identity] = Pushed(digest_of(push.document), outcome, detail)
        for (namespace, child_name), status in self.said.items():
            if push.target.startswith(f"{child_name}.{namespace}.") and outcome == "Applied":
                status.document_digest = digest_of(push.document)

    def trading(self, **said):
        """Let `alpha` trade on its feed and account."""
        for kind, name, phase in (
            ("MarketDataFeed", "feed", "Serving"),
            ("BrokerConnection", "account", "Serving"),
            ("Strategy", "alpha", "Trading"),
        ):
            self.look(kind, name)
            self.run(kind, name)
            self.say(kind, name, phase=phase, **(said if kind == "Strategy" else {}))
            self.look(kind, name)
        return self


def ready(plan):
    """Return the Ready condition of a plan as (status, reason)."""
    (found,) = [condition for condition in plan.conditions if condition.type == "Ready"]
    return found.status, found.reason


def message(plan):
    """Return the message of the Ready condition of a plan."""
    return next(condition.message for condition in plan.conditions if condition.type == "Ready")


def types(plan):
    """Return the condition types of a plan that are True."""
    return {condition.type for condition in plan.conditions if condition.status}


def of_kind(plan, kind):
    """Return the children of a kind."""
    return [manifest for manifest in plan.children if manifest["kind"] == kind]
