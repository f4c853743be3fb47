"""The resource definitions as files: crds/ for kubectl, and the chart that Helm installs them from."""

from pathlib import Path

from alphatrade_operator.api_group import KINDS
from alphatrade_operator.core.crd import HELM_KEEP, manifest, to_yaml

CRDS = "crds"
CHART = "charts/alphatrade-crds/templates/crds"


def definition_files() -> dict[str, str]:
    """Return what the files hold, by path from the root of the project."""
    files = {}
    for kind in KINDS:
        name = f"{kind.definition.plural}.yaml"
        files[f"{CRDS}/{name}"] = to_yaml(manifest(kind))
        files[f"{CHART}/{name}"] = to_yaml(manifest(kind, HELM_KEEP))
    return files


def stale_definitions(root: Path) -> dict[Path, str | None]:
    """Return the files that would change; None for those of kinds that are no more."""
    wanted = {root / path: text for path, text in definition_files().items()}
    there = {path for folder in (CRDS, CHART) for path in (root / folder).glob("*.yaml")}
    changed: dict[Path, str | None] = {
        path: text for path, text in wanted.items() if path not in there or path.read_text() != text
    }
    return changed | dict.fromkeys(sorted(there - wanted.keys()))
