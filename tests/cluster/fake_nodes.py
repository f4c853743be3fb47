"""Nodes that only say so, by kwok: pods that are bound to them run and serve nothing, however many there are."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cluster.command import command, run
from cluster.kubectl import Kube
from cluster.programs import Program, build_program
from cluster.settings import State

LABEL, TAINT = "type", "kwok.x-k8s.io/node"
KWOK = Program("kwok", "kwok", package="sigs.k8s.io/kwok/cmd/kwok")
_ROOM = {"cpu": "64", "memory": "256Gi", "pods": "250"}
_STAGES = (
    "node/fast/node-initialize",
    "node/heartbeat-with-lease/node-heartbeat-with-lease",
    "pod/fast/pod-ready",
    "pod/fast/pod-complete",
    "pod/fast/pod-delete",
)


def scheduling() -> dict[str, Any]:
    """Return `spec.scheduling` of a Strategy that runs there."""
    toleration = {"key": TAINT, "operator": "Equal", "value": "fake", "effect": "NoSchedule"}
    return {"nodeSelector": {LABEL: "kwok"}, "tolerations": [toleration]}


@contextmanager
def fake_nodes(kube: Kube, state: State, count: int, folder: Path) -> Iterator[None]:
    """Have so many nodes; they go with what is bound to them. folder: for the log."""
    build_program(state, KWOK)
    with (folder / "kwok.log").open("ab") as log:
        process = subprocess.Popen(_words(kube, state), stdout=log, stderr=log)
    nodes = [_node(number) for number in range(count)]
    try:
        kube.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": nodes}))
        kube.kubectl("wait", "node", "-l", f"{LABEL}=kwok", "--for=condition=Ready", "--timeout=120s")
        yield
    finally:
        kube.kubectl("delete", "node", "-l", f"{LABEL}=kwok", "--timeout=120s")
        process.terminate()
        process.wait(30)


def _words(kube: Kube, state: State) -> list[str]:
    found = run(command("go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/kwok", cwd=KWOK.folder))
    stages = Path(found.strip()) / "kustomize" / "stage"
    settings = [f"--kubeconfig={kube.kubeconfig}", f"--manage-nodes-with-label-selector={LABEL}=kwok"]
    settings += ["--node-lease-duration-seconds=40", "--cidr=10.250.0.1/16"]
    return [str(state.bin / KWOK.name), *settings, *(f"--config={stages / stage}.yaml" for stage in _STAGES)]


def _node(number: int) -> dict[str, Any]:
    name = f"kwok-{number:03d}"
    labels = {LABEL: "kwok", "kubernetes.io/hostname": name, "kubernetes.io/os": "linux"}
    taints = [{"key": TAINT, "value": "fake", "effect": "NoSchedule"}]
    room = {"allocatable": _ROOM, "capacity": _ROOM}
    metadata = {"name": name, "labels": labels}
    return {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": {"taints": taints}, "status": room}
