"""The API server as these tests use it: one client, one namespace, objects refused or not."""

import json
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


@dataclass(frozen=True)
class ApiServer:
    """One namespace of an API server."""

    objects: client.CustomObjectsApi
    namespace: str

    def create(self, document: Document, *, dry_run: bool = True) -> Document:
        """Create an object, strictly; by default only for show. Raises Refused."""
        options: Document = {"field_validation": "Strict"} | ({"dry_run": "All"} if dry_run else {})
        return self._asked(self.objects.create_namespaced_custom_object, document, **options)

    def replace(self, document: Document, *, dry_run: bool = True) -> Document:
        """Replace the object of that name. Raises Refused."""
        options: Document = {"field_validation": "Strict"} | ({"dry_run": "All"} if dry_run else {})
        return self._asked(
            self.objects.replace_namespaced_custom_object, document, name=document["metadata"]["name"], **options
        )

    def replace_status(self, document: Document, *, dry_run: bool = True) -> Document:
        """Replace the status of the object of that name. Raises Refused."""
        options: Document = {"field_validation": "Strict"} | ({"dry_run": "All"} if dry_run else {})
        return self._asked(
            self.objects.replace_namespaced_custom_object_status, document, name=document["metadata"]["name"], **options
        )

    def delete(self, document: Document) -> None:
        """Delete the object of that name."""
        self.objects.delete_namespaced_custom_object(
            GROUP, VERSION, self.namespace, PLURALS[document["kind"]], document["metadata"]["name"]
        )

    def _asked(self, call: Any, document: Document, **options: Any) -> Document:
        try:
            answer: Document = call(GROUP, VERSION, self.namespace, PLURALS[document["kind"]], body=document, **options)
        except client.ApiException as error:
            raise Refused(error) from None
        return answer
