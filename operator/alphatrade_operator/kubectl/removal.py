"""What is in the way of giving a namespace up, and what is said about it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from alphatrade.names import DECOMMISSIONED, GROUP, TRADING_LABEL
from alphatrade_operator.kubectl.kubectl import KubectlError
from alphatrade_operator.kubectl.objects import Object, Strategy

_QUIET = ("", "Pending", "Suspended", "Drained", "Ended", "Latched")
_NEVER_RAN = ("", "Pending")


@dataclass(frozen=True, slots=True)
class Found:
    """A trading namespace. kept: what else holds finalizers of ours, which the operator takes off."""

    namespace: Object
    strategies: tuple[Strategy, ...]
    brokers: tuple[Object, ...]
    kept: tuple[Object, ...]

    @property
    def name(self) -> str:
        """Name of the namespace."""
        return self.namespace.metadata.name

    @property
    def mark(self) -> str:
        """SHA-256 of the export with which it was given up; empty while it is not."""
        return self.namespace.metadata.annotations.get(DECOMMISSIONED, "")

    @property
    def held(self) -> tuple[str, ...]:
        """Names of what finalizers of ours keep."""
        return tuple(one.title for one in self.kept if any(f.startswith(f"{GROUP}/") for f in one.metadata.finalizers))

    @property
    def clear(self) -> bool:
        """Whether nothing is left that trades or could."""
        return not self.strategies and not self.brokers


def not_trading(namespace: Object) -> KubectlError | None:
    """Say that a namespace is none that can be given up."""
    if namespace.metadata.labels.get(TRADING_LABEL) == "true":
        return None
    name = namespace.metadata.name
    return KubectlError(f"namespace {name} is no trading namespace: it is not labelled {TRADING_LABEL}=true")


def restless(strategies: Sequence[Strategy]) -> list[str]:
    """Return the Strategies that hold something or may come to, each with what that is. Unknown counts as holding."""
    return [f"{one.metadata.name} ({text})" for one in strategies if (text := _holds(one))]


def _holds(strategy: Strategy) -> str:
    status = strategy.status
    held = [f"{position.lots} {position.symbol}" for position in status.positions]
    if status.working_orders:
        held.append(f"{status.working_orders} working orders")
    quiet = status.phase in _QUIET and not (status.phase in _NEVER_RAN and status.active_policy_hash)
    return ", ".join(held if quiet else [status.phase or "phase unknown", *held])


def announcement(found: Found, entries: int, file: str, mark: bool) -> list[str]:
    """Say what will happen."""
    strategies = ", ".join(_described(one) for one in found.strategies) or "none is there"
    brokers = ", ".join(one.metadata.name for one in found.brokers) or "none is there"
    end = (
        f"the namespace is marked {DECOMMISSIONED}: nothing can trade in it any more, and it may be deleted"
        if mark
        else "the namespace stays as it is, to be traded in again"
    )
    return [
        f"namespace {found.name}:",
        f"  1. its ledger, {entries} entries, is verified and written to {file}",
        f"  2. its Strategies are deleted; each gets flat before it goes: {strategies}",
        f"  3. its BrokerConnections are deleted; working orders are canceled: {brokers}",
        f"  4. {end}",
        "  Feeds, RiskTemplates, ledger and volumes stay until the namespace is deleted.",
    ]


def _described(strategy: Strategy) -> str:
    return f"{strategy.metadata.name} ({_holds(strategy) or strategy.status.phase or 'never ran'})"


def refusal(found: Found) -> str:
    """Say what --drain would be needed for; empty when it is not."""
    moving = restless(found.strategies)
    if not moving:
        return ""
    text = f"namespace {found.name}: Strategies hold or may take positions: {', '.join(moving)}"
    return f"{text}; give --drain to have each get flat as it goes, or set spec.suspend: true first"


def line(one: Object) -> str:
    """Say how far an object is on its way out."""
    return f"  {one.title}: {one.ready.reason}: {one.ready.message}"


def strangers(known: frozenset[str], found: Sequence[Object]) -> str:
    """Say that objects came while those before them were removed; empty when none did."""
    came = [one.title for one in found if one.metadata.uid not in known]
    if not came:
        return ""
    return (
        f"{', '.join(came)} came while others were removed; stop what applies them (a GitOps controller?), run it again"
    )
