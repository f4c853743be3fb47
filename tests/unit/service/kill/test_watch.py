"""Kill switches reach the loop whatever the network does; when they might not, it is told so."""

import threading
import time

import pytest

from alphatrade.config import KillScope
from alphatrade_runtime.service.kill import KillWatch
from unit.service.kill.fake_api import FakeApi, kill_switch

SCOPE = KillScope(own_namespace="prod", operator_namespace="alphatrade", labels={"team": "a"})
STALENESS_S = 0.9
PATIENCE_S = 10.0


@pytest.fixture
def api(tmp_path):
    fake = FakeApi(tmp_path / "api")
    yield fake
    fake.down()


@pytest.fixture
def watched(api):
    watch = KillWatch(SCOPE, api.address, round(STALENESS_S * 1e9))
    watch.start()
    yield watch
    watch.close()
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("kill-")]


def eventually(condition, patience_s=PATIENCE_S):
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        if result := condition():
            return result
        time.sleep(0.005)
    pytest.fail("did not come true in time")


def polled(watch, n, patience_s=PATIENCE_S):
    found: list = []

    def enough():
        found.extend(watch.poll())
        return len(found) >= n

    eventually(enough, patience_s)
    return found


def settle(watch, api):
    """Wait until both namespaces are listed and watched."""
    eventually(lambda: not watch.stale and api.watches >= 2)


def test_before_the_first_list_nobody_may_trade(api):
    watch = KillWatch(SCOPE, api.address, round(STALENESS_S * 1e9))
    assert watch.stale
    assert watch.list_age_ns() is None
    assert watch.poll() == []


def test_lists_are_from_quorum_and_keep_fresh(watched, api):
    settle(watched, api)
    seen = api.lists
    eventually(lambda: api.lists >= seen + 6)
    assert not watched.stale
    assert watched.fault == ""
    assert not any("resourceVersion" in query for query in api.queries)


def test_one_namespace_is_listed_once(api):
    scope = SCOPE.model_copy(update={"operator_namespace": "prod"})
    watch = KillWatch(scope, api.address, round(STALENESS_S * 1e9))
    watch.start()
    eventually(lambda: not watch.stale)
    assert api.lists == 1
    watch.close()


def test_a_change_comes_at_once_by_the_watch(api):
    watch = KillWatch(SCOPE, api.address, 3600 * 10**9)
    watch.start()
    settle(watch, api)
    lists, asked = api.lists, time.monotonic()
    api.apply(kill_switch("stop", "Flatten", generation=3, maxFlattenSlippageBps=20, reason="news"))
    (engagement,) = polled(watch, 1)
    assert api.lists == lists
    assert time.monotonic() - asked < 2
    assert (engagement.namespace, engagement.name, engagement.uid) == ("prod", "stop", "uid-stop")
    assert (engagement.mode, engagement.generation, engagement.slippage_bps) == ("Flatten", 3, 20)
    assert engagement.reason == "news"
    assert 0 < time.monotonic_ns() - engagement.arrived_ns < 5 * 10**9
    watch.close()


def test_the_loop_is_woken(api):
    woken = threading.Event()
    watch = KillWatch(SCOPE, api.address, 3600 * 10**9, wake=woken.set)
    watch.start()
    settle(watch, api)
    assert not woken.is_set()
    api.apply(kill_switch("stop"))
    assert woken.wait(PATIENCE_S)
    assert watch.poll()
    watch.close()


def test_a_kill_switch_that_stands_is_told_once_whatever_tells_of_it(watched, api):
    api.apply(kill_switch("stop"))
    assert [e.name for e in polled(watched, 1)] == ["stop"]
    lists = api.lists
    api.cut()
    api.tell("prod", "MODIFIED", kill_switch("stop"))
    eventually(lambda: api.lists > lists + 4)
    assert watched.poll() == []


