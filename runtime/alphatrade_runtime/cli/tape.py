"""`alphatrade tape`."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Look at tapes: recorded or simulated market data.")


@app.callback()
def tape() -> None:
    """Look at tapes: recorded or simulated market data."""


@app.command("info", short_help="Print what a tape holds.")
def info(
    tape: Annotated[Path, typer.Argument(help="Folder of the tape.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    verify: Annotated[bool, typer.Option(help="Check the data against its manifest; --no-verify is quicker.")] = True,
) -> int:
    """Print what a tape holds: instruments, rows by kind, time span, clock shift, faults, digests.

    \b
    Example:
      alphatrade tape info artifacts/tapes/mine
    """
    from alphatrade_runtime.cli.screen import pairs
    from alphatrade_runtime.market.tape import info as tape_info

    facts = tape_info(tape, verify=verify)
    if as_json:
        print(json.dumps(facts, indent=1))
    else:
        pairs(list(_rows(facts)))
    return 0


def _rows(facts: dict[str, Any]) -> list[tuple[str, str]]:
    source = facts["source"]
    rows = [("source", f"{source['name']} ({source['type']})")]
    rows += [(f"planted {what}", f"{len(found):,}") for what, found in source.get("planted", {}).items() if found]
    for label, value in facts.items():
        if label != "source":
            rows += _labelled(label.replace("_", " "), value)
    return rows


def _labelled(label: str, value: Any) -> list[tuple[str, str]]:
    if isinstance(value, list):
        return [(label.removesuffix("s"), _inline(item)) for item in value]
    if isinstance(value, dict):
        return [(label, _inline(value))] if value else []
    return [(label, _text(value))]


def _inline(value: Any) -> str:
    """Write a mapping in one line, inner ones in braces."""
    if not isinstance(value, dict):
        return _text(value)
    return ", ".join(
        f"{name} {{{_inline(item)}}}" if isinstance(item, dict) else f"{name} {_text(item)}"
        for name, item in value.items()
        if item != {}
    )


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)
