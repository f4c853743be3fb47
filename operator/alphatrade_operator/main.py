"""The command `alphatrade-operator`: reads its settings, connects, runs until it is told to stop."""

import asyncio
import logging
import os
import signal
import socket
import sys
from argparse import ArgumentParser
from pathlib import Path

from alphatrade_operator import logs
from alphatrade_operator.kube.api import NoCluster, connect
from alphatrade_operator.operator import Operator
from alphatrade_operator.settings import SETTINGS_FILE, Settings, SettingsError, load_settings

_WRONG_INPUT, _FAILED = 2, 1


def main() -> int:
    """Run the operator; return the exit code: 0 after a signal, 1 when a part of it failed, 2 for wrong settings."""
    parser = ArgumentParser(prog="alphatrade-operator", description="Reconciles the resources of alphatrade.io.")
    text = "YAML file of settings; ALPHATRADE_<FIELD> of the environment wins (default: %(default)s)"
    parser.add_argument("--settings", type=Path, default=Path(SETTINGS_FILE), help=text)
    parser.add_argument("--verbose", action="store_true", help="log what is of interest to developers, too")
    arguments = parser.parse_args()
    logs.configure(logging.DEBUG if arguments.verbose else logging.INFO)
    try:
        settings = load_settings(arguments.settings)
        return asyncio.run(_run(settings))
    except (SettingsError, NoCluster) as error:
        print(f"alphatrade-operator: {error}", file=sys.stderr)
        return _WRONG_INPUT


async def _run(settings: Settings) -> int:
    stop = asyncio.Event()

    def heed() -> None:
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, stop.set)

    heed()
    host = os.environ.get("POD_NAME") or socket.gethostname()
    apart = len(settings.namespaces) + 1 if settings.scope == "Namespaces" else 0
    async with await connect(settings.client_qps, settings.client_burst, apart) as api:
        asked = await Operator(settings, api, host).run(stop, started=heed)
    return 0 if asked else _FAILED
