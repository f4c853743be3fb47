"""The ledger as a file: a chain that holds is written whole, any that does not is refused by its entry."""

import copy
import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphatrade_operator.kubectl.export_file import keep
from alphatrade_operator.kubectl.kubectl import KubectlError, Unfinished
from alphatrade_operator.kubectl.ledger import continues, export
from unit.operator.kubectl.cluster_objects import chain

UID = "uid-dev"


def lines(made):
    return [json.loads(line) for line in made.text.splitlines()]


def test_the_file_says_whose_ledger_it_is_then_an_entry_a_line():
    found = chain("Promote", "Halt")
    made = export("dev", UID, [found[1], found[0]])
    title, *entries = lines(made)
    assert (title["namespace"], title["uid"], title["entries"]) == ("dev", UID, 2)
    assert title["head"] == made.head == found[1]["spec"]["entryHash"]
    assert [entry["spec"] for entry in entries] == [one["spec"] for one in found]
    assert entries[0]["metadata"] == {"name": "ple-0", "namespace": "dev", "uid": "uid-ple-0"}
    assert made.sha256 == hashlib.sha256(made.text).hexdigest()


def test_the_same_ledger_is_the_same_bytes_whatever_the_order_and_the_fields_of_the_server():
    found = chain("Promote", "Halt", "Rearm")
    seen = copy.deepcopy(found[::-1])
    seen[0]["metadata"] |= {"resourceVersion": "7", "managedFields": []}
    assert export("dev", UID, seen) == export("dev", UID, found)


def test_an_empty_ledger_is_a_file_too():
    made = export("dev", UID, [])
    assert (made.entries, made.head, len(lines(made))) == (0, "0" * 64, 1)


def test_after_a_checkpoint_the_entries_before_it_may_be_gone():
    found = chain("Promote", "Checkpoint", "Halt")
    assert export("dev", UID, found[1:]).entries == 2


BROKEN = [
    ("a gap", lambda found: found.pop(1), "ple-2: follows entry 0: what was between them is missing"),
    ("no beginning", lambda found: found.pop(0), "ple-1: is the first that is there, and neither entry 0 nor a Check"),
    ("another hash", lambda found: found[1]["spec"].update(prevHash="a" * 64), "ple-1: spec.prevHash is not the entry"),
    (
        "another record",
        lambda found: found[2]["spec"].update(record='{"type":"Rearm","strategy":"other"}'),
        "ple-2: spec.entryHash is not the SHA-256 of spec.record",
    ),
    ("another name", lambda found: found[2]["metadata"].update(name="ple-7"), "ple-7: is not named ple-2"),
    (
        "another column",
        lambda found: found[2]["spec"].update(strategy="other"),
        "ple-2: spec.strategy is not what spec.",
    ),
    ("no such kind", lambda found: found[2]["spec"].update(type="Bribe"), "ple-2: spec.type: 'Bribe' is not accepted"),
    ("a first that follows", lambda found: found[0]["spec"].update(prevHash="a" * 64), "ple-0: spec.prevHash: "),
]


@pytest.mark.parametrize(("change", "text"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_a_chain_that_does_not_hold_is_refused(change, text):
    found = chain("Promote", "Halt", "Rearm")
    change(found)
    with pytest.raises(Unfinished) as refused:
        export("dev", UID, found)
    assert f"ledger of dev: {text}" in str(refused.value)
    assert str(refused.value).endswith("keep the namespace as it is: this is an incident")


@given(data=st.data(), length=st.integers(1, 6))
def test_no_entry_can_be_changed_or_dropped_unseen(data, length):
    found = chain(*["Halt"] * length)
    victim = data.draw(st.integers(0, length - 1))
    match data.draw(st.sampled_from(["drop", "record", "hash", "prev"])):
        case "drop" if victim < length - 1:
            del found[victim]
        case "record":
            found[victim]["spec"]["record"] = '{"type":"Halt","strategy":"another"}'
        case "hash":
            found[victim]["spec"]["entryHash"] = "c" * 64
        case "prev":
            found[victim]["spec"]["prevHash"] = "c" * 64
        case _:
            return  # the last one gone cannot be seen in the chain itself: the head is in the file's first line
    with pytest.raises(Unfinished):
        export("dev", UID, found)


def test_a_longer_export_continues_a_shorter_one_and_nothing_else():
    found = chain("Promote", "Halt")
    short, long = export("dev", UID, found[:1]), export("dev", UID, found)
    assert continues(short.text, long)
    assert continues(long.text, long)
    assert not continues(long.text, short)
    assert not continues(export("dev", "uid-other", found[:1]).text, long)
    assert not any(continues(text, long) for text in (b"", b"notes\n", b"[]\n", b'{"kind":"x"}\n'))


def test_it_is_kept_whole_and_an_earlier_one_is_replaced(tmp_path):
    file, found = tmp_path / "dev.jsonl", chain("Promote", "Halt")
    for made in (export("dev", UID, found[:1]), export("dev", UID, found), export("dev", UID, found)):
        keep(made, file)
        assert file.read_bytes() == made.text
    assert [path.name for path in tmp_path.iterdir()] == ["dev.jsonl"]


def test_what_is_another_file_is_not_overwritten(tmp_path):
    file = tmp_path / "notes"
    file.write_text("mine")
    with pytest.raises(KubectlError, match="no earlier export of this ledger; name another file"):
        keep(export("dev", UID, []), file)
    assert file.read_text() == "mine"


def test_what_cannot_be_written_leaves_nothing(tmp_path, monkeypatch):
    def full(fd):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("alphatrade_operator.kubectl.export_file.os.fsync", full)
    with pytest.raises(KubectlError, match="No space left on device; name a file that can be written"):
        keep(export("dev", UID, []), tmp_path / "dev.jsonl")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(KubectlError, match=r"nowhere/dev\.jsonl: No such file or directory"):
        keep(export("dev", UID, []), tmp_path / "nowhere" / "dev.jsonl")
