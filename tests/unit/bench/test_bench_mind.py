"""P4, P5a and P5b measure what they say: parts that are on, a real product, rows that waited, a journal verified."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alphatrade_runtime.loop.live_loop import LiveLoop
from alphatrade_runtime.loop.mind.build import parts_of
from alphatrade_runtime.loop.mind.state import HAS_ATTENTION, HAS_BELIEF, HAS_DRIFT, HAS_FAST, HAS_PROBES, HAS_REGIME
from alphatrade_runtime.market.tape import Tape
from alphatrade_runtime.policy.document import parse_session
from bench import ours, ours_bursts, ours_latency, ours_mind, sessions
from bench.spans import SPANS, TITLES
from bench.suite import BENCHMARKS
from bench.tapes import CaptureTape, generated_capture

_ORDER = (HAS_BELIEF, HAS_REGIME, HAS_PROBES, HAS_DRIFT, HAS_FAST, HAS_ATTENTION)


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> CaptureTape:
    return generated_capture(tmp_path_factory.mktemp("generated"))


@pytest.fixture
def diaries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ours, "DIARIES", tmp_path)


def test_every_benchmark_has_a_title_and_says_its_span() -> None:
    assert set(BENCHMARKS) == set(TITLES) == set(SPANS)


@pytest.mark.parametrize("parts", range(len(sessions.PARTS) + 1))
def test_parts_are_put_on_one_after_the_other(parts: int) -> None:
    on = parts_of(parse_session(sessions.mind_session(parts)))
    assert [bool(on & part) for part in _ORDER] == [k < parts for k in range(len(_ORDER))]


def test_a_belief_step_learns_and_a_product_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ours_mind, "STEPS", 300)
    figures = ours_mind.belief_steps("0", "")()
    assert figures["events"] == 300
    assert figures["each_ns"] == pytest.approx(1e9 * figures["seconds"] / 300)
    draw = np.random.default_rng(2)
    matrix, vectors, out = draw.standard_normal((32, 512)), draw.standard_normal((256, 32)), np.zeros(512)
    ours_mind._products(matrix, vectors, out, 7)
    assert np.allclose(out, vectors[6] @ matrix)


@pytest.mark.parametrize("parts", ["0", "6"])
def test_a_replay_is_counted_by_its_decisions(parts: str, diaries: None) -> None:
    figures = ours._mind("3000", parts)()
    assert figures["decisions"] == 3_000
    assert figures["orders"] > 20
    assert figures["denials"] == 0
    assert figures["each_ns"] == pytest.approx(1e9 * figures["seconds"] / 3_000)


def test_a_capture_is_decided_on_at_the_default_clock(tape: CaptureTape, diaries: None) -> None:
    figures = ours._mind_capture(str(tape.folder), "")()
    with Tape.open(tape.folder) as opened:
        assert figures["events"] == len(opened)
    assert 500 < figures["decisions"] < figures["events"]


def test_orders_leave_the_live_path_with_everything_on() -> None:
    figures = ours_latency.latency("3000", "mind")()
    plain = ours_latency.latency("3000", "")()
    assert figures["orders"] > 20
    assert figures["orders"] != plain["orders"], "the mind chose nothing"
    assert 0 < figures["p50_us"] <= figures["p99_us"] <= figures["p999_us"]


def test_a_flip_is_timed_from_the_quote_that_confirms_it_and_has_its_order_at_once() -> None:
    figures = ours_latency.latency("6000", "flip")()
    assert figures["orders"] == figures["at_once"] == figures["switches"] > 20
    assert 0 < figures["p50_us"] <= figures["p99_us"] <= figures["p999_us"]
    assert parts_of(parse_session(sessions.flip_session())) == parts_of(parse_session(sessions.mind_session()))


def test_rows_wait_their_turn_and_the_journal_replays(tape: CaptureTape, monkeypatch: pytest.MonkeyPatch) -> None:
    figures = ours_bursts.bursts(str(tape.folder), "4")()
    assert figures["right"] is True
    assert figures["events"] > 50  # of two seconds
    assert 0 < figures["p50_us"] <= figures["p99_us"] <= figures["p999_us"]
    assert 1 <= figures["largest_batch"] < figures["events"]
    take = LiveLoop._take

    def late(self: Any, spans: Any, *more: Any) -> None:
        time.sleep(0.03)
        take(self, spans, *more)

    monkeypatch.setattr(LiveLoop, "_take", late)
    assert ours_bursts.bursts(str(tape.folder), "4")()["p50_us"] > 30_000
