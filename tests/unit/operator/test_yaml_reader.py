"""The YAML reader refuses what two programs would read differently, and knows the line of everything."""

import pytest

from alphatrade_operator.resources.faults import ResourceError
from alphatrade_operator.resources.reader import MAX_BYTES, read_documents


def refusal(tmp_path, content):
    path = tmp_path / "x.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ResourceError) as caught:
        read_documents(path)
    assert len(caught.value.problems) == 1
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(f"{path}")


BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{','.join([f'*{chr(97 + i)}'] * 10)}]\n" for i in range(8)
)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", ":3: document 1: key 'a' is given twice (first in line 1)"),
        ("x: {a: {b: 1, b: 2}}\n", ":1: document 1: key 'b' is given twice"),
        ("a: 1\n---\nb: [\n", ":4: not YAML:"),
        ("a: b: c\n", ":1: not YAML:"),
        ("- a\n", ":1: document 1: a document must be a map"),
        ("just text\n", ":1: document 1: a document must be a map"),
        ("a: 0777\n", "'0777' means different things"),
        ("a: 1:30\n", "'1:30' means different things"),
        ("a: on\n", "'on' means different things"),
        ("a: 1_000\n", "'1_000' means different things"),
        ("a: 0x1F\n", "'0x1F' means different things"),
        ("a: .nan\n", "'.nan' means different things"),
        ("a: .inf\n", "'.inf' means different things"),
        ("1: a\n", "key '1' is not text"),
        ("a: &x {b: 1}\nc: {<<: *x}\n", "merge keys (<<) are not accepted"),
        ("a: !!python/object/apply:os.system [ls]\n", "apply:os.system' is not accepted"),
        ("a: !!binary aGVsbG8=\n", "tag 'tag:yaml.org,2002:binary' is not accepted"),
        ("a: !!python/object/new:dict {b: 1}\n", "is not accepted; write plain YAML"),
        ("a: !!set {b, c}\n", "tag 'tag:yaml.org,2002:set' is not accepted"),
        ("a: !mine 1\n", "tag '!mine' is not accepted"),
        (BOMB, "more than 20000 values"),
        ("a: &a [*a]\n", "nested deeper than 32 levels"),
        ("a: " + "[" * 40 + "]" * 40 + "\n", "nested deeper than 32 levels"),
        ("a: " + "[" * 20_000, "nested deeper than 32 levels"),
        ("a: 1\n---\n" * 300, "more than 256 documents"),
        ("#" * (MAX_BYTES + 1), "larger than 1 MiB"),
        (b"a: 1\nb: \xff\n", ":2: not UTF-8"),
        (b"a: \x00\n", "character 3"),
    ],
)
def test_a_refused_file_says_where_and_what(tmp_path, content, message):
    assert message in refusal(tmp_path, content)


def test_a_file_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(ResourceError, match="No such file"):
        read_documents(tmp_path / "none.yaml")


def test_documents_keep_their_number_and_lines(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text("---\n---\na:\n  - b: true\n    c: 1.5\n---\nd: ~\ne: 2020-01-01\n")
    first, second = read_documents(path)
    assert (first.index, first.data) == (2, {"a": [{"b": True, "c": 1.5}]})
    assert first.line(("a", 0, "c")) == 5
    assert first.line(("a", 0, "missing", "deeper")) == 4
    assert (second.index, second.data) == (3, {"d": None, "e": "2020-01-01"})
