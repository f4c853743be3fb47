"""The three plain pages."""

import asyncio
from typing import Any

import aiohttp

from alphatrade_operator.core.queue import KeyQueue
from alphatrade_operator.endpoints import Endpoints
from alphatrade_operator.kube.resources import OURS
from alphatrade_operator.kube.store import Store
from alphatrade_operator.measures import Measures
from unit.operator.cache import resource


def pages(health=True, ready=True, metrics=b"m 1\n"):
    async def scene():
        endpoints = Endpoints(lambda: (health, {"a": 1}), lambda: (ready, {"b": 2}), lambda: metrics)
        port = await endpoints.start(0)
        async with aiohttp.ClientSession() as session:
            found = {}
            for page in ("healthz", "readyz", "metrics", "other"):
                async with session.get(f"http://127.0.0.1:{port}/{page}") as answer:
                    found[page] = answer.status, await answer.text()
        await endpoints.stop()
        return found

    return asyncio.run(scene())


def test_good_is_200_and_says_why():
    found = pages()
    assert (found["healthz"], found["readyz"]) == ((200, '{"a": 1}'), (200, '{"b": 2}'))
    assert found["metrics"] == (200, "m 1\n")
    assert found["other"][0] == 404


def test_bad_is_503_and_says_why():
    found = pages(health=False, ready=False)
    assert (found["healthz"], found["readyz"]) == ((503, '{"a": 1}'), (503, '{"b": 2}'))


class Lease:
    epoch, held = 4, True


LEASE: Any = Lease()


def test_metrics_are_those_of_the_registry():
    measures, store = Measures(), Store()
    ready = resource("Strategy", "a", resourceVersion="1")
    ready["status"] = {"conditions": [{"type": "Ready", "status": "True"}]}
    store.put("Strategy", ready)
    store.put("Strategy", resource("Strategy", "b", resourceVersion="1"))
    measures.reconciled("Strategy", "failed", 0.1)
    measures.wrote("apply", "Strategy")
    measures.issued()
    measures.authority_until(5.0)
    text = measures.text(KeyQueue(lambda: 0.0, lambda: 0.0), LEASE, store).decode()
    for line in (
        'alphatrade_operator_reconciles_total{kind="Strategy",result="failed"} 1.0',
        'alphatrade_operator_errors_total{kind="Strategy"} 1.0',
        'alphatrade_operator_writes_total{kind="Strategy"} 1.0',
        'alphatrade_operator_objects{kind="Strategy"} 2.0',
        'alphatrade_operator_not_ready_objects{kind="Strategy"} 1.0',
        "alphatrade_operator_lease_epoch 4.0",
        "alphatrade_operator_lease_held_state 1.0",
        "alphatrade_certificate_expiry_timestamp_seconds 5.0",
    ):
        assert line in text.splitlines()


def test_every_kind_is_counted():
    text = Measures().text(KeyQueue(lambda: 0.0, lambda: 0.0), LEASE, Store()).decode()
    for one in OURS:
        assert f'alphatrade_operator_objects{{kind="{one.kind}"}} 0.0' in text
