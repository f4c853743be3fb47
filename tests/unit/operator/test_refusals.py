"""Every refusal of a resource: one line that names file, object, field, value and what is accepted."""

import pytest

from alphatrade_operator.resources import ResourceError, load_folder

ST, RT, MD, BC = "Strategy/spec/", "RiskTemplate/spec/", "MarketDataFeed/spec/", "BrokerConnection/spec/"
DURATION = "write a Kubernetes duration"
WHOLE = "write a whole number without unit or quotes"

REFUSED = [
    # wrong units
    (ST + "decisionClock/interval", "5 sec", f"spec.decisionClock.interval: '5 sec' is not accepted: {DURATION}"),
    (ST + "decisionClock/interval", 5, f"spec.decisionClock.interval: 5 is not accepted: {DURATION}"),
    (ST + "decisionClock/interval", "0.5ms", "is not accepted: write 1ms to 744h"),
    (RT + "limits/streamStale", 2, f"spec.limits.streamStale: 2 is not accepted: {DURATION}"),
    (RT + "limits/maxNotionalBps", "10bps", f"spec.limits.maxNotionalBps: '10bps' is not accepted: {WHOLE}"),
    (RT + "limits/maxNotionalBps", "500", f"spec.limits.maxNotionalBps: '500' is not accepted: {WHOLE}"),
    (RT + "limits/maxNotionalBps", 5.5, f"spec.limits.maxNotionalBps: 5.5 is not accepted: {WHOLE}"),
    (RT + "limits/maxNotionalBps", True, f"spec.limits.maxNotionalBps: True is not accepted: {WHOLE}"),
    (RT + "limits/maxNotionalBps", 0, "spec.limits.maxNotionalBps: 0 is not accepted: write 1 or more"),
    (RT + "limits/maxNotionalBps", 10_001, "write 10000 or less"),
    (RT + "limits/maxOrdersPerMinute", 8_193, "write 8192 or less"),
    (RT + "drawdown/dayBps", "5%", f"spec.drawdown.dayBps: '5%' is not accepted: {WHOLE}"),
    (RT + "killSwitch/maxStaleness", "50ms", "is not accepted: write 100ms to 1h"),
    (RT + "flattenBlind", "yes", "spec.flattenBlind: 'yes' is not accepted: write true or false"),
    (RT + "instruments/0/maxPositionLots", 2**48, "is not accepted: write 281474976710655 or less"),
    (
        MD + "instruments/0/tickSize",
        0.1,
        "instruments[0].tickSize: 0.1 is not accepted: write a decimal number in quotes",
    ),
    (MD + "instruments/0/tickSize", "0", "'0' is not accepted: write a decimal above zero"),
    (MD + "instruments/0/takerFeeRate", "0.00000001", "is not accepted: write a share of notional"),
    (MD + "instruments/0/takerFeeRate", "5bps", "is not accepted: write a decimal number in quotes"),
    (MD + "instruments/0/takerFeeRate", "0.2", "is not accepted: write a share of notional"),
    (MD + "instruments/0/lotSize", "0.0000000001", "must be a whole, even number below 2**60"),
    (MD + "instruments/0/lotSize", "1000000000000", "is 10000000000000000000 units of 1e-8; it must be a whole, even"),
    (MD + "instruments/1/lotSize", "0.00000005", "spec.instruments[1].lotSize: tickSize x lotSize x multiplier is 0.5"),
    (MD + "instruments/0/feePerFill", "-0.1", "instruments[0].feePerFill: '-0.1' is not accepted: write an amount"),
    (MD + "instruments/0/feePerFill", 1, "instruments[0].feePerFill: 1 is not accepted: write a decimal"),
    (MD + "simulator/duration", "1 hour", DURATION),
    (MD + "simulator/speed", "fast", "spec.simulator.speed: 'fast' is not accepted"),
    (MD + "simulator/speed", "0x", "spec.simulator.speed: '0x' is not accepted"),
    (MD + "simulator/seed", -1, "write 0 or more"),
    (MD + "simulator/config", {"a": {"b": {"c": {"d": {"e": {"f": {"g": 1}}}}}}}, "nested deeper than 6 levels"),
    (MD + "simulator/config", {"a": "x" * 300}, "spec.simulator.config.a"),
    (MD + "simulator/config", {"a": [2**53]}, "spec.simulator.config.a[0]: 9007199254740992 is not accepted"),
    (MD + "simulator/config", {"a": list(range(1_001))}, "at most 1000"),
    (MD + "simulator/config", {"seed": 3}, "spec.simulator.config.seed: set it beside config"),
    (MD + "simulator/config", {"duration": "1h"}, "spec.simulator.config.duration: set it beside config"),
    (BC + "paper/initialCash", 1000000, "spec.paper.initialCash: 1000000 is not accepted: write a decimal number"),
    (BC + "paper/initialCash", "0", "write an amount above zero"),
    (BC + "paper/initialCash", "0.000000001", "with up to 8 decimals"),
    (BC + "paper/orderEntryLatency", "2m", "write 0s to 1m"),
    (BC + "paper/currency", "usdt", "spec.paper.currency: 'usdt' is not accepted: it must match"),
    (ST + "seed", 2**53, "write 9007199254740991 or less"),
    (ST + "genotype/policies/0/signal/params/fast", "20", "'20' is not accepted: write a number"),
    (ST + "genotype/policies/0/signal/params/fast", True, "True is not accepted: write a number"),
    # enums
    (ST + "mode", "sim", "spec.mode: 'sim' is not accepted: write Sim, Paper, LiveShadow or Live"),
    (ST + "durability", "fsync", "spec.durability: 'fsync' is not accepted: write Group or Fsync"),
    (ST + "decisionClock/type", "quoteChange", "write QuoteChange, EveryQuote, Bar or Timer"),
    (ST + "genotype/policies/0/executionTopology/type", "pegged", "write Market, PassiveQuote, Pegged or Twap"),
    (MD + "fundingModel", "none", "write None or Tape"),
    (BC + "paper/queueModel", "risk_averse", "write RiskAverse or Probabilistic"),
    # limits out of order
    (RT + "limits/bandMarketableBps", 60, "spec.limits.bandMarketableBps: 60 is above bandLimitBps (50); lower"),
    (RT + "limits/maxOrdersPerSecond", 1_300, "maxOrdersPerSecond: 1300 is above maxOrdersPerMinute (1200)"),
    (RT + "limits/maxTurnoverHourBps", 10_000, "maxTurnoverMinuteBps: 20000 is above maxTurnoverHourBps (10000)"),
    (RT + "drawdown/dayBps", 1_500, "spec.drawdown.dayBps: 1500 is not below maxBps (1500)"),
    (RT + "drawdown/maxBps", 400, "spec.drawdown.dayBps: 500 is not below maxBps (400)"),
    (RT + "drawdown", {"enabled": False, "dayBps": 500}, "spec.drawdown.dayBps: given although enabled is false"),
    (RT + "instruments/0/maxOrderLots", 201, "maxOrderLots: 201 is above twice maxPositionLots (200); lower"),
    (RT + "instruments/0/minOrderLots", 11, "instruments[0].minOrderLots: 11 is above maxOrderLots (10)"),
    # twice
    (RT + "instruments/1/symbol", "AAA", "spec.instruments[1].symbol: 'AAA' is listed twice"),
    (MD + "instruments/1/symbol", "BBB", "spec.instruments[1].symbol: 'BBB' is listed twice"),
    (ST + "instruments", ["AAA", "BBB", "AAA"], "spec.instruments[2]: 'AAA' is listed twice"),
    (ST + "genotype/policies/1/name", "trend", "spec.genotype.policies[1].name: 'trend' is used twice"),
    # exactly one of
    (MD + "tape", {"path": "x"}, "spec.simulator: given besides tape; keep exactly one"),
    (ST + "plugins", [{}], "spec.plugins[0].file: missing; give exactly one of file, configMapRef, image"),
    (
        ST + "plugins",
        [{"file": "a.py", "configMapRef": {"name": "a", "key": "b"}}],
        "spec.plugins[0].configMapRef: given besides file",
    ),
    (ST + "plugins", [{"configMapRef": {"name": "a", "key": "b"}}], "spec.plugins[0].digest: missing"),
    (ST + "plugins", [{"file": "a.py", "digest": "abc"}], "spec.plugins[0].digest: 'abc' is not accepted"),
    # unknown fields
    (ST + "durabilty", "Group", "spec.durabilty: unknown field; did you mean durability?"),
    (RT + "limits/maxNotionalBbs", 1, "spec.limits.maxNotionalBbs: unknown field; did you mean maxNotionalBps?"),
    (RT + "limits/max_notional_bps", 1, "unknown field; did you mean maxNotionalBps?"),
    (RT + "instruments/0/zzz", 1, "spec.instruments[0].zzz: unknown field; there are allowed, maxOrderLots"),
    (ST + "genotype/policies/0/executionTopology/params/timeOut", "5s", "did you mean timeout?"),
    (ST + "genotype/policies/0/executionTopology/params/slices", 3, "params.slices: Pegged does not take it; it takes"),
    ("Strategy/metadata/uid", "1", "metadata.uid: unknown field"),
    ("Strategy/status", {}, "status: unknown field"),
    # not in this version
    (MD + "binanceUsdm", {}, "spec.binanceUsdm: not available in this version; use tape or simulator"),
    (BC + "fix", {}, "spec.fix: not available in this version; there is no FIX adapter; use paper"),
    (BC + "environment", "Live", "spec.environment: 'Live' needs a venue"),
    (ST + "colocated", {}, "spec.colocated: not available in this version"),
    # shapes
    (ST + "instruments", "AAA", "spec.instruments: 'AAA' is not accepted: write a list"),
    (ST + "genotype", [], "spec.genotype: [] is not accepted: write a map of fields"),
    (ST + "genotype/policies", [], "spec.genotype.policies: [] is not accepted: at least 1"),
    (ST + "explorationBudgetRef", {}, "spec.explorationBudgetRef.name: missing"),
    (ST + "riskTemplateRef", "law", "spec.riskTemplateRef: 'law' is not accepted: write a map of fields"),
    (ST + "instruments", ["A B"], "spec.instruments[0]: 'A B' is not accepted: it must match"),
    (ST + "instruments", ["A" * 33], "at most 32 characters"),
    ("Strategy/metadata/name", "Upper", "metadata.name: 'Upper' is not accepted"),
    ("Strategy/metadata/name", "a" * 64, "metadata.name"),
    ("Strategy/metadata/name", 5, "metadata.name: 5 is not accepted: write text"),
    ("Strategy/metadata", None, "metadata: None is not accepted: write a map of fields"),
    ("Strategy/apiVersion", "alphatrade.io/v1", "apiVersion: 'alphatrade.io/v1' is not accepted: write alphatrade.io"),
    ("Strategy/kind", "Stratgy", "kind: 'Stratgy' is no kind of this version; did you mean Strategy?"),
    ("Strategy/kind", "Deployment", "kind: 'Deployment' is no kind of this version; there are BrokerConnection"),
    ("Strategy/kind", 3, "kind: 3 is no kind of this version; write one of"),
    # the understanding loop
    (ST + "genotype/features", [], "spec.genotype.features: not available in this version; use belief.features"),
    (ST + "genotype/belief", {}, "spec.genotype.belief.features: missing; add it (features that it reads"),
    (ST + "genotype/belief", {"features": []}, "spec.genotype.belief.features: [] is not accepted: at least 1"),
    (ST + "genotype/belief", {"features": ["a", "a"]}, "spec.genotype.belief.features[1]: 'a' is listed twice"),
    (ST + "genotype/belief", {"features": ["Mid"]}, "spec.genotype.belief.features[0]: 'Mid' is not accepted"),
    (ST + "genotype/belief", {"features": ["a"], "activeBps": 0}, "belief.activeBps: 0 is not accepted: write 1 or"),
    (ST + "genotype/belief", {"features": ["a"], "weights": {"file": "w.npz"}}, "belief.weights.digest: missing"),
    (ST + "genotype/regime", {"type": "HMM"}, "spec.genotype.regime.type: 'HMM' is not accepted: write Rules or Hmm"),
    (ST + "genotype/regime", {"fastHalfLife": 5}, "genotype.regime.slowHalfLife: missing; fastHalfLife and slow"),
    (ST + "genotype/regime", {"slowHalfLife": 5}, "genotype.regime.fastHalfLife: missing; fastHalfLife and slow"),
    (ST + "genotype/regime", {"fastHalfLife": 5, "slowHalfLife": 5}, "regime.fastHalfLife: 5: fastHalfLife is not"),
    (ST + "genotype/regime", {"dwell": 0}, "spec.genotype.regime.dwell: 0 is not accepted: write 1 or more"),
    (ST + "genotype/probes", {"sweepRisk": {}}, "spec.genotype.probes.sweepRisk: unknown field; there is none"),
    (ST + "genotype/drift", {"cusum": {"warn": "10"}}, "drift.cusum.warn: 10: warn is not below alert"),
    (ST + "genotype/drift", {"pageHinkley": {"alert": "9"}}, "drift.pageHinkley.warn: 12: warn is not below alert"),
    (ST + "genotype/drift", {"shock": 12}, "genotype.drift.shock: 12 is not accepted: write a decimal number in"),
    (ST + "genotype/drift", {"shock": "0"}, "genotype.drift.shock: '0' is not accepted: write standard deviations"),
    (ST + "genotype/router", {"switchingCostBps": "-1"}, "switchingCostBps: '-1' is not accepted: write bps in quotes"),
    (ST + "genotype/fastWeights", {"rule": "hebb"}, "fastWeights.rule: 'hebb' is not accepted: write Hebb or"),
    (ST + "genotype/policies/0/regimes", ["Bull"], "policies[0].regimes[0]: 'Bull' is not accepted: write BearCalm,"),
    (ST + "genotype/policies/0/regimes", ["BullCalm"], "policies[0].regimes: given although nothing classifies them"),
    (ST + "featureFlags/fastWeights", True, "spec.featureFlags.fastWeights: it learns on the belief; add genotype"),
    (ST + "featureFlags/linearAttention", True, "spec.featureFlags.linearAttention: it reads belief and regime; add"),
    # rules of a clock
    (ST + "decisionClock", {"type": "Bar"}, "spec.decisionClock.interval: missing; Bar needs one"),
    (ST + "decisionClock", {"type": "EveryQuote", "interval": "1s"}, "interval: EveryQuote has none; remove it"),
    (ST + "genotype/policies/0/instruments", ["CCC"], "policies[0].instruments[0]: 'CCC' is not in spec.instruments"),
]


