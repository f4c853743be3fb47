"""`alphatrade explain`."""

import json
from typing import Annotated

import typer

from alphatrade_runtime.cli import options


def explain(
    run: options.RunArgument,
    seq: Annotated[int, typer.Argument(help="A row of the tape: the decision that it led to, or the last one before.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print all of it as JSON.")] = False,
    artifacts: options.Artifacts = options.ARTIFACTS,
) -> int:
    """Say why a policy traded and not another: score parts, what kept the other out, what would have let it in.

    Needs a run whose strategy has a belief, a regime, or the router on; other runs made no such choice.

    \b
    Examples:
      alphatrade explain RUN 123456
      alphatrade explain RUN 123456 --json
    """
    from alphatrade_runtime.loop.artifacts import find_run
    from alphatrade_runtime.reflection.diary.choices import explain_row

    found = explain_row(find_run(artifacts, run), seq)
    if as_json:
        print(json.dumps(found, indent=1, sort_keys=True))
        return 0
    print(found["why"]["sentence"])
    for order in found["orders"]:
        print(f"  order {order['order_id']}: {order['event_name']} {order['side_name']} {order['qty_size']}")
    fired = [probe["name"] for probe in found["probes"] if probe["fired"]]
    known = [probe["name"] for probe in found["probes"] if probe["available"]]
    if known:
        print(f"  probes: {', '.join(fired) or 'none fired'} of {', '.join(known)}")
    return 0
