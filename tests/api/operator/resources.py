"""Resources as a user writes them."""

from typing import Any


def template(name: str = "law", **limits: Any) -> dict[str, Any]:
    """Return a RiskTemplate."""
    instruments = [{"symbol": "AAA", "maxPositionLots": 100, "maxOrderLots": 10}]
    return {"kind": "RiskTemplate", "metadata": {"name": name}, "spec": {"instruments": instruments, "limits": limits}}


def switch(name: str = "stop", mode: str = "Halt", **spec: Any) -> dict[str, Any]:
    """Return a KillSwitch."""
    return {"kind": "KillSwitch", "metadata": {"name": name}, "spec": {"mode": mode, "reason": "drill", **spec}}


def feed(name: str = "feed") -> dict[str, Any]:
    """Return a MarketDataFeed."""
    fees = {"makerFeeRate": "0", "takerFeeRate": "0.0001"}
    instrument = {"symbol": "AAA", "tickSize": "0.01", "lotSize": "1", **fees}
    spec = {"simulator": {"seed": 7, "duration": "1h", "speed": "200x"}, "instruments": [instrument]}
    return {"kind": "MarketDataFeed", "metadata": {"name": name}, "spec": spec}


def account(name: str = "account", law: str = "law") -> dict[str, Any]:
    """Return a BrokerConnection."""
    spec = {"paper": {"initialCash": "1000000"}, "riskTemplateRef": {"name": law}}
    return {"kind": "BrokerConnection", "metadata": {"name": name}, "spec": spec}


def strategy(name: str = "alpha", law: str = "law", **labels: str) -> dict[str, Any]:
    """Return a Strategy."""
    policy = {
        "name": "trend",
        "signal": {"ref": "ema_cross", "params": {"fast": 20, "slow": 50}},
        "executionTopology": {"type": "Market"},
    }
    spec = {
        "mode": "Paper",
        "instruments": ["AAA"],
        "marketDataFeedRef": {"name": "feed"},
        "brokerConnectionRef": {"name": "account"},
        "riskTemplateRef": {"name": law},
        "genotype": {"policies": [policy]},
    }
    return {"kind": "Strategy", "metadata": {"name": name, "labels": labels}, "spec": spec}


def everything() -> list[dict[str, Any]]:
    """Return one of each, that refer to each other."""
    return [template(), feed(), account(), strategy(), switch(mode="Armed")]
