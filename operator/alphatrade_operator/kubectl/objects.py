"""Objects as the API server gives them, read leniently: a tool for emergencies bears fields that it does not know."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class Seen(BaseModel):
    """A part of an object: what is not there has a default, what is not known is passed over."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=to_camel, validate_by_name=True, validate_by_alias=True
    )


class Meta(Seen):
    """Who an object is."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    generation: int = 0
    labels: Mapping[str, str] = {}
    annotations: Mapping[str, str] = {}
    finalizers: tuple[str, ...] = ()
    deletion_timestamp: str | None = None


class Condition(Seen):
    """One answer about an object."""

    type: str = ""
    status: str = "Unknown"
    reason: str = ""
    message: str = ""
    observed_generation: int = 0
    last_transition_time: str = ""


class Object(Seen):
    """What every object of ours has."""

    kind: str = ""
    metadata: Meta = Meta()
    conditions: tuple[Condition, ...] = ()
    observed_generation: int = 0

    @property
    def title(self) -> str:
        """Kind and name, as kubectl takes them."""
        return f"{self.kind}/{self.metadata.name}"

    def condition(self, type_: str) -> Condition | None:
        """Return a condition, or None."""
        return next((one for one in self.conditions if one.type == type_), None)

    @property
    def ready(self) -> Condition:
        """The Ready condition; Unknown when nobody has said anything."""
        return self.condition("Ready") or Condition(type="Ready", reason="NoStatus", message="nothing reported yet")


class Position(Seen):
    """What is held of one instrument."""

    symbol: str
    lots: int = 0


class Latch(Seen):
    """What holds a strategy."""

    by: str = ""
    reason: str = ""
    since: str | None = None


class Acknowledged(Seen):
    """A kill switch that a strategy has obeyed."""

    namespace: str = ""
    name: str = ""
    generation: int = 0
    mode: str = ""
    latency_ms: int = 0


class StrategyState(Seen):
    """Of a Strategy's status, what is shown."""

    phase: str = ""
    active_policy_hash: str = ""
    pace: str = ""
    stage: str = ""
    positions: tuple[Position, ...] = ()
    working_orders: int | None = None
    pnl: str = ""
    drawdown_bps: int | None = None
    orders: int | None = None
    fills: int | None = None
    denied: int | None = None
    latched: Latch | None = None
    kill_switches: tuple[Acknowledged, ...] = ()


class Reference(Seen):
    """Another object in the same namespace."""

    name: str = ""


class Flags(Seen):
    """Of a Strategy's feature flags, what refers to another object."""

    exploration: bool = False


class StrategyWish(Seen):
    """Of a Strategy's spec, what is shown."""

    mode: str = "Sim"
    suspend: bool = False
    market_data_feed_ref: Reference = Reference()
    broker_connection_ref: Reference = Reference()
    risk_template_ref: Reference = Reference()
    exploration_budget_ref: Reference = Reference()
    feature_flags: Flags = Flags()


class Strategy(Object):
    """A Strategy with what it does."""

    spec: StrategyWish = StrategyWish()
    status: StrategyState = StrategyState()


class KillWish(Seen):
    """What a kill switch orders."""

    mode: str = "Armed"
    scope: str = "Namespace"
    reason: str = ""


class KillState(Seen):
    """Who has obeyed a kill switch."""

    engagement: str = ""
    matched: int = 0
    acknowledged: int = 0
    silent: tuple[str, ...] = ()


class KillSwitch(Object):
    """A KillSwitch with who has obeyed it."""

    spec: KillWish = KillWish()
    status: KillState = KillState()


class ContainerState(Seen):
    """Why a container waits or has ended."""

    reason: str = ""
    message: str = ""
    exit_code: int | None = None


class Container(Seen):
    """A container of a pod. state and last_state: by waiting, running, terminated."""

    name: str = ""
    ready: bool = False
    restart_count: int = 0
    state: Mapping[str, ContainerState] = {}
    last_state: Mapping[str, ContainerState] = {}


class Pod(Object):
    """A pod with its containers."""

    phase: str = ""
    containers: tuple[Container, ...] = ()


class Happened(Seen):
    """An event, of either API."""

    type: str = ""
    reason: str = ""
    message: str = ""
    about: str = Field("", description="Kind and name of what it is about.")
    at: str = ""


def common(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what every object has, with the conditions out of its status."""
    status = data.get("status") or {}
    return {
        "kind": data.get("kind", ""),
        "metadata": data.get("metadata") or {},
        "conditions": status.get("conditions") or (),
        "observedGeneration": status.get("observedGeneration", 0),
    }


def read_object(data: Mapping[str, Any]) -> Object:
    """Read an object of any kind."""
    return Object.model_validate(common(data))


def read_strategy(data: Mapping[str, Any]) -> Strategy:
    """Read a Strategy."""
    return Strategy.model_validate({**common(data), "spec": data.get("spec") or {}, "status": data.get("status") or {}})


def read_kill_switch(data: Mapping[str, Any]) -> KillSwitch:
    """Read a KillSwitch."""
    return KillSwitch.model_validate(
        {**common(data), "spec": data.get("spec") or {}, "status": data.get("status") or {}}
    )


def read_pod(data: Mapping[str, Any]) -> Pod:
    """Read a pod; init containers come first."""
    status = data.get("status") or {}
    containers = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    return Pod.model_validate({**common(data), "phase": status.get("phase", ""), "containers": containers})


def read_events(items: Sequence[Mapping[str, Any]]) -> list[Happened]:
    """Read events, oldest first."""
    found = [
        Happened(
            type=str(item.get("type", "")),
            reason=str(item.get("reason", "")),
            message=str(item.get("note") or item.get("message") or ""),
            about=_about(item.get("regarding") or item.get("involvedObject") or {}),
            at=str(item.get("eventTime") or item.get("lastTimestamp") or item.get("deprecatedLastTimestamp") or ""),
        )
        for item in items
    ]
    return sorted(found, key=lambda one: one.at)


def _about(reference: Mapping[str, Any]) -> str:
    return f"{reference.get('kind', '')}/{reference.get('name', '')}"
