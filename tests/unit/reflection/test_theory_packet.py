"""The theory packet: a pure function of facts, and on disk whole or not at all."""

import json
import math
import os

import numpy as np
import pytest

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.policy.canonical import canonical
from alphatrade_runtime.reflection.drift.detectors import Detector
from alphatrade_runtime.reflection.drift.neurons import NeuronShift
from alphatrade_runtime.reflection.drift.packet import (
    Execution,
    Facts,
    markdown,
    normal_tail,
    read_packet,
    theory_packet,
    write_packet,
)
from alphatrade_runtime.reflection.drift.psi import FeatureShift
from alphatrade_runtime.reflection.drift.sentry import DRIFT_EVENT_DTYPE, Action, Stream

FIELDS = (
    "packet_id", "detector", "stream", "fired", "change_point_seq", "before", "after", "p_value", "regime",
    "feature_shifts", "neuron_shifts", "rho_norm", "execution", "policy_hashes", "hypotheses", "actions", "diary",
    "replay", "release",
)  # fmt: skip
NORMS = [(1_000, 1.0), (2_000, 1.1), (2_500, 1.15)]


def event(**changes):
    row = np.zeros(1, DRIFT_EVENT_DTYPE)[0]
    values = {
        "seq": 2**40, "event_ts_ns": 1_700_000_000_000_000_000, "decision_id": 77, "change_seq": 60,
        "statistic": 10.5, "threshold": 10.0, "mean_before": 2.0, "mean_after": 0.1, "n_before": 60, "n_after": 9,
        "size_before": 1.0, "size_after": 0.5, "stream": Stream.EDGE, "detector": Detector.CUSUM_DOWN, "level": 2,
        "action": Action.FREEZE | Action.SIZE,
    }  # fmt: skip
    for name, value in {**values, **changes}.items():
        row[name] = value
    return {name: row[name] for name in row.dtype.names}


def facts(**changes):
    given = {
        "run_id": "run-1", "symbol": "SIM-A", "event": event(), "sd_before": 1.0, "sd_after": 1.0,
        "features": [FeatureShift("order_flow_1s", 0.1, -0.2, 0.03)], "neurons": [NeuronShift(5, 0.2, 0.4)],
        "rho_norms": NORMS, "policy_hashes": ["b", "a"], "diary_last_seq": 9, "diary_hash": "00ff",
    }  # fmt: skip
    return Facts(**{**given, **changes})


def best(**changes):
    return theory_packet(facts(**changes))["hypotheses"][0]["hypothesis"]


def test_it_holds_all_that_it_should_and_the_same_facts_give_the_same_bytes():
    packet = theory_packet(facts())
    assert set(FIELDS) <= set(packet)
    assert canonical(packet) == canonical(theory_packet(facts()))
    assert packet["packet_id"] != theory_packet(facts(run_id="run-2"))["packet_id"]
    assert packet["actions"] == {"taken": ["freeze", "size"], "size_before": 1.0, "size_after": 0.5}
    assert packet["rho_norm"]["slope_per_1000_decisions"] == pytest.approx(0.1)
    assert packet["policy_hashes"] == ["a", "b"]


@pytest.mark.parametrize(
    ("changes", "hypothesis"),
    [
        ({}, "alpha decay"),
        ({"regime_before": "Calm", "regime_after": "Storm", "regime_confidence": 0.9}, "regime change"),
        ({"features": [FeatureShift("spread_ticks", 0.5, 3.0, 1.0)]}, "feature drift"),
        ({"event": event(stream=Stream.PSI)}, "feature drift"),
        ({"event": event(stream=Stream.SLIPPAGE)}, "execution degradation"),
        ({"execution": Execution(1.0, 4.0, 1.0)}, "execution degradation"),
        ({"execution": Execution(filled_before=0.8, filled_after=0.1)}, "execution degradation"),
        ({"masked": 20}, "data fault"),
    ],
)
def test_the_hypothesis_that_the_facts_speak_for_comes_first(changes, hypothesis):
    assert best(**changes) == hypothesis


