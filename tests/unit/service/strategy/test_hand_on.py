"""A pod finds a journal of another code: it goes on from its end, in a folder of its own, or not at all."""

import threading
from typing import Any, cast

import pytest

from alphatrade.telemetry import Registry
from alphatrade_runtime.loop import recovery
from alphatrade_runtime.loop.carried import take_out
from alphatrade_runtime.loop.identity import Identity
from alphatrade_runtime.loop.journal import Journal
from alphatrade_runtime.loop.live_clock import ClockFacts
from alphatrade_runtime.loop.live_session import LiveFacts, LiveSession, new_live_core
from alphatrade_runtime.loop.recorder import Recorder
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.service.kill.latch import Latch
from alphatrade_runtime.service.strategy import folders
from alphatrade_runtime.service.strategy.runtime import Parts, Runtime
from alphatrade_runtime.service.strategy.steering import PodSteering

from .test_steering import Watch, terms

OLD, NEW = "a" * 64, "b" * 64
CLOCK = ClockFacts(1_700_000_000_000_000_000, 0, 1)


def left_behind(data, *, in_order=True, document=None):
    """Write the folder of a session as a pod of the old code leaves it."""
    folder = folders.following(data, folders.latest(data))
    session = terms().session
    facts = LiveFacts("run-1", document or terms().document, {}, OLD, CLOCK, "sha256:x", False)
    journal = Journal.create(folder.path / recovery.JOURNAL, facts.to_mapping())
    if in_order:
        live = LiveSession(new_live_core(session, CLOCK), Recorder.create(None, {}, False, None), None)
        carry = take_out(live.core, session, "run-1", Identity("p" * 64, "e" * 64, OLD), live.place())
        journal.append_meta({"carry": carry.to_record()})
    journal.close()
    return folder


class Played(Runtime):
    """A runtime that notes what it would play."""

    def __init__(self, data, wanted=None):
        steering = PodSteering(
            wanted or terms(), cast(Any, Watch()), Latch(data), Registry("strategy", "a"), lambda: None
        )
        stop = threading.Event()
        super().__init__(
            Parts(cast(Any, None), data, Registry("strategy", "b"), steering, stop, NEW, threading.Event())
        )
        self.played: list[tuple[int, bool, Any]] = []

    def _play_session(self, terms, folder, start_seq, ending=False):
        opening = folder.opening()
        self.played.append((folder.ordinal, ending, None if opening is None else opening.carry.session_id))

    def turn(self, times):
        for _ in range(times):
            self._next()
        return self.played


def test_it_goes_on_in_a_folder_of_its_own_and_the_old_one_stays(tmp_path):
    first = left_behind(tmp_path)
    before = {path.name: path.read_bytes() for path in (first.path / recovery.JOURNAL).iterdir()}
    assert Played(tmp_path).turn(3) == [(2, False, "run-1")]
    assert {path.name: path.read_bytes() for path in (first.path / recovery.JOURNAL).iterdir()} == before
    closed = first.closed()
    assert closed is not None
    assert (closed["by"], closed["code_hash"]) == (folders.CARRIED, OLD)


@pytest.mark.parametrize("crashes_after", [1, 2])
def test_a_crash_on_the_way_is_gone_through_again(tmp_path, crashes_after):
    left_behind(tmp_path)
    Played(tmp_path).turn(crashes_after)
    assert (2, False, "run-1") in Played(tmp_path).turn(3)
    assert sorted(path.name for path in (tmp_path / "sessions").iterdir()) == ["000001", "000002"]


def test_a_configuration_changed_with_the_code_ends_the_session_in_order(tmp_path):
    other = terms()
    other.config.session["policy"]["genotype"]["policies"][0]["weight_bps"] = 5_000
    left_behind(tmp_path, document=other.document)
    assert Played(tmp_path).turn(3) == [(2, True, "run-1")]


def test_what_was_not_closed_in_order_is_left_as_it_is(tmp_path):
    folder = left_behind(tmp_path, in_order=False)
    with pytest.raises(InputError, match="of another code, aaaaaaaaaaaa, and was not closed in order; go back"):
        Played(tmp_path).turn(1)
    assert folder.closed() is None
    assert folders.latest(tmp_path) == folder
