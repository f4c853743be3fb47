"""P9's peer: the controller in `controller/`, built by the cluster's Go toolchain, run on the machine itself."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alphatrade_operator.kube.resources import Resource
from cluster.kubectl import Kube
from cluster.programs import Program, build_program
from cluster.settings import State, default_state

FOLDER = Path(__file__).resolve().parent / "controller"
PARCEL = Resource("Parcel", "bench.invalid/v1", "parcels")
_PROGRAM = Program("bench-controller", str(FOLDER))


def version() -> str:
    """Return the version of controller-runtime that is pinned."""
    lines = (FOLDER / "go.mod").read_text().splitlines()
    return next(line.split()[1] for line in lines if line.strip().startswith("sigs.k8s.io/controller-runtime"))


@contextmanager
def running(
    kube: Kube, templates: Sequence[dict[str, Any]], scratch: Path, *, qps: float, burst: int, workers: int
) -> Iterator[int]:
    """Define Parcels and run the controller on them; yield its process id."""
    state = State(default_state())
    build_program(state, _PROGRAM)
    kube.apply(FOLDER / "parcel.yaml")
    kube.kubectl("wait", "--for=condition=Established", "crd/parcels.bench.invalid", "--timeout=30s")
    file, log = scratch / "templates.json", scratch / "controller.log"
    file.write_text(json.dumps(templates))
    rate = (f"-qps={qps:g}", f"-burst={burst}", f"-workers={workers}")
    words = (state.bin / _PROGRAM.name, f"-kubeconfig-file={kube.kubeconfig}", f"-templates={file}", *rate)
    with log.open("ab") as out:
        process = subprocess.Popen(list(map(str, words)), stdout=out, stderr=out, env={**os.environ, **kube.env})
    try:
        kube.until("the peer's watches", lambda: "Starting workers" in log.read_text())
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        kube.kubectl("delete", "crd", "parcels.bench.invalid", "--timeout=600s")
