"""Resources of a small simulated market, as plain objects: a feed, an account, a law, strategies, kill switches."""

from collections.abc import Mapping
from typing import Any

from alphatrade.names import API_VERSION

Manifest = dict[str, Any]
SYMBOL = "SIM-A"
ACCOUNT, LAW, HOUSE = "paper", "default", "house"

# Signals that act all the time: one turns round with each small move, one keeps a quote on both sides.
TURNS: Mapping[str, Any] = {"ref": "ema_cross", "params": {"fast": 2, "slow": 4}}
QUOTES: Mapping[str, Any] = {"ref": "two_sided_quote", "params": {"lots": 20}}
_TOPOLOGIES = {"ema_cross": "Market", "two_sided_quote": "PassiveQuote"}


def resource(kind: str, name: str, spec: Mapping[str, Any], labels: Mapping[str, str] | None = None) -> Manifest:
    """Return an object of ours."""
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": {"name": name, "labels": dict(labels or {})},
        "spec": dict(spec),
    }


def feed(name: str = "feed", speed: str = "20x", duration: str = "2h", seed: int = 7) -> Manifest:
    """Return a simulated feed of one instrument. A busy machine may stop any process, so no quote is stale soon."""
    instrument = {
        "symbol": SYMBOL, "tickSize": "0.01", "lotSize": "1", "makerFeeRate": "0", "takerFeeRate": "0.0001",
        "maxQuoteAge": "1m",
    }  # fmt: skip
    simulator = {"seed": seed, "duration": duration, "speed": speed}
    return resource("MarketDataFeed", name, {"simulator": simulator, "instruments": [instrument]})


def account(name: str = ACCOUNT, law: str = LAW) -> Manifest:
    """Return a paper account. law: over all that its strategies hold together."""
    paper = {"initialCash": "1000000", "currency": "USDT", "orderEntryLatency": "10ms", "responseLatency": "10ms"}
    return resource(
        "BrokerConnection", name, {"environment": "Paper", "paper": paper, "riskTemplateRef": {"name": law}}
    )


def law(name: str = LAW, position: int = 200, order: int = 400, **limits: Any) -> Manifest:
    """Return a RiskTemplate that binds nothing but the sizes given. position, order: lots."""
    wide = {
        "streamStale": "1m", "maxNotionalBps": 10_000, "maxTurnoverMinuteBps": 1_000_000,
        "maxTurnoverHourBps": 10_000_000, "riskPerTradeBps": 10_000, "bandLimitBps": 500, "bandMarketableBps": 500,
    }  # fmt: skip
    instrument = {"symbol": SYMBOL, "maxPositionLots": position, "maxOrderLots": order}
    spec = {"limits": {**wide, **limits}, "drawdown": {"enabled": False}, "instruments": [instrument]}
    return resource("RiskTemplate", name, spec)


def house() -> Manifest:
    """Return the law of an account that binds none of its strategies."""
    return law(HOUSE, position=100_000, order=100_000, maxNetExposureBps=100_000, maxLeverageBps=100_000)


def strategy(
    name: str,
    signal: Mapping[str, Any] = TURNS,
    *,
    on: str = "feed",
    under: str = LAW,
    labels: Mapping[str, str] | None = None,
    **more: Any,
) -> Manifest:
    """Return a Strategy in mode Paper. on: its feed. under: its law. more: further fields of its spec."""
    policy = {"name": "p", "signal": dict(signal), "executionTopology": {"type": _TOPOLOGIES[signal["ref"]]}}
    spec = {
        "mode": "Paper",
        "marketDataFeedRef": {"name": on},
        "brokerConnectionRef": {"name": ACCOUNT},
        "riskTemplateRef": {"name": under},
        "genotype": {"policies": [policy]},
        **more,
    }
    return resource("Strategy", name, spec, labels)


def kill_switch(
    name: str, mode: str, match: Mapping[str, str] | None = None, *, reason: str = "a drill", **more: Any
) -> Manifest:
    """Return a KillSwitch. match: labels of those it means; None: all."""
    selector = {"selector": {"matchLabels": dict(match)}} if match else {}
    return resource("KillSwitch", name, {"mode": mode, "reason": reason, **selector, **more})
