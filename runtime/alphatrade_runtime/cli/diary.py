"""`alphatrade diary`."""

import json
import sys
from typing import Annotated, Any

import typer

from alphatrade_runtime.cli import options

BROKEN = 3
_SHOWN = ("event_ts", "seq", "decision_id", "kind_name", "symbol", "explanation")

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Read a run's diary: every decision, denial and why."
)


@app.command("verify", short_help="Recompute every chain of a run.")
def verify(run: options.RunArgument, artifacts: options.Artifacts = options.ARTIFACTS) -> int:
    """Recompute every chain of a run and name the first broken link of each stream. Exit code 3 when one is.

    \b
    Example:
      alphatrade diary verify artifacts/sim/2026/01/05/run-1f2e3d4c5b6a7988
    """
    from alphatrade_runtime.loop.artifacts import find_run
    from alphatrade_runtime.reflection.diary.verify import verify as verify_run

    folder = find_run(artifacts, run)
    findings = verify_run(folder)
    for finding in findings:
        print(f"{finding.fault}: {finding.message}")
    if not findings:
        print(f"{folder}: every row is the one that was hashed")
    return BROKEN if findings else 0


@app.command("show", short_help="Show decisions in words.")
def show(
    run: options.RunArgument,
    decision: Annotated[int | None, typer.Option(help="Show this decision and what became of it.")] = None,
    seq: Annotated[int | None, typer.Option(help="Show the decisions that this row of the tape led to.")] = None,
    tail: Annotated[int, typer.Option(min=1, help="Without the others: the last decisions that did something.")] = 20,
    artifacts: options.Artifacts = options.ARTIFACTS,
) -> int:
    """Show decisions in words: what was wanted, what left, what was denied by which limit.

    \b
    Examples:
      alphatrade diary show RUN --tail 5
      alphatrade diary show RUN --decision 1234
    """
    from alphatrade_runtime.loop.artifacts import find_run
    from alphatrade_runtime.reflection.diary import query

    folder = find_run(artifacts, run)
    _print_rows(query.show(folder, decision_id=decision, seq=seq, tail=tail).select(list(_SHOWN)))
    if decision is not None:
        for stream, rows in query.became(folder, decision).items():
            if rows.num_rows:
                print(f"\n{stream}")
                _print_rows(rows)
    return 0


@app.command("sql", short_help="Ask a run's records in SQL.")
def sql(
    run: options.RunArgument,
    query: Annotated[str, typer.Argument(help="One SELECT.")],
    form: Annotated[str, typer.Option("--form", help="table, csv or json (a line a row).")] = "table",
    artifacts: options.Artifacts = options.ARTIFACTS,
) -> int:
    """Ask a run's records in SQL; nothing can be written.

    Tables: decisions, expost, orders, fills, equity, marks; views: actions, denials. Of a run with an understanding
    loop also belief_snapshots, regimes, probes, routes, drift: those of its parts that were on.

    \b
    Examples:
      alphatrade diary sql RUN "SELECT code_name, count(*) FROM denials GROUP BY 1 ORDER BY 2 DESC"
      alphatrade diary sql RUN "SELECT * FROM fills" --form csv > fills.csv
    """
    from alphatrade_runtime.loop.artifacts import find_run
    from alphatrade_runtime.market.faults import InputError
    from alphatrade_runtime.reflection.diary import query as diary_query

    if form not in _FORMS:
        raise InputError(f"--form {form}: unknown; choose from {', '.join(_FORMS)}")
    _FORMS[form](diary_query.sql(find_run(artifacts, run), query))
    return 0


def _print_rows(rows: Any) -> None:
    from alphatrade_runtime.cli.screen import table

    columns = [[_cell(value) for value in column.to_pylist()] for column in rows.columns]
    table(rows.column_names, list(zip(*columns, strict=True)))


def _cell(value: Any) -> str:
    return "" if value is None else " ".join(str(value).split())


def _print_csv(rows: Any) -> None:
    from pyarrow import csv

    sys.stdout.flush()
    csv.write_csv(_flat(rows), sys.stdout.buffer)


def _flat(rows: Any) -> Any:
    """Write what CSV has no form for (lists, dictionaries) as text."""
    import pyarrow as pa

    columns = [
        pa.array([None if v is None else json.dumps(v, default=str) for v in column.to_pylist()], pa.string())
        if pa.types.is_nested(column.type)
        else column.cast(column.type.value_type)
        if pa.types.is_dictionary(column.type)
        else column
        for column in rows.columns
    ]
    return pa.table(columns, names=rows.column_names)


def _print_json(rows: Any) -> None:
    for row in rows.to_pylist():
        print(json.dumps(row, default=str))


_FORMS = {"table": _print_rows, "csv": _print_csv, "json": _print_json}
