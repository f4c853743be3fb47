"""Manifests of a pod and its surroundings, the same for every kind: pure, names and settings in, dicts out."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import rfc8785

from alphatrade import names
from alphatrade_operator.core.plan import Manifest
from alphatrade_operator.settings import Settings
from alphatrade_operator.workload.child import Child

TEMPLATE_ANNOTATION = f"{names.GROUP}/template"
CONFIG_KEY = "config.json"
_USER = 65_532
_CONFIG_FOLDER = names.CONFIG_FILE.rpartition("/")[0]
_GRACE_S = 30
_START_S = 2
_START_TRIES = 150  # compiling a user's plug-in on a loaded node takes minutes at worst


@dataclass(frozen=True, slots=True)
class PodParts:
    """What makes one kind's pod differ from another's.

    template: names what of the pod the user's spec decides; a pod made from another one has to be made anew.
    token: whether the pod gets its ServiceAccount's token.
    """

    image: str
    template: str
    resources: Mapping[str, Any]
    storage: str
    token: bool = False
    artifacts: bool = False
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: Sequence[Manifest] = ()
    init_containers: Sequence[Manifest] = ()
    volumes: Sequence[Manifest] = ()
    mounts: Sequence[Manifest] = ()


def config_map(child: Child, document: bytes) -> Manifest:
    """Return the ConfigMap with the pod's configuration."""
    data = {CONFIG_KEY: document.decode()}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": child.metadata(), "data": data}


def service(child: Child) -> Manifest:
    """Return the headless Service: it answers before the pod is ready, since pods wait for one another."""
    ports = [
        {"name": "grpc", "port": names.GRPC_PORT, "targetPort": "grpc", "protocol": "TCP"},
        {"name": "http", "port": names.HTTP_PORT, "targetPort": "http", "protocol": "TCP"},
    ]
    spec = {
        "type": "ClusterIP",
        "clusterIP": "None",
        "publishNotReadyAddresses": True,
        "selector": child.selector(),
        "ports": ports,
    }
    return {"apiVersion": "v1", "kind": "Service", "metadata": child.metadata(), "spec": spec}


def stateful_set(child: Child, parts: PodParts, settings: Settings, replicas: int) -> Manifest:
    """Return the StatefulSet: one pod, replaced by nobody but the operator, whose volume outlives it."""
    spec = {
        "replicas": replicas,
        "serviceName": child.name,
        "podManagementPolicy": "Parallel",
        "updateStrategy": {"type": "OnDelete"},
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
        "selector": {"matchLabels": child.selector()},
        "template": {
            "metadata": {"labels": child.labels(), "annotations": {TEMPLATE_ANNOTATION: parts.template}},
            "spec": _pod(child, parts, settings),
        },
        "volumeClaimTemplates": [_claim(child, parts.storage)],
    }
    return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": child.metadata(), "spec": spec}


def _claim(child: Child, storage: str) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "labels": child.labels()},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": storage}}},
    }


def _pod(child: Child, parts: PodParts, settings: Settings) -> dict[str, Any]:
    optional = {
        "serviceAccountName": child.name if parts.token else None,
        "nodeSelector": dict(parts.node_selector),
        "tolerations": list(parts.tolerations),
        "initContainers": list(parts.init_containers),
    }
    return {
        "automountServiceAccountToken": parts.token,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": _GRACE_S,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "runAsGroup": _USER,
            "fsGroup": _USER,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(child, parts, settings)],
        "volumes": _volumes(child, parts, settings),
        **{name: value for name, value in optional.items() if value},
    }


def locked_down() -> dict[str, Any]:
    """Return the security context of every container."""
    return {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def _container(child: Child, parts: PodParts, settings: Settings) -> dict[str, Any]:
    return {
        "name": child.kind,
        "image": parts.image,
        "imagePullPolicy": settings.image_pull_policy,
        "args": ["serve", child.kind],
        "ports": [
            {"name": "grpc", "containerPort": names.GRPC_PORT, "protocol": "TCP"},
            {"name": "http", "containerPort": names.HTTP_PORT, "protocol": "TCP"},
        ],
        "resources": dict(parts.resources),
        "securityContext": locked_down(),
        # The runtime writes its reason there; where it could not, the end of its log says more than nothing.
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "startupProbe": _probe("/healthz", _START_S, _START_TRIES),
        "readinessProbe": _probe("/readyz", 2, 2),
        "livenessProbe": _probe("/healthz", 10, 6),
        "volumeMounts": _mounts(parts, settings),
    }


def _probe(path: str, period_s: int, failures: int) -> dict[str, Any]:
    return {
        "httpGet": {"path": path, "port": "http", "scheme": "HTTP"},
        "periodSeconds": period_s,
        "timeoutSeconds": 2,
        "failureThreshold": failures,
    }


def _mounts(parts: PodParts, settings: Settings) -> list[Manifest]:
    artifacts = [{"name": "artifacts", "mountPath": names.ARTIFACTS_FOLDER, "readOnly": True}]
    return [
        {"name": "config", "mountPath": _CONFIG_FOLDER, "readOnly": True},
        {"name": "tls", "mountPath": names.TLS_FOLDER, "readOnly": True},
        {"name": "data", "mountPath": names.DATA_FOLDER},
        {"name": "tmp", "mountPath": "/tmp"},
        *(artifacts if parts.artifacts and artifact_volume(settings) else []),
        *parts.mounts,
    ]


def _volumes(child: Child, parts: PodParts, settings: Settings) -> list[Manifest]:
    artifacts = artifact_volume(settings) if parts.artifacts else None
    return [
        {"name": "config", "configMap": {"name": child.name, "defaultMode": 0o444}},
        {"name": "tls", "secret": {"secretName": child.name, "defaultMode": 0o440}},
        {"name": "tmp", "emptyDir": {}},
        *([artifacts] if artifacts else []),
        *parts.volumes,
    ]


def artifact_volume(settings: Settings) -> Manifest | None:
    """Return the volume of the artifact store; None where there is none."""
    store = settings.artifact_store
    if store.claim_name:
        claim = {"claimName": store.claim_name, "readOnly": True}
        return {"name": "artifacts", "persistentVolumeClaim": claim}
    if store.host_path:
        return {"name": "artifacts", "hostPath": {"path": store.host_path, "type": "Directory"}}
    return None


def template_digest(decided: Mapping[str, Any]) -> str:
    """Name what of a pod its owner's spec decides. What the operator's settings decide is not in it: a change of
    those never replaces a trading pod by itself.
    """
    return hashlib.sha256(rfc8785.dumps(dict(decided))).hexdigest()[:16]
