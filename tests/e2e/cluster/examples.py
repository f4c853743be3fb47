"""The example folders as people apply them, and what the same YAML comes to in one process."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from cluster.kubectl import Kube
from cluster.settings import ROOT
from e2e.cluster.market import Manifest
from e2e.command_line import alphatrade, digests

EXAMPLES = ROOT / "examples"
QUICKSTART, PLUGIN = EXAMPLES / "quickstart", EXAMPLES / "plugin"


def rendered(kube: Kube, folder: Path) -> dict[str, Manifest]:
    """Return what `kubectl apply -k` would apply, by kind."""
    documents = yaml.safe_load_all(kube.kubectl("kustomize", folder))
    return {document["kind"]: document for document in documents}


def quickstart(kube: Kube, speed: str = "Max", **strategy: Any) -> dict[str, Manifest]:
    """Return the quickstart by kind, with another speed and other fields of the Strategy's spec."""
    objects = rendered(kube, QUICKSTART)
    objects["MarketDataFeed"]["spec"]["simulator"]["speed"] = speed
    objects["Strategy"]["spec"] |= strategy
    return objects


def named(manifest: Manifest, name: str, **spec: Any) -> Manifest:
    """Return an object under another name, with other fields of its spec."""
    return {**manifest, "metadata": {**manifest["metadata"], "name": name}, "spec": {**manifest["spec"], **spec}}


def in_process(manifests: Iterable[Manifest], folder: Path, *options: object) -> Mapping[str, str]:
    """Return the digests that `alphatrade run` prints for objects, in a process of this tree."""
    source = folder / "yaml"
    source.mkdir(parents=True)
    (source / "session.yaml").write_text(yaml.safe_dump_all(list(manifests)))
    done = alphatrade("run", "-f", source, "--artifacts", folder / "artifacts", *options)
    assert done.returncode == 0, done.stderr
    return digests(done.stdout)