@pytest.mark.parametrize(
    ("then", "told"),
    [
        (kill_switch("stop", "Flatten", generation=2), ["Flatten"]),
        (kill_switch("stop", "Flatten", generation=1), ["Flatten"]),  # stronger, whatever it says of itself
        (kill_switch("stop", "Halt", generation=2), ["Halt"]),
        (kill_switch("stop", "Reduce", generation=1), []),
        (kill_switch("stop", "Armed", generation=2), []),
    ],
)
def test_what_changed_or_got_stronger_is_told_again(watched, api, then, told):
    settle(watched, api)
    api.apply(kill_switch("stop"))
    polled(watched, 1)
    api.apply(then, kill_switch("mark"))
    found = polled(watched, len(told) + 1)
    assert [e.mode for e in found if e.name == "stop"] == told


def test_deleting_or_disarming_tells_nothing(watched, api):
    settle(watched, api)
    api.apply(kill_switch("stop"))
    polled(watched, 1)
    api.delete("prod", "stop")
    lists = api.lists
    eventually(lambda: api.lists > lists + 2)
    assert watched.poll() == []


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (kill_switch("x", selector={"matchLabels": {"team": "b"}}), False),
        (kill_switch("x", selector={"matchLabels": {"team": "a"}}), True),
        (kill_switch("x", namespace="alphatrade"), False),
        (kill_switch("x", namespace="alphatrade", scope="Cluster"), True),
        (kill_switch("x", namespace="alphatrade", scope="Cluster", selector={"matchLabels": {"team": "b"}}), False),
        (kill_switch("x", namespace="elsewhere", scope="Cluster"), False),
        (kill_switch("x", namespace="prod", scope="Cluster"), True),  # it means us, too, whatever else it means
        (kill_switch("x", "Sleep"), True),
        (kill_switch("x", namespace="alphatrade", scope="World"), True),
    ],
)
def test_whom_it_reaches(watched, api, given, told):
    settle(watched, api)
    api.apply(given, kill_switch("mark"))
    assert ("x" in [e.name for e in polled(watched, 1 + told)]) == told


def test_an_object_that_cannot_be_read_is_a_halt(watched, api):
    api.objects["prod", "odd"] = {"spec": 7}
    (engagement,) = polled(watched, 1)
    assert engagement.mode == "Halt"
    assert engagement.reason.startswith("UnreadableKillSwitch: mode: None")
    lists = api.lists
    eventually(lambda: api.lists > lists + 4)
    assert watched.poll() == []


def test_new_labels_are_judged_at_once(api):
    watch = KillWatch(SCOPE, api.address, 3600 * 10**9)
    api.apply(kill_switch("for-b", selector={"matchLabels": {"team": "b"}}))
    watch.start()
    settle(watch, api)
    assert watch.poll() == []
    api.down()
    watch.configure(SCOPE.model_copy(update={"labels": {"team": "b"}}), 3600 * 10**9)
    assert [e.name for e in watch.poll()] == ["for-b"]
    watch.close()
    api.up()


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500])
def test_refused_lists_are_no_lists(watched, api, status):
    settle(watched, api)
    api.on_list = lambda handler: handler.send(status, b"{}") or True
    eventually(lambda: watched.stale)
    assert str(status) in watched.fault
    api.on_list = lambda handler: False
    eventually(lambda: not watched.stale)
    eventually(lambda: watched.fault == "")  # of the other namespace, too, whose list may come a moment later


def test_one_namespace_without_a_list_is_enough_to_halt(watched, api):
    settle(watched, api)
    api.on_list = lambda handler: handler.namespace == "alphatrade" and (handler.send(403, b"{}") or True)
    eventually(lambda: watched.stale)
    assert watched.fault.startswith("kill switches of alphatrade: 403")
    assert "prod" not in watched.fault


