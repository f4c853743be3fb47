"""The manifests around a Strategy's pod: rights, security, plug-ins, what the spec says about the pod."""

import pytest

from alphatrade import names
from alphatrade_operator.strategy.children import RUNTIME_ROLE, cluster_binding_name, render_children, template_of
from unit.operator.world import World, of_kind

DIGEST = "sha256:" + "0" * 64
IMAGE = "registry/mine@" + DIGEST


@pytest.fixture
def world():
    return World()


def spec_of(world):
    return world.facts().strategy.spec


def pod(world):
    (stateful_set,) = of_kind(world.plan(), "StatefulSet")
    return stateful_set["spec"]["template"]["spec"]


def with_plugins(world):
    world.add({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "mine"}, "data": {"a.py": "x"}})
    plugins = [
        {"configMapRef": {"name": "mine", "key": "a.py"}, "digest": DIGEST},
        {"image": IMAGE, "digest": DIGEST},
    ]
    world.change("Strategy", "alpha", "plugins", plugins)
    return world


def test_every_child_is_labelled_and_owned(world):
    child = world.child()
    for manifest in world.plan().children:
        metadata = manifest["metadata"]
        assert metadata["labels"] == child.labels()
        if metadata["namespace"] == "desk":
            (owner,) = metadata["ownerReferences"]
            assert (owner["kind"], owner["name"], owner["blockOwnerDeletion"]) == ("Strategy", "alpha", False)
        else:
            assert "ownerReferences" not in metadata  # they do not reach across namespaces


