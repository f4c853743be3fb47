"""What the schemas refuse, each with the API server's own words, and what they fill in."""

import pytest

from alphatrade_operator.api_group import KINDS as GROUP
from alphatrade_operator.core.crd import root_schema
from alphatrade_operator.core.crd_schema import filled
from api.crds.api_server import Refused
from resource_documents import ABSENT, KINDS, SPECS, document

MODELS = {kind.__name__: kind for kind in GROUP}
SCHEMAS = {kind.__name__: root_schema(kind) for kind in GROUP}
LONG_NAME = "a" * 64
LABELS = {f"label-{number}": "x" for number in range(10_000)}
POLICY = SPECS["Strategy"]["genotype"]["policies"][0]
INSTRUMENT = SPECS["MarketDataFeed"]["instruments"][0]
LIMITS = SPECS["RiskTemplate"]["instruments"][0]
TOO_MANY = "Too many: 10000: must have at most"
DURATION = "should match '^([0-9]{1,12}"

REFUSED = [
    # unknown fields, also deep ones and those of later versions
    ("Strategy", "spec.nope", 1, 'unknown field "spec.nope"'),
    ("Strategy", "spec.durabilty", "Group", 'unknown field "spec.durabilty"'),
    (
        "Strategy",
        "spec.genotype.policies.1.signal.params2",
        {},
        'unknown field "spec.genotype.policies[1].signal.params2"',
    ),
    ("Strategy", "spec.plugins.0.file", "mine.py", 'unknown field "spec.plugins[0].file"'),
    ("Strategy", "spec.slos", [], 'unknown field "spec.slos"'),
    ("Strategy", "spec.genotype.features", [], 'unknown field "spec.genotype.features"'),
    ("Strategy", "spec.genotype.belief.weights", {}, 'unknown field "spec.genotype.belief.weights"'),
    ("Strategy", "spec.genotype.probes.sweepRisk", {}, 'unknown field "spec.genotype.probes.sweepRisk"'),
    ("RiskTemplate", "spec.limits.maxNotionalBbs", 5, 'unknown field "spec.limits.maxNotionalBbs"'),
    ("MarketDataFeed", "spec.binanceUsdm", {}, 'unknown field "spec.binanceUsdm"'),
    ("BrokerConnection", "spec.fix", {}, 'unknown field "spec.fix"'),
    (
        "KillSwitch",
        "spec.selector.matchExpressions.0.vals",
        [],
        'unknown field "spec.selector.matchExpressions[0].vals"',
    ),
    # 10,000 entries
    ("Strategy", "spec.instruments", [f"S{n}" for n in range(10_000)], f"spec.instruments: {TOO_MANY} 128 items"),
    ("Strategy", "spec.genotype.policies", [POLICY] * 10_000, f"spec.genotype.policies: {TOO_MANY} 64 items"),
    (
        "Strategy",
        "spec.genotype.belief.features",
        [f"f{n}" for n in range(10_000)],
        f"spec.genotype.belief.features: {TOO_MANY} 64 items",
    ),
    ("Strategy", "spec.plugins", SPECS["Strategy"]["plugins"] * 5_000, f"spec.plugins: {TOO_MANY} 16 items"),
    ("MarketDataFeed", "spec.instruments", [INSTRUMENT] * 10_000, f"spec.instruments: {TOO_MANY} 256 items"),
    ("RiskTemplate", "spec.instruments", [LIMITS] * 10_000, f"spec.instruments: {TOO_MANY} 256 items"),
    (
        "KillSwitch",
        "spec.selector.matchLabels",
        LABELS,
        "spec.selector.matchLabels: Too many: 10000: must have at most 64",
    ),
    ("Replay", "spec.seeds", list(range(10_000)), f"spec.seeds: {TOO_MANY} 1024 items"),
    # names
    *((kind, "metadata.name", LONG_NAME, "metadata.name: Too long: may not be more than 63 bytes") for kind in KINDS),
    (
        "Strategy",
        "spec.riskTemplateRef.name",
        LONG_NAME,
        "spec.riskTemplateRef.name: Too long: may not be more than 63",
    ),
    ("Strategy", "spec.riskTemplateRef.name", "Law", "spec.riskTemplateRef.name in body should match '^[a-z0-9]"),
    ("Strategy", "spec.genotype.policies.0.name", LONG_NAME, "policies[0].name: Too long: may not be more than 63"),
    ("Strategy", "spec.genotype.belief.features.0", "Spread", "features[0] in body should match '^[a-z]"),
    ("MarketDataFeed", "spec.instruments.0.symbol", "S" * 33, "symbol: Too long: may not be more than 32"),
    ("MarketDataFeed", "spec.instruments.0.symbol", "A B", "spec.instruments[0].symbol in body should match"),
    ("KillSwitch", "spec.reason", " \n", "spec.reason in body should match"),
    ("KillSwitch", "spec.reason", "x" * 1_025, "spec.reason: Too long: may not be more than 1024"),
    ("PolicyLedgerEntry", "spec.record", "x" * 16_385, "spec.record: Too long: may not be more than 16384"),
    # quantities
    ("RiskTemplate", "spec.limits.maxNotionalBps", "10bps", 'maxNotionalBps in body must be of type integer: "string"'),
    ("RiskTemplate", "spec.limits.maxNotionalBps", 5.5, "maxNotionalBps in body must be of type int64"),
    ("RiskTemplate", "spec.limits.maxNotionalBps", 0, "maxNotionalBps in body should be greater than or equal to 1"),
    (
        "RiskTemplate",
        "spec.limits.maxNotionalBps",
        10_001,
        "maxNotionalBps in body should be less than or equal to 10000",
    ),
    ("ExplorationBudget", "spec.maxFlowShareBps", -1, "should be greater than or equal to 0"),
    ("ExplorationBudget", "spec.maxFlowShareBps", 10_001, "should be less than or equal to 10000"),
    ("GovernanceProposal", "spec.confidenceBps", 10_001, "should be less than or equal to 10000"),
    ("Evolution", "spec.noveltyWeightBps", 10_001, "should be less than or equal to 10000"),
    ("Strategy", "spec.genotype.belief.activeBps", 0, "activeBps in body should be greater than or equal to 1"),
    ("Strategy", "spec.genotype.drift.shock", 12, 'shock in body must be of type string: "integer"'),
    ("Strategy", "spec.genotype.drift.shock", "0.00001", "shock in body should match"),
    ("RiskTemplate", "spec.limits.streamStale", "5 sec", f"spec.limits.streamStale in body {DURATION}"),
    ("RiskTemplate", "spec.limits.streamStale", "7d", f"spec.limits.streamStale in body {DURATION}"),
    ("RiskTemplate", "spec.limits.streamStale", 5, "streamStale in body must be of type"),
    ("RiskTemplate", "spec.limits.streamStale", "-1s", f"spec.limits.streamStale in body {DURATION}"),
    ("MarketDataFeed", "spec.instruments.0.tickSize", 0.1, 'tickSize in body must be of type string: "number"'),
    ("MarketDataFeed", "spec.instruments.0.tickSize", "1e-3", "tickSize in body should match"),
    ("MarketDataFeed", "spec.instruments.0.makerFeeRate", "0.00000001", "makerFeeRate in body should match"),
    ("MarketDataFeed", "spec.instruments.0.feePerFill", "0.000000001", "feePerFill in body should match"),
    ("MarketDataFeed", "spec.simulator.speed", "0x", "spec.simulator.speed in body should match"),
    ("BrokerConnection", "spec.paper.initialCash", "1,000", "initialCash in body should match"),
    ("Strategy", "spec.resources.requests.cpu", "half", "spec.resources.requests.cpu in body should match"),
    ("Strategy", "spec.seed", True, "spec.seed in body must be of type int64"),
    ("GovernanceProposal", "spec.basePolicyHash", "abc", "spec.basePolicyHash in body should match"),
    # words
    (
        "Strategy",
        "spec.mode",
        "sim",
        'spec.mode: Unsupported value: "sim": supported values: "Sim", "Paper", "LiveShadow", "Live"',
    ),
    ("Strategy", "spec.genotype.regime.type", "HMM", 'supported values: "Rules", "Hmm"'),
    (
        "Strategy",
        "spec.genotype.policies.0.regimes",
        ["BullWild"],
        'spec.genotype.policies[0].regimes[0]: Unsupported value: "BullWild": supported values: "BearCalm"',
    ),
    ("KillSwitch", "spec.mode", "Stop", 'supported values: "Armed", "Reduce", "Halt", "Flatten"'),
    ("SignOff", "spec.decision", "Abstain", 'supported values: "Approve", "Reject"'),
    # twice
    ("Strategy", "spec.instruments", ["AAA", "BBB", "AAA"], 'spec.instruments[2]: Duplicate value: "AAA"'),
    (
        "Strategy",
        "spec.genotype.policies.1.name",
        "trend",
        'spec.genotype.policies[1]: Duplicate value: {"name":"trend"}',
    ),
    (
        "Strategy",
        "spec.genotype.policies.0.regimes",
        ["BullCalm", "BullCalm"],
        'spec.genotype.policies[0].regimes[1]: Duplicate value: "BullCalm"',
    ),
    ("Strategy", "spec.genotype.belief.features", ["a", "a"], 'belief.features[1]: Duplicate value: "a"'),
    ("RiskTemplate", "spec.instruments.1.symbol", "AAA", 'spec.instruments[1]: Duplicate value: {"symbol":"AAA"}'),
    ("MarketDataFeed", "spec.instruments", [INSTRUMENT] * 2, 'spec.instruments[1]: Duplicate value: {"symbol":"BBB"}'),
    ("Replay", "spec.tapes", [{"path": "a"}] * 2, 'spec.tapes[1]: Duplicate value: {"path":"a"}'),
    # missing, and shapes
    *((kind, "spec", ABSENT, "spec: Required value") for kind in KINDS),
    ("Strategy", "spec.genotype.belief.features", ABSENT, "spec.genotype.belief.features: Required value"),
    ("Strategy", "spec.genotype.belief.features", [], "belief.features in body should have at least 1 items"),
    ("RiskTemplate", "spec.instruments", [], "spec.instruments in body should have at least 1 items"),
    ("Strategy", "spec.riskTemplateRef", ABSENT, "spec.riskTemplateRef: Required value"),
    ("Strategy", "spec.riskTemplateRef", "law", 'spec.riskTemplateRef in body must be of type object: "string"'),
    ("KillSwitch", "spec.mode", ABSENT, "spec.mode: Required value"),
    ("SignOff", "spec.proposalRef.uid", ABSENT, "spec.proposalRef.uid: Required value"),
]


