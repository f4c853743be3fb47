"""Names that operator and pods must agree on: ports, folders, identities, labels."""

GROUP = "alphatrade.io"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"

GRPC_PORT = 7443  # mTLS
HTTP_PORT = 8080  # /healthz, /readyz, /metrics; nothing that can change anything

CONFIG_FILE = "/etc/alphatrade/config/config.json"  # one of the models of alphatrade.config, RFC 8785 JSON
TLS_FOLDER = "/etc/alphatrade/tls"  # tls.crt, tls.key, ca.crt; replaced in place when certificates rotate
DATA_FOLDER = "/data"  # the pod's own volume: journal, records, tapes of its own
ARTIFACTS_FOLDER = "/artifacts"  # the artifact store; relative tape paths start here
PLUGINS_FOLDER = "/plugins"  # <index>/<file>.py of Strategy.spec.plugins

TRADING_LABEL = f"{GROUP}/trading"  # on a namespace: "true"
DECOMMISSIONED = f"{GROUP}/decommissioned"  # on a namespace or definition that may be deleted: SHA-256 of the export
KIND_LABEL = f"{GROUP}/kind"  # on children: strategy, feed, broker
OWNER_LABEL = f"{GROUP}/owner"  # on children: name of the custom resource
OWNER_UID_LABEL = f"{GROUP}/owner-uid"
NAME_LABEL = f"{GROUP}/metadata.name"  # every Strategy counts as labelled so, with its name: selectors can name one
MANAGED_BY = "alphatrade-operator"

_TRUST_DOMAIN = "spiffe://alphatrade.io"
_OPERATOR = "operator"


def identity(namespace: str, kind: str, name: str, uid: str) -> str:
    """Return the URI that a certificate carries. kind: strategy, feed, broker, operator, client."""
    return f"{_TRUST_DOMAIN}/ns/{namespace}/{kind}/{name}/{uid}"


def parse_identity(uri: str) -> tuple[str, str, str, str] | None:
    """Return (namespace, kind, name, uid) of an identity; None when it is none of ours."""
    parts = uri.removeprefix(f"{_TRUST_DOMAIN}/ns/").split("/")
    if not uri.startswith(f"{_TRUST_DOMAIN}/ns/") or len(parts) != 4 or not all(parts):
        return None
    return parts[0], parts[1], parts[2], parts[3]


def operator_identity(namespace: str) -> str:
    """Return the identity of the operator in a namespace: there is one operator a cluster."""
    return identity(namespace, _OPERATOR, MANAGED_BY, "0")


CHILD_PREFIXES = {"strategy": "st", "feed": "mdf", "broker": "bc"}


def server_name(uri: str) -> str:
    """Return the DNS name that the certificate of an identity carries and no other's does: `<child>.<namespace>.svc`.

    The operator's is that of its Service. Raises ValueError when the identity is none of ours or has no server.
    """
    parsed = parse_identity(uri)
    if parsed is not None and uri == operator_identity(parsed[0]):
        return f"{MANAGED_BY}.{parsed[0]}.svc"
    if parsed is None or parsed[1] not in CHILD_PREFIXES:
        raise ValueError(f"{uri!r} is no identity of a strategy, feed, broker or operator")
    namespace, kind, name, uid = parsed
    return f"{child_name(CHILD_PREFIXES[kind], name, uid)}.{namespace}.svc"


def dns_names(child: str, namespace: str) -> tuple[str, ...]:
    """Return the DNS names of a child's Service, shortest first: what its certificate carries."""
    return child, f"{child}.{namespace}", f"{child}.{namespace}.svc", f"{child}.{namespace}.svc.cluster.local"


def child_name(kind: str, name: str, uid: str) -> str:
    """Return the name of a resource's StatefulSet, Service, ConfigMap, Secret and ServiceAccount.

    kind: st, mdf or bc. It holds the UID, so that a resource of the same name made later finds no old data. At most
    52 characters: a StatefulSet's pods get `-0` and a controller hash of 10 behind it, and labels end at 63.
    """
    return f"{kind}-{name[:38].rstrip('-')}-{uid.replace('-', '')[:8]}"
