"""`alphatrade explain`."""

import json
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from alphatrade_runtime.cli import options

_SCORE = ("base", "attention", "regime", "fast_weight", "total", "switch_cost_bps")


def explain(
    run: options.RunArgument,
    seq: Annotated[int, typer.Argument(min=0, metavar="SEQ", help="A row of the tape at which an order left.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print all of it as JSON.")] = False,
    artifacts: options.Artifacts = options.ARTIFACTS,
) -> int:
    """Say why a policy traded and not another: score parts, what kept each out, what would have let it in.

    Needs a run whose strategy has a belief, a regime, probes, drift or the router on; others made no such choice.
    `alphatrade diary show RUN` lists the rows (seq) at which something was done.

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
    for choice in found:
        _print(choice, seq)
    return 0


def _print(choice: Mapping[str, Any], seq: int) -> None:
    print(f"{choice['symbol']}: {choice['why']['sentence']}")
    _print_scores(choice["why"])
    for action in choice["actions"]:
        print(f"  {action['explanation']}")
    for order in choice["orders"]:
        print(f"  order {order['order_id']} came to {order['state']}")
    if not choice["orders"]:
        print(f"  no order left at row {seq}")
    _print_probes(choice["probes"])


def _print_scores(why: Mapping[str, Any]) -> None:
    """Print who was weighed, the chosen one first; nothing when there was only one."""
    from alphatrade_runtime.cli.screen import table

    if not why["alternatives"]:
        return
    rows = [] if why["score"] is None else [[why["chosen"], *_numbers(why), "chosen", "", ""]]
    for one in why["alternatives"]:
        regret = "" if one["regret"] is None else f"{one['regret']['bps']:+.2f} in {one['regret']['decisions']}"
        rows.append([one["policy"], *_numbers(one), one["kept_out_by"], one["flips_when"], regret])
    head = ["policy", *_SCORE, "shadow_share", "fill_bps", "kept out by", "unless", "later, bps in decisions"]
    table(head, rows)


def _numbers(one: Mapping[str, Any]) -> list[str]:
    shadow = one["shadow"]
    numbers = [one["score"][name] for name in _SCORE] + [shadow["position_share"], shadow["fill_cost_bps"]]
    return [f"{number:.3f}" for number in numbers]


def _print_probes(probes: list[dict[str, Any]]) -> None:
    fired = [probe["name"] for probe in probes if probe["fired"]]
    known = [probe["name"] for probe in probes if probe["available"]]
    if known:
        print(f"  probes: {', '.join(fired) or 'none fired'} of {', '.join(known)}")
    elif probes:
        print("  probes: none available, so the order is not attributed")