@pytest.mark.parametrize(
    ("kind", "path", "value", "message"),
    REFUSED,
    ids=[f"{kind}.{path}={str(value)[:20]}" for kind, path, value, _ in REFUSED],
)
def test_a_wrong_field_is_refused_with_its_path(api, kind, path, value, message):
    with pytest.raises(Refused) as refused:
        api.create(document(kind, {path: value}))
    assert message in str(refused.value)
    assert len(str(refused.value)) < 4_000


def test_a_reference_names_no_namespace(api):
    with pytest.raises(Refused, match=r"unknown field .spec\.riskTemplateRef\.namespace."):
        api.create(document("Strategy", {"spec.riskTemplateRef.namespace": "other"}))


@pytest.mark.parametrize("kind", KINDS)
def test_a_full_document_is_kept_as_it_was_given(api, kind):
    sent = document(kind)["spec"]
    assert api.create(document(kind))["spec"] == filled(sent, SCHEMAS[kind]["properties"]["spec"])


LEAST = {
    "Strategy": {
        "marketDataFeedRef": {"name": "feed"},
        "brokerConnectionRef": {"name": "paper"},
        "riskTemplateRef": {"name": "law"},
        "genotype": {
            "policies": [{"name": "a", "signal": {"ref": "ema_cross"}, "executionTopology": {"type": "Market"}}]
        },
    },
    "RiskTemplate": {"instruments": [{"symbol": "*", "maxPositionLots": 2, "maxOrderLots": 1}]},
    "ExplorationBudget": {},
    "KillSwitch": {"mode": "Armed"},
    "Replay": {"mode": "Verify", "tapes": [{"path": "a"}], "policyRefs": [{"name": "alpha"}]},
    "Evolution": {
        "strategyRef": {"name": "alpha"},
        "tapes": [{"path": "a"}],
        "budget": {"coreSeconds": 1, "replays": 1},
    },
    "Reflection": {"schedule": "@daily"},
    "MarketDataFeed": {
        "tape": {"path": "a"},
        "instruments": [{"symbol": "A", "tickSize": "0.1", "lotSize": "0.1", "makerFeeRate": "0", "takerFeeRate": "0"}],
    },
    "BrokerConnection": {"paper": {"initialCash": "1"}},
}


@pytest.mark.parametrize("kind", LEAST)
def test_what_is_filled_in_is_what_the_models_have_as_default(api, kind):
    stored = api.create(document(kind, {"spec": LEAST[kind]}))["spec"]
    model = MODELS[kind].model_fields["spec"].annotation
    assert stored == filled(LEAST[kind], SCHEMAS[kind]["properties"]["spec"])
    assert model is not None
    assert model.model_validate(stored) == model.model_validate(LEAST[kind])


@pytest.mark.parametrize("kind", ["GovernanceProposal", "SignOff", "PolicyLedgerEntry"])
def test_nothing_is_filled_into_what_is_hashed(api, kind):
    optional = {
        "GovernanceProposal": ("affectedRegimes", "expectedUplift", "evidence"),
        "SignOff": ("comment",),
        "PolicyLedgerEntry": ("policyHash", "strategy"),
    }
    sent = document(kind, {f"spec.{name}": ABSENT for name in optional[kind]})
    assert api.create(sent)["spec"] == sent["spec"]
