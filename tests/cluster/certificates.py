"""The local cluster's certificate authority, its certificates, and a kubeconfig for each user."""

import base64
import json
from pathlib import Path

from cluster.command import command, run
from cluster.settings import KUBERNETES_IP, NODE, NODE_IP, SERVER, State

_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc")
_DAYS = 30
_SERVICES = tuple(f"kubernetes{suffix}" for suffix in ("", ".default", ".default.svc", ".default.svc.cluster.local"))
SERVERS = {
    "kube-apiserver": (
        "/CN=kube-apiserver",
        ",".join(
            [*(f"DNS:{name}" for name in (*_SERVICES, "localhost"))]
            + [f"IP:{address}" for address in ("127.0.0.1", NODE_IP, KUBERNETES_IP)]
        ),
    ),
    "kubelet-server": (f"/CN={NODE}", f"DNS:{NODE},IP:{NODE_IP}"),
}
USERS = {
    "admin": "/O=system:masters/CN=admin",
    "kubelet": f"/O=system:nodes/CN=system:node:{NODE}",
    "kube-controller-manager": "/CN=system:kube-controller-manager",
    "kube-scheduler": "/CN=system:kube-scheduler",
    "kube-proxy": "/CN=system:kube-proxy",
}


def make_certificates(state: State) -> None:
    """Make all of them anew: they live as long as the cluster."""
    pki = state.pki
    pki.mkdir(parents=True, exist_ok=True)
    authority = ("-days", _DAYS, "-subj", "/CN=cluster-ca", "-keyout", pki / "ca.key", "-out", pki / "ca.crt")
    _openssl("req", "-x509", *_NEW_KEY, *authority)
    _openssl("ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", pki / "service-account.key")
    for name, (subject, names) in SERVERS.items():
        _issue(pki, name, subject, f"extendedKeyUsage=serverAuth\nsubjectAltName={names}\n")
    _issue_client(pki, "apiserver-kubelet-client", "/O=system:masters/CN=kube-apiserver-kubelet-client")
    for name, subject in USERS.items():
        _issue_client(pki, name, subject)
        _write_kubeconfig(state, name)


def _openssl(*arguments: object) -> None:
    run(command("openssl", *arguments))


def _issue_client(pki: Path, name: str, subject: str) -> None:
    _issue(pki, name, subject, "extendedKeyUsage=clientAuth\n")


def _issue(pki: Path, name: str, subject: str, extensions: str) -> None:
    request, given = pki / f"{name}.csr", pki / f"{name}.ext"
    given.write_text(extensions)
    _openssl("req", "-new", *_NEW_KEY, "-subj", subject, "-keyout", pki / f"{name}.key", "-out", request)
    authority = ("-CA", pki / "ca.crt", "-CAkey", pki / "ca.key", "-CAcreateserial")
    _openssl(
        "x509", "-req", "-days", _DAYS, "-in", request, *authority, "-extfile", given, "-out", pki / f"{name}.crt"
    )  # fmt: skip


def _write_kubeconfig(state: State, user: str) -> None:
    def data(file: str) -> str:
        return base64.b64encode((state.pki / file).read_bytes()).decode()

    keys = {"client-certificate-data": data(f"{user}.crt"), "client-key-data": data(f"{user}.key")}
    server = {"server": SERVER, "certificate-authority-data": data("ca.crt")}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "alphatrade",
        "contexts": [{"name": "alphatrade", "context": {"cluster": "alphatrade", "user": user}}],
        "clusters": [{"name": "alphatrade", "cluster": server}],
        "users": [{"name": user, "user": keys}],
    }
    path = state.run / f"{user}.kubeconfig"
    path.touch(mode=0o600)
    path.write_text(json.dumps(content, indent=1))
