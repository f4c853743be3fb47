"""What people see: `kubectl explain` is the manual, `kubectl get` says what works, and if not why."""

import copy
import json
import re

import pytest

from alphatrade_operator.api_group import KINDS as GROUP
from api.crds.api_server import PLURALS
from resource_documents import KINDS, document

DEFINITIONS = {kind.__name__: kind.definition for kind in GROUP}
EXPLAINED = [
    ("strategy.spec", "mode", "Sim replays or simulates; Paper trades a paper account, at the pace of its feed."),
    ("st.spec.genotype.policies.executionTopology", "type", "Market takes at once; PassiveQuote rests in the book;"),
    (
        "st.spec.genotype.policies.executionTopology.params.timeout",
        "timeout",
        "cross the spread after resting this long",
    ),
    ("st.spec.resources.limits", "memory", 'Memory, in quotes, such as "512Mi".'),
    ("rt.spec.limits", "maxNotionalBps", "Largest value of one order (NOTIONAL)."),
    ("ks.spec", "mode", "Halt: no orders, working ones are canceled."),
    ("ks.spec.selector.matchExpressions", "operator", "Exists, DoesNotExist: the key alone."),
    ("gp.spec.change", "rearm", "Trading again after a latch."),
    ("mdf.spec.simulator", "seed", "the same seed gives the same bytes."),
    ("bc.status", "latched", "What holds the account; absent when nothing does."),
    ("rt.status.effective.limits", "maxLeverageBps", "10000 is once the NAV (LEVERAGE)."),
]


def words(text):
    """Return a text with one blank between words, so that line breaks do not count."""
    return " ".join(text.split())


@pytest.mark.parametrize(("path", "field", "text"), EXPLAINED, ids=[path for path, _, _ in EXPLAINED])
def test_explain_says_what_a_field_means(api, kubectl, path, field, text):
    manual = words(kubectl("explain", path))
    assert field in manual
    assert text in manual


@pytest.mark.parametrize("kind", KINDS)
def test_explain_says_what_a_kind_is_for(api, kubectl, kind):
    assert words(kubectl("explain", PLURALS[kind])).count("DESCRIPTION: ") == 1
    assert "<no description>" not in kubectl("explain", f"{PLURALS[kind]}.spec")


def undescribed(schema, path=""):
    for name, field in schema.get("properties", {}).items():
        if len(field.get("description", "")) < 8:
            yield f"{path}.{name}"
        yield from undescribed(field, f"{path}.{name}")
    for inner in (schema.get("items"), schema.get("additionalProperties")):
        if isinstance(inner, dict):
            yield from undescribed(inner, f"{path}[]")


def test_every_field_that_the_api_server_publishes_is_described(api, kubectl):
    schemas = json.loads(kubectl("get", "--raw", "/openapi/v3/apis/alphatrade.io/v1alpha1"))["components"]["schemas"]
    ours = {name.rsplit(".", 1)[-1]: schema for name, schema in schemas.items() if name.startswith("io.alphatrade.")}
    assert set(KINDS) <= set(ours)
    for kind in KINDS:
        parts = {
            name: ours[kind]["properties"][name] for name in ("spec", "status") if name in ours[kind]["properties"]
        }
        assert list(undescribed({"properties": parts})) == []


