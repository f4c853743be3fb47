"""Load the resources of a folder: read, check each against its model, check that references meet."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar, cast

from pydantic import ValidationError

from alphatrade_operator import api_group
from alphatrade_operator.broker.model import BrokerConnection
from alphatrade_operator.core.explain import Problem, dotted, nearest, problems_of, shown
from alphatrade_operator.core.model import API_VERSION
from alphatrade_operator.exploration_budget.model import ExplorationBudget
from alphatrade_operator.feed.model import MarketDataFeed
from alphatrade_operator.resources.faults import ResourceError
from alphatrade_operator.resources.reader import Document, read_documents
from alphatrade_operator.risk_template.model import RiskTemplate
from alphatrade_operator.strategy.model import Strategy

Key = tuple[str, str, str]
AnyResource = Strategy | RiskTemplate | MarketDataFeed | BrokerConnection | ExplorationBudget
ResourceT = TypeVar("ResourceT", bound=AnyResource, covariant=True)
KINDS: dict[str, type[AnyResource]] = {
    kind.__name__: kind for kind in (Strategy, RiskTemplate, MarketDataFeed, BrokerConnection, ExplorationBudget)
}
_OF_CLUSTERS = {kind.__name__ for kind in api_group.KINDS} - KINDS.keys()
MAX_FILES = 256
_PASSED_OVER = {("v1", "ConfigMap"), ("v1", "Namespace")}
_REFERENCES = (
    ("market_data_feed_ref", "marketDataFeedRef", MarketDataFeed),
    ("broker_connection_ref", "brokerConnectionRef", BrokerConnection),
    ("risk_template_ref", "riskTemplateRef", RiskTemplate),
    ("exploration_budget_ref", "explorationBudgetRef", ExplorationBudget),
)


@dataclass(frozen=True, slots=True)
class Loaded(Generic[ResourceT]):
    """A resource and the document it came from."""

    resource: ResourceT
    document: Document

    @property
    def folder(self) -> Path:
        """Folder from which the resource's relative paths start."""
        return Path(self.document.file).parent

    def line(self, location: tuple[str | int, ...], text: str) -> str:
        """Write a problem of this resource as one line."""
        return _line(self.document, Problem(location, text))


@dataclass(frozen=True, slots=True)
class Resources:
    """The resources of one run by (kind, namespace, name); `notes` say what was passed over."""

    by_key: dict[Key, Loaded[AnyResource]]
    notes: tuple[str, ...]

    def find(self, kind: type[ResourceT], namespace: str, name: str) -> Loaded[ResourceT] | None:
        """Return a resource, or None."""
        return cast("Loaded[ResourceT] | None", self.by_key.get((kind.__name__, namespace, name)))

    def of_kind(self, kind: type[ResourceT]) -> list[Loaded[ResourceT]]:
        """Return the resources of a kind, in the order of namespace and name."""
        found = [self.by_key[key] for key in sorted(self.by_key) if key[0] == kind.__name__]
        return cast("list[Loaded[ResourceT]]", found)


def load_folder(path: str | Path) -> Resources:
    """Load every *.yaml and *.yml of a folder, or one file. Raises ResourceError listing every problem."""
    return load([path])


def load(paths: Sequence[str | Path]) -> Resources:
    """Load several folders or files as one. Raises ResourceError listing every problem."""
    documents, problems = _read([file for path in paths for file in _files(Path(path))])
    notes = [_note(document) for document in documents if _passed_over(document)]
    by_key: dict[Key, Loaded[AnyResource]] = {}
    for document in documents:
        if not _passed_over(document):
            problems += _add(by_key, document)
    if not problems:
        problems = _unmet_references(Resources(by_key, ()))
    if problems:
        raise ResourceError(problems)
    notes += [note for loaded in by_key.values() for note in _cluster_only(loaded)]
    return Resources(by_key, tuple(notes))


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    try:
        found = sorted(file for file in path.iterdir() if file.suffix in (".yaml", ".yml") and file.is_file())
    except OSError as error:
        raise ResourceError([f"{path}: {error.strerror or error}; give a folder of YAML files"]) from None
    files = [file for file in found if file.stem != "kustomization"]
    if not files:
        raise ResourceError([f"{path}: no *.yaml or *.yml in it; give a folder with at least a Strategy"])
    if len(files) > MAX_FILES:
        raise ResourceError([f"{path}: {len(files)} YAML files; at most {MAX_FILES} are read"])
    return files