BAD_ANSWERS = {
    "no JSON": b"<html>",
    "no list": b"[]",
    "items missing": b'{"metadata": {}}',
    "items no list": b'{"metadata": {}, "items": {}}',
    "nested without end": b'{"metadata": {}, "items": ' + b"[" * 200_000,
    "cut short": b'{"metadata": {}, "items": [{"spe',
}


@pytest.mark.parametrize("answer", BAD_ANSWERS.values(), ids=BAD_ANSWERS)
def test_an_answer_that_is_no_list_is_no_list(watched, api, answer):
    settle(watched, api)
    api.on_list = lambda handler: handler.send(200, answer) or True
    eventually(lambda: watched.stale)
    assert "no list" in watched.fault


def test_a_server_that_does_not_answer_is_given_up(watched, api):
    settle(watched, api)
    release = threading.Event()
    api.on_list = lambda handler: release.wait(30) or True
    eventually(lambda: watched.stale and "no answer in time" in watched.fault)
    release.set()
    api.on_list = lambda handler: False
    eventually(lambda: not watched.stale)


def test_a_server_that_drips_is_given_up(watched, api):
    settle(watched, api)

    def drip(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        for _ in range(100):
            handler.wfile.write(b" ")
            time.sleep(0.05)

    api.on_list = drip
    eventually(lambda: watched.stale and "no answer in time" in watched.fault)


def test_the_age_counts_from_the_time_of_asking(api):
    def slowly(handler):
        time.sleep(0.5)
        return False

    api.on_list = slowly
    watch = KillWatch(SCOPE, api.address, 3600 * 10**9)
    watch.start()
    eventually(lambda: not watch.stale)
    age_ns = watch.list_age_ns()
    assert age_ns is not None
    assert age_ns >= 0.5e9
    watch.close()


def test_an_api_server_away_for_long_halts_and_one_that_is_back_does_not(watched, api):
    settle(watched, api)
    api.down()
    eventually(lambda: watched.stale)
    assert "Connection" in watched.fault
    api.objects["prod", "stop"] = kill_switch("stop")
    api.up()
    eventually(lambda: not watched.stale)
    assert [e.name for e in polled(watched, 1)] == ["stop"]
    api.apply(kill_switch("later"))
    assert [e.name for e in polled(watched, 1)] == ["later"]


def test_an_api_server_away_for_half_the_staleness_halts_nothing(api):
    watch = KillWatch(SCOPE, api.address, 3 * 10**9)
    watch.start()
    settle(watch, api)
    api.down()
    back = time.monotonic() + 1.5
    while time.monotonic() < back:
        assert not watch.stale
        time.sleep(0.01)
    api.up()
    seen = api.lists
    while api.lists < seen + 4:
        assert not watch.stale
        time.sleep(0.01)
    watch.close()


def test_a_watch_that_is_cut_begins_anew_and_misses_nothing(api):
    watch = KillWatch(SCOPE, api.address, 3600 * 10**9)
    watch.start()
    settle(watch, api)
    api.objects["prod", "missed"] = kill_switch("missed")
    watches = api.watches
    api.cut()
    assert [e.name for e in polled(watch, 1)] == ["missed"]
    assert api.watches > watches
    watch.close()


ENDS = {
    "410 Gone": lambda h: h.chunk(b'{"type": "ERROR", "object": {"kind": "Status", "code": 410}}\n') or h.chunk(b""),
    "garbage": lambda h: h.chunk(b"nonsense\n"),
    "unknown type": lambda h: h.chunk(b'{"type": "SHRUG", "object": {}}\n'),
    "half an event": lambda h: h.chunk(b'{"type": "ADDED", "obj') or h.chunk(b""),
    "an event without end": lambda h: [h.chunk(b"x" * (1 << 20)) for _ in range(5)],
    "nothing": lambda h: h.chunk(b""),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_a_watch_that_ends_badly_begins_anew(api, end):
    def answer(handler):
        handler.begin()
        end(handler)
        api.on_watch = lambda handler: False
        return True

    api.on_watch = answer
    watch = KillWatch(SCOPE, api.address, 3600 * 10**9)
    watch.start()
    settle(watch, api)
    api.apply(kill_switch("stop"))
    assert [e.name for e in polled(watch, 1)] == ["stop"]
    watch.close()


def test_a_server_that_ends_every_watch_is_not_hammered(api):
    asked = []

    def end(handler):
        asked.append(handler.namespace)
        handler.send(200, b"")
        return True

    api.on_watch = end
    watch = KillWatch(SCOPE, api.address, 3600 * 10**9)
    watch.start()
    time.sleep(2.5)
    watch.close()
    assert len(asked) <= 2 * 7


def test_bookmarks_keep_a_watch(api):
    watch = KillWatch(SCOPE, api.address, 3600 * 10**9)
    watch.start()
    settle(watch, api)
    watches = api.watches
    api.tell("prod", "BOOKMARK", {"metadata": {"resourceVersion": "9"}})
    api.apply(kill_switch("stop"))
    polled(watch, 1)
    assert api.watches == watches
    watch.close()


def test_a_token_is_read_anew(watched, api):
    settle(watched, api)
    api.token = "token-2"
    eventually(lambda: "401" in watched.fault)
    (api.folder / "token").write_text("token-2")
    eventually(lambda: watched.fault == "" and not watched.stale)


@pytest.mark.parametrize("spoil", ["unlink", "two lines", "not ascii"])
def test_a_token_that_cannot_be_used_is_no_list(watched, api, spoil):
    settle(watched, api)
    token = api.folder / "token"
    if spoil == "unlink":
        token.unlink()
    else:
        token.write_bytes(b"a\r\nb" if spoil == "two lines" else b"\xff")
    eventually(lambda: watched.stale)
    assert watched.fault


def test_another_authority_is_not_talked_to(api, tmp_path):
    other = FakeApi(tmp_path / "other")
    api.authority.write_bytes(other.authority.read_bytes())
    watch = KillWatch(SCOPE, api.address, round(STALENESS_S * 1e9))
    watch.start()
    eventually(lambda: "CERTIFICATE_VERIFY_FAILED" in watch.fault)
    assert watch.stale
    assert api.lists == 0
    watch.close()
    other.down()


def test_many_kill_switches_and_large_ones(watched, api):
    settle(watched, api)
    many = [kill_switch(f"k{n:04}", selector={"matchLabels": {"team": "b"}}) for n in range(900)]
    api.apply(*many, kill_switch("stop"))
    large = kill_switch("large", generation=2)
    large["metadata"]["annotations"] = {"a": "x" * (1 << 20)}
    api.apply(large)
    assert {e.name for e in polled(watched, 2)} == {"stop", "large"}
    lists = api.lists
    eventually(lambda: api.lists > lists + 10)
    assert not watched.stale


def test_pages_that_do_not_fit_are_made_smaller(api):
    for n in range(40):
        given = kill_switch(f"large{n}", selector={"matchLabels": {"team": "b"}})
        given["metadata"]["annotations"] = {"a": "x" * (1 << 20)}
        api.objects["prod", f"large{n}"] = given
    api.objects["prod", "stop"] = kill_switch("stop")
    api.on_watch = lambda handler: handler.send(500, b"") or True
    watch = KillWatch(SCOPE, api.address, 60 * 10**9)
    watch.start()
    assert [e.name for e in polled(watch, 1, 60)] == ["stop"]
    eventually(lambda: not watch.stale, 60)
    watch.close()


def test_closing_ends_what_waits_for_the_network(api):
    release = threading.Event()
    api.on_list = lambda handler: release.wait(20) or True
    watch = KillWatch(SCOPE, api.address, 3600 * 10**9)
    watch.start()
    eventually(lambda: api.queries)
    started = time.monotonic()
    watch.close()
    assert time.monotonic() - started < 2
    release.set()
