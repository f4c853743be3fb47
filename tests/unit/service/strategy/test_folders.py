"""Sessions on a pod's volume: one after another, each closed before the next begins."""

import numpy as np
import pytest

from alphatrade_runtime.loop.journal import Journal
from alphatrade_runtime.loop.recovery import JOURNAL
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.orders import COMMAND_DTYPE
from alphatrade_runtime.service.strategy import folders


def test_sessions_are_numbered_and_the_last_one_counts(tmp_path):
    assert folders.latest(tmp_path) is None
    first = folders.following(tmp_path, None)
    assert first.ordinal == 1
    assert folders.latest(tmp_path) == first
    assert first.closed() is None
    assert first.document() is None
    first.close({"by": "drained", "next_seq": 7})
    assert first.closed() == {"by": "drained", "next_seq": 7}
    second = folders.following(tmp_path, first)
    assert second.ordinal == 2
    assert folders.latest(tmp_path) == second
    assert second.closed() is None


def test_a_note_that_cannot_be_read_begins_nothing(tmp_path):
    folder = folders.following(tmp_path, None)
    (folder.path / folders.CLOSED).write_text("{")
    with pytest.raises(InputError, match=r"closed\.json: cannot be read"):
        folder.closed()


def test_commands_are_counted_from_the_journal(tmp_path):
    folder = folders.following(tmp_path, None)
    assert folder.commands() == 0
    journal = Journal.create(folder.path / JOURNAL, {"facts": {}})
    for made in (2, 3):
        journal.append_commands(np.zeros(made, COMMAND_DTYPE))
        journal.flush()
    journal.close()
    assert folder.commands() == 5


def test_a_session_handed_on_is_one_session_in_two_folders(tmp_path):
    first = folders.following(tmp_path, None)
    journal = Journal.create(first.path / JOURNAL, {"code_hash": "a" * 64, "document": {}})
    journal.append_commands(np.zeros(3, COMMAND_DTYPE))
    journal.close()
    assert first.code_hash() == "a" * 64
    with pytest.raises(InputError, match="of another code, aaaaaaaaaaaa, and was not closed in order"):
        first.handed_on()
    assert not first.carried_on
    first.close({"by": folders.CARRIED})
    second = folders.following(tmp_path, first)
    assert second.code_hash() == ""
    assert second.before() == first
    assert second.first() == first
    assert second.commands() == 3
    assert first.before() is None
