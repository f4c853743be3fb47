"""The environment is made from the lock, or one line says what the machine lacks."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import bootstrap

ROOT = Path(__file__).resolve().parents[3]
BLIND = """import runpy, sys
sys.modules["ensurepip"] = None
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.mark.parametrize(
    ("version", "lacking", "expected"),
    [
        ((3, 11), set(), None),
        ((3, 13), set(), None),
        ((3, 9), set(), "python3 here is 3.9; AlphaTrade needs 3.11 or newer"),
        ((3, 11), {"ensurepip"}, "no ensurepip: install it with `apt-get install python3-venv`"),
        ((3, 12), {"venv", "ensurepip"}, "no venv and no ensurepip: install it with `apt-get install python3-venv`"),
    ],
)
def test_machine_fault_says_what_to_do(version, lacking, expected):
    fault = bootstrap.machine_fault(version, lambda name: name not in lacking)
    assert (fault is None) if expected is None else (expected in fault and "\n" not in fault)


def test_bootstrap_is_read_by_pythons_too_old_to_run_it():
    ast.parse((ROOT / "build_support" / "bootstrap.py").read_text(), feature_version=(3, 6))


def run_make(tmp_path, *arguments, **variables):
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "PYTHON"))}
    command = ["make", "--no-print-directory", "-C", str(ROOT), f"VENV={tmp_path}/venv", *arguments]
    return subprocess.run(command, env={**environment, **variables}, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("target", ["run-sim", "lint", "test-unit"])
def test_a_python_without_ensurepip_is_named_in_one_line(tmp_path, target):
    """A real process in which `ensurepip` cannot be found, as on a Debian without python3-venv."""
    python = tmp_path / "python3"
    blind = tmp_path / "blind.py"
    blind.write_text(BLIND)
    python.write_text(f'#!/bin/sh\nexec {sys.executable} {blind} "$@"\n')
    python.chmod(0o755)
    made = run_make(tmp_path, target, f"PYTHON={python}")
    lines = [line for line in made.stderr.splitlines() if not line.startswith("make")]
    assert made.returncode != 0
    assert len(lines) == 1
    assert "apt-get install python3-venv" in lines[0]
    assert not (tmp_path / "venv").exists()


def test_replay_capture_asks_for_the_file(tmp_path):
    made = run_make(tmp_path, "replay-capture")
    assert made.returncode != 0
    assert "make replay-capture CAPTURE=path/to/capture.gz" in made.stderr


def test_help_is_the_default_and_names_every_target(tmp_path):
    made = run_make(tmp_path)
    phony = set(re.findall(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE))
    targets = {name for line in phony for name in line.split() if not name.startswith("venv-")}
    assert made.returncode == 0
    assert targets == set(re.findall(r"^  ([a-z0-9-]+)  ", made.stdout, re.MULTILINE))


def test_stamp_follows_lock_and_profile(tmp_path, monkeypatch):
    monkeypatch.setattr(bootstrap, "ROOT", str(tmp_path))
    (tmp_path / "requirements").mkdir()
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    for profile in bootstrap.PROFILES:
        (tmp_path / "requirements" / f"{profile}.lock").write_text(profile)
    venv = tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").symlink_to(sys.executable)
    assert not bootstrap.is_ready(str(venv), "runtime")
    Path(bootstrap.stamp_path(str(venv), "runtime")).write_text(bootstrap.wanted_stamp("runtime"))
    assert bootstrap.is_ready(str(venv), "runtime")
    assert not bootstrap.is_ready(str(venv), "dev")
    (tmp_path / "requirements" / "runtime.lock").write_text("another version")
    assert not bootstrap.is_ready(str(venv), "runtime")


def locked(profile):
    text = (ROOT / "requirements" / f"{profile}.lock").read_text()
    entries = re.split(r"\n(?=[a-z0-9])", text)
    return {re.split(r"==", entry)[0]: entry for entry in entries if "==" in entry.splitlines()[0]}


def test_the_lock_holds_every_direct_dependency_with_hashes():
    content = tomllib.loads((ROOT / "pyproject.toml").read_text())
    runtime = [*content["project"]["dependencies"], *content["project"]["optional-dependencies"]["sample-data"]]
    groups = content["dependency-groups"]
    runtime += groups["build"]
    for profile, wanted in {"runtime": runtime, "dev": runtime + groups["dev"]}.items():
        names = {re.split(r"[<>=!~; ]", requirement)[0].lower() for requirement in wanted}
        assert names <= set(locked(profile))
        assert all("--hash=sha256:" in entry for entry in locked(profile).values())


def test_both_locks_hold_the_same_versions():
    dev = locked("dev")
    for name, entry in locked("runtime").items():
        assert entry.splitlines()[0] == dev[name].splitlines()[0]


def test_the_lock_names_no_index():
    for profile in bootstrap.PROFILES:
        assert not re.search(
            r"https?:|--(extra-)?index-url|--find-links", (ROOT / "requirements" / f"{profile}.lock").read_text()
        )
