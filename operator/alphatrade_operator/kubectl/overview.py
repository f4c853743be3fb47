"""`kubectl alphatrade status`: one line a Strategy, and who has obeyed the kill switches that are engaged. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

from alphatrade_operator.kubectl.objects import KillSwitch, Strategy

NONE, READY = "-", "yes"


class Row(NamedTuple):
    """What one Strategy does."""

    namespace: str
    name: str
    mode: str
    phase: str
    pace: str
    position: str
    pnl: str
    kill: str
    ready: str
    why: str


HEADER = ("NAMESPACE", "NAME", "MODE", "PHASE", "PACE", "POSITION", "PNL", "KILL", "READY", "WHY NOT")


def rows(strategies: Sequence[Strategy]) -> list[Row]:
    """Return a row for each Strategy, by namespace and name."""
    ordered = sorted(strategies, key=lambda one: (one.metadata.namespace, one.metadata.name))
    return [_row(strategy) for strategy in ordered]


def kill_lines(switches: Sequence[KillSwitch]) -> list[str]:
    """Return a line for each kill switch that is engaged."""
    engaged = [switch for switch in switches if switch.spec.mode != "Armed"]
    return [_kill_line(switch) for switch in sorted(engaged, key=lambda one: (one.metadata.namespace, one.title))]


def _row(strategy: Strategy) -> Row:
    status, ready = strategy.status, strategy.ready
    return Row(
        strategy.metadata.namespace,
        strategy.metadata.name,
        strategy.spec.mode,
        "Deleting" if strategy.metadata.deletion_timestamp else status.phase or NONE,
        status.pace or NONE,
        positions(strategy),
        status.pnl or NONE,
        kill_state(strategy),
        {"True": READY, "False": "no"}.get(ready.status, "not known"),
        NONE if ready.status == "True" else f"{ready.reason}: {ready.message}".rstrip(": "),
    )


def positions(strategy: Strategy) -> str:
    """Write what is held: `SIM-A +120`, or `flat`; nothing is known before a phase is."""
    held = [f"{one.symbol} {one.lots:+d}" for one in strategy.status.positions if one.lots]
    return ", ".join(held) or ("flat" if strategy.status.phase else NONE)


def kill_state(strategy: Strategy) -> str:
    """Write what the kill switch has done to it: what latched it, or that it is armed."""
    status = strategy.status
    if status.latched:
        return f"latched by {status.latched.by}" if status.latched.by else "latched"
    if status.kill_switches:
        last = status.kill_switches[-1]
        return f"{last.mode} by {last.name}"
    return "armed" if status.phase else NONE


def _kill_line(switch: KillSwitch) -> str:
    meta, status = switch.metadata, switch.status
    text = f"KillSwitch {meta.namespace}/{meta.name}: {switch.spec.mode}, {counted(switch)}"
    if status.silent:
        text += f"; not acknowledged: {', '.join(status.silent)}"
    return f"{text} ({switch.spec.reason})" if switch.spec.reason else text


def counted(switch: KillSwitch) -> str:
    """Write how many have obeyed; nothing is claimed before the operator has looked at this generation."""
    if switch.observed_generation < switch.metadata.generation:
        return "the operator has not reported yet"
    return f"{switch.status.acknowledged} of {switch.status.matched} acknowledged"
