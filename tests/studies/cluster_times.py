"""Study: how long the local test cluster and the image take, with nothing built and with everything built.

    python tests/studies/cluster_times.py [--cold]

Restarts the cluster that runs here. With --cold, all programs and the image are built anew with an empty Go build cache
beside what is kept (modules and packages are downloaded only if this machine lacks them), which takes a quarter of an
hour; without, those figures stay as they are. Writes docs/evidence/cluster.json.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from bench.measure import commit, machine  # noqa: E402
from cluster.build import build  # noqa: E402
from cluster.local_node import LocalNode  # noqa: E402
from cluster.settings import State, default_state  # noqa: E402

EVIDENCE = ROOT / "docs" / "evidence" / "cluster.json"


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description="Measure the local test cluster.")
    parser.add_argument("--cold", action="store_true", help="build everything anew, too")
    asked = parser.parse_args()
    start = time.monotonic()
    figures = json.loads(EVIDENCE.read_text()) if EVIDENCE.exists() else {}
    figures["cores"] = len(os.sched_getaffinity(0))
    if asked.cold:
        figures |= cold()
    figures |= warm(LocalNode(State(default_state())))
    figures |= {
        "command": "python tests/studies/cluster_times.py --cold",
        "commit": commit(),
        "machine": machine(),
        "wall_s": round(time.monotonic() - start, 1),
    }
    EVIDENCE.write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n")
    print(EVIDENCE.read_text())


def cold() -> dict[str, float]:
    """Return seconds of builds in a state folder of their own, which is removed."""
    with tempfile.TemporaryDirectory(dir=default_state().parent, prefix="cluster-times-") as folder:
        os.environ["GOCACHE"] = str(Path(folder) / "go")
        node = LocalNode(State(Path(folder) / "state"))
        figures = {
            "programs_cold_s": seconds(lambda: build(node.state)),
            "image_cold_s": seconds(node.build_image),
        }
        del os.environ["GOCACHE"]
    return figures


def warm(node: LocalNode) -> dict[str, float]:
    """Return seconds with everything built; the cluster is up afterwards."""
    node.build()
    name = node.build_image()
    node.up()  # so that there is something to take down
    return {
        "programs_unchanged_s": seconds(node.build),
        "image_unchanged_s": seconds(node.build_image),
        "down_s": seconds(node.down),
        "up_s": seconds(node.up),
        "up_when_up_s": seconds(node.up),
        "image_load_s": seconds(lambda: node.load_image(name)),
    }


def seconds(work: Callable[[], object]) -> float:
    """Return how long work takes by the wall clock."""
    start = time.monotonic()
    work()
    return round(time.monotonic() - start, 2)


if __name__ == "__main__":
    main()
