"""`alphatrade graph`."""

import json
import math
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alphatrade_runtime.cli import options

if TYPE_CHECKING:
    from alphatrade_runtime.reflection.graph.of_run import RunGraph


def graph(
    run: options.RunArgument,
    instrument: Annotated[str | None, typer.Option(help="Symbol of one instrument; without it, all of them.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all of it as JSON.")] = False,
    artifacts: options.Artifacts = options.ARTIFACTS,
) -> int:
    """Diagnose which neurons drive which: communities, hubs, core, dead neurons, each against its healthy band.

    Needs a run with fast weights and 16 snapshots of them, one in 2,048 decisions of an instrument.

    \b
    Examples:
      alphatrade graph RUN
      alphatrade graph RUN --instrument SIM-A --json
    """
    from alphatrade_runtime.cli.screen import progress, remark
    from alphatrade_runtime.loop.artifacts import find_run
    from alphatrade_runtime.reflection.graph.of_run import graphs_of

    with progress("measuring", "rewired graphs") as advance:
        found = graphs_of(find_run(artifacts, run), instrument, advance)
    for text in found.without:
        remark(f"note: {text}")
    if as_json:
        print(json.dumps([_as_facts(one) for one in found.graphs], indent=1, sort_keys=True, allow_nan=False))
        return 0
    for one in found.graphs:
        _print(one)
    return 0


def _print(one: "RunGraph") -> None:
    from alphatrade_runtime.cli.screen import table

    diagnosis, measures = one.diagnosis, one.diagnosis.measures
    null = measures.communities
    print(
        f"{one.symbol}: {diagnosis.snapshots} snapshots, decisions {one.first:,} to {one.last:,}; "
        f"{measures.edges:,} edges, {one.codes:,} codes; {'healthy' if diagnosis.healthy else 'not healthy'}"
    )
    rows = [(row.metric, _number(row.value), _band(row.low, row.high), row.verdict) for row in diagnosis.table]
    table(("metric", "value", "band", "verdict"), rows)
    print(
        f"  modularity of 20 rewired graphs: {_number(null.null_mean)} ± {_number(null.null_sd)}, "
        f"so z = {_number(null.z)}"
    )
    print(f"  core and periphery: correlation {_number(measures.core_fit)}, a core of {measures.core_size} neurons")


def _number(value: float) -> str:
    return "unknown" if math.isnan(value) else f"{value:.4g}"


def _band(low: float, high: float) -> str:
    if math.isinf(high):
        return f"{low:g} or more"
    return f"{high:g} or less" if math.isinf(low) else f"{low:g} to {high:g}"


def _as_facts(one: "RunGraph") -> dict[str, Any]:
    diagnosis, measures = one.diagnosis, one.diagnosis.measures
    null = measures.communities
    return {
        "instrument": one.symbol,
        "snapshots": diagnosis.snapshots,
        "decisions": {"first": one.first, "last": one.last},
        "codes": one.codes,
        "healthy": diagnosis.healthy,
        "edges": measures.edges,
        "metrics": {
            row.metric: {
                "value": _finite(row.value), "low": _finite(row.low), "high": _finite(row.high), "verdict": row.verdict,
            }
            for row in diagnosis.table
        },
        "null": {"mean": _finite(null.null_mean), "sd": _finite(null.null_sd), "z": _finite(null.z)},
        "core": {"correlation": _finite(measures.core_fit), "neurons": measures.core_size},
        "in_degrees": [bin._asdict() for bin in measures.in_degrees],
        "out_degrees": [bin._asdict() for bin in measures.out_degrees],
        "communities": len(set(null.community.tolist())),
    }  # fmt: skip


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
