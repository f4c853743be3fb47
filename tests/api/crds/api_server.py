"""The API server as these tests use it: one client, one namespace, objects refused or not."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kubernetes import client

from alphatrade_operator.api_group import KINDS
from alphatrade_operator.core.model import GROUP, VERSION

PLURALS = {kind.__name__: kind.definition.plural for kind in KINDS}
Document = dict[str, Any]


class Refused(Exception):
    """What the API server said. status: the HTTP status."""

    def __init__(self, error: client.ApiException) -> None:
        self.status = error.status
        body = json.loads(error.body or "{}")
        causes = body.get("details", {}).get("causes", [])
        self.causes = [(cause.get("field", ""), cause["message"]) for cause in causes]
        super().__init__(body["message"])


OPERATOR = "system:serviceaccount:alphatrade-system:alphatrade-operator"


def _creator(document: Document) -> str:
    """Return as whom the admission policies let an object be made; empty: as an administrator."""
    if document["kind"] == "PolicyLedgerEntry":
        return OPERATOR
    spec = document.get("spec") or {}
    return str(spec.get({"SignOff": "user", "GovernanceProposal": "author"}.get(document["kind"], ""), ""))


def _remover(document: Document) -> str:
    return OPERATOR if document["kind"] in ("SignOff", "PolicyLedgerEntry") else ""


@dataclass(frozen=True)
class ApiServer:
    """One namespace of an API server. objects: the API as a user, an administrator when empty.

    Who asks is whom the admission policies let ask; of who may what there are tests of their own.
    """

    objects: Callable[[str], client.CustomObjectsApi]
    namespace: str

    def create(self, document: Document, *, dry_run: bool = True) -> Document:
        """Create an object, strictly; by default only for show. Raises Refused."""
        options: Document = {"field_validation": "Strict"} | ({"dry_run": "All"} if dry_run else {})
        objects = self.objects(_creator(document))
        return self._asked(objects.create_namespaced_custom_object, document, **options)

    def replace(self, document: Document, *, dry_run: bool = True) -> Document:
        """Replace the object of that name. Raises Refused."""
        options: Document = {"field_validation": "Strict"} | ({"dry_run": "All"} if dry_run else {})
        return self._asked(
            self.objects("").replace_namespaced_custom_object, document, name=document["metadata"]["name"], **options
        )

    def replace_status(self, document: Document, *, dry_run: bool = True) -> Document:
        """Replace the status of the object of that name. Raises Refused."""
        options: Document = {"field_validation": "Strict"} | ({"dry_run": "All"} if dry_run else {})
        return self._asked(
            self.objects(OPERATOR).replace_namespaced_custom_object_status,
            document,
            name=document["metadata"]["name"],
            **options,
        )

    def delete(self, document: Document) -> None:
        """Delete the object of that name."""
        self.objects(_remover(document)).delete_namespaced_custom_object(
            GROUP, VERSION, self.namespace, PLURALS[document["kind"]], document["metadata"]["name"]
        )

    def _asked(self, call: Any, document: Document, **options: Any) -> Document:
        try:
            answer: Document = call(GROUP, VERSION, self.namespace, PLURALS[document["kind"]], body=document, **options)
        except client.ApiException as error:
            raise Refused(error) from None
        return answer
