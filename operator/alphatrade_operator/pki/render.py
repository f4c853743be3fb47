"""Render certificates into Secrets, and read Secrets back. Pure."""

import base64
import binascii
from typing import Any

from alphatrade.mtls import AUTHORITY, CERTIFICATE, KEY
from alphatrade.names import KIND_LABEL, MANAGED_BY, OWNER_LABEL
from alphatrade_operator.core.plan import Certificate, Manifest
from alphatrade_operator.pki.authority import Pair

AUTHORITY_SECRET = "alphatrade-ca"
_PREVIOUS = "previous.crt"
_TLS = "kubernetes.io/tls"


def render_authority(namespace: str, pair: Pair, previous: bytes) -> dict[str, Any]:
    """Return the Secret of the authority. previous: certificate of the one before, still trusted; may be empty."""
    labels = {"app.kubernetes.io/managed-by": MANAGED_BY, KIND_LABEL: "authority", OWNER_LABEL: AUTHORITY_SECRET}
    data = {CERTIFICATE: pair.certificate, KEY: pair.key, _PREVIOUS: previous}
    return _secret({"namespace": namespace, "name": AUTHORITY_SECRET, "labels": labels}, data)


def render_leaf(certificate: Certificate, pair: Pair, trusted: bytes) -> dict[str, Any]:
    """Return the Secret of a leaf."""
    metadata = {**certificate.metadata, "namespace": certificate.namespace, "name": certificate.name}
    return _secret(metadata, {CERTIFICATE: pair.certificate, KEY: pair.key, AUTHORITY: trusted})


def pair_in(secret: Manifest) -> Pair:
    """Return certificate and key of a Secret; empty where they are not there or not base64."""
    return Pair(_data(secret, CERTIFICATE), _data(secret, KEY))


def trusted_in(secret: Manifest) -> bytes:
    """Return the bundle of authorities of a leaf's Secret."""
    return _data(secret, AUTHORITY)


def previous_in(secret: Manifest) -> bytes:
    """Return the certificate of the authority before."""
    return _data(secret, _PREVIOUS)


def _secret(metadata: dict[str, Any], data: dict[str, bytes]) -> dict[str, Any]:
    encoded = {name: base64.b64encode(value).decode() for name, value in data.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": _TLS, "data": encoded}


def _data(secret: Manifest, name: str) -> bytes:
    try:
        return base64.b64decode((secret.get("data") or {}).get(name, ""), validate=True)
    except (binascii.Error, TypeError, ValueError):
        return b""
