"""What the host's side and the node's side of the local cluster both need to know."""

import os
import string
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent

NODE = "node"
NODE_IP = "10.99.0.1"
HOST_IP = "10.99.0.254"
NODE_NETWORK = "10.99.0.0/24"
POD_CIDR = "10.244.0.0/16"
SERVICE_CIDR = "10.96.0.0/16"
KUBERNETES_IP = "10.96.0.1"
DNS_IP = "10.96.0.10"
NETNS = "alphatrade"
HOST_LINK = "alphatrade0"
SERVER = f"https://{NODE_IP}:6443"

AUDIT_GROUP = "alphatrade.io"  # its resources are audited with their full content

# Where the node's daemons expect to find their state. In the node's mount
# namespace each is a folder of the run directory.
BINDS = {
    "kubelet": "/var/lib/kubelet",
    "containerd": "/var/lib/containerd",
    "cni": "/var/lib/cni",
    "log-pods": "/var/log/pods",
    "log-containers": "/var/log/containers",
    "cni-config": "/etc/cni/net.d",
    "volumes": "/var/lib/alphatrade-volumes",
}


class ClusterError(RuntimeError):
    """The cluster cannot do what was asked; the message says why and what to do."""


def default_state() -> Path:
    """Return the folder that outlives checkouts: what is built once serves them all."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "alphatrade-cluster"


class State:
    """The folders of one cluster: `bin` and `images` outlive it, `run` does not."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.bin = self.root / "bin"
        self.images = self.root / "images"
        self.run = self.root / "run"
        self.pki = self.run / "pki"
        self.logs = self.run / "logs"
        self.config = self.run / "config"
        self.held = self.run / "held"
        self.kubeconfig = self.run / "admin.kubeconfig"
        self.pid_file = self.run / "node.pid"

    def render(self, name: str, folder: Path | None = None) -> Path:
        """Fill in the template `name` of this folder's config; return where it was written."""
        folder = folder or self.config
        text = string.Template((HERE / "config" / name).read_text()).substitute(
            state=self.root,
            bin=self.bin,
            pki=self.pki,
            logs=self.logs,
            config=self.config,
            node=NODE,
            node_ip=NODE_IP,
            pod_cidr=POD_CIDR,
            dns_ip=DNS_IP,
            audit_group=AUDIT_GROUP,
        )
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
        return folder / name
