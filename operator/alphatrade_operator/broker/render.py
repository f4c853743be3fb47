"""Render a BrokerConnection into the exchange and the account of a session: pure."""

from typing import Any

from alphatrade_operator.broker.model import BrokerConnectionSpec, PaperExchange
from alphatrade_operator.core.quantities import plain

_QUEUES = {"RiskAverse": "risk_averse", "Probabilistic": "probabilistic"}


def paper_of(spec: BrokerConnectionSpec) -> PaperExchange:
    """Return the paper exchange, the only broker there is; the model lets none pass without it."""
    if spec.paper is None:
        raise ValueError("spec.paper: missing")
    return spec.paper


def render_exchange(spec: BrokerConnectionSpec) -> dict[str, Any]:
    """Return `exchange`."""
    paper = paper_of(spec)
    return {
        "queue_model": _QUEUES[paper.queue_model],
        "partial_fills": paper.partial_fills,
        "entry_latency_ns": paper.order_entry_latency_ns,
        "response_latency_ns": paper.response_latency_ns,
        "cancel_on_disconnect": paper.cancel_on_disconnect,
    }


def render_account(spec: BrokerConnectionSpec) -> dict[str, str]:
    """Return the account's part of `policy`."""
    paper = paper_of(spec)
    return {"initial_cash": plain(paper.initial_cash), "currency": paper.currency}
