"""Start the benchmarks from a checkout: `python tests/bench/run.py [P1 P2 ...]`."""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)  # the folder that holds `bench`, as pytest sets it

from bench.command import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
