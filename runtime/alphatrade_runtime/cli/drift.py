"""`alphatrade drift`."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from alphatrade_runtime.reflection.drift.calibrate import Measured

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Measure what watches for drift.")


@app.command("calibrate", short_help="How often drift alerts come without cause, how late with one.")
def calibrate(
    samples: Annotated[int, typer.Option(min=1, help="Observations drawn for each figure.")] = 4_000_000,
    seed: Annotated[int, typer.Option(help="Seed of the random numbers.")] = 1,
    reference: Annotated[
        int | None,
        typer.Option(min=0, help="Only false alerts with a reference estimated from so many observations; 0: known."),
    ] = None,
    law: Annotated[str, typer.Option(help="With --reference: the law of the observations, t4 or gaussian.")] = "t4",
    target: Annotated[
        float | None,
        typer.Option(
            min=1, help="With --reference: find the CUSUM threshold (cusum_alert) whose early alerts fit this ARL0."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Measure the shipped drift detectors by Monte Carlo, in observations.

    ARL0: mean observations to a false alert; its 10% quantile; the mean delay after a shift of so many standard
    deviations. Laws have variance 1: normal, and Student's t with 4 degrees of freedom.

    \b
    Example:
      alphatrade drift calibrate
      alphatrade drift calibrate --reference 250 --target 196000 --samples 40000000
    """
    from alphatrade_runtime.cli.screen import progress
    from alphatrade_runtime.market.faults import InputError
    from alphatrade_runtime.reflection.drift import calibrate as tool

    if target is not None and reference is None:
        raise InputError("--target: say of which reference; add --reference N, or --reference 0 for a known one")
    with progress("drawing", "samples") as advance:
        if reference is None:
            found = tool.measure_all(tool.CASES, samples, seed, advance)
        elif target is None:
            found = tool.measure_all(tool.reference_cases(law, reference), samples, seed, advance)
        else:
            case = tool.Case("false alerts, CUSUM", law, reference_n=reference)
            found = [tool.find_alert(case, target, samples, seed, advance)]
    if as_json:
        _print_json(found)
    else:
        _print_table(found)
    return 0


def _print_json(found: "list[Measured]") -> None:
    import json

    from alphatrade_runtime.reflection.drift.calibrate import as_facts

    print(json.dumps([as_facts(one) for one in found], indent=1, sort_keys=True))


def _print_table(found: "list[Measured]") -> None:
    from alphatrade_runtime.cli.screen import table

    header = ("measured", "law", "reference", "shift", "h", "mean", "± s.e.", "10% quantile", "alerts")
    table(header, [_row(one) for one in found])


def _row(one: "Measured") -> tuple[str, ...]:
    case = one.case
    return (
        case.name,
        case.law,
        str(case.reference_n or "known"),
        f"{case.shift:g}",
        f"{case.cusum_alert:g}",
        f"{one.mean:,.1f}",
        "" if one.error != one.error else f"{one.error:,.1f}",
        "" if one.low != one.low else f"{one.low:,.0f}",
        f"{one.alerts:,}",
    )
