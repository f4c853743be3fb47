"""Resolve pyproject.toml into requirements/*.lock with hashes; `--upgrade` takes the newest versions."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST_PYTHON = "3.11"
SHARED = ("--extra", "sample-data", "--group", "build")
HEADER = "# Written by `make lock` from pyproject.toml. The hashes hold whichever registry or mirror pip uses.\n"


def resolve(output: Path, *options: str) -> None:
    """Write one lock file: one version of each package for every Python where that is possible."""
    command = [
        sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", "--quiet", "--universal", "--generate-hashes",
        "--fork-strategy", "fewest", "--python-version", OLDEST_PYTHON, "--no-header", *SHARED, *options,
    ]  # fmt: skip
    partial = output.with_name(f"{output.name}.partial-{os.getpid()}")
    if output.exists():
        partial.write_bytes(output.read_bytes())  # what is locked stays unless an upgrade is asked for
    try:
        subprocess.run([*command, "--output-file", str(partial)], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        partial.write_text(HEADER + partial.read_text())
        partial.replace(output)
    finally:
        partial.unlink(missing_ok=True)


def main() -> int:
    """Lock everything first, then the runtime's part at the same versions; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions instead of the locked ones")
    upgrade = ["--upgrade"] if parser.parse_args().upgrade else []
    folder = ROOT / "requirements"
    folder.mkdir(exist_ok=True)
    try:
        resolve(folder / "dev.lock", "--group", "dev", *upgrade)
        resolve(folder / "runtime.lock", "--constraint", "requirements/dev.lock", "--no-annotate")
    except subprocess.CalledProcessError as error:
        print(
            f"lock: uv could not resolve pyproject.toml (exit code {error.returncode}); nothing was written",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
