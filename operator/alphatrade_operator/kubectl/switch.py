"""`kubectl alphatrade halt`: the KillSwitch that is applied, and what its acknowledgements come to. Pure."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from alphatrade.names import API_VERSION, NAME_LABEL
from alphatrade_operator.kubectl.objects import KillSwitch, Strategy

Mode = Literal["Reduce", "Halt", "Flatten"]
_LONGEST = 63
_REFUSALS = ("ScopeNotAllowed", "InvalidSpec")


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be stopped. target: a Strategy's name; None: all of the namespace, or with cluster, of all."""

    target: str | None
    cluster: bool
    mode: str
    reason: str
    namespace: str
    slippage_bps: int | None = None

    @property
    def name(self) -> str:
        """Name of the KillSwitch: asked for twice, it is the same object."""
        whom = f"strategy-{self.target}" if self.target is not None else "cluster" if self.cluster else "namespace"
        return _fitting(f"{self.mode.lower()}-{whom}")

    def manifest(self) -> dict[str, Any]:
        """Return the KillSwitch."""
        spec: dict[str, Any] = {"mode": self.mode, "reason": self.reason}
        if self.cluster:
            spec["scope"] = "Cluster"
        if self.target is not None:
            spec["selector"] = {"matchLabels": {NAME_LABEL: self.target}}
        if self.slippage_bps is not None:
            spec["maxFlattenSlippageBps"] = self.slippage_bps
        metadata = {"name": self.name, "namespace": self.namespace}
        return {"apiVersion": API_VERSION, "kind": "KillSwitch", "metadata": metadata, "spec": spec}


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known of a kill switch that was applied.

    reported: the operator has looked at this very generation.  refused: why it does not act as it is meant; else empty.
    """

    reported: bool
    refused: str
    matched: int
    acknowledged: int
    obeyed: tuple[str, ...]
    silent: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether everyone whom it matches has obeyed."""
        return self.reported and not self.refused and self.acknowledged >= self.matched and not self.silent

    def line(self) -> str:
        """Write how far it is."""
        if not self.reported:
            return "applied; waiting for the operator's report"
        return f"{self.acknowledged} of {self.matched} acknowledged"


def _fitting(name: str) -> str:
    """Cut a name that is too long; the hash keeps two of one beginning apart."""
    if len(name) <= _LONGEST:
        return name
    return f"{name[: _LONGEST - 9]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def answer(switch: KillSwitch, strategies: Sequence[Strategy]) -> Answer:
    """Return who has obeyed a kill switch: by the operator's report, the names by the Strategies' own status."""
    status, meta = switch.status, switch.metadata
    obeyed = tuple(
        f"{one.metadata.namespace}/{one.metadata.name} ({seen.latency_ms} ms)"
        for one in strategies
        for seen in one.status.kill_switches
        if (seen.namespace, seen.name, seen.generation) == (meta.namespace, meta.name, meta.generation)
    )
    reported = meta.generation <= switch.observed_generation
    refused = switch.ready.message if switch.ready.reason in _REFUSALS else ""
    return Answer(reported, refused, status.matched, status.acknowledged, obeyed, status.silent)


def verdict(order: Order, found: Answer, waited_s: float) -> tuple[list[str], int]:
    """Return what to say in the end, and the exit code: 0 when everyone has obeyed."""
    lines = [f"acknowledged: {name}" for name in found.obeyed]
    if found.refused:
        return [*lines, f"NOT in force as meant: {found.refused}"], 1
    if found.complete:
        if found.matched == 0 and order.target is not None:
            text = f"NOT stopped: the operator says that it matches no Strategy, and {order.target} is one; use --all"
            return [*lines, text], 1
        if found.matched == 0:
            return [*lines, "it matches no Strategy; it stays engaged for any that comes"], 0
        return [*lines, f"{found.line()}: stopped, and latched; deleting the KillSwitch does not resume"], 0
    if not found.reported:
        text = (
            f"no report after {waited_s:g} s. Runtimes read the kill switch themselves, with or without the operator, "
            "but nothing proves yet that they have obeyed; see: kubectl get pods -A -l alphatrade.io/kind"
        )
        return [*lines, text], 1
    more = found.matched - found.acknowledged - len(found.silent)
    lines += [f"NOT acknowledged: {name}" for name in found.silent]
    lines += [f"NOT acknowledged: {more} more"] if more > 0 else []
    namespace, _, name = (found.silent or ("NAMESPACE/NAME",))[0].partition("/")
    return [*lines, f"{found.line()} after {waited_s:g} s; see: kubectl alphatrade why {name} -n {namespace}"], 1
