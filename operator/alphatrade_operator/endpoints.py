"""Plain HTTP: /healthz (the process works), /readyz (it knows the cluster and leads or stands by), /metrics."""

from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from alphatrade.telemetry import CONTENT_TYPE

State = Callable[[], Mapping[str, Any]]
Verdict = tuple[bool, Mapping[str, Any]]


class Endpoints:
    """Serves until it is stopped. health, readiness: whether, and the facts behind it.  metrics: their text."""

    def __init__(
        self, health: Callable[[], Verdict], readiness: Callable[[], Verdict], metrics: Callable[[], bytes]
    ) -> None:
        self._metrics = metrics
        application = web.Application()
        application.add_routes(
            [
                web.get("/healthz", _answer(health)),
                web.get("/readyz", _answer(readiness)),
                web.get("/metrics", self._scrape),
            ]
        )
        self._runner = web.AppRunner(application, access_log=None)

    async def start(self, port: int) -> int:
        """Listen on a port, any free one for 0; return which."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, "0.0.0.0", port)
        await site.start()
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Stop listening."""
        await self._runner.cleanup()

    async def _scrape(self, request: web.Request) -> web.Response:
        return web.Response(body=self._metrics(), headers={"Content-Type": CONTENT_TYPE})


def _answer(verdict: Callable[[], Verdict]) -> Any:
    async def answer(request: web.Request) -> web.Response:
        good, facts = verdict()
        return web.json_response(dict(facts), status=200 if good else 503)

    return answer
