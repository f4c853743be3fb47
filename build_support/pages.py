"""Generated parts of Markdown pages: blocks between markers, and single figures.

A block:   <!-- generated: NAME -->  any lines  <!-- /generated -->
A figure:  <!-- figure: FILE.path.to.value -->1.23<!-- /figure -->, optionally with a Python format
           after a semicolon: <!-- figure: bench.p1.ratio; .2f -->. FILE is docs/evidence/FILE.json.
"""

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path

Block = Callable[[], str]

_BLOCK = re.compile(r"(<!-- generated: ([\w-]+) -->\n).*?(<!-- /generated -->)", re.DOTALL)
_FIGURE = re.compile(r"(<!-- figure: ([\w-]+)\.([\w.-]+?)(?:; ?([^ ]+))? -->)(.*?)(<!-- /figure -->)", re.DOTALL)
_MARKER = re.compile(r"<!-- /?(?:figure|generated)\b.*?-->")
_INLINE_CODE = re.compile(r"(?<!`)`[^`\n]+`(?!`)")
_UNITS = r"(?:ns|µs|μs|us|ms|[KMG]iB|[kMG]B|×|(?:quotes|events|rows|orders|bars|decisions|steps|msgs?|messages)/s)"
_MEASURED = re.compile(rf"(?<![\w.])\d[\d,._]*\s?[kM]?\s?{_UNITS}(?![\w])")


class PageFault(ValueError):
    """A page asks for a block or a figure that does not exist; the message names page and marker."""


def render(page: str, name: str, blocks: dict[str, Block], evidence: Path) -> str:
    """Return a page with each block and figure filled in. Raises PageFault naming page and marker."""

    def block(match: re.Match[str]) -> str:
        if match[2] not in blocks:
            raise PageFault(f"{name}: no generator for block {match[2]!r}; there are {', '.join(sorted(blocks))}")
        return f"{match[1]}{blocks[match[2]]().strip()}\n{match[3]}"

    def figure(match: re.Match[str]) -> str:
        return f"{match[1]}{figure_text(evidence, match[2], match[3], match[4] or '', name)}{match[6]}"

    rendered = _FIGURE.sub(figure, _BLOCK.sub(block, page))
    _refuse_broken_markers(rendered, name)
    return rendered


def figure_text(evidence: Path, file: str, path: str, spec: str, name: str) -> str:
    """Look one figure up in docs/evidence and format it. Raises PageFault when there is none."""
    source = evidence / f"{file}.json"
    try:
        value = json.loads(source.read_text())
        for key in path.split("."):
            value = value[int(key)] if isinstance(value, list) else value[key]
        return format(value, spec)
    except FileNotFoundError:
        raise PageFault(f"{name}: figure {file}.{path}: no docs/evidence/{file}.json; run what measures it") from None
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise PageFault(f"{name}: figure {file}.{path}: not in docs/evidence/{file}.json ({error!r})") from None


def _refuse_broken_markers(page: str, name: str) -> None:
    """Raise PageFault for a marker that is left unpaired or misspelt: it would silently keep stale text."""
    left = _FIGURE.sub("", _BLOCK.sub("", page))
    stray = _MARKER.search(left)
    if stray:
        line = page[: page.index(stray[0])].count("\n") + 1
        raise PageFault(f"{name}:{line}: marker {stray[0]!r} has no partner or is misspelt")


def unproven_figures(page: str) -> list[tuple[int, str]]:
    """Find measured-looking numbers outside markers as (line, text); inline code is for settings and exempt."""
    keep_lines = lambda match: "\n" * match[0].count("\n")  # noqa: E731
    bare = _INLINE_CODE.sub("", _FIGURE.sub(keep_lines, _BLOCK.sub(keep_lines, page)))
    return [(bare[: found.start()].count("\n") + 1, found[0]) for found in _MEASURED.finditer(bare)]


def table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Lay out a Markdown table; a cell's pipes are escaped."""
    head = list(header)
    lines = [head, ["---"] * len(head), *(list(row) for row in rows)]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
