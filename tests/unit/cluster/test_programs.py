"""Go programs are pinned, and built again only when their sources, flags or compiler change."""

import pytest

from cluster import programs
from cluster.programs import build_command, build_program, kind, kube, node_programs, required, stale
from cluster.settings import ClusterError, State


@pytest.fixture
def state(tmp_path, monkeypatch):
    monkeypatch.setattr(programs, "_go_version", lambda: "go version go1.26.8 linux/amd64\n")
    return State(tmp_path)


@pytest.fixture
def runs(state, monkeypatch):
    made = []

    def run(command):
        made.append(command)
        (state.bin / command.argv[command.argv.index("-o") + 1]).write_text("binary")
        return ""

    monkeypatch.setattr(programs, "run", run)
    return made


def test_built_once(state, runs):
    program = programs.Program("pause", "pause")
    assert stale(state, program)
    build_program(state, program)
    build_program(state, program)
    assert len(runs) == 1
    assert not stale(state, program)


@pytest.mark.parametrize("change", ["compiler", "flags", "binary"])
def test_built_again(state, runs, monkeypatch, change):
    build_program(state, programs.Program("pause", "pause"))
    if change == "compiler":
        monkeypatch.setattr(programs, "_go_version", lambda: "go version go1.27 linux/amd64\n")
    elif change == "binary":
        (state.bin / "pause").unlink()
    build_program(state, programs.Program("pause", "pause", ldflags="-X a=b" if change == "flags" else ""))
    assert len(runs) == 2


def test_go_may_change_no_module(state):
    command = build_command(state, kube())
    assert command.env == {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly -buildvcs=false"}
    assert "-X k8s.io/component-base/version.gitVersion=v1.37.2" in command.argv[command.argv.index("-ldflags") + 1]


def test_every_program_has_a_pinned_module():
    for program in [*node_programs(), kind()]:
        assert (program.folder / "go.mod").is_file()
        if program.package != "." and not (program.folder / "go.sum").is_file():
            pytest.fail(f"{program.name}: its module has no go.sum")


def test_a_dependency_that_is_not_required():
    with pytest.raises(ClusterError, match=r"go/kube/go.mod does not require example.invalid/none"):
        required("kube", "example.invalid/none")
