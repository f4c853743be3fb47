"""Asking by name: what is there is in the cache, what is gone or may not be read is not."""

import asyncio
from typing import Any

import pytest

from alphatrade_operator.kube.ask import ask_namespaces, ask_pod_monitors
from alphatrade_operator.kube.errors import NotFound, Refused, Unavailable

ABSENT = NotFound("GET", 404, "NotFound", "")
FORBIDDEN = Refused("GET", 403, "Forbidden", "")


class Server:
    """Answers by path, each time the next of a script; it is its own dispatcher."""

    def __init__(self, **answers):
        self.answers, self.taken = {path.replace("_", "/"): list(script) for path, script in answers.items()}, []

    async def request(self, method, path):
        answer = self.answers[path.removeprefix("/api/v1/").removeprefix("/apis/")].pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def observe(self, kind, manifest):
        metadata = manifest["metadata"]
        self.taken.append((kind, metadata["name"], metadata["resourceVersion"], manifest["kind"]))

    def lost(self, kind, manifest):
        self.taken.append(("lost", kind, manifest["metadata"]["name"]))


def namespace(name, version):
    return {"metadata": {"name": name, "resourceVersion": str(version)}}


def _rounds(server, asker, count):
    async def scene():
        for _ in range(count):
            await asker.relist()
        return server.taken

    return asyncio.run(scene())


def _clock():
    return 0.0


def test_namespaces_are_asked_for_each_by_its_name():
    server: Any = Server(namespaces_a=[namespace("a", 5)], namespaces_b=[namespace("b", 6)])
    assert _rounds(server, ask_namespaces(server, ("a", "b"), server, _clock), 1) == [
        ("Namespace", "a", "5", "Namespace"),
        ("Namespace", "b", "6", "Namespace"),
    ]


@pytest.mark.parametrize("away", [ABSENT, FORBIDDEN], ids=["gone", "forbidden"])
def test_one_that_is_gone_or_may_not_be_read_leaves_the_cache_once(away):
    server: Any = Server(namespaces_a=[away, namespace("a", 5), away, away, namespace("a", 9)])
    assert _rounds(server, ask_namespaces(server, ("a",), server, _clock), 5) == [
        ("Namespace", "a", "5", "Namespace"),
        ("lost", "Namespace", "a"),
        ("Namespace", "a", "9", "Namespace"),
    ]


def test_a_server_that_does_not_answer_takes_nothing_away():
    server: Any = Server(namespaces_a=[namespace("a", 5), Unavailable("GET", 0, "Unreachable", "")])
    asker = ask_namespaces(server, ("a",), server, _clock)
    _rounds(server, asker, 1)
    with pytest.raises(Unavailable):
        _rounds(server, asker, 1)
    assert server.taken == [("Namespace", "a", "5", "Namespace")]


def test_whether_pod_monitors_are_served_stands_for_their_definition():
    served = {"kind": "APIResourceList", "groupVersion": "monitoring.coreos.com/v1"}
    server: Any = Server(**{"monitoring.coreos.com_v1": [ABSENT, served, served, ABSENT, served]})
    taken = _rounds(server, ask_pod_monitors(server, server, _clock), 5)
    name, kind = "podmonitors.monitoring.coreos.com", "CustomResourceDefinition"
    # Seen twice under one version is no news for the cache; come again it is, so under another.
    assert taken == [(kind, name, "1", kind), (kind, name, "1", kind), ("lost", kind, name), (kind, name, "2", kind)]
