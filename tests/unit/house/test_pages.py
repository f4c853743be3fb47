"""What the pages say is generated, and every figure in them comes from an evidence file."""

import json

import pytest

import generate
from dependencies import dependency_table
from pages import PageFault, render, unproven_figures
from status import missing_proof, status_table

BLOCKS = {"greeting": lambda: "hello"}


@pytest.fixture
def evidence(tmp_path):
    (tmp_path / "bench.json").write_text(json.dumps({"p1": {"ratio": 2.345, "runs": [1, 2]}}))
    return tmp_path


def test_tracked_pages_are_current():
    assert generate.stale_pages(generate.all_blocks()) == {}


def test_render_fills_blocks_and_figures_and_is_stable(evidence):
    page = (
        "<!-- generated: greeting -->\nold\n<!-- /generated -->\n<!-- figure: bench.p1.ratio; .1f -->9<!-- /figure -->×"
    )
    rendered = render(page, "x.md", BLOCKS, evidence)
    assert rendered == page.replace("old", "hello").replace("-->9<", "-->2.3<")
    assert render(rendered, "x.md", BLOCKS, evidence) == rendered


def test_a_figure_may_stand_in_a_list(evidence):
    assert ">2<" in render("<!-- figure: bench.p1.runs.1 --><!-- /figure -->", "x.md", BLOCKS, evidence)


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ("<!-- generated: nobody -->\n<!-- /generated -->", "no generator for block 'nobody'"),
        ("<!-- figure: bench.p1.none -->1<!-- /figure -->", "not in docs/evidence/bench.json"),
        ("<!-- figure: bench.p1.runs.7 -->1<!-- /figure -->", "not in docs/evidence/bench.json"),
        ("<!-- figure: bench.p1.ratio; q -->1<!-- /figure -->", "not in docs/evidence/bench.json"),
        ("<!-- figure: study.p1 -->1<!-- /figure -->", "no docs/evidence/study.json"),
        ("one\n<!-- figure: bench.p1.ratio -->1", "x.md:2: marker"),
        ("<!-- generated: greeting --> on one line <!-- /generated -->", "x.md:1: marker"),
    ],
)
def test_a_bad_marker_is_named(evidence, page, message):
    with pytest.raises(PageFault, match=message):
        render(page, "x.md", BLOCKS, evidence)


@pytest.mark.parametrize(
    "text",
    [
        "7.2M quotes/s",
        "39 ns an event",
        "20 µs",
        "1.9 ms",
        "2.3× faster",
        "1,250,000 events/s",
        "880 MiB",
        "```\n5 ms\n```",
    ],
)
def test_a_measured_number_outside_a_marker_is_found(text):
    assert [line for line, _ in unproven_figures(f"a\nit takes {text}.")] == [3 if "```" in text else 2]


@pytest.mark.parametrize(
    "text",
    [
        "5,000 orders",
        "halts at `100 ms`",
        "<!-- figure: bench.p1.ratio -->2.3 ms<!-- /figure -->",
        "issue 4/9",
        "3.11 msdos",
    ],
)
def test_settings_counts_and_marked_figures_may_stand(text):
    assert unproven_figures(text) == []


def test_a_dependency_without_a_reason_is_refused(tmp_path):
    pyproject = tmp_path / "pyproject.toml"
    pyproject.write_text('[project]\ndependencies = [\n    "rich>=14",\n]\n')
    with pytest.raises(PageFault, match="'rich>=14' gives no reason"):
        dependency_table(pyproject)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("{part: A, state: done, what: x}", "state 'done' is none of real, simulated, missing"),
        ("{part: A, state: real, what: x}", "give the test or command that proves it"),
        ("{part: A, state: real, what: x, proof: [tests/unit/gone.py]}", "no file tests/unit/gone.py"),
        ("{part: A, state: real, what: x, since: y}", "fields must be"),
    ],
)
def test_a_bad_status_entry_is_named(tmp_path, entry, message):
    (tmp_path / "docs").mkdir()
    listed = tmp_path / "docs" / "status.yaml"
    listed.write_text(f"- {entry}\n")
    with pytest.raises(PageFault, match=message):
        status_table(listed)


@pytest.mark.parametrize(
    ("proof", "fault"),
    [
        ("make test-unit", None),
        ("make nothing", "no target 'nothing' in the Makefile"),
        ("tests/unit/house/test_pages.py::test_tracked_pages_are_current", None),
        ("tests/unit/house/test_pages.py::test_gone", "no test_gone in tests/unit/house/test_pages.py"),
    ],
)
def test_a_proof_must_exist(proof, fault):
    assert missing_proof(generate.ROOT, proof) == fault
