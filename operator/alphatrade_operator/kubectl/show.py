"""Print the table of strategies, once or again and again."""

import sys
import time
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.text import Text

from alphatrade_operator.kubectl.kubectl import Kubectl, ours
from alphatrade_operator.kubectl.objects import KillSwitch, Strategy, read_kill_switch, read_strategy
from alphatrade_operator.kubectl.overview import HEADER, READY, Row, kill_lines, rows

WATCH_S = 2.0
_GAP = "  "


def show_status(kubectl: Kubectl, where: Sequence[str]) -> int:
    """Print it once; return the exit code."""
    strategies, switches = read(kubectl, where)
    write(console(), strategies, switches, "-A" in where)
    return 0


def follow(kubectl: Kubectl, where: Sequence[str], pause: Callable[[float], None] = time.sleep) -> int:
    """Print it again and again until Ctrl-C."""
    screen = console()
    while True:
        strategies, switches = read(kubectl, where)
        if screen.is_terminal:
            screen.clear()
        write(screen, strategies, switches, "-A" in where)
        sys.stdout.flush()
        pause(WATCH_S)


def read(kubectl: Kubectl, where: Sequence[str]) -> tuple[list[Strategy], list[KillSwitch]]:
    """Return what is shown. Raises KubectlError."""
    strategies = [read_strategy(one) for one in kubectl.all(ours("strategies"), where)]
    return strategies, [read_kill_switch(one) for one in kubectl.all(ours("killswitches"), where)]


def console() -> Console:
    """Return where to print. As with kubectl no line is cut or folded, however narrow the terminal."""
    return Console(highlight=False, soft_wrap=True)


def write(screen: Console, strategies: Sequence[Strategy], switches: Sequence[KillSwitch], everywhere: bool) -> None:
    """Print the table and the kill switches that are engaged."""
    if not strategies:
        screen.print("no Strategy here; -A shows all namespaces, and `kubectl apply -k examples/dev` makes one")
    else:
        _write_table(screen, rows(strategies), everywhere)
    for line in kill_lines(switches):
        screen.print(Text(line, style="bold red"))


def _write_table(screen: Console, found: Sequence[Row], everywhere: bool) -> None:
    first = 0 if everywhere else 1
    widths = [max(map(len, column)) for column in zip(HEADER, *found, strict=True)]
    for cells, style in ((HEADER, "bold"), *((row, "" if row.ready == READY else "yellow") for row in found)):
        padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
        screen.print(Text(_GAP.join(padded[first:]).rstrip(), style=style))
