"""What a kill switch stopped is kept at the account: over restarts, lost volumes and other names."""

import json

import pytest

from alphatrade.v1.broker_pb2 import Stopped, TradeRequest
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.service.broker.stops import StopBook
from unit.service.broker.desk import SECOND, STRATEGY, serving
from unit.service.broker.test_broker_logon import DOCUMENT, ROWS, Raw, logon

HALT = Stopped(mode="Halt", by="KillSwitch desk/stop: a test")
UID = STRATEGY.rsplit("/", 1)[1]


@pytest.mark.parametrize("at_logon", [True, False])
def test_another_strategy_does_not_trade_where_one_was_stopped(tmp_path, issue, at_logon):
    with serving(tmp_path / "data", issue, DOCUMENT, ROWS) as desk:
        requests = [logon(stopped=HALT)] if at_logon else [logon(), TradeRequest(stopped=HALT)]
        assert Raw(desk).ask(*requests)[1] == "OK"
        got, ended = Raw(desk, SECOND).ask(logon())
        assert got == []
        assert "FAILED_PRECONDITION AccountLatched: " in ended
        assert "KillSwitch desk/stop: a test" in ended
        assert "delete the BrokerConnection" in ended
        desk.stop()
        desk.start()
        assert "AccountLatched" in Raw(desk, SECOND).ask(logon())[1]


def test_a_strategy_that_traded_before_goes_on_beside_one_that_was_stopped(tmp_path, issue):
    with serving(tmp_path / "data", issue, DOCUMENT, ROWS) as desk:
        assert Raw(desk, SECOND).ask(logon())[1] == "OK"
        assert Raw(desk).ask(logon(stopped=HALT))[1] == "OK"
        assert Raw(desk, SECOND).ask(logon())[1] == "OK"


def test_who_lost_its_volume_is_told_that_it_was_stopped(tmp_path, issue):
    with serving(tmp_path / "data", issue, DOCUMENT, ROWS) as desk:
        Raw(desk).ask(logon(stopped=HALT))
        got, _ = Raw(desk).ask(logon())
        assert got[-1].logged_on.stopped == HALT
        assert not Raw(desk, SECOND).ask(logon())[0]


def test_an_unknown_mode_is_refused(tmp_path, issue):
    with serving(tmp_path / "data", issue, DOCUMENT, ROWS) as desk:
        got, ended = Raw(desk).ask(logon(stopped=Stopped(mode="Pause", by="x")))
        assert got == []
        assert "FAILED_PRECONDITION StopInvalid: " in ended
        assert "'Pause'" in ended


def test_the_book_keeps_the_strongest_and_takes_nothing_back(tmp_path):
    book = StopBook(tmp_path / "stopped.json")
    for mode in ("Reduce", "Flatten", "Halt"):
        book.add(UID, mode, f"by {mode}")
    again = StopBook(tmp_path / "stopped.json")
    assert again.of(UID) == Stopped(mode="Flatten", by="by Flatten")
    assert again.of("other") is None
    assert again.of_others("other") == again.of(UID)
    assert again.of_others(UID) is None


@pytest.mark.parametrize("text", ["", "[]", '{"u": 1}', '{"u": ["Halt"]}'])
def test_a_book_that_cannot_be_read_opens_no_account(tmp_path, text):
    (tmp_path / "stopped.json").write_text(text)
    with pytest.raises(InputError, match=r"stopped\.json: cannot be read"):
        StopBook(tmp_path / "stopped.json")


def test_the_file_is_what_was_said(tmp_path):
    StopBook(tmp_path / "stopped.json").add(UID, "Halt", "x" * 2_000)
    assert json.loads((tmp_path / "stopped.json").read_text()) == {UID: ["Halt", "x" * 512]}
