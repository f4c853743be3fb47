"""Programs built from pinned Go modules, each again only when its sources change."""

import functools
import hashlib
import time
from dataclasses import dataclass
from pathlib import Path

from cluster.command import Command, command, run, say
from cluster.settings import HERE, ClusterError, State

MODULES = HERE / "go"


@dataclass(frozen=True)
class Program:
    """A Go program: which module's folder, what to build there, what to call it."""

    name: str
    module: str
    package: str = "."
    ldflags: str = ""

    @property
    def folder(self) -> Path:
        """Where its module lies."""
        return MODULES / self.module


def node_programs() -> list[Program]:
    """List what the local node is made of; kube first, as it takes nearly all of the time."""
    containerd = "github.com/containerd/containerd/v2"
    release = f"-X {containerd}/version.Version={required('runtime', containerd)}"
    plugins = "github.com/containernetworking/plugins/plugins"
    return [
        kube(),
        Program("pause", "pause"),
        Program("coredns", "coredns"),
        *(
            Program(name, "runtime", package=f"{containerd}/cmd/{name}", ldflags=release)
            for name in ("containerd", "containerd-shim-runc-v2", "ctr")
        ),
        *(
            Program(f"cni/{name.rpartition('/')[2]}", "runtime", package=f"{plugins}/{name}")
            for name in ("main/ptp", "main/loopback", "ipam/host-local", "meta/portmap")
        ),
        helm(),
    ]


def kube() -> Program:
    """Return the program that is etcd, the control plane, the kubelet and kubectl."""
    return Program("kube", "kube", ldflags=_kubernetes_flags())


def helm() -> Program:
    """Return Helm, of the same module as kube, so that it shares its packages."""
    return Program("helm", "kube", package="helm.sh/helm/v3/cmd/helm")


def kind() -> Program:
    """Return kind, for machines where Docker works."""
    return Program("kind", "kind", package="sigs.k8s.io/kind")


def required(module: str, dependency: str) -> str:
    """Return the version of a dependency that a module's go.mod asks for."""
    for line in (MODULES / module / "go.mod").read_text().splitlines():
        fields = line.removeprefix("require ").split()
        if fields[:1] == [dependency]:
            return fields[1]
    raise ClusterError(f"tests/cluster/go/{module}/go.mod does not require {dependency}; add it")


def _kubernetes_flags() -> str:
    """Tell the components which release they are; without it they say v0.0.0."""
    version = required("kube", "k8s.io/kubernetes")
    major, minor, _ = version.removeprefix("v").split(".")
    values = {"gitVersion": version, "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    return " ".join(f"-X {package}.{key}={value}" for package in packages for key, value in values.items())


def flags_of(program: Program) -> list[str]:
    """Return the build's flags. No debug information is kept in the binary, so none is made."""
    return ["-trimpath", "-gcflags=all=-dwarf=false", "-ldflags", f"-s -w {program.ldflags}"]


def build_command(state: State, program: Program) -> Command:
    """Return what builds a program."""
    target = state.bin / program.name
    flags = flags_of(program)
    settings = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly -buildvcs=false"}
    return command("go", "build", *flags, "-o", target, program.package, cwd=program.folder, env=settings, quiet=False)


def stale(state: State, program: Program) -> bool:
    """Tell whether the binary at hand is missing or was made from other files or by another Go."""
    mark = _mark(state, program)
    return not ((state.bin / program.name).exists() and mark.exists() and mark.read_text() == _stamp(program))


def build_program(state: State, program: Program) -> None:
    """Build a program unless the binary at hand was made from the same files."""
    if not stale(state, program):
        return
    (state.bin / program.name).parent.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    run(build_command(state, program))
    _mark(state, program).write_text(_stamp(program))
    size_mb = (state.bin / program.name).stat().st_size / 1e6
    say(f"built {program.name}: {time.monotonic() - start:.0f} s, {size_mb:.0f} MB")


def _mark(state: State, program: Program) -> Path:
    target = state.bin / program.name
    return target.with_name(f".{target.name}.stamp")


def _stamp(program: Program) -> str:
    digest = hashlib.sha256(_go_version().encode())
    digest.update(" ".join([*flags_of(program), program.package]).encode())
    for path in sorted(program.folder.rglob("*")):
        if path.is_file():
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


@functools.cache
def _go_version() -> str:
    return run(command("go", "version"))
