"""`alphatrade redteam`."""

# Modules that load the compiler are imported inside the command: --help must not wait for them.

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alphatrade_runtime.cli import options

if TYPE_CHECKING:
    from alphatrade_runtime.report.redteam import Verdict

FAILED = 1
NAME = "redteam.json"


def redteam(
    folder: options.Folder,
    strategy: options.Strategy = None,
    plugin: options.PluginFile = None,
    signal: options.SignalName = None,
    scenario: Annotated[
        list[str] | None, typer.Option(help="Only this one; may be given several times. Default: all.")
    ] = None,
    severity: Annotated[
        list[str] | None, typer.Option(help="Only Low, Medium or High; may be given several times. Default: all.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Where exactly faults go; the same seed, the same bytes.")] = 1,
    duration: Annotated[
        float, typer.Option(min=300.0, help="Seconds of the session's feed that are traded, from its start.")
    ] = 360.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with digests and seeds, and no table.")] = False,
    out: Annotated[Path | None, typer.Option(help=f"Folder that {NAME} is written to as well.")] = None,
) -> int:
    """Trade a session through faults of its market and its feed, and judge each run.

    The session of the folder trades the start of its own feed once as it is, and then with a fault planted into it:
    a crash, a halt, bad prints, a stuck or crossed book, messages twice or late, two sources that disagree, and more,
    each at Low, Medium and High. A run passes when the auditor agrees with the books, no strategy fault or break
    occurs, an import refuses what it must, the law's code stands within 1 s of event time of when it is due, no order
    leaves while it stands, the loss is within the risk template's drawdown limit, and trading is possible again 10 s
    after the fault, or a guard of a loss or of drift says why not. Nothing is kept but the table. The same command
    gives the same JSON.

    Exit code 0 when all pass, 1 when one fails or cannot be tried, 2 for bad input.

    \b
    Examples:
      alphatrade redteam -f examples/quickstart
      alphatrade redteam -f examples/quickstart --scenario halt_reopen --scenario stuck_quote --severity High
      alphatrade redteam -f examples/run-sim --json > matrix.json
    """
    import json

    from alphatrade_runtime.cli.screen import progress, remark
    from alphatrade_runtime.cli.session import read_plan
    from alphatrade_runtime.report.redteam import Suite, cases, judge_all, market_of, to_mapping

    wanted = cases(scenario or (), severity or ())
    plan = read_plan(folder, strategy, plugin=plugin, signal=signal, speed="Max")
    for text in plan.remarks:
        remark(text)
    with progress("red team", f"of {len(wanted) + 1} runs") as advance:
        suite = Suite(plan.document, plan.plugin_digests, market_of(plan.session, plan.listed, duration), seed)
        verdicts = judge_all(suite, wanted, advance)
    text = json.dumps(to_mapping(suite, verdicts), indent=1)
    if out is not None:
        _write(out, text)
    if as_json:
        print(text)
    else:
        _print(verdicts)
    return FAILED if any(verdict.state != "Pass" for verdict in verdicts) else 0


def _write(folder: Path, text: str) -> None:
    from alphatrade_runtime.market.faults import disk_errors

    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / NAME).write_text(text + "\n", encoding="utf-8")


def _print(verdicts: Sequence["Verdict"]) -> None:
    """Print the matrix, then why what did not pass did not."""
    from rich.console import Console
    from rich.table import Table

    severities = list(dict.fromkeys(verdict.severity for verdict in verdicts))
    by_case = {(verdict.scenario, verdict.severity): verdict for verdict in verdicts}
    shown = Table("scenario", *severities)
    for name in dict.fromkeys(verdict.scenario for verdict in verdicts):
        shown.add_row(name, *(_cell(by_case[name, severity]) for severity in severities))
    console = Console()
    if not console.is_terminal:
        console = Console(width=max(200, console.width))
    console.print(shown)
    for verdict in verdicts:
        if verdict.state != "Pass":
            print(f"{verdict.state} {verdict.scenario} {verdict.severity}: {verdict.why}")
    passed = sum(verdict.state == "Pass" for verdict in verdicts)
    print(f"{passed} of {len(verdicts)} passed")


def _cell(verdict: "Verdict") -> str:
    if verdict.state != "Pass":
        return verdict.state
    facts, parts = verdict.facts, []
    if facts["answer"]:
        parts.append(f"{facts['answer']} in {facts['answer_ms'] / 1e3:.2f} s")
    if facts["told"] is not None:
        parts.append(f"import told of {facts['told']}")
    parts.append(f"-{facts['loss_bps']:.1f} bps")
    parts.append(facts["recovery"])
    return "Pass: " + ", ".join(parts)
