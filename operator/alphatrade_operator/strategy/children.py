"""Render what surrounds a Strategy's pod: its account, its rights, its configuration, the pod itself. Pure."""

from collections.abc import Iterator
from typing import Any

from alphatrade import names
from alphatrade_operator.core.plan import Manifest
from alphatrade_operator.settings import Settings
from alphatrade_operator.strategy.model import StrategySpec
from alphatrade_operator.strategy.pod import Compute
from alphatrade_operator.workload.child import Child
from alphatrade_operator.workload.manifests import (
    PodParts,
    config_map,
    locked_down,
    service,
    stateful_set,
    template_digest,
)
from alphatrade_operator.workload.quantity import canonical_cpu, canonical_memory

RUNTIME_ROLE = "alphatrade-runtime"  # in each trading namespace and in the operator's: reads kill switches
_IMAGE_FOLDER = "/plugin"  # where an image holds its one file
_STORAGE = "2Gi"
_REQUESTS = {"cpu": "100m", "memory": "512Mi"}
_LIMITS = {"memory": "2Gi"}
_COPY_RESOURCES = {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "64Mi"}}


def render_children(
    child: Child, spec: StrategySpec, settings: Settings, document: bytes, replicas: int
) -> tuple[Manifest, ...]:
    """Return a Strategy's manifests, in the order in which they are needed."""
    return (
        _service_account(child),
        _role_binding(child, child.name, child.namespace),
        *_cluster_bindings(child, settings),
        config_map(child, document),
        service(child),
        stateful_set(child, pod_parts(spec, settings), settings, replicas),
    )


def cluster_binding_name(child: Child) -> str:
    """Return the name of a Strategy's RoleBinding in the operator's namespace, where names of many namespaces meet."""
    return f"{child.namespace}.{child.name}"


def pod_parts(spec: StrategySpec, settings: Settings) -> PodParts:
    """Return what a Strategy's spec says about its pod."""
    volumes = list(_plugin_volumes(spec))
    resources, scheduling = _resources(spec), spec.scheduling
    tolerations = [toleration.model_dump(by_alias=True, exclude_none=True) for toleration in scheduling.tolerations]
    return PodParts(
        image=spec.runtime_image or settings.runtime_image,
        template=template_of(spec),
        resources=resources,
        storage=_STORAGE,
        token=True,
        node_selector=scheduling.node_selector,
        tolerations=tolerations,
        init_containers=list(_copies(spec, settings)),
        volumes=volumes,
        mounts=[_mount(index, read_only=True) for index in range(len(volumes))],
    )


def template_of(spec: StrategySpec) -> str:
    """Name what of its pod a Strategy's spec decides."""
    return template_digest(
        {
            "image": spec.runtime_image,
            "resources": _resources(spec),
            "scheduling": spec.scheduling.model_dump(mode="json"),
            "plugins": [plugin.model_dump(mode="json") for plugin in spec.plugins],
        }
    )


def _service_account(child: Child) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": child.metadata(),
        "automountServiceAccountToken": False,
    }


def _role_binding(child: Child, name: str, namespace: str) -> Manifest:
    metadata = {**child.metadata(), "name": name, "namespace": namespace}
    if namespace != child.namespace:
        del metadata["ownerReferences"]  # they do not reach across namespaces; the finalizer deletes it
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": metadata,
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": RUNTIME_ROLE},
        "subjects": [{"kind": "ServiceAccount", "name": child.name, "namespace": child.namespace}],
    }


def _cluster_bindings(child: Child, settings: Settings) -> tuple[Manifest, ...]:
    """Return the right to read kill switches for the whole cluster, which are in the operator's namespace."""
    if settings.operator_namespace == child.namespace:
        return ()
    return (_role_binding(child, cluster_binding_name(child), settings.operator_namespace),)


def _resources(spec: StrategySpec) -> dict[str, Any]:
    if spec.resources is None:
        return {"requests": _REQUESTS, "limits": _LIMITS}
    parts = {"requests": _compute(spec.resources.requests), "limits": _compute(spec.resources.limits)}
    return {name: part for name, part in parts.items() if part}


def _compute(compute: Compute) -> dict[str, str]:
    given = {}
    if compute.cpu:
        given["cpu"] = canonical_cpu(compute.cpu)
    if compute.memory:
        given["memory"] = canonical_memory(compute.memory)
    return given


def _plugin_volumes(spec: StrategySpec) -> Iterator[Manifest]:
    for index, plugin in enumerate(spec.plugins):
        name, reference = _volume_name(index), plugin.config_map_ref
        if reference:
            items = [{"key": reference.key, "path": reference.key}]
            yield {"name": name, "configMap": {"name": reference.name, "items": items, "defaultMode": 0o444}}
        else:
            yield {"name": name, "emptyDir": {"sizeLimit": "1Mi"}}


def _copies(spec: StrategySpec, settings: Settings) -> Iterator[Manifest]:
    """Yield a container for each image that holds a plug-in; it copies the file and has no token."""
    for index, plugin in enumerate(spec.plugins):
        if plugin.image:
            mount = _mount(index, read_only=False)
            yield {
                "name": _volume_name(index),
                "image": plugin.image,
                "imagePullPolicy": settings.image_pull_policy,
                "command": ["cp", "-r", f"{_IMAGE_FOLDER}/.", mount["mountPath"]],
                "resources": _COPY_RESOURCES,
                "securityContext": locked_down(),
                "volumeMounts": [mount],
            }


def _mount(index: int, *, read_only: bool) -> dict[str, Any]:
    mount: dict[str, Any] = {"name": _volume_name(index), "mountPath": f"{names.PLUGINS_FOLDER}/{index}"}
    return {**mount, "readOnly": True} if read_only else mount


def _volume_name(index: int) -> str:
    return f"plugin-{index}"
