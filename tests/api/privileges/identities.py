"""Real identities: certificates that the cluster signs for people, tokens that it issues for service accounts."""

import base64
import json
import ssl
import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from api.privileges.caller import Caller
from cluster.kubectl import Kube

ROLES = ("viewer", "quant", "risk-officer", "approver", "platform")
_SIGNER = "kubernetes.io/kube-apiserver-client"


@dataclass(frozen=True)
class Server:
    """Where the API server is, and whom it is signed by."""

    url: str
    authority: str

    def tls(self) -> ssl.SSLContext:
        """Return what trusts this server and shows no certificate."""
        return ssl.create_default_context(cadata=self.authority)


def server_of(kube: Kube) -> Server:
    """Return the server of a kubeconfig."""
    shown = json.loads(kube.kubectl("config", "view", "--minify", "--flatten", "-o", "json"))
    cluster = shown["clusters"][0]["cluster"]
    return Server(cluster["server"], base64.b64decode(cluster["certificate-authority-data"]).decode())


def nobody(server: Server) -> Caller:
    """Return a caller without credentials."""
    return Caller("system:anonymous", server.url, server.tls())


def person(kube: Kube, server: Server, user: str) -> Caller:
    """Return a person with a certificate of their own, signed by the cluster."""
    key = ec.generate_private_key(ec.SECP256R1())
    tls = server.tls()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "person.pem"
        file.touch(mode=0o600)
        file.write_bytes(_pem(key) + _signed(kube, _asked(key, user)))
        tls.load_cert_chain(file)
    return Caller(user, server.url, tls)


def service_account(kube: Kube, server: Server, namespace: str, name: str) -> Caller:
    """Return a service account with a token of one hour."""
    token = kube.kubectl("create", "token", name, "-n", namespace, "--duration=1h").strip()
    return Caller(f"system:serviceaccount:{namespace}:{name}", server.url, server.tls(), token)


def _asked(key: ec.EllipticCurvePrivateKey, user: str) -> bytes:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, user)])
    asked = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return asked.public_bytes(serialization.Encoding.PEM)


def _signed(kube: Kube, asked: bytes) -> bytes:
    """Have the cluster sign a request for a certificate; return the certificate."""
    name = f"privileges-{uuid.uuid4().hex[:8]}"
    kube.apply(json.dumps(_signing_request(name, asked)))
    try:
        kube.kubectl("certificate", "approve", name)
        return base64.b64decode(kube.until(f"certificate {name}", lambda: _certificate(kube, name)))
    finally:
        kube.kubectl("delete", "csr", name)


def _certificate(kube: Kube, name: str) -> Any:
    return kube.get("csr", name)["status"].get("certificate")


def _signing_request(name: str, asked: bytes) -> dict[str, Any]:
    spec = {
        "request": base64.b64encode(asked).decode(),
        "signerName": _SIGNER,
        "expirationSeconds": 3600,
        "usages": ["client auth"],
    }
    return {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"name": name},
        "spec": spec,
    }


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
