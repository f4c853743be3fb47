"""Write crds/, the chart of definitions and policies, and the generated parts of README.md, CONTRIBUTING.md and docs/.

`--check` only tells whether they are current.
"""

import argparse
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

from admission_policies import stale_policies
from alphatrade.metrics import metrics_table
from alphatrade_operator.core.crd_schema import SchemaFault
from alphatrade_operator.kubectl.reasons import GROUPS
from alphatrade_runtime.policy.flags import FLAGS
from alphatrade_runtime.policy.profiles import PROFILES
from dependencies import dependency_table
from pages import Block, PageFault, render, table, unproven_figures
from protos import ProtoFault, compile_protos
from resource_definitions import stale_definitions
from resource_reference import resource_reference
from status import status_table

ROOT = Path(__file__).resolve().parent.parent
EVIDENCE = ROOT / "docs" / "evidence"


def pages(root: Path = ROOT) -> list[Path]:
    """List the pages that may hold generated parts, sorted."""
    return sorted([*root.glob("*.md"), *(root / "docs").rglob("*.md")])


def commands() -> str:
    """Tabulate the make targets from their own help."""
    targets = re.findall(r"^([a-z0-9-]+):.*## (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    return table(["command", "what it does"], ([f"`make {name}`", does] for name, does in targets))


def profiles() -> str:
    """Tabulate the run profiles from their registry."""
    rows = (
        [f"`{p.name}`", p.mode, p.clock, p.feed, p.broker, f"no: {p.refusal}; refuses to start" if p.refusal else "yes"]
        for p in PROFILES
    )
    return table(["profile", "mode", "clock", "feed", "broker", "starts"], rows)


def flags() -> str:
    """Tabulate the feature flags from their registry."""
    rows = (
        [
            f"`{flag.name}`",
            "on" if flag.default else "off",
            flag.switches,
            flag.takes_effect,
            "built" if flag.built else f"not built yet ({flag.arrives}); setting it is refused",
        ]
        for flag in FLAGS
    )
    return table(["flag", "default", "what it switches", "takes effect", "state"], rows)


def reasons() -> str:
    """Tabulate every reason of a condition or event, a table for each group."""
    header = ["reason", "what it means", "what to do"]
    parts = (
        f"### {title}\n\n{table(header, ([f'`{name}`', one.means, one.fix or '—'] for name, one in group.items()))}"
        for title, group in GROUPS.items()
    )
    return "\n\n".join(part.strip() for part in parts)


def evidence_tables(evidence: Path) -> dict[str, Block]:
    """Offer a block table-FILE for each evidence file that holds {"table": {"header": [..], "rows": [[..], ..]}}."""
    blocks: dict[str, Block] = {}
    for path in sorted(evidence.glob("*.json")):
        content = json.loads(path.read_text())
        if isinstance(content, dict) and "table" in content:
            blocks[f"table-{path.stem}"] = _as_block(content["table"])
    return blocks


def _as_block(laid_out: dict[str, list[list[str]]]) -> Callable[[], str]:
    return lambda: table(map(str, laid_out["header"]), (map(str, row) for row in laid_out["rows"]))


def all_blocks() -> dict[str, Block]:
    """Name every block that a page can ask for."""
    return {
        "commands": commands,
        "dependencies": lambda: dependency_table(ROOT / "pyproject.toml"),
        "flags": flags,
        "metrics": lambda: table(*metrics_table()),
        "profiles": profiles,
        "reasons": reasons,
        "resources": resource_reference,
        "status": lambda: status_table(ROOT / "docs" / "status.yaml"),
        **evidence_tables(EVIDENCE),
    }


def stale_pages(blocks: dict[str, Block]) -> dict[Path, str]:
    """Render every page; return those that would change. Raises PageFault for a bad marker or a bare figure."""
    stale = {}
    for path in pages():
        name, text = path.relative_to(ROOT).as_posix(), path.read_text()
        rendered = render(text, name, blocks, EVIDENCE)
        for line, figure in unproven_figures(rendered):
            raise PageFault(
                f"{name}:{line}: {figure!r} looks measured but stands in no figure marker; see CONTRIBUTING, Figures"
            )
        if rendered != text:
            stale[path] = rendered
    return stale


def main() -> int:
    """Write, or with --check compare; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 when something would change")
    check = parser.parse_args().check
    try:
        stubs = compile_protos(check)
        stale: dict[Path, str | None] = {
            **stale_definitions(ROOT),
            **stale_policies(ROOT),
            **stale_pages(all_blocks()),
        }
    except (PageFault, ProtoFault, SchemaFault, OSError) as error:
        print(f"generate: {error}", file=sys.stderr)
        return 1
    for name in stubs:
        print(
            f"generate: protos/{name} {'is not current: run `make generate`' if check else 'written'}", file=sys.stderr
        )
    for path, rendered in stale.items():
        page = path.relative_to(ROOT)
        if check:
            print(f"generate: {page} is not current: run `make generate`", file=sys.stderr)
        elif rendered is None:
            path.unlink()
            print(f"generate: removed {page}")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(rendered)
            print(f"generate: wrote {page}")
    return 1 if check and (stale or stubs) else 0


if __name__ == "__main__":
    sys.exit(main())
