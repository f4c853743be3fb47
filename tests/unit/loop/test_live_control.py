"""Kill requests: files that are whole or not there, taken once, never misread as less than asked."""

import pytest

from alphatrade_runtime.loop.live_control import FOLDER, mark_taken, pending, request_kill
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.schema import Control


@pytest.fixture
def run(tmp_path):
    (tmp_path / "journal").mkdir()
    return tmp_path


def test_requests_are_taken_in_order_and_once(run):
    request_kill(run, "Reduce", "first")
    request_kill(run, "Flatten", "second", 30)
    found = pending(run)
    assert [(r.mode, r.reason, r.slippage_bps) for r in found] == [
        (Control.REDUCE, "first", 0),
        (Control.FLATTEN, "second", 30),
    ]
    mark_taken(found[0])
    assert [r.reason for r in pending(run)] == ["second"]


def test_nothing_asked_is_nothing_pending(run):
    assert pending(run) == []


def test_what_cannot_be_read_halts(run):
    (run / FOLDER).mkdir()
    (run / FOLDER / "1.json").write_text('{"mode": "Redu')
    (run / FOLDER / "2.partial-1").write_text("{}")
    assert [(r.mode, r.reason) for r in pending(run)] == [(Control.HALT, "unreadable request")]


@pytest.mark.parametrize(
    ("mode", "reason", "slippage", "named"),
    [
        ("Stop", "why", 0, "--mode Stop: no such kill mode; choose from Reduce, Halt, Flatten"),
        ("Halt", "", 0, "--reason: 0 characters"),
        ("Halt", "x" * 241, 0, "--reason: 241 characters"),
        ("Flatten", "why", 10_000, "--max-slippage: 10000 bps"),
    ],
)
def test_a_wrong_request_is_refused(run, mode, reason, slippage, named):
    with pytest.raises(InputError, match=named):
        request_kill(run, mode, reason, slippage)
    assert not (run / FOLDER).exists()


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(InputError, match="no journal there"):
        request_kill(tmp_path, "Halt", "why")
