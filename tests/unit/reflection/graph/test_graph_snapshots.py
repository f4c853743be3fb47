"""A snapshot as a file: the same bytes, the latest 64, whole or not at all, and read only as it was written."""

import errno
import os
import time
from dataclasses import replace

import numpy as np
import pytest

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.policy.canonical import canonical
from alphatrade_runtime.reflection.graph.snapshots import KEPT, cut_back, files, read_snapshot, write_snapshot
from unit.reflection.graph.planted import rho_snapshot


def test_what_is_written_is_read_back_and_the_same_bytes_at_any_time(tmp_path, monkeypatch):
    taken = rho_snapshot(3)
    path = write_snapshot(tmp_path / "one", taken)
    found = read_snapshot(path)
    assert found.facts() == taken.facts()
    assert found.rho.tobytes() == taken.rho.tobytes()
    honest = time.time()
    monkeypatch.setattr(time, "time", lambda: honest + 86_400.0)
    assert write_snapshot(tmp_path / "two", taken).read_bytes() == path.read_bytes()


def test_the_latest_64_of_each_instrument_are_kept(tmp_path):
    other = write_snapshot(tmp_path, rho_snapshot(1, instrument=1))
    for k in range(1, KEPT + 4):
        write_snapshot(tmp_path, rho_snapshot(k))
    there = files(tmp_path, 0)
    assert [read_snapshot(path).decisions for path in there] == [1_024 * k for k in range(4, KEPT + 4)]
    assert files(tmp_path, 1) == [other]
    cut_back(tmp_path, 0, read_snapshot(there[9]).decision_id)
    assert files(tmp_path, 0) == there[:10]


@pytest.mark.parametrize(("call", "number", "said"), [
    ("savez", errno.ENOSPC, "No space left on device; free some space"),
    ("replace", errno.EACCES, "Permission denied; check the path"),
])  # fmt: skip
def test_a_disk_error_is_one_line_and_leaves_nothing(tmp_path, monkeypatch, call, number, said):

    def fails(*given, **named):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(np if call == "savez" else os, call, fails)
    with pytest.raises(InputError, match=said):
        write_snapshot(tmp_path, rho_snapshot(1))
    assert list(tmp_path.iterdir()) == []


def test_a_changed_weight_is_found(tmp_path):
    taken = rho_snapshot(2)
    path = write_snapshot(tmp_path, taken)
    honest = taken.digest
    other = replace(taken, rho=taken.rho + np.float32(1e-3))
    facts, digest = (np.frombuffer(text, np.uint8) for text in (canonical(taken.facts()), honest.encode()))
    np.savez(path, rho=other.rho, facts=facts, digest=digest)
    with pytest.raises(InputError, match="digest or name are not those of its content"):
        read_snapshot(path)
    moved = write_snapshot(tmp_path, taken).rename(tmp_path / rho_snapshot(9).name)
    with pytest.raises(InputError, match="digest or name"):
        read_snapshot(moved)


@pytest.mark.parametrize("damage", ["cut", "text", "empty", "other arrays", "shape", "schema"])
def test_a_damaged_file_is_named(tmp_path, damage):
    taken = rho_snapshot(2)
    path = write_snapshot(tmp_path, taken)
    whole = path.read_bytes()
    text = np.frombuffer(canonical({**taken.facts(), "schema": 2}), np.uint8)
    if damage == "cut":
        path.write_bytes(whole[: len(whole) // 2])
    elif damage == "text":
        path.write_text("no npz")
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "other arrays":
        np.savez(path, b=np.zeros(3))
    elif damage == "shape":
        write_snapshot(tmp_path, replace(taken, rho=taken.rho[:5]))
    else:
        np.savez(path, rho=taken.rho, facts=text, digest=text)
    with pytest.raises(InputError, match="no snapshot of fast weights") as told:
        read_snapshot(path)
    assert str(path) in str(told.value)