@pytest.mark.parametrize(
    ("kind", "name"), [("Strategy", "alpha"), ("MarketDataFeed", "feed"), ("BrokerConnection", "account")]
)
def test_every_pod_is_locked_down(kind, name):
    world = World()
    (stateful_set,) = of_kind(with_plugins(world).plan(kind, name), "StatefulSet")
    spec = stateful_set["spec"]["template"]["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] == 65_532
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is (kind == "Strategy")
    for container in spec["containers"] + spec.get("initContainers", []):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["limits"]["memory"]


@pytest.mark.parametrize(
    ("kind", "name"), [("Strategy", "alpha"), ("MarketDataFeed", "feed"), ("BrokerConnection", "account")]
)
def test_one_pod_that_only_the_operator_replaces_and_whose_volume_stays(kind, name):
    (stateful_set,) = of_kind(World().plan(kind, name), "StatefulSet")
    spec = stateful_set["spec"]
    assert (spec["replicas"], spec["updateStrategy"]) == (1, {"type": "OnDelete"})
    assert set(spec["persistentVolumeClaimRetentionPolicy"].values()) == {"Retain"}
    assert spec["selector"]["matchLabels"].items() <= spec["template"]["metadata"]["labels"].items()
    (claim,) = spec["volumeClaimTemplates"]
    assert claim["metadata"]["name"] == "data"
    assert claim["metadata"]["labels"]["app.kubernetes.io/managed-by"] == names.MANAGED_BY


def test_probes_mounts_and_command(world):
    (container,) = pod(world)["containers"]
    assert container["args"] == ["serve", "strategy"]
    paths = {probe: container[f"{probe}Probe"]["httpGet"]["path"] for probe in ("startup", "readiness", "liveness")}
    assert paths == {"startup": "/healthz", "readiness": "/readyz", "liveness": "/healthz"}
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert mounts == {"config": "/etc/alphatrade/config", "tls": names.TLS_FOLDER, "data": "/data", "tmp": "/tmp"}


def test_the_service_is_headless_and_answers_before_readiness(world):
    (service,) = of_kind(world.plan(), "Service")
    assert (service["spec"]["clusterIP"], service["spec"]["publishNotReadyAddresses"]) == ("None", True)
    assert [port["port"] for port in service["spec"]["ports"]] == [names.GRPC_PORT, names.HTTP_PORT]


def test_the_runtime_may_read_kill_switches_here_and_in_the_operators_namespace(world):
    bindings = of_kind(world.plan(), "RoleBinding")
    child = world.child()
    assert [(b["metadata"]["namespace"], b["metadata"]["name"]) for b in bindings] == [
        ("desk", child.name),
        ("alphatrade-system", f"desk.{child.name}"),
    ]
    for binding in bindings:
        assert binding["roleRef"]["name"] == RUNTIME_ROLE
        assert binding["subjects"] == [{"kind": "ServiceAccount", "name": child.name, "namespace": "desk"}]


def test_the_account_gives_its_token_to_no_pod_that_does_not_ask(world):
    (account,) = of_kind(world.plan(), "ServiceAccount")
    assert account["automountServiceAccountToken"] is False
    assert pod(world)["serviceAccountName"] == account["metadata"]["name"]


def test_in_the_operators_namespace_one_binding_is_enough():
    world = World(operator_namespace="desk")
    assert len(of_kind(world.plan(), "RoleBinding")) == 1
    assert cluster_binding_name(world.child()) == f"desk.{world.child().name}"


def test_a_plug_in_of_a_config_map_is_mounted_as_its_file(world):
    spec = pod(with_plugins(world))
    volume = next(volume for volume in spec["volumes"] if volume["name"] == "plugin-0")
    assert volume["configMap"]["name"] == "mine"
    assert volume["configMap"]["items"] == [{"key": "a.py", "path": "a.py"}]
    mount = {"name": "plugin-0", "mountPath": "/plugins/0", "readOnly": True}
    assert mount in spec["containers"][0]["volumeMounts"]


def test_a_plug_in_of_an_image_is_copied_by_a_container_of_it(world):
    spec = pod(with_plugins(world))
    (copy,) = spec["initContainers"]
    assert (copy["image"], copy["command"][-1]) == (IMAGE, "/plugins/1")
    assert [mount["name"] for mount in copy["volumeMounts"]] == ["plugin-1"]  # neither certificates nor data
    assert next(volume for volume in spec["volumes"] if volume["name"] == "plugin-1")["emptyDir"]


def test_the_paths_of_plug_ins_are_those_of_the_pod(world):
    (config_map,) = of_kind(with_plugins(world).plan(), "ConfigMap")
    assert '"path":"/plugins/0/a.py"' in config_map["data"]["config.json"]
    assert '"path":"/plugins/1"' in config_map["data"]["config.json"]


@pytest.mark.parametrize(
    ("given", "rendered"),
    [
        ({"limits": {"cpu": "1000m", "memory": "1024Mi"}}, {"limits": {"cpu": "1", "memory": "1Gi"}}),
        ({"requests": {"cpu": "1.5", "memory": "1500M"}}, {"requests": {"cpu": "1500m", "memory": "1500M"}}),
        ({"requests": {"memory": "2000k"}}, {"requests": {"memory": "2M"}}),
        ({"requests": {"memory": "1000"}}, {"requests": {"memory": "1k"}}),
    ],
)
def test_amounts_are_written_as_the_server_keeps_them(world, given, rendered):
    world.change("Strategy", "alpha", "resources", given)
    assert pod(world)["containers"][0]["resources"] == rendered


def test_image_and_nodes_are_the_strategys(world):
    world.change("Strategy", "alpha", "runtimeImage", "mine:1")
    tolerations = [{"key": "gpu", "operator": "Exists"}]
    world.change("Strategy", "alpha", "scheduling", {"nodeSelector": {"disk": "fast"}, "tolerations": tolerations})
    spec = pod(world)
    assert (spec["containers"][0]["image"], spec["nodeSelector"]) == ("mine:1", {"disk": "fast"})
    assert spec["tolerations"] == tolerations


def test_the_template_is_named_by_what_the_spec_says_about_the_pod(world):
    before = template_of(spec_of(world))
    world.change("Strategy", "alpha", "seed", 2)
    assert template_of(spec_of(world)) == before
    world.change("Strategy", "alpha", "runtimeImage", "mine:1")
    assert template_of(spec_of(world)) != before


def test_rendering_is_pure(world):
    spec, child = spec_of(world), world.child()
    first = render_children(child, spec, world.settings, b"{}", 1)
    assert first == render_children(child, spec, world.settings, b"{}", 1)
