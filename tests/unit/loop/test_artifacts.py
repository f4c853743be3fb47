"""A run's folder appears whole or not at all, and a killed run is found again."""

import json
from datetime import date

import pytest

from alphatrade_runtime.loop.artifacts import RunFolder, cached_tape, find_run, write_facts
from alphatrade_runtime.loop.checkpoint import NAME as CHECKPOINT
from alphatrade_runtime.market.faults import InputError

DAY = date(2026, 1, 5)


def listing(base):
    return sorted(str(path.relative_to(base)) for path in base.rglob("*"))


def broken(base, kind, file, error):
    """Write a file of a run, then end it by an error."""
    with RunFolder(base, kind, "key") as folder:
        (folder.path / file).parent.mkdir(exist_ok=True)
        (folder.path / file).write_bytes(b"state")
        raise error


def test_a_finished_run_lies_under_kind_and_day_and_nothing_else_stays(tmp_path):
    with RunFolder(tmp_path, "sim", "key") as folder:
        write_facts(folder.path, {"run_id": "run-1"})
        (folder.path / CHECKPOINT).write_bytes(b"state")
        final = folder.publish(DAY, "run-1")
    assert final == tmp_path / "sim/2026/01/05/run-1"
    assert json.loads((final / "run.json").read_text()) == {"run_id": "run-1"}
    assert listing(tmp_path) == ["sim", "sim/2026", "sim/2026/01", "sim/2026/01/05"] + [
        "sim/2026/01/05/run-1",
        "sim/2026/01/05/run-1/run.json",
    ]


def test_an_identical_run_takes_the_place_of_the_old_one(tmp_path):
    for text in ("old", "new"):
        with RunFolder(tmp_path, "sim", "key") as folder:
            (folder.path / text).write_text(text)
            final = folder.publish(DAY, "run-1")
    assert [path.name for path in final.iterdir()] == ["new"]
    assert [path.name for path in final.parent.iterdir()] == ["run-1"]


def test_an_error_leaves_the_listing_as_it_was(tmp_path):
    base = tmp_path / "not" / "there"
    with pytest.raises(InputError):
        broken(base, "sim", CHECKPOINT, InputError("disk full"))
    assert listing(tmp_path) == []


def test_an_error_beside_an_earlier_run_removes_only_its_own(tmp_path):
    with RunFolder(tmp_path, "sim", "a") as folder:
        folder.publish(DAY, "run-1")
    before = listing(tmp_path)
    with pytest.raises(InputError), RunFolder(tmp_path, "sim", "b"):
        raise InputError("no")
    assert listing(tmp_path) == before


def test_a_stop_by_hand_keeps_a_checkpoint_and_says_so(tmp_path):
    with pytest.raises(KeyboardInterrupt) as stopped:
        broken(tmp_path, "sim", CHECKPOINT, KeyboardInterrupt())
    assert "goes on" in stopped.value.__notes__[0]
    with RunFolder(tmp_path, "sim", "key") as again:
        assert again.resumed
        assert (again.path / CHECKPOINT).read_bytes() == b"state"


def test_a_journal_is_never_dropped(tmp_path):
    with pytest.raises(RuntimeError):
        broken(tmp_path, "paper", "journal/journal-000000.bin", RuntimeError("stalled"))
    with RunFolder(tmp_path, "paper", "key") as again:
        assert again.resumed


def test_what_a_run_killed_before_its_first_checkpoint_left_is_cleared(tmp_path):
    left = tmp_path / "sim/.unfinished/key"
    (left / "folder").mkdir(parents=True)
    (left / "orders-000000.arrow").write_bytes(b"half")
    with RunFolder(tmp_path, "sim", "key") as folder:
        assert not folder.resumed
        assert list(folder.path.iterdir()) == []


def test_two_processes_cannot_write_one_run(tmp_path):
    with RunFolder(tmp_path, "sim", "key"), pytest.raises(InputError, match="another process"):
        RunFolder(tmp_path, "sim", "key")


def test_a_run_is_found_by_path_and_by_id_finished_or_not(tmp_path):
    with RunFolder(tmp_path, "sim", "key") as folder:
        assert find_run(tmp_path, "key") == folder.path
        final = folder.publish(DAY, "run-1")
    assert find_run(tmp_path, "run-1") == final
    assert find_run(tmp_path / "elsewhere", str(final)) == final
    with pytest.raises(InputError, match="run-2: no such folder"):
        find_run(tmp_path, "run-2")


def test_a_tape_is_written_once_and_again_when_it_is_damaged(tmp_path):
    written = []

    def write(folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "tape").write_text("good")
        written.append(folder)

    def check(folder):
        if not (folder / "tape").exists() or (folder / "tape").read_text() != "good":
            raise InputError("damaged")

    for _ in range(2):
        folder = cached_tape(tmp_path, "key", write, check)
    assert folder == tmp_path / "tapes" / "key"
    assert len(written) == 1
    (folder / "tape").write_text("bad")
    cached_tape(tmp_path, "key", write, check)
    assert len(written) == 2


def test_a_tape_that_cannot_be_written_leaves_no_folder(tmp_path):
    def write(folder):
        folder.parent.mkdir(parents=True)
        raise InputError("refused")

    def check(folder):
        raise InputError("missing")

    with pytest.raises(InputError, match="refused"):
        cached_tape(tmp_path / "new", "key", write, check)
    assert listing(tmp_path) == []
