"""`alphatrade serve`: the pods' processes."""

# Modules that load the compiler are imported inside the commands: --help must not wait for them.

from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from alphatrade import names

KINDS = ("strategy", "feed", "broker")


def serve(
    kind: Annotated[str, typer.Argument(metavar="strategy|feed|broker", help="What this pod is.")],
    config: Annotated[Path, typer.Option(help="The configuration that the operator rendered.")] = Path(
        names.CONFIG_FILE
    ),
    tls: Annotated[Path, typer.Option(help="Folder of tls.crt, tls.key, ca.crt; may be replaced while it runs.")] = (
        Path(names.TLS_FOLDER)
    ),
    data: Annotated[Path, typer.Option(help="The pod's own volume: journal, records, tapes.")] = Path(
        names.DATA_FOLDER
    ),
    artifacts: Annotated[Path, typer.Option(help="The artifact store; relative tape paths start here.")] = Path(
        names.ARTIFACTS_FOLDER
    ),
    listen: Annotated[str, typer.Option(help="Where gRPC is served, with mutual TLS.")] = f"0.0.0.0:{names.GRPC_PORT}",
    http: Annotated[str, typer.Option(help="Where /healthz, /readyz and /metrics are served.")] = (
        f"0.0.0.0:{names.HTTP_PORT}"
    ),
) -> int:
    """Run a pod of AlphaTrade: what the operator starts, seldom typed by hand.

    Every default is where the operator mounts it. SIGTERM ends a pod in order.

    \b
    Example:
      alphatrade serve feed --config feed.json --tls tls --data data
    """
    from alphatrade_runtime.market.faults import InputError

    if kind not in KINDS:
        raise InputError(f"serve {kind}: no such pod; choose one of {', '.join(KINDS)}")
    module = import_module(f"alphatrade_runtime.service.{kind}.main")
    return int(module.serve(config, tls, data, artifacts, listen, http))
