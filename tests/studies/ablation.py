"""Study: what each part of the understanding loop earns: the full system against itself without the part, in pairs.

    python tests/studies/ablation.py [--seeds 20] [--decisions 20000] [--days 10000]

Killed, the same command goes on with the cells that are missing. Writes docs/evidence/ablation.json, whichever way it
comes out: exit code 1 only when a run broke its own rules (a violation, a strategy fault, books that disagree).
All runs are of one process, so that the loop is compiled once.
"""

# ruff: noqa: E402 (the pins must be in place before numba is imported)
from alphatrade_runtime.numerics import pins

pins.apply()

import argparse
import hashlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT / "tests") not in sys.path:
    sys.path.insert(0, str(ROOT / "tests"))

import numpy as np

from alphatrade_runtime.loop.identity import identify
from alphatrade_runtime.market.schema import Rows
from alphatrade_runtime.policy.canonical import canonical
from alphatrade_runtime.policy.document import parse_session
from studies import cells, paired, tapes, variants
from studies.cells import Figures, Treatment, run_cell, treatment_of
from studies.markets import MARKETS, Market
from studies.paired import written
from studies.tapes import Fold
from studies.variants import FULL, VARIANTS, Variant, document_of

OWN = (cells, tapes)  # what a cell depends on beside the product, its document and its treatment
FIRST_SEED = 1
BOOTSTRAP_SEED = 1
HEADER = ("tape", "without", "full less variant, net bps", "could have seen", "n", "kills: full", "kills: variant")
Cells = dict[tuple[str, int], Figures]  # by variant and seed


@dataclass(frozen=True)
class Plan:
    """How much of it. decisions: of a simulated tape, an instrument.  days: of daily prices, at most."""

    seeds: int = 20
    decisions: int = 20_000
    days: int = 10_000
    repetitions: int = 10_000
    tapes: tuple[Market, ...] = MARKETS
    variants: tuple[Variant, ...] = VARIANTS

    @property
    def numbers(self) -> range:
        """The seeds."""
        return range(FIRST_SEED, FIRST_SEED + self.seeds)

    def length(self, market: Market) -> int:
        """Return how long a tape is."""
        return self.decisions if market.a_tape_a_seed else self.days


