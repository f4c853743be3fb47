"""Study: false alerts and delays of the shipped drift detectors, each within its own error of what is stated.

    python tests/studies/drift.py [--samples 100000000]

Killed, the same command goes on with the cases that are missing. Writes docs/evidence/drift.json.
Exit code 1 when a figure of semantics §6 lies more than three standard errors away.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from dataclasses import replace
from math import sqrt
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

from alphatrade_runtime.reflection.drift.calibrate import (  # noqa: E402
    ALL_RULES,
    CASES,
    Case,
    as_facts,
    find_alert,
    measure,
)
from alphatrade_runtime.reflection.drift.detectors import Use  # noqa: E402

SEED = 1
STATED_SAMPLES = 4_000_000
DELAY_SAMPLES = 20_000_000
SHORT = 250
# What is stated, by (rules, law, shift, clip and threshold of CUSUM). Delays are stated to a whole observation.
STATED = (
    (Case("", use=Use.CUSUM), 196_000.0),
    (Case("", use=Use.SHOCK), 28_000.0),
    (Case("", use=Use.CUSUM | Use.SHOCK), 24_500.0),
    (Case("", law="gaussian", clip=float("inf"), cusum_alert=8.0), 8_990.0),
    (Case("", clip=float("inf"), cusum_alert=8.0), 1_568.0),
    (Case("", shift=1.0), 20.0),
    (Case("", shift=2.0), 7.0),
)
EXTRA = (
    Case("false alerts, all three", use=ALL_RULES, reference_n=1_000),
    Case("false alerts, all three", use=ALL_RULES, reference_n=SHORT),
)


def stated_of(case: Case) -> float | None:
    """Return what is stated of a case, if anything is."""
    return next((figure for known, figure in STATED if replace(known, name=case.name) == case), None)


def holds(found: dict[str, Any], stated: float) -> bool:
    """True when a figure is within three standard errors of the stated one, which was drawn too."""
    if found["shift"]:
        return abs(found["mean"] - stated) <= 1.5
    stated_error = stated / sqrt(STATED_SAMPLES / stated)
    return abs(found["mean"] - stated) <= 3.0 * sqrt(found["error"] ** 2 + stated_error**2)


def measured(case: Case, samples: int) -> dict[str, Any]:
    """Measure a case, with what is stated of it."""
    began = time.monotonic()
    found = as_facts(measure(case, DELAY_SAMPLES if case.shift else samples, SEED))
    stated = stated_of(case)
    found |= {"wall_s": round(time.monotonic() - began, 1), "stated": stated}
    return found | ({"holds": holds(found, stated)} if stated is not None else {})


def kept(path: Path, make: Any) -> dict[str, Any]:
    """Return a result from its file; made and written there if there is none."""
    if not path.exists():
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(make(), sort_keys=True))
        os.replace(partial, path)
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def study(samples: int, work: Path, out: Path) -> bool:
    """Measure what is missing, write the evidence, return whether it holds."""
    base = work / f"drift-{SEED}-{samples}"
    base.mkdir(parents=True, exist_ok=True)
    commit = base / "commit"
    if not commit.exists():
        described = ["git", "describe", "--always", "--dirty"]
        commit.write_text(subprocess.run(described, capture_output=True, text=True, cwd=ROOT).stdout)
    results = []
    for k, case in enumerate([*CASES, *EXTRA]):
        results.append(kept(base / f"{k}.json", lambda case=case: measured(case, samples)))
        print(json.dumps(results[-1], sort_keys=True), flush=True)
    arl0 = results[0]["mean"]
    short = Case("threshold for a short reference", reference_n=SHORT)
    solved = kept(base / "short.json", lambda: as_facts(find_alert(short, arl0, samples, SEED)))
    facts = {
        "study": "drift",
        "samples": samples,
        "delay_samples": DELAY_SAMPLES,
        "seed": SEED,
        "cases": results,
        "short_reference": solved,
        "command": "make study-drift",
        "commit": commit.read_text().strip(),
        "wall_s": round(sum(one["wall_s"] for one in results), 1),
        "host": {"cpus": os.cpu_count(), "machine": platform.machine(), "python": platform.python_version()},
        "holds": all(one.get("holds", True) for one in results),
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(facts, indent=1, sort_keys=True) + "\n")
    return bool(facts["holds"])


def main() -> int:
    """Run the study."""
    parser = argparse.ArgumentParser(description="False alerts and delays of the drift detectors.")
    parser.add_argument("--samples", type=int, default=100_000_000)
    parser.add_argument("--work", type=Path, default=ROOT / "artifacts" / "studies")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "evidence" / "drift.json")
    given = parser.parse_args()
    return 0 if study(given.samples, given.work, given.out) else 1


if __name__ == "__main__":
    sys.exit(main())
