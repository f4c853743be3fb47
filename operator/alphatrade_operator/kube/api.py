"""The client: requests with plain manifests, typed errors, a rate that is kept, retries where nothing is done twice."""

import asyncio
import json
import random
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from os import environ
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from kubernetes.aio import client, config
from kubernetes.aio.client.rest import RESTResponse
from kubernetes.aio.config import ConfigException

from alphatrade_operator.core.clock import monotonic_s
from alphatrade_operator.kube.errors import ApiError, Gone, Unavailable, error_of
from alphatrade_operator.kube.rate import Rate

REQUEST_S = 15.0
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
_TRIES = 3
_PAUSE_S = 0.25
_CONNECTIONS = 64  # a watch keeps one for itself
_OF_A_NAMESPACE = 16  # so many watches a namespace, where they are by namespace


class NoCluster(Exception):
    """Nothing says where the API server is; the text says what to do."""


async def connect(qps: float, burst: int, namespaces: int = 0) -> "Api":
    """Return a client of the cluster that the process runs in, else of the one that KUBECONFIG names.

    namespaces: how many are watched each by itself.  Raises NoCluster.
    """
    configuration = client.Configuration()
    configuration.connection_pool_maxsize = _CONNECTIONS + _OF_A_NAMESPACE * namespaces
    try:
        await _locate(configuration)
    except ConfigException as error:
        text = f"no cluster to connect to ({error}); set KUBECONFIG, or run it in a pod with a service account"
        raise NoCluster(text) from None
    read_environment_once(configuration, getproxies())
    return Api(configuration, Rate(qps, burst, monotonic_s))


def read_environment_once(configuration: client.Configuration, proxies: Mapping[str, str]) -> None:
    """Take the proxy that the environment names, if any, now: else it is looked for at each request, in two threads.

    proxies: URL by scheme. A .netrc is not read at all: who we are says the kubeconfig.
    """
    configuration.client_session_kwargs = {"trust_env": False}
    server = urlsplit(configuration.host)
    if configuration.proxy is None and not proxy_bypass(server.hostname or ""):
        configuration.proxy = proxies.get(server.scheme)


async def _locate(configuration: client.Configuration) -> None:
    if environ.get("KUBERNETES_SERVICE_HOST") and not environ.get("KUBECONFIG"):
        config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    else:
        await config.load_kube_config(  # type: ignore[no-untyped-call]
            config_file=environ.get("KUBECONFIG"), client_configuration=configuration
        )


class Api:
    """Requests to the API server. Close it, or use it as a context."""

    def __init__(self, configuration: client.Configuration, rate: Rate) -> None:
        self._configuration, self._rate = configuration, rate
        self._client = client.ApiClient(configuration)

    async def __aenter__(self) -> Self:
        """Return itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        await self._client.close()  # type: ignore[no-untyped-call]

    async def request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
        timeout_s: float = REQUEST_S,
        tries: int = _TRIES,
        at_once: bool = False,
        urgent: bool = False,
    ) -> dict[str, Any]:
        """Return the server's answer. Raises ApiError.

        tries: 1 where doing it twice is not the same as once.  at_once: pass by the rate; for the Lease alone.
        urgent: do not wait behind requests that are not.
        """
        for attempt in range(1, tries + 1):
            if not at_once:
                await self._rate.wait(urgent)
            try:
                return await self._once(method, path, body, query or {}, content_type, timeout_s)
            except Unavailable as error:
                if attempt == tries:
                    raise
                await asyncio.sleep(error.retry_after_s or _PAUSE_S * 2**attempt * (1.0 + random.random()))
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def watch(
        self, path: str, query: Mapping[str, str], timeout_s: float
    ) -> AsyncGenerator[dict[str, Any], None]:
        """Yield watch events until the server ends the stream. Raises Gone when it must be listed anew, or ApiError."""
        request = f"WATCH {path}"
        answer = await self._send("GET", path, None, {**query, "watch": "true"}, "application/json", timeout_s)
        async with aclosing(_lines(request, answer)) as lines:
            async for line in lines:
                event = json.loads(line)
                if event["type"] == "ERROR":
                    raise _stream_error(request, event["object"])
                yield event

    async def _once(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        query: Mapping[str, str],
        content_type: str,
        timeout_s: float,
    ) -> dict[str, Any]:
        answer = await self._send(method, path, body, query, content_type, timeout_s)
        try:
            result: dict[str, Any] = json.loads(await answer.read())  # type: ignore[no-untyped-call]
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise Unavailable(f"{method} {path}", 0, "BrokenAnswer", f"{type(error).__name__}: {error}") from error
        return result

    async def _send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        query: Mapping[str, str],
        content_type: str,
        timeout_s: float,
    ) -> RESTResponse:
        url = f"{self._configuration.host}{path}" + (f"?{urlencode(query)}" if query else "")
        headers = {"Accept": "application/json", "Content-Type": content_type, "User-Agent": "alphatrade-operator"}
        try:
            token = await self._configuration.get_api_key_with_prefix("BearerToken", alias="authorization")
            if token:
                headers["Authorization"] = token
            answer = await self._client.call_api(method, url, headers, body, _request_timeout=timeout_s)
            if answer.status < 300:
                return answer
            text = await answer.read()  # type: ignore[no-untyped-call]
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unavailable(f"{method} {path}", 0, "Unreachable", f"{type(error).__name__}: {error}") from error
        raise error_of(f"{method} {path}", answer.status, _status(text), answer.headers.get("Retry-After"))


async def _lines(request: str, answer: RESTResponse) -> AsyncGenerator[bytes, None]:
    response = answer.response
    try:
        async for line in response.content:
            if line.strip():
                yield line
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise Unavailable(request, 0, "BrokenStream", f"{type(error).__name__}: {error}") from error
    finally:
        response.close()


def _stream_error(request: str, status: Mapping[str, Any]) -> ApiError:
    if status.get("code") == 410 or status.get("reason") == "Expired":
        return Gone(request, 410, "Expired", str(status.get("message", "")))
    return error_of(request, int(status.get("code", 500)), status, None)


def _status(text: bytes) -> Mapping[str, Any]:
    try:
        body = json.loads(text)
    except ValueError:
        return {"message": text[:200].decode("utf-8", "replace")}
    return body if isinstance(body, dict) else {}
