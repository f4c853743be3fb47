"""Gather what a BrokerConnection's decision needs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from alphatrade.config import StrategyConfig
from alphatrade_operator.broker.model import BrokerConnection, BrokerConnectionStatus
from alphatrade_operator.core.live import Meta, meta_of, named_by, read, status_of
from alphatrade_operator.core.plan import Finding, Key, Manifest, View
from alphatrade_operator.risk_template.facts import effective_template
from alphatrade_operator.risk_template.model import RiskTemplateSpec
from alphatrade_operator.settings import Settings
from alphatrade_operator.strategy.document import read_config
from alphatrade_operator.workload.child import Child, child_of
from alphatrade_operator.workload.live import Live, observe
from alphatrade_operator.workload.report import last_status
from alphatrade_operator.workload.roll import Roll, of_gateway
from alphatrade_operator.workload.traders import traders

_REF = "brokerConnectionRef"


@dataclass(frozen=True, slots=True)
class User:
    """A Strategy that refers to the account.

    has_pod: it has one, or is to have one.  config: of that pod, when it has an order session here; None otherwise.
    policy_hash: what its pod says that it runs, else what it last said; None before that.
    phase, latched, held (lots by symbol): as it last said.
    """

    name: str
    deleting: bool
    phase: str | None
    latched: bool
    has_pod: bool
    config: StrategyConfig | None
    policy_hash: str | None
    held: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Law:
    """The template of the account, by name, as it is in force."""

    name: str
    template: RiskTemplateSpec


@dataclass(frozen=True, slots=True)
class Facts:
    """meta: of the BrokerConnection.  law: None while nothing says which.  before: its status as last written."""

    meta: Meta
    child: Child
    broker: BrokerConnection | Finding
    law: Law | Finding | None
    users: tuple[User, ...]
    live: Live
    roll: Roll | None
    before: BrokerConnectionStatus
    settings: Settings


def gather(view: View, key: Key) -> Facts:
    """Gather the facts of a BrokerConnection that is there."""
    manifest = view.get(key.kind, key.namespace, key.name)
    if manifest is None:
        raise KeyError(key)
    child, broker = child_of("broker", manifest), read(BrokerConnection, manifest)
    users = tuple(_user(view, strategy, child) for strategy in _strategies(view, key))
    live = observe(view, child)
    return Facts(
        meta=meta_of(manifest),
        child=child,
        broker=broker,
        law=broker if isinstance(broker, Finding) else _law(view, key.namespace, broker, users),
        users=users,
        live=live,
        roll=of_gateway(meta_of(manifest), live, "broker", (), traders(view, key.namespace, _REF, key.name)),
        before=last_status(BrokerConnectionStatus, manifest),
        settings=view.settings,
    )


def referrers(view: View, key: Key) -> Iterator[Key]:
    """Yield the strategies that trade an account."""
    for strategy in _strategies(view, key):
        yield Key("Strategy", key.namespace, strategy["metadata"]["name"])


def _strategies(view: View, key: Key) -> Iterator[Manifest]:
    """Yield the strategies that refer to an account, the longest there first."""
    found = view.list("Strategy", key.namespace)
    for strategy in sorted(found, key=lambda one: (one["metadata"].get("creationTimestamp", ""), _name(one))):
        if named_by(strategy, _REF) == key.name:
            yield strategy


def _name(manifest: Manifest) -> str:
    name: str = manifest["metadata"]["name"]
    return name


def _user(view: View, strategy: Manifest, broker: Child) -> User:
    child, status = child_of("strategy", strategy), status_of(strategy)
    live = observe(view, child) if _has_pod(view, child) else None
    config = read_config(live.document) if live else None
    said = live.status.strategy.policy_hash if live and live.status else ""
    trades_here = config is not None and config.broker is not None and config.broker.identity == broker.identity
    return User(
        name=child.owner.name,
        deleting=meta_of(strategy).deleting,
        phase=status.get("phase"),
        latched=bool(status.get("latched")),
        has_pod=live is not None,
        config=config if trades_here else None,
        policy_hash=said or status.get("activePolicyHash"),
        held={position["symbol"]: position["lots"] for position in status.get("positions") or ()},
    )


def _has_pod(view: View, child: Child) -> bool:
    """Whether a Strategy has a pod or is to have one: one that is suspended and flat takes no room at the gateway."""
    stateful_set = view.get("StatefulSet", child.namespace, child.name)
    wanted = stateful_set is not None and stateful_set["spec"].get("replicas", 1) > 0
    return wanted or view.get("Pod", child.namespace, child.pod) is not None


def _law(view: View, namespace: str, broker: BrokerConnection, users: tuple[User, ...]) -> Law | Finding | None:
    """Return the account's own law, else that of its strategies when they have one and the same."""
    reference = broker.spec.risk_template_ref
    names = {user.config.session["policy"]["risk_template"] for user in users if user.config}
    if reference is None and len(names) > 1:
        text = (
            f"spec.riskTemplateRef: missing, and its Strategies obey {', '.join(sorted(names))}; say which is its law"
        )
        return Finding("LawAmbiguous", text)
    name = reference.name if reference else next(iter(names), None)
    if name is None:
        return None
    law = effective_template(view, namespace, name)
    if not isinstance(law, Finding):
        return Law(name, law)
    absent = view.get("RiskTemplate", namespace, name) is None
    return Finding("ReferenceNotFound" if absent else "ReferenceInvalid", f"spec.riskTemplateRef: {law.message}")
