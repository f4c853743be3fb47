"""Who may talk to whom, tried with real certificates: from inside a pod, and through a forwarded port."""

import base64
import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from alphatrade.names import GRPC_PORT, identity
from certificates import Authority
from cluster.kubectl import Kube
from e2e.cluster.place import Place
from kube_fixtures import CHARTS, SYSTEM_NAMESPACE

LIFETIME = "operator.certificateLifetimeSeconds"
_DEFAULT_S = 86_400
_KINDS = {"Strategy": "strategy", "MarketDataFeed": "feed", "BrokerConnection": "broker"}
_FORWARDED = re.compile(r"Forwarding from (127\.0\.0\.1:\d+) ")

# Logs on at a broker from inside a pod, with certificates as given or as they are mounted, and tells what it is told.
_LOG_ON = """
import json, pathlib, sys, grpc
from alphatrade.mtls import channel_options
from alphatrade.v1.broker_pb2 import Logon, TradeRequest
from alphatrade.v1.broker_pb2_grpc import BrokerStub

asked = json.load(sys.stdin)
pem = {name: text.encode() for name, text in asked["pem"].items()}
if asked["mounted"]:
    pem = {name: pathlib.Path("/etc/alphatrade/tls", name).read_bytes() for name in ("tls.crt", "tls.key", "ca.crt")}
options = channel_options(asked["identity"])
if pem:
    own = grpc.ssl_channel_credentials(pem["ca.crt"], pem.get("tls.key"), pem.get("tls.crt"))
    channel = grpc.secure_channel(asked["target"], own, options)
else:
    channel = grpc.insecure_channel(asked["target"])
logon = Logon(session_id="another", policy_hash=asked["policy"])
call = BrokerStub(channel).Trade(iter([TradeRequest(logon=logon)]), timeout=10)
try:
    next(call)
    print(json.dumps(["OK", ""]))
except grpc.RpcError as error:
    print(json.dumps([error.code().name, error.details()]))
"""


@dataclass(frozen=True)
class Answer:
    """What a logon came to: a gRPC status code and its words."""

    code: str
    words: str


def log_on(
    place: Place, pod: str, broker: str, strategy: str, pem: Mapping[str, bytes] | None = None, *, mounted: bool = False
) -> Answer:
    """Log on at a broker's gateway from a pod, with the policy of a Strategy that may.

    pem: files by name; none is no TLS at all.  mounted: the pod's own.
    """
    child = place.child("BrokerConnection", broker)
    asked = {
        "target": f"{child}.{place.namespace}.svc:{GRPC_PORT}",
        "identity": identity_of(place, "BrokerConnection", broker),
        "pem": {name: content.decode() for name, content in (pem or {}).items()},
        "mounted": mounted,
        "policy": place.status("Strategy", strategy)["activePolicyHash"],
    }
    said = place.kubectl("exec", "-i", pod, "--", "python", "-c", _LOG_ON, stdin=json.dumps(asked))
    return Answer(*json.loads(said))


def identity_of(place: Place, kind: str, name: str) -> str:
    """Return the identity of an object of ours."""
    return identity(place.namespace, _KINDS[kind], name, place.uid(kind, name))


def secret_of(place: Place, kind: str, name: str) -> dict[str, bytes]:
    """Return the files of an object's certificate, as they are now."""
    return _files(place.kube.get("secret", place.child(kind, name), namespace=place.namespace))


def expiry_of(pem: Mapping[str, bytes]) -> datetime:
    """Return when a certificate expires."""
    return x509.load_pem_x509_certificate(pem["tls.crt"]).not_valid_after_utc


def authority(kube: Kube) -> Authority:
    """Return the authority that the operator issues from, as who may read Secrets in its namespace gets it."""
    files = _files(kube.get("secret", "alphatrade-ca", namespace=SYSTEM_NAMESPACE))
    key: Any = load_pem_private_key(files["tls.key"], None)
    return Authority(x509.load_pem_x509_certificate(files["tls.crt"]), key)


@contextmanager
def forwarded(place: Place, pod: str) -> Iterator[str]:
    """Forward a port of this machine to a pod's gRPC port; give its address."""
    command = place.kube.command("kubectl", "-n", place.namespace, "port-forward", f"pod/{pod}", f":{GRPC_PORT}")
    process = subprocess.Popen(command.argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = _FORWARDED.match(line)
        assert found is not None, line
        yield found[1]
    finally:
        process.terminate()
        process.communicate()


@contextmanager
def certificates_live(kube: Kube, seconds: int) -> Iterator[None]:
    """Have the installed operator issue certificates of so many seconds; afterwards of a day again."""
    _set(kube, seconds)
    try:
        yield
    finally:
        _set(kube, _DEFAULT_S)


def _set(kube: Kube, seconds: int) -> None:
    words = ("upgrade", "alphatrade", CHARTS / "alphatrade", "-n", SYSTEM_NAMESPACE, "--reuse-values")
    kube.helm(*words, "--set", f"{LIFETIME}={seconds}", "--wait", "--timeout", "120s")


def _files(secret: Mapping[str, Any]) -> dict[str, bytes]:
    return {name: base64.b64decode(content) for name, content in secret["data"].items()}