def test_what_is_not_known_is_null_and_said_so():
    odd = facts(
        sd_before=float("nan"),
        sd_after=float("inf"),
        rho_norms=[(k, math.nan) for k in (1, 2)],
        features=(),
        neurons=(),
    )
    packet = theory_packet(odd)
    assert packet["before"]["sd"] is None
    assert packet["p_value"] is None
    assert "unknown" in markdown(packet)


@pytest.mark.parametrize("x", [0.0, 0.1, 1.0, 1.99, 2.0, 2.01, 3.0, 6.0, 12.0, 30.0])
def test_the_normal_tail_is_right(x):
    assert normal_tail(x) == pytest.approx(0.5 * math.erfc(x / math.sqrt(2)), rel=1e-10)


def test_the_p_value_is_that_of_the_difference_of_means():
    expected = math.erfc(1.9 / math.sqrt(1 / 60 + 1 / 9) / math.sqrt(2))
    assert theory_packet(facts())["p_value"] == pytest.approx(expected, rel=1e-9)


def test_the_page_names_what_a_reader_looks_for():
    page = markdown(theory_packet(facts()))
    for text in ("edge of SIM-A", "cusum_down", "alpha decay", "order_flow_1s", "neuron 5", "`00ff`"):
        assert text in page
    assert "alphatrade verify run-1" in page


def test_what_is_written_is_read_back_and_a_second_writing_changes_nothing(tmp_path):
    packet = theory_packet(facts())
    folder = write_packet(tmp_path / "drift", packet)
    assert folder.name == packet["packet_id"]
    assert read_packet(folder) == json.loads(canonical(packet))
    before = (folder / "packet.json").stat().st_mtime_ns
    assert write_packet(tmp_path / "drift", packet) == folder
    assert (folder / "packet.json").stat().st_mtime_ns == before
    assert sorted(p.name for p in (tmp_path / "drift").iterdir()) == [packet["packet_id"]]


@pytest.mark.parametrize("call", ["fsync", "rename"])
def test_killed_at_any_point_it_is_there_whole_or_not_at_all(tmp_path, monkeypatch, call):
    packet = theory_packet(facts())
    honest, calls = getattr(os, call), 0
    for deadly in range(1, 8):

        def counted(*arguments, deadly=deadly):
            nonlocal calls
            calls += 1
            if calls == deadly:
                raise KeyboardInterrupt
            return honest(*arguments)

        calls = 0
        folder = tmp_path / f"{call}{deadly}"
        with monkeypatch.context() as patched:
            patched.setattr(os, call, counted)
            try:
                write_packet(folder, packet)
            except KeyboardInterrupt:
                found = [p for p in folder.iterdir() if not p.name.startswith(".")]
                assert [read_packet(p) for p in found] in ([], [json.loads(canonical(packet))])
        assert read_packet(write_packet(folder, packet))["packet_id"] == packet["packet_id"]


def test_every_file_and_folder_is_on_disk_before_it_returns(tmp_path, monkeypatch):
    synced = []
    honest = os.fsync

    def noted(fd):
        synced.append(os.readlink(f"/proc/self/fd/{fd}"))
        honest(fd)

    monkeypatch.setattr(os, "fsync", noted)
    packet = theory_packet(facts())
    write_packet(tmp_path / "drift", packet)
    partial = str(tmp_path / "drift" / f".{packet['packet_id']}.partial")
    expected = [str(tmp_path), f"{partial}/packet.json", f"{partial}/packet.md", partial, str(tmp_path / "drift")]
    assert synced == expected


def test_a_packet_that_was_changed_is_refused(tmp_path):
    folder = write_packet(tmp_path, theory_packet(facts()))
    path = folder / "packet.json"
    path.write_bytes(path.read_bytes().replace(b"SIM-A", b"SIM-B"))
    with pytest.raises(InputError, match="packet_id"):
        read_packet(folder)


def test_a_full_disk_is_one_line(small_disk):
    def fill():
        for k in range(10_000):
            write_packet(small_disk / "drift", theory_packet(facts(run_id=f"run-{k}")))

    with pytest.raises(InputError, match="free some space"):
        fill()
