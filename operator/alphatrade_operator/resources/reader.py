"""Read YAML documents with their line numbers, and refuse what two readers would understand differently.

YAML 1.1 reads `on`, `0777` and `1:30` as true, 511 and 90; JSON knows none of these. A plain
scalar is accepted only where YAML 1.1, YAML 1.2 and JSON agree.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from alphatrade_operator.core.explain import Location, shown
from alphatrade_operator.resources.faults import ResourceError

MAX_BYTES = 1 << 20
MAX_DOCUMENTS = 256
_MAX_VALUES = 20_000
_MAX_DEPTH = 32
_TAG = "tag:yaml.org,2002:"
_PLAIN = {
    "bool": re.compile(r"true|false"),
    "int": re.compile(r"-?(0|[1-9][0-9]{0,18})"),
    "float": re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+([eE][-+]?[0-9]{1,3})?"),
    "null": re.compile(r"null|~|"),
}

_READERS: dict[str, Callable[[str], Any]] = {
    "bool": lambda text: text == "true",
    "int": int,
    "float": float,
    "null": lambda _: None,
}


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document: its plain values, and the line of each by its path."""

    file: str
    index: int
    data: dict[str, Any]
    lines: dict[Location, int]

    def line(self, location: Location) -> int:
        """Return the line of a path, or that of the nearest part of it that is there."""
        while location and location not in self.lines:
            location = location[:-1]
        return self.lines.get(location, 1)


def read_documents(path: Path) -> list[Document]:
    """Return the documents of a file, empty ones left out. Raises ResourceError naming file and line."""
    text = _text(path)
    try:
        nodes = list(_compose(str(path), text))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise ResourceError([f"{path}:{line}: not YAML: {error.problem or error.context}; correct the line"]) from None
    except yaml.reader.ReaderError as error:
        raise ResourceError([f"{path}: character {error.position}: {error.reason}; remove it"]) from None
    except RecursionError:
        raise ResourceError([f"{path}: nested deeper than {_MAX_DEPTH} levels; make it flatter"]) from None
    return [_Builder(str(path), index).document(node) for index, node in nodes]


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ResourceError([f"{path}: {error.strerror or error}; check the path and its permissions"]) from None
    if len(data) > MAX_BYTES:
        raise ResourceError([f"{path}: larger than 1 MiB; split it into several files"])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ResourceError([f"{path}:{line}: not UTF-8 text; save the file as UTF-8"]) from None


def _compose(file: str, text: str) -> Iterator[tuple[int, yaml.Node]]:
    for index, node in enumerate(yaml.compose_all(text, Loader=yaml.SafeLoader), start=1):
        if index > MAX_DOCUMENTS:
            raise ResourceError([f"{file}: more than {MAX_DOCUMENTS} documents; split the file"])
        if not (isinstance(node, yaml.ScalarNode) and node.tag == f"{_TAG}null"):
            yield index, node


class _Builder:
    """Builds one document; aliases are followed, so what they multiply is counted."""

    def __init__(self, file: str, index: int) -> None:
        self._file, self._index = file, index
        self._lines: dict[Location, int] = {}
        self._count = 0

    def document(self, node: yaml.Node) -> Document:
        if not isinstance(node, yaml.MappingNode):
            raise self._fault(node, "a document must be a map with apiVersion, kind, metadata, spec")
        data = self._value((), node)
        return Document(self._file, self._index, data, self._lines)

    def _value(self, path: Location, node: yaml.Node) -> Any:
        self._count += 1
        if self._count > _MAX_VALUES:
            raise self._fault(node, f"more than {_MAX_VALUES} values, aliases followed; make it smaller")
        if len(path) > _MAX_DEPTH:
            raise self._fault(node, f"nested deeper than {_MAX_DEPTH} levels; make it flatter")
        self._lines[path] = node.start_mark.line + 1
        if isinstance(node, yaml.CollectionNode) and node.tag not in (f"{_TAG}map", f"{_TAG}seq"):
            raise self._fault(node, f"tag {shown(node.tag)} is not accepted; write plain YAML")
        if isinstance(node, yaml.MappingNode):
            return self._map(path, node)
        if isinstance(node, yaml.SequenceNode):
            return [self._value((*path, i), item) for i, item in enumerate(node.value)]
        return self._scalar(node)

    def _map(self, path: Location, node: yaml.MappingNode) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node)
            if key in result:
                first = self._lines[(*path, key)]
                raise self._fault(key_node, f"key {shown(key)} is given twice (first in line {first}); keep one")
            result[key] = self._value((*path, key), value_node)
            self._lines[(*path, key)] = key_node.start_mark.line + 1
        return result

    def _key(self, node: yaml.Node) -> str:
        if node.tag == f"{_TAG}str":
            return str(node.value)
        if node.tag == f"{_TAG}merge":
            raise self._fault(node, "merge keys (<<) are not accepted; write the fields out")
        raise self._fault(node, f"key {shown(node.value)} is not text; write it in quotes")

    def _scalar(self, node: yaml.Node) -> Any:
        kind, text = node.tag.removeprefix(_TAG), str(node.value)
        if kind in ("str", "timestamp"):
            return text
        if kind not in _PLAIN:
            raise self._fault(node, f"tag {shown(node.tag)} is not accepted; write plain YAML")
        if not _PLAIN[kind].fullmatch(text):
            raise self._fault(
                node,
                f"{shown(text)} means different things to YAML readers; write text in quotes, else true, false or a "
                "plain decimal number",
            )
        return _READERS[kind](text)

    def _fault(self, node: yaml.Node, text: str) -> ResourceError:
        return ResourceError([f"{self._file}:{node.start_mark.line + 1}: document {self._index}: {text}"])
