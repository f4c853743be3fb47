"""The kind backend on a machine without Docker: what it renders and every command that it would run."""

import json
from pathlib import Path

import pytest
import yaml

from cluster.kind import CLUSTER, NODE, Commands, Kind, kind_faults, rendered
from cluster.product_image import Docker
from cluster.settings import ClusterError, State


class Recorder:
    """A runner that keeps command lines; it answers with the first text whose words are all in the line."""

    def __init__(self, *answers):
        self.lines, self.answers = [], answers

    def __call__(self, command):
        line = " ".join(command.argv)
        self.lines.append(line)
        for words, answer in self.answers:
            if all(word in line for word in words.split()):
                if isinstance(answer, Exception):
                    raise answer
                return answer
        return ""


@pytest.fixture
def state(tmp_path):
    return State(tmp_path / "state")


@pytest.fixture(autouse=True)
def programs_on_the_path(tmp_path, monkeypatch):
    folder = tmp_path / "path"
    folder.mkdir()
    for name in ("kind", "kubectl", "helm", "docker", "go"):
        (folder / name).write_text("#!/bin/sh\nexit 7\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    return folder


def test_configuration_renders_to_what_kind_reads(state):
    config = yaml.safe_load(rendered(state))
    assert (config["kind"], config["apiVersion"]) == ("Cluster", "kind.x-k8s.io/v1alpha4")
    (node,) = config["nodes"]
    (mount,) = node["extraMounts"]
    policy = yaml.safe_load(Path(mount["hostPath"]).read_text())
    assert policy["kind"] == "Policy"
    assert {"group": "alphatrade.io"} in [r for rule in policy["rules"] for r in rule.get("resources", [])]
    patches = {patch["kind"]: patch for patch in map(yaml.safe_load, node["kubeadmConfigPatches"])}
    assert patches["KubeletConfiguration"]["syncFrequency"] == "5s"
    arguments = patches["ClusterConfiguration"]["apiServer"]["extraArgs"]
    assert arguments["audit-policy-file"] == mount["containerPath"]
    # kind writes these by name in the form of its own kubeadm version; a patch with an apiVersion would fit only one
    assert all("apiVersion" not in patch for patch in patches.values())


def test_up_creates_the_cluster_once(state, programs_on_the_path):
    runner = Recorder()
    kubeconfig = Kind(state, runner).up()
    kind, config = programs_on_the_path / "kind", kubeconfig.with_name("kind.yaml")
    assert runner.lines == [
        f"{kind} get clusters",
        f"{kind} create cluster --name {CLUSTER} --config {config} --kubeconfig {kubeconfig} --wait 120s",
    ]
    assert yaml.safe_load(config.read_text())["kind"] == "Cluster"


def test_up_takes_over_a_cluster_that_runs(state):
    runner = Recorder(("get clusters", f"other\n{CLUSTER}\n"))
    Kind(state, runner).up()
    assert [line.split()[1:3] for line in runner.lines] == [["get", "clusters"], ["export", "kubeconfig"]]


def test_down_removes_cluster_and_settings(state):
    runner = Recorder()
    backend = Kind(state, runner)
    backend.up()
    backend.down()
    assert f"delete cluster --name {CLUSTER}" in runner.lines[-1]
    assert not backend.folder.exists()


def test_image_is_loaded_from_docker_into_the_node(state):
    runner = Recorder()
    Kind(state, runner).load_image("localhost/alphatrade:1")
    assert runner.lines[0].endswith(f"load docker-image localhost/alphatrade:1 --name {CLUSTER}")


def test_an_image_is_loaded_from_a_tar_and_a_command_runs_on_the_node(state, tmp_path):
    runner = Recorder()
    backend = Kind(state, runner)
    backend.load_archive(tmp_path / "plugin.tar")
    backend.on_node("mkdir", "-p", "/small")
    assert runner.lines[0].endswith(f"load image-archive {tmp_path / 'plugin.tar'} --name {CLUSTER}")
    assert runner.lines[1] == f"docker exec {NODE} mkdir -p /small"


def test_docker_builds_the_dockerfile(state, tmp_path):
    runner = Recorder()
    Docker(state, runner).build(tmp_path, "localhost/alphatrade:1")
    with Docker(state, runner).anew() as anew:
        anew.build(tmp_path, "localhost/alphatrade:1")
        assert anew.saved("localhost/alphatrade:1", tmp_path) == tmp_path / "1.tar"
    assert runner.lines == [
        f"docker build --quiet --tag localhost/alphatrade:1 {tmp_path}",
        f"docker build --quiet --no-cache --tag localhost/alphatrade:1 {tmp_path}",
        f"docker save --output {tmp_path}/1.tar localhost/alphatrade:1",
    ]


@pytest.mark.parametrize(
    ("daemon", "held", "released"),
    [
        (
            "kube-apiserver",
            "mkdir -p /etc/kubernetes/held && mv /etc/kubernetes/manifests/kube-apiserver.yaml /etc/kubernetes/held/",
            "mv /etc/kubernetes/held/kube-apiserver.yaml /etc/kubernetes/manifests/",
        ),
        ("kubelet", "systemctl stop kubelet", "systemctl start kubelet"),
    ],
)
def test_a_daemon_is_stopped_and_started(state, daemon, held, released):
    gone = Recorder(("pgrep", ClusterError("exit code 1")))
    Kind(state, gone).daemon(daemon).stop()
    assert gone.lines == [f"docker exec {NODE} {_shell(held)}", f"docker exec {NODE} pgrep -x {daemon[:15]}"]
    back = Recorder()
    Kind(state, back).daemon(daemon).start()
    assert back.lines == [
        f"docker exec {NODE} {released}",
        f"docker exec {NODE} pgrep -x {daemon[:15]}",
        "kubectl get --raw /readyz",
    ]


def _shell(line):
    return f"sh -c {line}" if "&&" in line else line


def test_a_daemon_is_killed_by_its_name_as_the_kernel_keeps_it(state):
    runner = Recorder()
    Kind(state, runner).daemon("kube-controller-manager").kill()
    assert runner.lines == [f"docker exec {NODE} pkill -KILL -x kube-controller"]


def test_unknown_daemon_is_refused(state):
    with pytest.raises(ClusterError, match="no daemon of kind's node; there are kube-apiserver"):
        Kind(state, Recorder()).daemon("dockerd")


def test_audit_log_is_read_from_the_node_and_a_line_being_written_is_left_out(state):
    events = [{"verb": "create"}, {"verb": "patch"}]
    log = "\n".join(map(json.dumps, events)) + '\n{"verb": "upd'
    kind = Kind(state, Recorder(("cat /var/log/kubernetes/audit*.log", log)))
    assert kind.audit_events() == events
    assert kind.audit_events(having="patch") == events[1:]


def test_kind_from_the_pinned_module_where_none_is_installed(state, programs_on_the_path, monkeypatch):
    (programs_on_the_path / "kind").unlink()
    built = []
    monkeypatch.setattr("cluster.kind.build_program", lambda state, program: built.append(program.package))
    assert Kind(state, Recorder()).commands() == Commands(
        str(state.bin / "kind"), state.root / "kind" / "kubeconfig", state.root / "kind" / "kind.yaml"
    )
    assert built == ["sigs.k8s.io/kind"]


def test_faults_say_what_to_install(programs_on_the_path):
    assert kind_faults(lambda command: True) == ()
    assert "install Docker" in kind_faults(lambda command: False)[0]
    for name in ("kind", "go"):
        (programs_on_the_path / name).unlink()
    assert "neither kind nor Go" in kind_faults(lambda command: True)[0]


def test_a_daemon_is_frozen_and_thawed_by_its_name(state):
    runner = Recorder()
    daemon = Kind(state, runner).daemon("kube-apiserver")
    daemon.freeze()
    daemon.thaw()
    assert runner.lines == [f"docker exec {NODE} pkill -{signal} -x kube-apiserver" for signal in ("STOP", "CONT")]


def test_a_container_is_sent_a_signal_by_the_id_that_its_pod_has(state):
    runner = Recorder()
    Kind(state, runner).signal_container("containerd://abc", "KILL")
    assert runner.lines == [f"docker exec {NODE} ctr -n k8s.io tasks kill --signal SIGKILL abc"]


def test_the_nodes_container_is_killed_and_started_again(state):
    runner = Recorder()
    Kind(state, runner).power_cycle()
    assert runner.lines[:2] == [f"docker kill {NODE}", f"docker start {NODE}"]
