"""The API server's own limit on requests, set so that it answers those of some service accounts with 429.

A level without a share still lets one request pass at a time. So one is begun there and never finished: the server
waits for its body, for up to a minute.
"""

import base64
import json
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from e2e.cluster.market import Manifest
from e2e.cluster.place import Place
from kube_fixtures import SYSTEM_NAMESPACE

_NAME = "story-too-many"
_TAKEN_UP_S = 1.0  # until then the server still answers by the rules, and to the requests, that it had
_API = "flowcontrol.apiserver.k8s.io/v1"
_ALL = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"], "clusterScope": True}


@contextmanager
def too_many_requests(place: Place) -> Iterator[None]:
    """Refuse every request of the operator and of the namespace's pods; those that are being served go on."""
    level = _object("PriorityLevelConfiguration", {"type": "Limited", "limited": _none()})
    rule = {"subjects": [_group(place.namespace), _group(SYSTEM_NAMESPACE)], "resourceRules": [_ALL]}
    reference = {"priorityLevelConfiguration": {"name": _NAME}, "matchingPrecedence": 2, "rules": [rule]}
    flow = _object("FlowSchema", reference)
    try:
        place.apply(level, flow)
        time.sleep(_TAKEN_UP_S)
        with _unfinished(place):
            yield
    finally:
        place.kube.kubectl("delete", "flowschema,prioritylevelconfiguration", _NAME, "--ignore-not-found")


@contextmanager
def _unfinished(place: Place) -> Iterator[None]:
    """Hold the level's one seat by a request that everybody may make, its body never sent."""
    config = json.loads(place.kube.kubectl("config", "view", "--raw", "--minify", "-o", "json"))
    given = config["clusters"][0]["cluster"]
    authority = base64.b64decode(given["certificate-authority-data"]).decode()
    server = urlsplit(given["server"])
    context = ssl.create_default_context(cadata=authority)
    connection = HTTPSConnection(server.hostname or "", server.port, context=context)
    try:
        connection.putrequest("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews")
        connection.putheader("Authorization", f"Bearer {place.kubectl('create', 'token', 'default').strip()}")
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", "1000")
        connection.endheaders()
        time.sleep(_TAKEN_UP_S)
        yield
    finally:
        connection.close()


def _none() -> Mapping[str, Any]:
    return {
        "nominalConcurrencyShares": 0,
        "lendablePercent": 0,
        "borrowingLimitPercent": 0,
        "limitResponse": {"type": "Reject"},
    }


def _group(namespace: str) -> Mapping[str, Any]:
    return {"kind": "Group", "group": {"name": f"system:serviceaccounts:{namespace}"}}


def _object(kind: str, spec: Mapping[str, Any]) -> Manifest:
    return {"apiVersion": _API, "kind": kind, "metadata": {"name": _NAME}, "spec": dict(spec)}
