"""The client against a real HTTP server that answers as an API server does when it is in trouble."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from kubernetes.aio import client

from alphatrade_operator.kube import api as api_module
from alphatrade_operator.kube.api import APPLY, Api, read_environment_once
from alphatrade_operator.kube.errors import Conflict, Ending, Gone, NotFound, Refused, Unavailable, error_of
from alphatrade_operator.kube.rate import Rate
from alphatrade_operator.kube.resources import BY_KIND, DEFINITION


@asynccontextmanager
async def serving(*answers):
    """Serve answers in turn, the last one for ever; yield a client and the requests made."""
    asked, left = [], list(answers)

    async def answer(request):
        asked.append((request.method, request.path_qs, request.headers.get("Content-Type"), await request.text()))
        status, body, *headers = left.pop(0) if len(left) > 1 else left[0]
        text = body if isinstance(body, str) else json.dumps(body)
        return web.Response(status=status, text=text, headers=headers[0] if headers else None)

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    configuration = client.Configuration()
    configuration.host = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        async with Api(configuration, Rate(1e6, 1_000, lambda: 0.0)) as found:
            yield found, asked
    finally:
        await runner.cleanup()


def request(*answers, method="GET", body=None, **options):
    async def scene():
        async with serving(*answers) as (api, asked):
            try:
                return await api.request(method, "/x", body, **options), asked
            except Exception as error:
                return error, asked

    return asyncio.run(scene())


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    """Do not wait between attempts."""
    monkeypatch.setattr(api_module, "_PAUSE_S", 0.0)


def test_an_answer_is_returned():
    assert request((200, {"a": 1}))[0] == {"a": 1}


def test_a_body_is_sent_as_what_it_is():
    _, asked = request((200, {}), method="PATCH", body={"a": 1}, content_type=APPLY, query={"force": "true"})
    assert asked == [("PATCH", "/x?force=true", APPLY, '{"a": 1}')]


@pytest.mark.parametrize(
    ("status", "kind"), [(404, NotFound), (409, Conflict), (410, Gone), (403, Refused), (422, Refused), (413, Refused)]
)
def test_what_is_final_is_not_tried_again(status, kind):
    error, asked = request((status, {"reason": "Because", "message": "of\n this"}))
    assert isinstance(error, kind)
    assert str(error) == f"GET /x: {status} Because: of this"
    assert len(asked) == 1


def test_a_namespace_that_is_going_is_told_from_a_right_that_is_missing():
    text = 'secrets "x" is forbidden: unable to create new content in namespace a because it is being terminated'
    assert isinstance(request((403, {"message": text}))[0], Ending)


def test_a_manifest_that_is_not_as_defined_is_refused_although_the_server_says_500():
    error, asked = request((500, {"message": "failed to create typed patch object (a/b): .status.x: expected string"}))
    assert isinstance(error, Refused)
    assert len(asked) == 1


@pytest.mark.parametrize("status", [429, 500, 503, 504])
def test_what_may_pass_is_tried_again(status):
    answer, asked = request((status, {}), (status, {}), (200, {"a": 1}))
    assert (answer, len(asked)) == ({"a": 1}, 3)


def test_after_three_attempts_it_is_given_up():
    error, asked = request((503, "not even JSON"))
    assert isinstance(error, Unavailable)
    assert len(asked) == 3


def test_what_must_not_be_done_twice_is_tried_once():
    error, asked = request((503, {}), method="POST", body={}, tries=1)
    assert isinstance(error, Unavailable)
    assert len(asked) == 1


def test_an_answer_that_is_no_json_is_a_broken_one():
    error, _ = request((200, "oops"), tries=1)
    assert isinstance(error, Unavailable)


def test_the_server_says_how_long_to_wait():
    told, untold = (error_of("GET /x", 429, {}, header) for header in ("3", "soon"))
    assert isinstance(told, Unavailable)
    assert isinstance(untold, Unavailable)
    assert (told.retry_after_s, untold.retry_after_s) == (3.0, None)


@pytest.mark.parametrize(
    ("host", "given", "proxy"),
    [
        ("https://api.example:6443", None, "http://proxy.example:3128"),
        ("http://api.example", None, None),
        ("https://api.example:6443", "http://own.example", "http://own.example"),
        ("https://near.example:6443", None, None),
    ],
)
def test_a_proxy_is_looked_for_once(monkeypatch, host, given, proxy):
    monkeypatch.setenv("no_proxy", "near.example")
    configuration = client.Configuration()
    configuration.host, configuration.proxy = host, given
    read_environment_once(configuration, {"https": "http://proxy.example:3128"})
    assert configuration.proxy == proxy
    assert configuration.client_session_kwargs == {"trust_env": False}


def test_a_server_that_is_not_there_is_unavailable():
    async def scene():
        configuration = client.Configuration()
        configuration.host = "http://127.0.0.1:9"
        async with Api(configuration, Rate(10, 10, lambda: 0.0)) as api:
            await api.request("GET", "/x", tries=1)

    with pytest.raises(Unavailable):
        asyncio.run(scene())


def watch(text, status=200):
    async def scene():
        async with serving((status, text)) as (api, _):
            return [event async for event in api.watch("/x", {}, 5.0)]

    return asyncio.run(scene())


def test_events_are_lines():
    assert watch('{"type":"ADDED","object":{}}\n\n{"type":"BOOKMARK","object":{}}\n') == [
        {"type": "ADDED", "object": {}},
        {"type": "BOOKMARK", "object": {}},
    ]


@pytest.mark.parametrize("status", [{"code": 410}, {"code": 500, "reason": "Expired"}])
def test_a_version_that_is_too_old_is_gone(status):
    with pytest.raises(Gone):
        watch(json.dumps({"type": "ERROR", "object": status}) + "\n")


def test_a_watch_that_is_refused_is():
    with pytest.raises(Refused):
        watch("{}", 403)


def test_a_rate_is_kept_over_a_burst():
    now_s = [0.0]
    rate = Rate(2.0, 3, lambda: now_s[0])
    assert [rate.take() for _ in range(4)] == [True, True, True, False]
    now_s[0] = 0.5
    assert [rate.take() for _ in range(2)] == [True, False]
    now_s[0] = 10.0
    assert [rate.take() for _ in range(4)] == [True, True, True, False]


def served(*urgent, canceled=()):
    """Return the order in which those that waited got a token of a rate, by their numbers."""

    async def scene():
        rate, order = Rate(200.0, 1, asyncio.get_running_loop().time), []

        async def one(number, first):
            await rate.wait(first)
            order.append(number)

        tasks = [asyncio.create_task(one(number, first)) for number, first in enumerate(urgent)]
        await asyncio.sleep(0)
        for number in canceled:
            tasks[number].cancel()
        await asyncio.wait(tasks, timeout=5.0)
        return order

    return asyncio.run(scene())


def test_who_waits_for_a_token_gets_it_in_order_and_urgent_ones_first():
    assert served(False, False, False) == [0, 1, 2]
    assert served(False, False, False, True, True) == [0, 3, 4, 1, 2]


def test_a_token_is_not_lost_on_who_no_longer_waits():
    assert served(False, False, False, True, canceled=(1, 3)) == [0, 2]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (BY_KIND["Pod"].path(), "/api/v1/pods"),
        (BY_KIND["Pod"].path("desk", "p"), "/api/v1/namespaces/desk/pods/p"),
        (BY_KIND["Namespace"].path("", "desk"), "/api/v1/namespaces/desk"),
        (
            BY_KIND["Strategy"].path("desk", "a", "status"),
            "/apis/alphatrade.io/v1alpha1/namespaces/desk/strategies/a/status",
        ),
        (DEFINITION.path(), "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"),
    ],
)
def test_paths(path, expected):
    assert path == expected