def kept(path: Path, make: Callable[[], Figures]) -> Figures:
    """Return a cell from its file; made and written there if there is none."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".partial")
        unfinished.write_text(json.dumps(make(), sort_keys=True))
        os.replace(unfinished, path)
    found: Figures = json.loads(path.read_text())
    return found


def cell_key(document: variants.Document, treatment: Treatment, market: Market, length: int) -> str:
    """Name a cell by all that it depends on, so that none is taken for that of other code."""
    digest = hashlib.sha256(canonical(document))
    digest.update(identify(parse_session(document), {}).code_hash.encode())
    digest.update(canonical({**asdict(treatment), "market": market.name, "length": length}))
    for module in OWN:
        digest.update(Path(str(module.__file__)).read_bytes())
    return digest.hexdigest()[:24]


class Tapes:
    """The tape of a market, kept until another one is asked for."""

    def __init__(self, market: Market, length: int) -> None:
        self._market, self._length = market, length
        self._made: tuple[int, Rows, list[Fold]] | None = None

    def of(self, seed: int) -> tuple[Rows, list[Fold]]:
        """Return rows and folds."""
        wanted = seed if self._market.a_tape_a_seed else 0
        if self._made is None or self._made[0] != wanted:
            rows = self._market.rows(wanted, self._length)
            self._made = (wanted, rows, self._market.folds(rows))
        return self._made[1], self._made[2]


def run_market(market: Market, plan: Plan, work: Path) -> Cells:
    """Run what is missing of one kind of tape, seed by seed, with a line for each cell."""
    length = plan.length(market)
    tapes, found = Tapes(market, length), Cells()
    for seed in plan.numbers:
        for variant in (FULL, *plan.variants):
            document = document_of(market, seed, variant)
            treatment = treatment_of(variant, market, seed)
            path = work / market.name / f"{cell_key(document, treatment, market, length)}.json"
            cell = kept(path, partial(_made, document, treatment, tapes, seed))
            found[variant.name, seed] = cell
            print(_line(market, variant, seed, cell), flush=True)
    return found


def _made(document: variants.Document, treatment: Treatment, tapes: Tapes, seed: int) -> Figures:
    return run_cell(document, treatment, *tapes.of(seed))


def _line(market: Market, variant: Variant, seed: int, cell: Figures) -> str:
    net = float(np.mean(cell["net_bps"]))
    return (
        f"{market.name} seed {seed} {variant.name}: {net:+.1f} bps {market.fold_name}, {cell['fills']} fills, "
        f"{cell['kills']} kills, reduce-only {cell['reduce_only_share']:.0%}, {cell['wall_s']} s"
    )


def nets(found: Cells, variant: str, seeds: Iterable[int], a_tape_a_seed: bool) -> list[float]:
    """Return what pairs are made of: a net a tape, or (one tape for all) a net a fold, averaged over the seeds."""
    each = np.array([found[variant, seed]["net_bps"] for seed in seeds], np.float64)
    averaged = each.mean(axis=1) if a_tape_a_seed else each.mean(axis=0)
    return [float(value) for value in averaged]


def row_of(market: Market, variant: Variant, found: Cells, plan: Plan) -> dict[str, Any]:
    """Compare the full system with one variant."""
    seeds, apart = plan.numbers, market.a_tape_a_seed
    full, other = nets(found, FULL.name, seeds, apart), nets(found, variant.name, seeds, apart)
    differences = [a - b for a, b in zip(full, other, strict=True)]
    summed = paired.paired(differences, seed=BOOTSTRAP_SEED, repetitions=plan.repetitions)
    return {
        "market": market.name,
        "variant": variant.name,
        "what": variant.what,
        "unit": f"net bps of the largest position, {market.fold_name}",
        "full_minus_variant": summed,
        "differences": differences,
        "full_mean": float(np.mean(full)),
        "variant_mean": float(np.mean(other)),
        "kills_full": sum(found[FULL.name, seed]["kills"] for seed in seeds),
        "kills_variant": sum(found[variant.name, seed]["kills"] for seed in seeds),
    }


def alone(market: Market, found: Cells, plan: Plan) -> dict[str, Any]:
    """Sum up the full system itself, whose folds are its own."""
    own = nets(found, FULL.name, plan.numbers, market.a_tape_a_seed)
    summed = paired.paired(own, seed=BOOTSTRAP_SEED, repetitions=plan.repetitions)
    mine = [found[FULL.name, seed] for seed in plan.numbers]
    means = {
        key: float(np.mean([cell[key] for cell in mine]))
        for key in ("decisions", "orders", "fills", "denials", "drift_alerts", "reduce_only_share", "rho_norm")
    }
    return {"market": market.name, "what": market.what, "net_bps": summed, "means": means}


def printed(row: dict[str, Any]) -> list[str]:
    """Return a row of the table."""
    summed = row["full_minus_variant"]
    cells_of = (row["market"], row["variant"], written(summed), f"{summed['seen']:.1f}", str(summed["n"]))
    return [*cells_of, str(row["kills_full"]), str(row["kills_variant"])]


def study(plan: Plan, work: Path, out: Path) -> bool:
    """Run what is missing, write the evidence, return whether every run kept its own rules."""
    base = work / "ablation"
    base.mkdir(parents=True, exist_ok=True)
    everything = {market.name: run_market(market, plan, base) for market in plan.tapes}
    rows = [row_of(m, v, everything[m.name], plan) for m in plan.tapes for v in plan.variants]
    systems = [alone(market, everything[market.name], plan) for market in plan.tapes]
    facts = {
        "study": "ablation",
        "full": FULL.what,
        "weights": "seeded; a trained readout moves no order, so that it could change none",
        "interval": f"95%, BCa bootstrap by arch, {plan.repetitions} repetitions; could have seen: 2.8 standard errors",
        "systems": systems,
        "rows": rows,
        "table": {"header": list(HEADER), "rows": [printed(row) for row in rows]},
        "seeds": [plan.numbers.start, plan.numbers.stop - 1],
        "decisions": plan.decisions,
        "command": "make ablation",
        **_origin(_every(everything)),
    }
    _write(out, facts)
    for system in systems:
        print(f"{system['market']}: full system, net bps {written(system['net_bps'])}")
    for row in facts["table"]["rows"]:
        print(" | ".join(row))
    return bool(facts["holds"])


def _every(everything: dict[str, Cells]) -> Sequence[Figures]:
    return [cell for found in everything.values() for cell in found.values()]


def _origin(every: Sequence[Figures]) -> dict[str, Any]:
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, cwd=ROOT, check=False
    )
    return {
        "commit": described.stdout.strip(),
        "cells": len(every),
        "wall_s": round(sum(cell["wall_s"] for cell in every), 1),
        "host": {"cpus": os.cpu_count(), "machine": platform.machine(), "python": platform.python_version()},
        "holds": all(cell["violations"] == cell["faults"] == 0 for cell in every),
    }


def _write(out: Path, facts: dict[str, Any]) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(facts, indent=1, sort_keys=True) + "\n")


def chosen(names: Sequence[str], known: Sequence[Any], what: str) -> Iterator[Any]:
    """Pick by name, all when none is given."""
    by_name = {one.name: one for one in known}
    for name in names or by_name:
        if name not in by_name:
            raise SystemExit(f"unknown {what} {name!r}; known: {', '.join(by_name)}")
        yield by_name[name]


def main() -> int:
    """Run the study."""
    plain = Plan()
    parser = argparse.ArgumentParser(description="The full understanding loop against itself without each part.")
    parser.add_argument("--seeds", type=int, default=plain.seeds)
    parser.add_argument("--decisions", type=int, default=plain.decisions, help="of a simulated tape, an instrument")
    parser.add_argument("--days", type=int, default=plain.days, help="of daily prices, at most")
    parser.add_argument("--repetitions", type=int, default=plain.repetitions, help="of the bootstrap")
    parser.add_argument("--market", action="append", default=[], help="simulated, indices or crude; all when left out")
    parser.add_argument("--variant", action="append", default=[], help="a variant's name; all when left out")
    parser.add_argument("--work", type=Path, default=ROOT / "artifacts" / "studies")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "evidence" / "ablation.json")
    given = parser.parse_args()
    plan = Plan(
        given.seeds, given.decisions, given.days, given.repetitions,
        tuple(chosen(given.market, MARKETS, "market")), tuple(chosen(given.variant, VARIANTS, "variant")),
    )  # fmt: skip
    return 0 if study(plan, given.work, given.out) else 1


if __name__ == "__main__":
    sys.exit(main())
