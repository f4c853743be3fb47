"""The daemons of the local node: how each is started, when it is ready, what it needs first."""

import socket
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cluster.settings import BINDS, NODE, NODE_IP, SERVER, SERVICE_CIDR, State

CONTAINERD_SOCKET = "/run/containerd/containerd.sock"


@dataclass
class Daemon:
    """A process that the node keeps running."""

    name: str
    command: list[str]
    ready: Callable[[], bool] = lambda: True
    needs: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    not_before: float = 0.0

    def running(self) -> bool:
        """Tell whether its process lives."""
        return self.process is not None and self.process.poll() is None


def daemons(state: State) -> list[Daemon]:
    """List all of them."""
    return [
        _etcd(state),
        _containerd(state),
        _apiserver(state),
        _controller_manager(state),
        _scheduler(state),
        _kubelet(state),
        _kube(state, "volumes", kubeconfig=state.run / "admin.kubeconfig", root=BINDS["volumes"]),
        _kube(state, "kube-proxy", config=state.config / "kube-proxy.yaml"),
    ]


def http_ok(url: str) -> bool:
    """Tell whether a server answers 200; whose certificate it has is not asked."""
    try:
        with urllib.request.urlopen(url, timeout=1, context=ssl._create_unverified_context()) as reply:
            return bool(reply.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def _socket_open(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(path) == 0


def _flags(values: dict[str, object]) -> list[str]:
    return [f"--{name.replace('_', '-')}={value}" for name, value in values.items()]


def _kube(
    state: State, name: str, *switches: str, needs: tuple[str, ...] = ("kube-apiserver",), **values: object
) -> Daemon:
    return Daemon(name, [str(state.bin / "kube"), name, *switches, *_flags(values)], needs=needs)


def _etcd(state: State) -> Daemon:
    daemon = _kube(
        state,
        "etcd",
        "--unsafe-no-fsync",  # its data is thrown away
        needs=(),
        data_dir=state.run / "etcd",
        listen_client_urls="http://127.0.0.1:2379",
        advertise_client_urls="http://127.0.0.1:2379",
        listen_peer_urls="http://127.0.0.1:2380",
        initial_advertise_peer_urls="http://127.0.0.1:2380",
        initial_cluster="default=http://127.0.0.1:2380",
        log_level="warn",
    )
    daemon.ready = lambda: http_ok("http://127.0.0.1:2379/health")
    return daemon


def _containerd(state: State) -> Daemon:
    command = [str(state.bin / "containerd"), "--config", str(state.config / "containerd.toml")]
    return Daemon("containerd", command, ready=lambda: _socket_open(CONTAINERD_SOCKET))


def _apiserver(state: State) -> Daemon:
    pki: Path = state.pki
    daemon = _kube(
        state,
        "kube-apiserver",
        "--allow-privileged",
        needs=("etcd",),
        etcd_servers="http://127.0.0.1:2379",
        advertise_address=NODE_IP,
        service_cluster_ip_range=SERVICE_CIDR,
        authorization_mode="Node,RBAC",
        enable_admission_plugins="NodeRestriction",
        client_ca_file=pki / "ca.crt",
        tls_cert_file=pki / "kube-apiserver.crt",
        tls_private_key_file=pki / "kube-apiserver.key",
        kubelet_certificate_authority=pki / "ca.crt",
        kubelet_client_certificate=pki / "apiserver-kubelet-client.crt",
        kubelet_client_key=pki / "apiserver-kubelet-client.key",
        kubelet_preferred_address_types="InternalIP",
        service_account_issuer="https://kubernetes.default.svc.cluster.local",
        service_account_key_file=pki / "service-account.key",
        service_account_signing_key_file=pki / "service-account.key",
        audit_policy_file=state.config / "audit.yaml",
        audit_log_path=state.logs / "audit.log",
        shutdown_delay_duration="0s",
    )
    daemon.ready = lambda: http_ok(f"{SERVER}/readyz")
    return daemon


def _controller_manager(state: State) -> Daemon:
    return _kube(
        state,
        "kube-controller-manager",
        "--leader-elect=false",
        "--use-service-account-credentials",
        kubeconfig=state.run / "kube-controller-manager.kubeconfig",
        # With one service account a controller its client throttles itself: the defaults delay its start by 5 s.
        kube_api_qps=200,
        kube_api_burst=400,
        root_ca_file=state.pki / "ca.crt",
        service_account_private_key_file=state.pki / "service-account.key",
        cluster_signing_cert_file=state.pki / "ca.crt",
        cluster_signing_key_file=state.pki / "ca.key",
        bind_address="127.0.0.1",
    )


def _scheduler(state: State) -> Daemon:
    config = state.run / "kube-scheduler.kubeconfig"
    return _kube(state, "kube-scheduler", "--leader-elect=false", kubeconfig=config, bind_address="127.0.0.1")


def _kubelet(state: State) -> Daemon:
    return _kube(
        state,
        "kubelet",
        needs=("kube-apiserver", "containerd"),
        config=state.config / "kubelet.yaml",
        kubeconfig=state.run / "kubelet.kubeconfig",
        hostname_override=NODE,
        node_ip=NODE_IP,
    )
