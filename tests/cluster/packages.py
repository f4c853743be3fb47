"""Debian packages that the local node needs and this machine lacks."""

import subprocess

from cluster.command import Command, command, run, say

# Bookworm's containerd lacks a call that the kubelet needs, so that is built from Go.
PACKAGES = (
    "runc",
    "iptables",
    "nftables",
    "conntrack",
    "iproute2",
    "openssl",
    "procps",
    "util-linux",
    "debootstrap",
    "buildah",
)
_QUIETLY = {"DEBIAN_FRONTEND": "noninteractive"}


def missing() -> list[str]:
    """Name the packages that are not installed."""
    return [package for package in PACKAGES if not _installed(package)]


def install_commands(wanted: list[str]) -> list[Command]:
    """Return what installs packages; it removes none."""
    install = ("apt-get", "install", "-q", "-y", "--no-install-recommends", "--no-remove", *wanted)
    return [command("apt-get", "update", "-q", env=_QUIETLY), command(*install, env=_QUIETLY)]


def install() -> None:
    """Install what is missing."""
    wanted = missing()
    if wanted:
        say(f"installing {' '.join(wanted)}")
        for each in install_commands(wanted):
            run(each)


def _installed(package: str) -> bool:
    asked = ["dpkg-query", "-W", "-f", "${db:Status-Status}", package]
    try:
        return subprocess.run(asked, capture_output=True, text=True).stdout == "installed"
    except FileNotFoundError:
        return False
