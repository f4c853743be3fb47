"""`alphatrade report`."""

from alphatrade_runtime.cli import options


def report(run: options.RunArgument, artifacts: options.Artifacts = options.ARTIFACTS) -> int:
    """Print a run's table and write its report anew: report.html (one file) and exports/ (CSV, Parquet).

    \b
    Example:
      alphatrade report artifacts/sim/2026/01/05/run-1f2e3d4c5b6a7988
    """
    from alphatrade_runtime.cli.summary import print_summary
    from alphatrade_runtime.loop.artifacts import find_run
    from alphatrade_runtime.report.write import write_report

    folder = find_run(artifacts, run)
    write_report(folder)
    print_summary(folder)
    return 0
