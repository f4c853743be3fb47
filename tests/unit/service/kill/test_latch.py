"""The latch survives everything, and only grows."""

import json
from contextlib import suppress
from typing import Any

import pytest

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.service.kill import Engagement, Latch


def engagement(name="stop", mode="Halt", generation=1, **fields):
    known = {"namespace": "prod", "uid": f"uid-{name}", "reason": "drill", "slippage_bps": 0, "arrived_ns": 7}
    return Engagement(name=name, mode=mode, generation=generation, **{**known, **fields})


def strongest(latch) -> Any:
    return latch.strongest


def test_nothing_is_latched_at_first(tmp_path):
    latch = Latch(tmp_path / "data")
    assert (latch.entries, latch.strongest, latch.latched_by, latch.acknowledgements()) == ((), None, "", [])
    assert not (tmp_path / "data" / "latch.json").exists()


def test_it_outlives_the_process(tmp_path):
    first, second = engagement(), engagement("flat", "Flatten", slippage_bps=20)
    latch = Latch(tmp_path)
    assert latch.engage(first)
    latch.acknowledge(first, last_command=41, at_ns=10**18, latency_ms=3)
    assert latch.engage(second)
    again = Latch(tmp_path)
    assert [entry.engagement.name for entry in again.entries] == ["stop", "flat"]
    assert strongest(again).slippage_bps == 20
    assert [e.name for e in again.waiting] == ["flat"]
    assert again.latched_by == "Flatten by KillSwitch prod/flat: drill"
    (told,) = again.acknowledgements()
    assert (told.namespace, told.name, told.uid, told.generation, told.mode) == ("prod", "stop", "uid-stop", 1, "Halt")
    assert (told.last_command, told.at_ns, told.latency_ms) == (41, 10**18, 3)


def test_one_engagement_is_latched_once(tmp_path):
    latch = Latch(tmp_path)
    assert latch.engage(engagement())
    assert not latch.engage(engagement(arrived_ns=99))
    assert not Latch(tmp_path).engage(engagement())
    assert latch.engage(engagement(generation=2))
    assert latch.engage(engagement(mode="Flatten"))
    assert len(latch.entries) == 3


def test_the_first_of_the_strongest_holds(tmp_path):
    latch = Latch(tmp_path)
    for given in (engagement("a", "Reduce"), engagement("b"), engagement("c"), engagement("d", "Reduce")):
        latch.engage(given)
    assert strongest(latch).name == "b"


def test_the_first_effect_counts(tmp_path):
    latch = Latch(tmp_path)
    latch.engage(engagement())
    latch.acknowledge(engagement(), 1, 2, 3)
    latch.acknowledge(engagement(), 7, 8, 9)
    assert Latch(tmp_path).acknowledgements()[0].last_command == 1


def test_what_is_not_latched_cannot_have_had_its_effect(tmp_path):
    with pytest.raises(KeyError, match="prod/stop: not latched"):
        Latch(tmp_path).acknowledge(engagement(), 1, 2, 3)


DAMAGED = {
    "empty": b"",
    "no JSON": b"\x00\xff",
    "no list": b'{"engagements": 3}',
    "half": b'{"engagements": [{"namespa',
    "a field missing": b'{"engagements": [{"namespace": "prod"}]}',
    "another mode": json.dumps(
        {
            "engagements": [
                {
                    "namespace": "p", "name": "n", "uid": "u", "generation": 1, "mode": "Armed", "reason": "",
                    "slippage_bps": 0, "effect": None,
                }
            ]
        }
    ).encode(),
}  # fmt: skip


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_a_halt_and_is_kept(tmp_path, content):
    (tmp_path / "latch.json").write_bytes(content)
    latch = Latch(tmp_path)
    assert strongest(latch).mode == "Halt"
    assert "UnreadableLatch" in latch.latched_by
    assert (tmp_path / "latch.json.unreadable-1").read_bytes() == content
    assert strongest(Latch(tmp_path)).mode == "Halt"


def test_a_full_disk_latches_in_memory_and_is_told(small_disk):
    latch = Latch(small_disk)
    latch.engage(engagement())
    before = (small_disk / "latch.json").read_bytes()
    with suppress(OSError):
        (small_disk / "filler").write_bytes(b"x" * (2 << 20))
    with pytest.raises(InputError, match="free some space"):
        latch.engage(engagement("second", "Flatten"))
    assert strongest(latch).name == "second"
    assert (small_disk / "latch.json").read_bytes() == before


def test_a_folder_that_cannot_be_read_stops_the_start(tmp_path):
    (tmp_path / "latch.json").mkdir()
    with pytest.raises(InputError, match=r"latch\.json"):
        Latch(tmp_path)


def test_a_status_shows_the_latest(tmp_path):
    latch = Latch(tmp_path)
    for generation in range(1, 71):
        latch.engage(engagement(generation=generation))
        latch.acknowledge(engagement(generation=generation), 0, 0, 0)
    assert [told.generation for told in latch.acknowledgements()] == list(range(7, 71))


def test_what_the_account_remembers_is_told_in_its_words(tmp_path):
    latch = Latch(tmp_path)
    latch.engage(Engagement("", "account", "account", 1, "Halt", "Halt by KillSwitch prod/stop: drill", 0, 0))
    assert latch.latched_by == "Halt by KillSwitch prod/stop: drill, as the account says"
