"""`alphatrade plugin`."""

from pathlib import Path
from typing import Annotated

import typer

FAILED = 3

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Test and pin a strategy of your own.")
File = Annotated[Path, typer.Argument(help="Python file that declares a strategy with @signal or @quote.")]


@app.command("check", short_help="Test a strategy file.")
def check(file: File) -> int:
    """Test a strategy: pure, compiles, same bytes as plain Python, no look-ahead, restarts, bears NaN; and its speed.

    Exit code 3 when a check fails; the table says what to change.

    \b
    Example:
      alphatrade plugin check my.py
    """
    from alphatrade_runtime.cli.cut_tape import cut_tape
    from alphatrade_runtime.cli.screen import table
    from alphatrade_runtime.plugin.check import Check
    from alphatrade_runtime.plugin.check import check as check_function
    from alphatrade_runtime.plugin.load import load

    loaded = load(file)
    passed = True
    for spec in loaded.signals:
        found: list[Check] = check_function(spec)
        if all(one.passed for one in found):
            found.append(cut_tape(spec, loaded.digest))
        print(f"{file}: {spec.form} {spec.name}")
        table(("check", "result", ""), [(one.name, "ok" if one.passed else "FAILED", one.detail) for one in found])
        passed = passed and all(one.passed for one in found)
    return 0 if passed else FAILED


@app.command("pin", short_help="Print a strategy file's digest.")
def pin(file: File) -> int:
    """Print the digest of a strategy file and the lines that a Strategy names it by.

    A pinned file that has changed is refused at start.

    \b
    Example:
      alphatrade plugin pin my.py
    """
    from alphatrade_runtime.plugin.load import load

    loaded = load(file)
    names = ", ".join(spec.name for spec in loaded.signals)
    print(loaded.digest)
    print(f"\n# in the Strategy's spec; its policies then name the signal: {names}")
    print("plugins:")
    print(f"  - file: {file.name}          # path from the folder of the Strategy's YAML file")
    print(f"    digest: {loaded.digest}")
    return 0
