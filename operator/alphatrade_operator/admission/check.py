"""Whether the law of the API server is whole: every policy and binding as it was rendered. Pure."""

from collections.abc import Iterator, Mapping, Sequence

from alphatrade_operator.admission.policies import expected
from alphatrade_operator.admission.policy import LAW
from alphatrade_operator.core.plan import Finding, Manifest

LAW_NOT_INSTALLED = "LawNotInstalled"
_FIX = "helm upgrade --install alphatrade-crds"


def faults(live: Sequence[Manifest], law: Manifest | None, me: str, operator_namespace: str) -> tuple[str, ...]:
    """Return what is wrong, one line each.

    live: policies and bindings as the server has them.  law: the ConfigMap that names the operator.  me: the user that
    the server knows this operator as.
    """
    found = {(one["kind"], one["metadata"]["name"]): one for one in live}
    return (*_of_law(law, me, operator_namespace), *_of_policies(found, operator_namespace))


def finding(told: Sequence[str]) -> Finding | None:
    """Return the finding that names the first fault, or None."""
    if not told:
        return None
    more = f" (and {len(told) - 1} more)" if len(told) > 1 else ""
    return Finding(LAW_NOT_INSTALLED, f"{told[0]}{more}; run: {_FIX}")


def _of_law(law: Manifest | None, me: str, namespace: str) -> Iterator[str]:
    if law is None:
        yield f"ConfigMap {namespace}/{LAW} is missing, and with it who the operator is"
        return
    named = (law.get("data") or {}).get("user")
    if named != me:
        yield f"ConfigMap {namespace}/{LAW} names {named!r} as the operator, and this one is {me!r}"


def _of_policies(found: Mapping[tuple[str, str], Manifest], namespace: str) -> Iterator[str]:
    for wanted in expected(namespace):
        kind, name = wanted["kind"], wanted["metadata"]["name"]
        there = found.get((kind, name))
        if there is None:
            yield f"{kind} {name} is missing"
        elif changed := _different(wanted["spec"], there.get("spec") or {}):
            yield f"{kind} {name} is not as installed: spec.{changed} differs"


def _different(wanted: Manifest, there: Manifest) -> str | None:
    """Return the first field that differs; one that is there and not wanted is a difference, too."""
    fields = [*wanted, *(field for field in there if field not in wanted)]
    return next((field for field in fields if wanted.get(field) != there.get(field)), None)
