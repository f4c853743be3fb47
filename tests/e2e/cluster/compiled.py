"""What a pod compiled: the files of its cache that the image did not bring along."""

from cluster.kubectl import Kube

_LISTED = "cd {folder} && find . -type f | sort"
BAKED, CACHE = "$ALPHATRADE_BAKED", "$XDG_CACHE_HOME/alphatrade/numba"


def compiled_in(kube: Kube, namespace: str, pod: str) -> list[str]:
    """List what a running pod had to compile; a user's own plug-in is the only thing that may be there."""
    there, brought = (_files(kube, namespace, pod, folder) for folder in (CACHE, BAKED))
    return sorted(there - brought)


def _files(kube: Kube, namespace: str, pod: str, folder: str) -> set[str]:
    listing = kube.kubectl("-n", namespace, "exec", pod, "--", "sh", "-c", _LISTED.format(folder=folder))
    return set(listing.split())
