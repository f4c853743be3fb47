"""What a person sees: aligned tables on stdout, progress on a terminal's stderr, nothing of either in a pipe's way."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

LATE_S = 2.0
Advance = Callable[[int, int], None]


def pairs(rows: Sequence[tuple[str, str]]) -> None:
    """Print labels and values in two columns."""
    width = max((len(label) for label, _ in rows), default=0)
    for label, value in rows:
        print(f"{label:<{width}}  {value}".rstrip())


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print columns as wide as their widest cell; the last is not padded."""
    lines = [list(header), *(list(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


@contextmanager
def progress(what: str, unit: str = "rows") -> Iterator[Advance]:
    """Give a function to call with (done, all; 0 when unknown). A bar shows after 2 s, only on a terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda done, total: None
        return
    columns = (TextColumn(what), BarColumn(), TaskProgressColumn(), TextColumn("{task.completed:,.0f} " + unit))
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True, auto_refresh=False) as shown:
        task = shown.add_task(what, total=None, visible=False)
        began = time.monotonic()

        def advance(done: int, total: int) -> None:
            late = time.monotonic() - began > LATE_S
            shown.update(task, completed=done, total=total or None, visible=late, refresh=late)

        yield advance


@contextmanager
def status() -> Iterator[Callable[[str], None]]:
    """Give a function that shows one changing line, on a terminal only."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda text: None
        return
    with console.status("starting") as shown:
        yield lambda text: shown.update(text)


def remark(text: str) -> None:
    """Say something in passing, on stderr."""
    print(text, file=sys.stderr, flush=True)
