"""`alphatrade plugin`."""

from pathlib import Path
from typing import Annotated

import typer

FAILED = 3

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Test and pin a strategy of your own.")
File = Annotated[Path, typer.Argument(help="Python file that declares a strategy with @signal or @quote.")]


@app.command("pin")
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
