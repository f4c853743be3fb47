"""`python -m alphatrade_operator.uninstall_guard`: Helm asks it before it uninstalls the operator.

Without the operator no Strategy can get flat and no account lets go: it refuses while either exists where the operator
looks. What cannot be found out counts as there. The one line that it ends with is also the pod's termination message.
"""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from alphatrade_operator.core.plan import Manifest
from alphatrade_operator.kube.api import Api, NoCluster, connect
from alphatrade_operator.kube.errors import ApiError, NotFound
from alphatrade_operator.kube.resources import BY_KIND, Resource
from alphatrade_operator.settings import SETTINGS_FILE, Settings, SettingsError, load_settings

KINDS = ("Strategy", "BrokerConnection")
_QPS, _BURST, _PAGE = 20.0, 20, "500"
_SHOWN = 5
_ORDER = "kubectl alphatrade uninstall --export FOLDER --drain"


def main(settings_file: str = SETTINGS_FILE) -> int:
    """Look for what would be left hanging; return 0 when there is nothing, else 1 after one line that says what."""
    try:
        refused = asyncio.run(_remaining(load_settings(Path(settings_file))))
    except (ApiError, NoCluster, SettingsError) as error:
        refused = f"refused: not known whether Strategies or BrokerConnections exist ({error}); see to that, then again"
    print(refused or "no Strategy and no BrokerConnection is left: the operator may go", flush=True)
    return 1 if refused else 0


def refusal(found: Mapping[str, Sequence[Manifest]]) -> str:
    """Say what remains, where, and which command removes it; empty when nothing does. found: by kind."""
    counts = [f"{len(manifests)} {kind}" for kind, manifests in found.items() if manifests]
    if not counts:
        return ""
    where = sorted({manifest["metadata"]["namespace"] for manifests in found.values() for manifest in manifests})
    more = f" and {len(where) - _SHOWN} more" if len(where) > _SHOWN else ""
    places = ", ".join(where[:_SHOWN]) + more
    return f"refused: {' and '.join(counts)} remain in {places}; without the operator none can get flat; run: {_ORDER}"


async def _remaining(settings: Settings) -> str:
    named = (*settings.namespaces, settings.operator_namespace) if settings.namespaces else ("",)
    async with await connect(_QPS, _BURST) as api:
        found = {
            kind: [one for namespace in named for one in await _listed(api, BY_KIND[kind], namespace)] for kind in KINDS
        }
    return refusal(found)


async def _listed(api: Api, resource: Resource, namespace: str) -> list[Manifest]:
    """Return the objects of a kind; none where the kind itself is gone, and with it every object."""
    items: list[Manifest] = []
    query = {"limit": _PAGE}
    while True:
        try:
            page = await api.request("GET", resource.path(namespace), query=query)
        except NotFound:
            return []
        items += page["items"]
        following = (page.get("metadata") or {}).get("continue")
        if not following:
            return items
        query = {"limit": _PAGE, "continue": following}


if __name__ == "__main__":
    sys.exit(main())
