"""A watch lists, follows, and begins again where it must."""

import asyncio
from typing import Any

from alphatrade_operator.kube.errors import Gone, NotFound, Unavailable
from alphatrade_operator.kube.resources import BY_KIND, DEFINITION
from alphatrade_operator.kube.watch import Watcher, list_all

POD = BY_KIND["Pod"]


def pod(name, version):
    return {"metadata": {"name": name, "namespace": "desk", "resourceVersion": str(version)}}


class Server:
    """Plays a script of pages and streams, and remembers what it was asked for. It is its own dispatcher."""

    def __init__(self, pages=(), streams=()):
        self.pages, self.streams, self.asked, self.taken = list(pages), list(streams), [], []
        self.done = asyncio.Event()

    async def request(self, method, path, query=None):
        self.asked.append(("list", path, dict(query)))
        page = self.pages.pop(0)
        if isinstance(page, Exception):
            raise page
        return page

    async def watch(self, path, query, timeout_s):
        self.asked.append(("watch", query["resourceVersion"]))
        if not self.streams:
            self.done.set()
            await asyncio.Event().wait()
        for event in self.streams.pop(0):
            if isinstance(event, Exception):
                raise event
            yield event

    def observe(self, kind, manifest):
        self.taken.append(("observe", manifest["metadata"]["name"], manifest["kind"], manifest["apiVersion"]))

    def lost(self, kind, manifest):
        self.taken.append(("lost", manifest["metadata"]["name"]))

    def relisted(self, kind, manifests, version, namespace):
        self.taken.append(("relisted", [one["metadata"]["name"] for one in manifests], version, namespace))
        return 0


def page(version, *items, token=""):
    return {"items": list(items), "metadata": {"resourceVersion": str(version), "continue": token}}


def follow(monkeypatch, pages, streams, **options):
    monkeypatch.setattr("alphatrade_operator.kube.watch._PAUSE_S", 0.0)
    monkeypatch.setattr("alphatrade_operator.kube.watch._ABSENT_S", 0.0)

    async def scene():
        server: Any = Server(pages, streams)
        watcher = Watcher(server, options.pop("resource", POD), server, lambda: 0.0, **options)
        running = asyncio.create_task(watcher.run())
        await asyncio.wait_for(server.done.wait(), 5.0)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return server

    return asyncio.run(scene())


def test_it_lists_and_follows_from_there(monkeypatch):
    stream = [
        {"type": "ADDED", "object": pod("b", 6)},
        {"type": "MODIFIED", "object": pod("b", 7)},
        {"type": "DELETED", "object": pod("a", 8)},
        {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "20"}}},
    ]
    server = follow(monkeypatch, [page(5, pod("a", 1))], [stream])
    assert server.taken == [
        ("relisted", ["a"], 5, None),
        ("observe", "b", "Pod", "v1"),
        ("observe", "b", "Pod", "v1"),
        ("lost", "a"),
    ]
    assert [asked for asked in server.asked if asked[0] == "watch"] == [("watch", "5"), ("watch", "20")]


def test_what_is_too_old_is_listed_anew(monkeypatch):
    server = follow(monkeypatch, [page(5), page(50)], [[Gone("WATCH", 410, "Expired", "")]])
    assert [asked[0] for asked in server.asked] == ["list", "watch", "list", "watch"]


def test_a_broken_stream_is_listed_anew(monkeypatch):
    broken = [{"type": "ADDED", "object": pod("b", 6)}, Unavailable("WATCH", 0, "BrokenStream", "")]
    server = follow(monkeypatch, [page(5), Unavailable("GET", 0, "Unreachable", ""), page(9)], [broken])
    assert server.asked[-1] == ("watch", "9")


def test_a_kind_that_is_not_served_yet_is_waited_for(monkeypatch):
    server = follow(monkeypatch, [NotFound("GET", 404, "NotFound", ""), page(3)], [], optional=True)
    assert server.asked[-1] == ("watch", "3")


def test_long_lists_come_in_pages():
    async def scene():
        server: Any = Server([page(5, pod("a", 1), token="next"), page(6, pod("b", 2))])
        return await list_all(server, POD), server

    (items, version), server = asyncio.run(scene())
    assert ([one["metadata"]["name"] for one in items], version) == (["a", "b"], 6)
    assert server.asked[1][2]["continue"] == "next"
    assert server.asked[0][2]["labelSelector"] == "app.kubernetes.io/managed-by=alphatrade-operator"


def test_one_object_can_be_asked_for_by_its_name():
    async def scene():
        server: Any = Server([page(5)])
        await list_all(server, DEFINITION)
        return server

    asked = asyncio.run(scene()).asked[0][2]
    assert asked["fieldSelector"] == "metadata.name=podmonitors.monitoring.coreos.com"
    assert "labelSelector" not in asked
