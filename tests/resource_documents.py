"""One valid document of each kind with every field given, and a way to change one of them."""

import copy
from typing import Any

import yaml

Document = dict[str, Any]
A, B, C = ("a" * 64, "b" * 64, "c" * 64)
ABSENT = object()

_TEXT = f"""
Strategy:
  mode: Sim
  instruments: [AAA, BBB]
  marketDataFeedRef: {{name: feed}}
  brokerConnectionRef: {{name: paper}}
  riskTemplateRef: {{name: law}}
  featureFlags: {{fastWeights: false, linearAttention: false, exploration: false, autoGovernedFeedback: false}}
  genotype:
    policies:
      - name: trend
        signal: {{ref: ema_cross, params: {{fast: 20, slow: 50.5}}}}
        executionTopology: {{type: Pegged, params: {{protectionBps: 5, timeout: 5s, offsetTicks: 1, repeg: 1s}}}}
        instruments: [AAA]
        regimes: [BullCalm, Dislocated]
        weightBps: 9000
      - name: revert
        signal: {{ref: mean_reversion}}
        executionTopology: {{type: Twap, params: {{slices: 4, duration: 1m}}}}
        instruments: [BBB]
    belief: {{features: [spread_ticks, return_ticks], activeBps: 400, halfLife: 1000, seed: 3}}
    regime: {{type: Hmm, fastHalfLife: 20, slowHalfLife: 500, dwell: 6, persist: 2}}
    probes: {{}}
    drift:
      reference: 2000
      minObservations: 40
      pageHinkley: {{delta: "0.3", warn: "11", alert: "19.5"}}
      cusum: {{slack: "0.4", warn: "5", alert: "9"}}
      shock: "13"
    fastWeights: {{rule: Delta, halfLife: 600}}
    router: {{switchingCostBps: "0.5", horizon: 20, halfLife: 1500}}
  plugins:
    - {{configMapRef: {{name: mine, key: mine.py}}, digest: "sha256:{A}"}}
    - {{image: "registry.example/mine@sha256:{A}", digest: "sha256:{B}"}}
  decisionClock: {{type: Bar, interval: 1m}}
  durability: Fsync
  seed: 7
  suspend: true
  runtimeImage: registry.example/alphatrade:1.2.3
  resources: {{requests: {{cpu: 500m, memory: 512Mi}}, limits: {{cpu: "1", memory: 1Gi}}}}
  scheduling:
    nodeSelector: {{kubernetes.io/arch: amd64}}
    tolerations: [{{key: dedicated, operator: Equal, value: trading, effect: NoSchedule}}]
RiskTemplate:
  limits: {{streamStale: 1s, maxNotionalBps: 400, bandLimitBps: 50, bandMarketableBps: 20}}
  drawdown: {{enabled: true, dayBps: 400, maxBps: 1000}}
  instruments:
    - {{symbol: AAA, maxPositionLots: 100, maxOrderLots: 10, minOrderLots: 2, maxQuoteAge: 1s, allowed: true}}
    - {{symbol: "*", maxPositionLots: 50, maxOrderLots: 5}}
  maxFlattenSlippageBps: 40
  flattenBlind: true
  killSwitch: {{maxStaleness: 5s}}
ExplorationBudget:
  maxFlowShareBps: 300
  mutateEveryDecisions: 60
  windowDecisions: 2000
  permitTTL: 20s
  freeze: {{driftWarning: true, drawdownBps: 200, nearMissShareBps: 4000}}
  release: {{quietDecisions: 500}}
KillSwitch:
  mode: Halt
  selector:
    matchLabels: {{desk: one}}
    matchExpressions: [{{key: team, operator: In, values: [alpha, beta]}}]
  scope: Namespace
  reason: the venue answers slowly
  maxFlattenSlippageBps: 30
GovernanceProposal:
  author: alice
  source: Human
  strategyRef: {{name: alpha}}
  basePolicyHash: {A}
  change: {{type: WeightAdjust, weightAdjust: {{policy: trend, deltaBps: -500}}}}
  confidenceBps: 7000
  rationale: it loses in storms
  affectedRegimes: [BearStorm]
  expectedUplift: {{mean: "0.4", lcb: "0.2", unit: BpsPerTurnover}}
  evidence: [{{uri: "s3://store/replay/1/results.parquet", sha256: {B}}}]
  trace: {{inputHash: {A}, modelHash: {B}, configHash: {C}, codeHash: {A}}}
  ttl: 168h
SignOff:
  proposalRef: {{name: weigh-less, uid: 8a0f6ad2-1111-4c1f-9a3e-0123456789ab}}
  subjectHash: {A}
  decision: Approve
  user: bob
  comment: the evidence holds
PolicyLedgerEntry:
  sequence: 7
  prevHash: {A}
  record: '{{"type":"Promote"}}'
  entryHash: {B}
  type: Promote
  policyHash: {C}
  strategy: alpha
Replay:
  mode: WhatIf
  tapes: [{{path: tapes/one, sha256: {A}}}]
  candidates: [{{name: one, policy: {{uri: "file:/store/one.json", sha256: {B}}}}}]
  baseline: {{name: alpha, policyHash: {C}}}
  seeds: [1, 2]
  costLevels: [1x, 2x]
  shards: 4
  minParallelism: 1
  parallelism: 2
  queueName: night
  resources: {{requests: {{cpu: 500m, memory: 512Mi}}, limits: {{cpu: "1", memory: 1Gi}}}}
  activeDeadline: 2h
  suspend: true
  ttl: 48h
Evolution:
  strategyRef: {{name: alpha}}
  mode: MuPlusLambda
  tapes: [{{path: tapes/one}}]
  population: 16
  generations: 3
  elite: 2
  operators: [PerturbTunable, TightenRisk]
  constraints: {{maxStage: Paper, allowedRegimes: [BullCalm], minConfidenceBps: 7000, maxFeatures: 8}}
  regimeGrid: {{regimes: [BullCalm], instruments: [AAA], costLevels: [1x]}}
  budget: {{coreSeconds: 3600, replays: 20}}
  noveltyWeightBps: 1000
  seed: 5
  suspend: true
Reflection:
  schedule: 15 2 * * *
  timeZone: Europe/Zurich
  selector:
    matchExpressions: [{{key: team, operator: Exists}}]
  window: 24h
  deadline: 30m
  model: {{uri: "file:/store/model.npz", sha256: {A}}}
  minConfidenceBps: 7000
  maxProposals: 5
  autoApply: {{enabled: true, minUpliftBps: "0.3", maxWeightChangeBps: 500, probationActions: 600}}
  graphBands: [{{metric: Modularity, min: "0.15", max: "0.85"}}]
  suspend: true
MarketDataFeed:
  simulator: {{seed: 7, duration: 1h, speed: 200x, config: {{regimes: [calm, wild], edge: {{strength: 0.2}}}}}}
  instruments:
    - symbol: BBB
      tickSize: "0.10"
      lotSize: "0.01"
      multiplier: "10"
      makerFeeRate: "-0.0001"
      takerFeeRate: "0.0005"
      feePerFill: "0.35"
      initialMarginBps: 900
      maxQuoteAge: 3s
  calendar: XNYS
  fundingModel: None
  quality: {{maxSilence: 1s}}
  record: true
BrokerConnection:
  paper:
    initialCash: "1000000.50"
    currency: USD
    queueModel: Probabilistic
    partialFills: false
    orderEntryLatency: 5ms
    responseLatency: 6ms
    cancelOnDisconnect: false
  environment: Paper
  riskTemplateRef: {{name: law}}
"""
SPECS: dict[str, Document] = yaml.safe_load(_TEXT)
KINDS = tuple(SPECS)


def document(kind: str, changes: dict[str, Any] | None = None, name: str | None = None) -> Document:
    """Return a document with the values at paths such as spec.policies.0.name changed, or ABSENT ones removed."""
    name = name or (f"ple-{SPECS[kind]['sequence']}" if kind == "PolicyLedgerEntry" else kind.lower())
    made: Document = {
        "apiVersion": "alphatrade.io/v1alpha1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": copy.deepcopy(SPECS[kind]),
    }
    for path, value in (changes or {}).items():
        put(made, path, value)
    return made


def put(target: Any, path: str, value: Any) -> None:
    """Set, or with ABSENT remove, the value at a path; maps on the way are made."""
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    for part in parents:
        target = target.setdefault(part, {}) if isinstance(target, dict) else target[part]
    if value is ABSENT:
        del target[last]
    else:
        target[last] = copy.deepcopy(value)
