"""The contracts' tooling: stubs are current, and a change that an older peer cannot read is caught."""

import shutil

import pytest

import protos
from alphatrade.v1 import market_pb2


@pytest.fixture
def copy(tmp_path):
    """A copy of protos/ with its released images."""
    kept = ("*.proto", "buf.yaml", "*.binpb", "*_pb2*.py", "*_pb2*.pyi")
    for path in (path for pattern in kept for path in protos.PROTOS.rglob(pattern)):
        target = tmp_path / path.relative_to(protos.PROTOS)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    return tmp_path


def edit(folder, old, new, name="alphatrade/v1/market.proto"):
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1))


def test_stubs_are_current_and_compile_to_the_same_bytes_twice():
    assert protos.compile_protos(check=True) == []
    assert protos.compiled(protos.PROTOS) == protos.compiled(protos.PROTOS)


def test_the_contracts_pass_their_lint():
    protos.lint()


def test_there_is_a_release_to_be_compatible_with():
    assert protos.releases()


def test_a_changed_proto_makes_its_stubs_stale_until_they_are_written(copy):
    edit(copy, "// SHA-256 of the tape", "// SHA-256 of the one tape")
    edit(copy, "int64 from_seq = 2;", "int64 from_seq = 2;\n  // More.\n  int64 more = 3;")
    stale = protos.compile_protos(check=True, protos=copy)
    assert {"alphatrade/v1/market_pb2.py", "alphatrade/v1/market_pb2.pyi"} <= set(stale)
    assert protos.compile_protos(check=False, protos=copy) == stale
    assert protos.compile_protos(check=True, protos=copy) == []


def test_stubs_of_a_proto_that_is_gone_go_too(copy):
    (copy / "alphatrade/v1/permits.proto").unlink()
    protos.compile_protos(check=False, protos=copy)
    assert not list(copy.rglob("permits_pb2*"))


def test_a_proto_that_does_not_compile_says_where(copy):
    edit(copy, "int64 from_seq = 2;", "int46 from_seq = 2;")
    with pytest.raises(protos.ProtoFault, match=r"market\.proto:\d+"):
        protos.compile_protos(check=True, protos=copy)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("int64 from_seq = 2;", "int64 from_seq = 3;", "from_seq"),
        ("int64 from_seq = 2;", "string from_seq = 2;", "from_seq"),
        ("  // Its number; those before it are acknowledged too.\n  int64 batch = 1;", "", "batch"),
        ("PACE_STREAM = 2;", "PACE_STREAM = 3;", "PACE_STREAM"),
    ],
)
def test_a_change_that_an_older_peer_cannot_read_is_caught(copy, old, new, says):
    edit(copy, old, new)
    with pytest.raises(protos.ProtoFault, match=says):
        protos.lint(copy)


@pytest.mark.parametrize(
    "added",
    ["int64 from_seq = 2;\n  // Most rows a batch.\n  uint32 most = 3;", "int64 from_seq = 2;\n  reserved 9;"],
)
def test_an_added_field_is_not(copy, added):
    edit(copy, "int64 from_seq = 2;", added)
    protos.lint(copy)


def test_a_field_without_a_comment_fails_the_lint(copy):
    edit(copy, "int64 from_seq = 2;", "int64 from_seq = 2;\n  uint32 most = 3;")
    with pytest.raises(protos.ProtoFault, match="most"):
        protos.lint(copy)


def test_a_release_is_the_same_bytes_whenever_it_is_made(copy):
    assert protos.release("9.9.9", copy).read_bytes() == protos.release("9.9.8", copy).read_bytes()


def test_columns_on_the_wire_are_those_of_a_tape():
    fields = [field.name for field in market_pb2.MarketBatch.DESCRIPTOR.fields]
    event = [field.name for field in market_pb2.MarketEvent.DESCRIPTOR.fields]
    assert fields[3:17] == event
