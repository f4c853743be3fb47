"""Whether the API server enforces its share of the law: asked at the start and in every repair round."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from alphatrade.names import API_VERSION
from alphatrade_operator.admission.check import faults, finding
from alphatrade_operator.admission.policy import LAW
from alphatrade_operator.admission.records import SIGN_OFF
from alphatrade_operator.core.plan import Finding, Manifest
from alphatrade_operator.kube.api import Api
from alphatrade_operator.kube.errors import ApiError, NotFound
from alphatrade_operator.kube.resources import BY_KIND, LAW_KINDS, SELF_REVIEW

_PART_OF = {"labelSelector": "app.kubernetes.io/part-of=alphatrade"}
_log = logging.getLogger(__name__)


class LawWatch:
    """Looks at policies, bindings and the ConfigMap that names the operator, and tries a sign-off that must be refused.

    namespace: the operator's own.  measure: takes how many faults there are.
    """

    def __init__(self, api: Api, namespace: str, measure: Callable[[int], None] = lambda count: None) -> None:
        self._api, self._namespace, self._measure = api, namespace, measure
        self._finding: Finding | None = finding(("the admission policies were not looked at yet",))

    @property
    def finding(self) -> Finding | None:
        """Return what is wrong, None while the law is whole. What was never seen is not there."""
        return self._finding

    async def check(self) -> None:
        """Look once. A server that does not answer leaves what was found before."""
        try:
            found = await self._faults()
        except ApiError as error:
            if error.retryable:
                _log.warning("admission policies not looked at", extra={"error": str(error)})
                return
            found = (f"the admission policies cannot be looked at: {error}",)
        self._measure(len(found))
        before, self._finding = self._finding, finding(found)
        if found and before != self._finding:
            _log.warning("the law is not whole", extra={"faults": list(found)})

    async def _faults(self) -> tuple[str, ...]:
        live = [one for resource in LAW_KINDS for one in await self._listed(resource.kind)]
        found = faults(live, await self._law(), await self._me(), self._namespace)
        return found or await self._trial()

    async def _listed(self, kind: str) -> list[Manifest]:
        answer = await self._api.request("GET", BY_KIND[kind].path(), query=_PART_OF)
        return [{"kind": kind, **item} for item in answer["items"]]

    async def _law(self) -> Manifest | None:
        try:
            return await self._api.request("GET", BY_KIND["ConfigMap"].path(self._namespace, LAW))
        except NotFound:
            return None

    async def _me(self) -> str:
        body = {"apiVersion": SELF_REVIEW.api_version, "kind": SELF_REVIEW.kind}
        answer = await self._api.request("POST", SELF_REVIEW.path(), body)
        return str(answer["status"]["userInfo"]["username"])

    async def _trial(self) -> tuple[str, ...]:
        """Try to sign off, for show: what is installed may not be in force."""
        path = BY_KIND["SignOff"].path(self._namespace)
        try:
            await self._api.request("POST", path, _sign_off(self._namespace), query={"dryRun": "All"})
        except ApiError as error:
            if f"'{SIGN_OFF.name}'" in error.message:
                return ()
            if error.retryable:
                raise
            return (f"a sign-off by the operator, on trial, was refused by something else: {error.message}",)
        return ("a sign-off by the operator, on trial, was not refused: the policies are not in force",)


def _sign_off(namespace: str) -> Mapping[str, Any]:
    spec = {
        "proposalRef": {"name": "none", "uid": "00000000-0000-0000-0000-000000000000"},
        "subjectHash": "0" * 64,
        "decision": "Approve",
        "user": "alphatrade-operator",
    }
    metadata = {"name": "on-trial", "namespace": namespace}
    return {"apiVersion": API_VERSION, "kind": "SignOff", "metadata": metadata, "spec": spec}
