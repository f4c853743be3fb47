"""`alphatrade belief`."""

# Modules that load the compiler are imported inside the command: --help must not wait for them.

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alphatrade_runtime.cli import options

if TYPE_CHECKING:
    from alphatrade_runtime.perception.belief.train import Trained

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Train what a belief expects of the price.")


@app.command("train", short_help="Fit slow weights to a session's own tape.")
def train(
    folder: options.Folder,
    out: Annotated[Path, typer.Option(help="The npz file to write, such as weights.npz beside the Strategy.")],
    strategy: options.Strategy = None,
    tape: Annotated[
        Path | None, typer.Option(help="A recorded tape in the place of the folder's feed, as `replay` takes it.")
    ] = None,
    horizon: Annotated[int, typer.Option(min=1, help="Decisions that a return looks ahead.")] = 10,
    method: Annotated[str, typer.Option(help="ridge, or rls to let old rows weigh less.")] = "ridge",
    ridge: Annotated[float, typer.Option(help="Penalty on weights, in rows.")] = 100.0,
    forgetting: Annotated[float, typer.Option(help="Of rls: what a row weighs one row later, 0.9 to 1.")] = 1.0,
    folds: Annotated[int, typer.Option(min=2, help="Spans of time, each predicted by a fit that never saw it.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Replay a session, and fit a readout from its belief at each decision to the return that followed.

    Folds are spans of time; rows whose returns reach into one are left out of its fit. Printed are its figures out of
    sample: r2 against the mean of the rest, the correlation (ic), the share of right signs among returns that moved.
    Above 0, and half of the signs, they say that the belief foretold something on this tape; they never say that it
    pays after costs.

    What is trained moves no order. A session that names the file puts the expected return on record with each belief,
    and its drift sentry watches whether the odds of a rise keep what they promise (the stream CALIBRATION).

    \b
    Examples:
      alphatrade belief train -f examples/learning --out weights.npz
      alphatrade belief train -f my-session --tape tapes/mine --horizon 50 --out my-session/weights.npz
    """
    from alphatrade_runtime.cli.feeds import open_tape
    from alphatrade_runtime.cli.screen import progress
    from alphatrade_runtime.cli.session import read_plan
    from alphatrade_runtime.loop.latents import latents_of
    from alphatrade_runtime.perception.belief.train import Training, train_slow_weights

    feed = None if tape is None else {"type": "tape", "path": str(tape)}
    plan = read_plan(folder, strategy, feed=feed, speed="Max")
    abreast = len(plan.session.policy.envelope.instruments)  # their rows are between one another
    how = Training(horizon * abreast, folds=folds, method=method, ridge=ridge, forgetting=forgetting)
    with tempfile.TemporaryDirectory() as base, progress("replaying", "rows") as advance:
        found = latents_of(plan.engine(), open_tape(plan, Path(base)), advance)
    belief = plan.session.policy.genotype.belief
    assert belief is not None  # latents_of refuses such a session
    digest, trained = train_slow_weights(
        out, found.values, found.forward_returns(horizon),
        how, horizon=horizon, seed=belief.seed, inputs=len(belief.features), meta={"features": list(belief.features)},
    )  # fmt: skip
    if as_json:
        _print_json(out, digest, trained)
    else:
        _print(out, digest, trained)
    return 0


def _facts(trained: "Trained") -> list[dict[str, Any]]:
    from dataclasses import asdict

    return [{"fold": k, **asdict(fold)} for k, fold in enumerate(trained.folds)]


def _print_json(out: Path, digest: str, trained: "Trained") -> None:
    import json

    facts = {"file": str(out), "digest": digest, "spread_bps": trained.spread_bps, "folds": _facts(trained)}
    print(json.dumps(facts, indent=1, sort_keys=True))


def _print(out: Path, digest: str, trained: "Trained") -> None:
    from alphatrade_runtime.cli.screen import table

    rows = [[str(k), f"{one.train:,}", f"{one.test:,}", f"{one.r2:+.4f}", f"{one.ic:+.3f}", f"{one.hit:.1%}"]
            for k, one in enumerate(trained.folds)]  # fmt: skip
    table(["fold", "rows to fit", "rows foretold", "r2", "ic", "right signs"], rows)
    print(f"off by {trained.spread_bps:.2f} bps (root mean square, out of sample)")
    print("to use it, in the Strategy's genotype.belief:")
    print(f"  weights: {{file: {out.name}, digest: {digest}}}")
