"""Gather what a RiskTemplate's decision needs, and tell others which law is in force."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from alphatrade_operator.core.dispatch import is_decommissioned
from alphatrade_operator.core.explain import dotted, problems_of
from alphatrade_operator.core.live import Meta, meta_of, named_by, read, status_of
from alphatrade_operator.core.plan import Finding, Key, Manifest, View
from alphatrade_operator.risk_template.effective import Effective, tighter
from alphatrade_operator.risk_template.model import RiskTemplate, RiskTemplateSpec

_USER_KINDS = ("Strategy", "BrokerConnection")


@dataclass(frozen=True, slots=True)
class Facts:
    """meta: of the template.  law: in force and waiting, or why there is none.  users: as Kind/name, sorted.

    decommissioned: its namespace was given up.
    """

    meta: Meta
    law: Effective | Finding
    users: tuple[str, ...]
    decommissioned: bool


def gather(view: View, key: Key) -> Facts:
    """Gather the facts of a RiskTemplate that is there."""
    manifest = view.get(key.kind, key.namespace, key.name)
    if manifest is None:
        raise KeyError(key)
    users = tuple(sorted(f"{user.kind}/{user.name}" for user in referrers(view, key)))
    return Facts(meta_of(manifest), law_of(manifest), users, is_decommissioned(view, key.namespace))


def effective_template(view: View, namespace: str, name: str) -> RiskTemplateSpec | Finding:
    """Return the law in force of a RiskTemplate: tightened at once, never loosened by its spec alone."""
    manifest = view.get("RiskTemplate", namespace, name)
    if manifest is None:
        return Finding("RiskTemplateMissing", f"no RiskTemplate {name!r} in namespace {namespace}; add it")
    law = law_of(manifest)
    return law if isinstance(law, Finding) else law.spec


def law_of(manifest: Manifest) -> Effective | Finding:
    """Return the law in force of a live RiskTemplate.

    The first spec that is read is in force as it is; from then on the status holds the law that a new spec is held
    against. A spec that cannot be read leaves the law of the status in force.
    """
    before = _in_force(manifest)
    if isinstance(before, Finding):
        return before
    template = read(RiskTemplate, manifest)
    if isinstance(template, Finding):
        return template if before is None else Effective(before, ())
    return Effective(template.spec, ()) if before is None else tighter(before, template.spec)


def referrers(view: View, key: Key) -> Iterator[Key]:
    """Yield the strategies and accounts that refer to a template."""
    for kind in _USER_KINDS:
        for manifest in view.list(kind, key.namespace):
            if named_by(manifest, "riskTemplateRef") == key.name:
                yield Key(kind, key.namespace, manifest["metadata"]["name"])


def read_by_others(manifest: Manifest) -> object:
    """Return what decides about those who refer to a template: its wish and the law in force, not who they are."""
    meta = meta_of(manifest)
    return manifest.get("spec"), meta.uid, meta.generation, meta.deleting, status_of(manifest).get("effective")


def _in_force(manifest: Manifest) -> RiskTemplateSpec | Finding | None:
    document: Any = status_of(manifest).get("effective")
    try:
        return None if document is None else RiskTemplateSpec.model_validate(document)
    except ValidationError as error:
        faults = "; ".join(dotted(problem.location) for problem in problems_of(error, RiskTemplateSpec))
        text = f"status.effective: not understood ({faults}); run the version of the operator that wrote it"
        return Finding("LawUnreadable", text)
