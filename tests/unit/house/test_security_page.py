"""docs/security.md promises a test for each of its lines."""

import re

import pytest

from generate import ROOT
from status import missing_proof

PAGE = (ROOT / "docs" / "security.md").read_text()
_TEST = re.compile(r"`(tests/[^`\s]+)`")
_ROW = re.compile(r"^\| (?!---)(.+) \|$", re.MULTILINE)


def rows():
    """Return the tables' rows but their headers, as cells."""
    cells = [re.split(r" \| ", row) for row in _ROW.findall(PAGE)]
    return [row for row in cells if row[-1] != "tried by"]


def test_every_test_that_the_page_names_is_there():
    named = _TEST.findall(PAGE)
    assert len(named) > 30
    assert [fault for one in named if (fault := missing_proof(ROOT, one))] == []


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0][:60])
def test_every_line_of_a_table_names_its_test(row):
    assert _TEST.findall(row[-1])


def test_the_page_has_a_line_for_each_of_the_tests_of_edit():
    tests = re.findall(r"^def (test_\w+)", (ROOT / "tests/api/privileges/test_edit.py").read_text(), re.MULTILINE)
    assert [one for one in tests if f"test_edit.py::{one}`" not in PAGE] == []
