"""One complete, valid set of resources, and a way to change one field of it."""

import copy

import pytest
import yaml

RESOURCES = """
Strategy:
  apiVersion: alphatrade.io/v1alpha1
  kind: Strategy
  metadata: {name: alpha}
  spec:
    mode: Sim
    instruments: [AAA, BBB]
    marketDataFeedRef: {name: feed}
    brokerConnectionRef: {name: paper}
    riskTemplateRef: {name: law}
    featureFlags: {}
    genotype:
      policies:
        - name: trend
          signal: {ref: ema_cross, params: {fast: 20, slow: 50.5}}
          executionTopology: {type: Pegged, params: {timeout: 5s, offsetTicks: 1}}
          instruments: [AAA]
          weightBps: 9000
        - name: revert
          signal: {ref: mean_reversion}
          executionTopology: {type: Twap, params: {slices: 4, duration: 1m}}
          instruments: [BBB]
    plugins: []
    decisionClock: {}
RiskTemplate:
  apiVersion: alphatrade.io/v1alpha1
  kind: RiskTemplate
  metadata: {name: law}
  spec:
    limits: {}
    drawdown: {}
    killSwitch: {}
    instruments:
      - {symbol: AAA, maxPositionLots: 100, maxOrderLots: 10}
      - {symbol: BBB, maxPositionLots: 50, maxOrderLots: 5, maxQuoteAge: 1s}
MarketDataFeed:
  apiVersion: alphatrade.io/v1alpha1
  kind: MarketDataFeed
  metadata: {name: feed}
  spec:
    simulator: {seed: 7, duration: 1h, speed: 200x, config: {regimes: [calm, wild]}}
    quality: {}
    instruments:
      - symbol: BBB
        tickSize: "0.10"
        lotSize: "0.01"
        makerFeeRate: "-0.0001"
        takerFeeRate: "0.0005"
        feePerFill: "0.35"
      - {symbol: AAA, tickSize: "0.01", lotSize: "1", multiplier: "10", makerFeeRate: "0", takerFeeRate: "0.0000001"}
BrokerConnection:
  apiVersion: alphatrade.io/v1alpha1
  kind: BrokerConnection
  metadata: {name: paper}
  spec:
    paper: {initialCash: "1000000.50", queueModel: Probabilistic}
"""


class Folder:
    """Resources as dicts by kind, written to a folder of YAML files."""

    def __init__(self, path):
        self.path = path
        self.resources = yaml.safe_load(RESOURCES)

    def put(self, where, value):
        """Set the value at a path such as "Strategy.spec.policies.0.name"."""
        *parents, last = [int(part) if part.isdigit() else part for part in where.split("/")]
        target = self.resources
        for part in parents:
            target = target[part]
        target[last] = copy.deepcopy(value)
        return self

    def drop(self, where):
        """Remove what is at a path."""
        *parents, last = where.split("/")
        target = self.resources
        for part in parents:
            target = target[int(part) if part.isdigit() else part]
        del target[last]
        return self

    def write(self):
        """Write a file a kind and return the folder."""
        for kind, resource in self.resources.items():
            (self.path / f"{kind}.yaml").write_text(yaml.safe_dump(resource, sort_keys=False))
        return self.path


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)