def _read(files: list[Path]) -> tuple[list[Document], list[str]]:
    documents: list[Document] = []
    problems: list[str] = []
    for file in files:
        try:
            documents += read_documents(file)
        except ResourceError as error:
            problems += error.problems
    return documents, problems


def _parse(document: Document) -> AnyResource | list[Problem]:
    version, kind = document.data.get("apiVersion"), document.data.get("kind")
    if kind in _OF_CLUSTERS:
        return [Problem(("kind",), f"{kind} needs a cluster; in one process leave it out")]
    if not isinstance(kind, str) or kind not in KINDS:
        fix = nearest(kind, list(KINDS)) if isinstance(kind, str) else f"write one of {', '.join(KINDS)}"
        text = "missing" if kind is None else f"{shown(kind)} is no kind of this version"
        return [Problem(("kind",), f"{text}; {fix}")]
    if version != API_VERSION:
        text = "missing" if version is None else f"{shown(version)} is not accepted"
        return [Problem(("apiVersion",), f"{text}: write {API_VERSION}")]
    try:
        return KINDS[kind].model_validate(document.data)
    except ValidationError as error:
        return list(problems_of(error, KINDS[kind]))


def _add(by_key: dict[Key, Loaded[AnyResource]], document: Document) -> list[str]:
    parsed = _parse(document)
    if isinstance(parsed, list):
        return [_line(document, problem) for problem in parsed]
    key = (parsed.kind, parsed.metadata.namespace, parsed.metadata.name)
    if key in by_key:
        other = by_key[key].document
        first = f"{other.file}:{other.line(('metadata', 'name'))}"
        return [_line(document, Problem(("metadata", "name"), f"already given in {first}; rename or remove one"))]
    by_key[key] = Loaded(parsed, document)
    return []


def _passed_over(document: Document) -> bool:
    return (document.data.get("apiVersion"), document.data.get("kind")) in _PASSED_OVER


def _note(document: Document) -> str:
    return f"{document.file}:{document.line(('kind',))}: a {document.data['kind']} is passed over in one process"


def _cluster_only(loaded: Loaded[AnyResource]) -> list[str]:
    """Say which fields given are about pods, so that one process has no use for them."""
    spec = loaded.resource.spec
    fields = [
        type(spec).model_fields[name].alias or name for name in spec.cluster_only if name in spec.model_fields_set
    ]
    return [loaded.line(("spec", field), "passed over in one process; it is for a cluster") for field in fields]


def _unmet_references(resources: Resources) -> list[str]:
    problems = []
    for kind in KINDS.values():
        for loaded in resources.of_kind(kind):
            problems += [problem for field in _REFERENCES if (problem := _unmet(resources, loaded, *field))]
    return problems


def _unmet(
    resources: Resources, loaded: Loaded[AnyResource], attribute: str, field: str, kind: type[AnyResource]
) -> str | None:
    """Say what a reference names that is not there; None when it is met."""
    reference = getattr(loaded.resource.spec, attribute, None)
    namespace = loaded.resource.metadata.namespace
    if reference is None or resources.find(kind, namespace, reference.name):
        return None
    found = [other.resource.metadata for other in resources.of_kind(kind)]
    here = ", ".join(meta.name for meta in found if meta.namespace == namespace) or "none"
    text = f"no {kind.__name__} {shown(reference.name)} in namespace {namespace}; found {here}"
    elsewhere = [meta.namespace for meta in found if meta.name == reference.name]
    if elsewhere:
        text += f" (namespace {elsewhere[0]} has one, but references stay within a namespace)"
    return loaded.line(("spec", field, "name"), f"{text}; add it or correct the name")


def _line(document: Document, problem: Problem) -> str:
    metadata = document.data.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    kind = document.data.get("kind")
    who = f"{kind if isinstance(kind, str) else '?'}/{name if isinstance(name, str) else '?'}"
    where = f"{document.file}:{document.line(problem.location)}: document {document.index}, {who}"
    return f"{where}: {dotted(problem.location)}: {problem.text}"
