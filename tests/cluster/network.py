"""The host's side of the local node's network: a veth pair into a namespace that has no way out."""

import subprocess
from contextlib import suppress
from pathlib import Path

from cluster.command import Command, command, run, works
from cluster.settings import HOST_IP, HOST_LINK, NETNS, NODE_IP, NODE_NETWORK, POD_CIDR, SERVICE_CIDR

NETWORKS = (POD_CIDR, SERVICE_CIDR, NODE_NETWORK)
_INSIDE = ("ip", "-n", NETNS)
_BACKSTOP = ("metric", "4096")


def up_commands() -> list[Command]:
    """Return what makes the network, in order."""
    return [
        # Should the pair be gone, nothing meant for the cluster may leave the machine.
        *(command("ip", "route", "replace", "unreachable", network, *_BACKSTOP) for network in NETWORKS),
        command("ip", "netns", "add", NETNS),
        command("ip", "link", "add", HOST_LINK, "type", "veth", "peer", "name", "eth0", "netns", NETNS),
        command("ip", "address", "add", f"{HOST_IP}/24", "dev", HOST_LINK),
        command("ip", "link", "set", HOST_LINK, "up"),
        command(*_INSIDE, "address", "add", f"{NODE_IP}/24", "dev", "eth0"),
        command(*_INSIDE, "link", "set", "lo", "up"),
        command(*_INSIDE, "link", "set", "eth0", "up"),
        # A route is looked up before kube-proxy rewrites the address, so there has to be one.
        command(*_INSIDE, "route", "add", SERVICE_CIDR, "via", HOST_IP),
        command(*_INSIDE, "route", "add", "unreachable", "default", *_BACKSTOP),
        command("ip", "netns", "exec", NETNS, "sysctl", "-qw", "net.ipv4.ip_forward=1"),
        *(
            command("ip", "route", "replace", cidr, "via", NODE_IP, "dev", HOST_LINK)
            for cidr in (POD_CIDR, SERVICE_CIDR)
        ),
    ]


def network_up() -> None:
    """Make the network."""
    for each in up_commands():
        run(each)


def network_down() -> None:
    """Remove all of it, whatever is there."""
    works(command("ip", "link", "delete", HOST_LINK))
    works(command("ip", "netns", "delete", NETNS))
    for network in NETWORKS:
        works(command("ip", "route", "delete", "unreachable", network, *_BACKSTOP))
    # `ip netns add` mounts this folder over itself and leaves it so.
    names = Path("/run/netns")
    if names.exists() and not any(names.iterdir()):
        works(command("umount", names))
        with suppress(OSError):
            names.rmdir()


def others_inside() -> list[str]:
    """Return the PIDs of processes in the namespace: a cluster of another state folder."""
    asked = ["ip", "netns", "pids", NETNS]
    return subprocess.run(asked, capture_output=True, text=True).stdout.split()
