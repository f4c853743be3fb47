"""Every example is taken by the API server as it stands."""

from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = sorted(path for path in (ROOT / "examples").iterdir() if path.is_dir())


def documents(kubectl, folder):
    """Return the objects of an example, as kustomize makes them or as its files hold them."""
    if (folder / "kustomization.yaml").exists():
        text = kubectl("kustomize", "--load-restrictor=LoadRestrictionsNone", folder)
    else:
        text = "\n---\n".join(file.read_text() for file in sorted(folder.glob("*.yaml")))
    return [document for document in yaml.safe_load_all(text) if document]


@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda folder: folder.name)
def test_an_example_is_taken_as_it_stands(api, kubectl, folder):
    found = documents(kubectl, folder)
    assert any(document["apiVersion"].startswith("alphatrade.io/") for document in found)
    for document in found:
        if document["kind"] != "Namespace":
            document["metadata"]["namespace"] = api.namespace
    said = kubectl(
        "apply", "--dry-run=server", "--validate=strict", "-f", "-", stdin=yaml.safe_dump_all(found, sort_keys=False)
    )
    assert said.count("(server dry run)") == len(found), said
