"""`alphatrade compare`."""

from alphatrade_runtime.cli import options

DIFFERENT = 1


def compare(
    run_a: options.RunArgument, run_b: options.RunArgument, artifacts: options.Artifacts = options.ARTIFACTS
) -> int:
    """Compare two runs: hashes, digests, and the first row at which a record stream differs.

    Exit code 0 when every row is the same, 1 when not.

    \b
    Example:
      alphatrade compare run-1f2e3d4c5b6a7988 run-8897a6b5c4d3e2f1
    """
    from alphatrade_runtime.loop.artifacts import find_run
    from alphatrade_runtime.report.compare import compare as compare_runs

    found = compare_runs(find_run(artifacts, run_a), find_run(artifacts, run_b))
    print(found.text())
    return 0 if found.same else DIFFERENT
