"""Gather what explains an object: references, pods, events, the namespace, the operator. The only reads of `why`."""

from collections.abc import Sequence
from typing import NamedTuple

from alphatrade.names import OWNER_UID_LABEL, TRADING_LABEL
from alphatrade_operator.core.explain import nearest
from alphatrade_operator.core.live import named_by
from alphatrade_operator.kube.resources import OURS
from alphatrade_operator.kubectl.cause import Evidence, Reference
from alphatrade_operator.kubectl.kubectl import Kubectl, KubectlError, Manifest, ours
from alphatrade_operator.kubectl.objects import (
    Happened,
    Pod,
    Strategy,
    read_events,
    read_object,
    read_pod,
    read_strategy,
)

OPERATOR = "app.kubernetes.io/name=alphatrade,app.kubernetes.io/component=operator"


class Target(NamedTuple):
    """An object by plural and name."""

    plural: str
    name: str


def target(text: str) -> Target:
    """Read NAME or KIND/NAME; the kind may be given as kubectl takes it. Raises KubectlError."""
    kind, _, name = text.rpartition("/")
    if not kind:
        return Target("strategies", name)
    known = {word: one.plural for one in OURS for word in (one.kind.lower(), one.plural)} | SHORT
    found = known.get(kind.lower())
    if found is None or not name:
        raise KubectlError(f"{text!r}: write NAME for a Strategy, or KIND/NAME with one of {', '.join(sorted(SHORT))}")
    return Target(found, name)


SHORT = {
    "st": "strategies",
    "rt": "risktemplates",
    "eb": "explorationbudgets",
    "ks": "killswitches",
    "gp": "governanceproposals",
    "so": "signoffs",
    "ple": "policyledgerentries",
    "rp": "replays",
    "evo": "evolutions",
    "rfl": "reflections",
    "mdf": "marketdatafeeds",
    "bc": "brokerconnections",
}


def gather(kubectl: Kubectl, wanted: Target, where: Sequence[str]) -> Evidence:
    """Return what explains the object. Raises KubectlError when it is not there."""
    manifest = kubectl.find(ours(wanted.plural), wanted.name, where)
    if manifest is None:
        raise not_there(kubectl, wanted, where)
    seen = read_strategy(manifest) if wanted.plural == "strategies" else None
    meta = (seen or read_object(manifest)).metadata
    here = ("-n", meta.namespace)
    pods = _pods(kubectl, here, f"{OWNER_UID_LABEL}={meta.uid}")
    return Evidence(
        object=seen or read_object(manifest),
        trading=_trading(kubectl, meta.namespace),
        operators=_operators(kubectl),
        references=_references(kubectl, seen, here) if seen else _account_template(kubectl, manifest, here),
        pods=pods or (),
        events=_events(kubectl, here, {meta.name, *(pod.metadata.name for pod in pods or ())}, meta.uid),
    )


def _references(kubectl: Kubectl, strategy: Strategy, here: Sequence[str]) -> tuple[Reference, ...]:
    spec = strategy.spec
    budget = spec.exploration_budget_ref.name if spec.feature_flags.exploration else ""
    named = (
        ("MarketDataFeed", "marketdatafeeds", spec.market_data_feed_ref.name),
        ("BrokerConnection", "brokerconnections", spec.broker_connection_ref.name),
        ("RiskTemplate", "risktemplates", spec.risk_template_ref.name),
        ("ExplorationBudget", "explorationbudgets", budget),
    )
    return tuple(_reference(kubectl, kind, plural, name, here) for kind, plural, name in named if name)


def _account_template(kubectl: Kubectl, manifest: Manifest, here: Sequence[str]) -> tuple[Reference, ...]:
    name = named_by(manifest, "riskTemplateRef")
    return (_reference(kubectl, "RiskTemplate", "risktemplates", name, here),) if name else ()


def _reference(kubectl: Kubectl, kind: str, plural: str, name: str, here: Sequence[str]) -> Reference:
    found = kubectl.find(ours(plural), name, here)
    return Reference(f"{kind}/{name}", None if found is None else read_object(found))


def _pods(kubectl: Kubectl, where: Sequence[str], selector: str) -> tuple[Pod, ...] | None:
    """Return pods by labels; None where one may not look."""
    try:
        return tuple(read_pod(one) for one in kubectl.all("pods", where, "-l", selector))
    except KubectlError:
        return None


def _operators(kubectl: Kubectl) -> tuple[Pod, ...] | None:
    return _pods(kubectl, ("-A",), OPERATOR)


def _trading(kubectl: Kubectl, namespace: str) -> bool | None:
    """Tell whether a namespace is labelled for trading; None where one may not look."""
    try:
        found = kubectl.find("namespace", namespace, ())
    except KubectlError:
        return None
    return found is not None and read_object(found).metadata.labels.get(TRADING_LABEL) == "true"


def _events(kubectl: Kubectl, here: Sequence[str], names: set[str], uid: str) -> tuple[Happened, ...]:
    """Return the events about the object and its pods, oldest first; none where one may not look."""
    try:
        items = kubectl.all("events.events.k8s.io", here)
    except KubectlError:
        return ()
    about = [one for one in items if (one.get("regarding") or {}).get("name") in names or _is(one, uid)]
    return tuple(read_events(about))


def _is(event: Manifest, uid: str) -> bool:
    return (event.get("regarding") or {}).get("uid") == uid


def not_there(kubectl: Kubectl, wanted: Target, where: Sequence[str]) -> KubectlError:
    """Return the error that names what is there instead."""
    names = [read_object(one).metadata.name for one in kubectl.all(ours(wanted.plural), where)]
    text = f"no {wanted.name!r} among {wanted.plural} here; {nearest(wanted.name, names)}"
    return KubectlError(f"{text}; -n names another namespace", missing=True)