def refusals(folder):
    with pytest.raises(ResourceError) as caught:
        load_folder(folder.write())
    assert str(caught.value) == "\n".join(caught.value.problems)
    return caught.value.problems


def test_the_set_itself_is_accepted(folder):
    assert load_folder(folder.write()).notes == ()


@pytest.mark.parametrize(("where", "value", "message"), REFUSED, ids=[f"{w}={str(v)[:30]}" for w, v, _ in REFUSED])
def test_a_wrong_field_is_one_line(folder, where, value, message):
    (problem,) = refusals(folder.put(where, value))
    kind = where.split("/")[0]
    assert message in problem
    assert problem.startswith(f"{folder.path}/{kind}.yaml:")
    assert ": document 1, " in problem


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("RiskTemplate/spec/instruments/0/maxPositionLots", "spec.instruments[0].maxPositionLots: missing; add it"),
        ("RiskTemplate/spec/instruments/0/maxOrderLots", "spec.instruments[0].maxOrderLots: missing; add it"),
        ("RiskTemplate/spec/instruments", "spec.instruments: missing; add it"),
        ("Strategy/spec/riskTemplateRef", "spec.riskTemplateRef: missing; add it (riskTemplate"),
        ("Strategy/spec", "spec: missing; add it"),
        ("Strategy/metadata/name", "metadata.name: missing; add it"),
        ("Strategy/kind", "kind: missing; write one of Strategy"),
        ("Strategy/apiVersion", "apiVersion: missing: write alphatrade.io/v1alpha1"),
        ("MarketDataFeed/spec/simulator", "spec.tape: missing; give exactly one of tape, simulator"),
        ("BrokerConnection/spec/paper", "spec.paper: missing"),
    ],
)
def test_a_missing_field_is_one_line(folder, where, message):
    (problem,) = refusals(folder.drop(where))
    assert message in problem


def test_the_line_is_the_field_s(folder):
    (problem,) = refusals(folder.put("Strategy/spec/seed", "x"))
    line = (folder.path / "Strategy.yaml").read_text().splitlines().index("  seed: x") + 1
    assert problem.startswith(f"{folder.path}/Strategy.yaml:{line}: document 1, Strategy/alpha: spec.seed: 'x'")


def test_every_problem_is_listed(folder):
    folder.put("Strategy/spec/seed", "x").put("RiskTemplate/spec/limits/stopBps", 0).put("MarketDataFeed/spec/nope", 1)
    (folder.path / "broken.yaml").write_text("a: [\n")
    assert len(refusals(folder)) == 4


def test_a_long_value_is_cut_and_kept_in_one_line(folder):
    (problem,) = refusals(folder.put("Strategy/spec/mode", "x\n" * 500))
    assert len(problem) < 400
    assert "\n" not in problem