CONDITION = {
    "type": "Ready",
    "status": "False",
    "observedGeneration": 1,
    "lastTransitionTime": "2026-01-02T03:04:05Z",
    "reason": "PluginDigestMismatch",
    "message": "plugins[0].digest: the file has another",
}
SHOWN = {
    "Strategy": (
        {"phase": "Trading", "pnl": "-12.5", "drawdownBps": 31, "orders": 9, "fills": 7, "conditions": [CONDITION]},
        "Paper Trading -12.5 31 9 7 False PluginDigestMismatch",
    ),
    "KillSwitch": ({"matched": 3, "acknowledged": 2, "conditions": [CONDITION]}, "Halt 3 2 False PluginDigestMismatch"),
    "RiskTemplate": (
        {"userCount": 2, "conditions": [CONDITION, {**CONDITION, "type": "AwaitsProposal", "status": "True"}]},
        "2 False PluginDigestMismatch True",
    ),
    "MarketDataFeed": (
        {"activeSource": "simulator", "pace": "200x", "phase": "Serving", "subscribers": 1, "conditions": [CONDITION]},
        "simulator 200x Serving 1 False PluginDigestMismatch",
    ),
    "BrokerConnection": (
        {"phase": "Serving", "sessions": 1, "latched": {"by": "Drawdown", "reason": "x"}, "conditions": [CONDITION]},
        "Paper Serving 1 Drawdown False PluginDigestMismatch",
    ),
    "ExplorationBudget": (
        {
            "shareBps": 12,
            "userCount": 1,
            "frozen": [{"reason": "DriftWarning", "message": "x", "since": "2026-01-02T03:04:05Z"}],
            "conditions": [CONDITION],
        },
        "300 12 DriftWarning 1 False PluginDigestMismatch",
    ),
    "GovernanceProposal": (
        {"phase": "AwaitingSignOff", "signOffs": 0, "signOffsNeeded": 1, "reason": "NoSignOff"},
        "alpha WeightAdjust Human AwaitingSignOff 0 1 NoSignOff",
    ),
    "SignOff": (
        {"conditions": [{**CONDITION, "type": "Counted", "reason": "ByItsAuthor"}]},
        "weigh-less Approve bob False ByItsAuthor",
    ),
    "PolicyLedgerEntry": (None, f"Promote alpha {'c' * 64}"),
    "Replay": (
        {
            "shardsDone": 3,
            "verdict": "Inconclusive",
            "conditions": [{**CONDITION, "type": "Complete", "status": "True"}],
        },
        "WhatIf 4 3 Inconclusive True",
    ),
    "Evolution": (
        {
            "generation": 1,
            "best": {"name": "one", "policyHash": "a" * 64, "fitness": "0.4"},
            "replaysUsed": 2,
            "conditions": [{**CONDITION, "type": "Stalled", "status": "True"}],
        },
        "alpha 1 0.4 2 PluginDigestMismatch",
    ),
    "Reflection": (
        {
            "proposalCount": 4,
            "lastRun": {"time": "2026-01-02T03:04:05Z", "result": "Passed", "reason": "Ran", "message": "x"},
            "conditions": [CONDITION],
        },
        "Passed 4 False PluginDigestMismatch",
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_get_shows_what_it_does_and_why_not(api, kubectl, kind):
    status, row = SHOWN[kind]
    made = api.create(document(kind, {"spec.mode": "Paper"} if kind == "Strategy" else None), dry_run=False)
    try:
        if status:
            with_status = copy.deepcopy(made) | {"status": status}
            api.replace_status(with_status, dry_run=False)
        definition = DEFINITIONS[kind]
        header, line = kubectl("get", definition.short, "-n", api.namespace).splitlines()
        wide = kubectl("get", definition.plural, "-o", "wide", "-n", api.namespace).splitlines()[0]
    finally:
        api.delete(made)
    assert header.split() == ["NAME", *(column.name.upper() for column in definition.columns if not column.priority)]
    assert wide.split() == ["NAME", *(column.name.upper() for column in definition.columns)]
    assert row in re.sub(r" +", " ", line)


def test_all_kinds_are_one_category(api, kubectl):
    listed = kubectl("api-resources", "--categories=alphatrade", "--no-headers").splitlines()
    assert {line.split()[-1] for line in listed} == set(KINDS)
    assert {line.split()[1] for line in listed} == {definition.short for definition in DEFINITIONS.values()}
    assert all(line.split()[3] == "true" for line in listed)


def test_a_patch_of_one_policy_names_it(api, kubectl):
    made = api.create(document("Strategy"), dry_run=False)
    try:
        patch = {
            "apiVersion": made["apiVersion"],
            "kind": "Strategy",
            "metadata": {"name": made["metadata"]["name"]},
            "spec": {"genotype": {"policies": [{"name": "revert", "weightBps": 4_000}]}},
        }
        said = kubectl(
            "apply",
            "--server-side",
            "--field-manager=desk",
            "--force-conflicts",
            "-n",
            api.namespace,
            "-f",
            "-",
            "-o",
            "json",
            stdin=json.dumps(patch),
        )
    finally:
        api.delete(made)
    policies = json.loads(said)["spec"]["genotype"]["policies"]
    assert [(policy["name"], policy["weightBps"]) for policy in policies] == [("trend", 9_000), ("revert", 4_000)]
