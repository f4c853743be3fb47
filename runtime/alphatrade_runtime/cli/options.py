"""Options that several commands share, each explained once."""

from pathlib import Path
from typing import Annotated

import typer

Folder = Annotated[
    Path,
    typer.Option(
        "-f", "--folder", help="Folder (or file) of YAML: Strategy, RiskTemplate, MarketDataFeed, BrokerConnection."
    ),
]
Strategy = Annotated[str | None, typer.Option(help="Name of the Strategy to run, when the folder holds several.")]
PluginFile = Annotated[
    Path | None,
    typer.Option(
        "--plugin", help="Python file with a strategy of your own; it takes the place of the policies' signals."
    ),
]
SignalName = Annotated[str | None, typer.Option("--signal", help="Which signal of --plugin, when it declares several.")]
Artifacts = Annotated[Path, typer.Option(help="Folder under which runs and made tapes are kept.")]
Speed = Annotated[
    str | None,
    typer.Option(
        help="Max: as fast as it goes. 200x: rows 200 times as fast as they came. Time is that of the rows in both. "
        "Realtime: the wall clock. Default: the feed's."
    ),
]
CheckpointEvery = Annotated[
    float, typer.Option(min=0.01, help="Seconds between checkpoints; a killed run goes on from its last one.")
]
RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="Folder of a run, or its id under --artifacts.")]

ARTIFACTS = Path("artifacts")
