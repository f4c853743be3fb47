"""kubectl and helm for clusters that do not bring their own: those of this machine, else built once."""

import os
import shutil

from cluster.build import link_kubectl
from cluster.programs import Program, build_program, helm, kube
from cluster.settings import State

_BUILT_AS: dict[str, Program] = {"kubectl": kube(), "helm": helm()}


def path_with_tools(state: State) -> str:
    """Return a PATH that finds both; what this machine lacks is built into the state folder."""
    path = os.environ.get("PATH", "")
    lacking = [name for name in _BUILT_AS if shutil.which(name) is None]
    for name in lacking:
        build_program(state, _BUILT_AS[name])
    if "kubectl" in lacking:
        link_kubectl(state)
    return f"{path}{os.pathsep}{state.bin}"
