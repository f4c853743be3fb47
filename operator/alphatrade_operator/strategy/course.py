"""What is to be done about a Strategy's pod: trade, get flat for a new configuration, or get flat and go. Pure."""

from alphatrade.config import digest_of
from alphatrade.v1.control_pb2 import StrategyStatus as Said
from alphatrade_operator.core.plan import Finding
from alphatrade_operator.strategy.abandon import how_to_abandon
from alphatrade_operator.strategy.document import draining, read_config
from alphatrade_operator.strategy.facts import Facts
from alphatrade_operator.workload.course import SOON_S, Course, refused, silent, starting
from alphatrade_operator.workload.rollout import Step, step_of
from alphatrade_operator.workload.verdict import Verdict, moving, stuck

_OVER = ("Drained", "Ended", "Failed")
_HELD = {"Latched", "Failed"}
_ON_ITS_WAY = {"Starting": "the session starts", "Draining": "it gets flat in order"}
_SPEAKS_FOR_ITSELF = {
    "Trading": "it trades",
    "Ended": "the session is over: its feed has ended",
}


def said(facts: Facts) -> Said | None:
    """Return what the runtime said; None when it does not answer."""
    return facts.live.status.strategy if facts.live.status else None


def trade(facts: Facts, target: bytes, template: str) -> Course:
    """Bring a configuration into force, by a new pod where the one that runs cannot take it."""
    live = facts.live
    current = live.document or target
    step = step_of(target, live, template)
    if step is Step.ABSENT:
        return Course(target, 1, starting(live))
    if step is Step.SILENT:
        return Course(current, 1, silent(live))
    if step is Step.RESTART or _drains(facts):
        return _renew(facts, target)
    if step is Step.REFUSED:
        answer = live.answer_to(target)
        return Course(current, 1, refused(answer.detail if answer else ""))
    if step is Step.ASK:
        return Course(current, 1, working(facts), push=target, look_again_s=SOON_S)
    return Course(target, 1, working(facts))


def stop(facts: Facts, document: bytes | None, why: Verdict) -> Course:
    """Get flat in order, then have no pod. document: of the pod; why: what holds in the end."""
    live = facts.live
    if not live.replicas and not _left_behind(facts):
        return Course(None, 0, why)
    drain = _draining(document)
    if drain is None and _left_behind(facts):
        text = f"its configuration cannot be read, so no pod can get flat; {how_to_abandon(facts.before)}"
        return Course(None, 1, stuck(Finding("DrainRefused", text)))
    if drain is None or _nothing_held(facts):
        return Course(None, 0, why)
    if live.status is None:
        return Course(drain, 1, _unreachable(facts))
    if _may_go(facts):
        return Course(drain, 0, why)
    return _drain(facts, drain, f"{why.reason}: it gets flat in order before it stops")


def working(facts: Facts) -> Verdict:
    """Say what the runtime says: ready while it does what its spec wants."""
    spoken = said(facts) or Said()
    phase, words = spoken.phase, spoken.message
    if phase in _SPEAKS_FOR_ITSELF:
        return Verdict(True, phase, _SPEAKS_FOR_ITSELF[phase])
    if phase in _HELD:
        return stuck(_held(spoken))
    if phase in ("Halted", "Reducing", "Flattening"):
        return Verdict(False, spoken.reason or phase, words or spoken.latched_by or f"it is {phase.lower()}")
    return moving(spoken.reason or phase or "Starting", words or _ON_ITS_WAY.get(phase, "the session starts"))


def _held(spoken: Said) -> Finding:
    if spoken.phase == "Latched":
        way_out = "nothing resumes it in this version; delete it, and its BrokerConnection with that one's volume"
        return Finding("Latched", f"{spoken.latched_by or spoken.message}; {way_out}")
    return Finding(spoken.reason or "Failed", spoken.message or "the runtime failed; look at its log")


def _drains(facts: Facts) -> bool:
    """Whether the pod was told to get flat, and so trades no more."""
    config, spoken = read_config(facts.live.document), said(facts)
    return (config is not None and config.run == "Drain") or (spoken is not None and spoken.phase == "Drained")


def _draining(document: bytes | None) -> bytes | None:
    return None if read_config(document) is None or document is None else draining(document)


def _renew(facts: Facts, target: bytes) -> Course:
    """Have a new pod take a configuration, once the one that runs is flat."""
    live = facts.live
    drain = _draining(live.document) or draining(target)
    if not _may_be_replaced(facts):
        return _drain(facts, drain, "it gets flat in order, then a new pod takes the new configuration")
    if not isinstance(facts.references, Finding) and facts.references.changing:
        waits = moving("WaitsForGateway", f"it goes on once {facts.references.changing} serves what its spec says")
        return Course(target, 1, waits, look_again_s=SOON_S)
    text = "a new pod takes the new configuration"
    return Course(target, 1, moving("Restarting", text), None, live.document == target, SOON_S)


def _drain(facts: Facts, drain: bytes, text: str) -> Course:
    """Have the pod get flat. What it is told is its own configuration, so that only `run` differs."""
    live, spoken = facts.live, said(facts)
    if spoken is not None and spoken.phase in _HELD:
        held = _held(spoken)
        verdict = stuck(Finding(held.reason, f"{held.message}; it cannot get flat; {how_to_abandon(facts.before)}"))
        return Course(drain, 1, verdict)
    if spoken is not None and spoken.phase == "Draining" and spoken.reason:
        text = f"{spoken.message}; {how_to_abandon(facts.before)}"
        return Course(drain, 1, stuck(Finding(spoken.reason, text)))
    answer = live.answer_to(drain)
    if answer and answer.outcome in ("Refused", "RestartRequired"):
        text = f"the pod will not get flat: {answer.detail}; {how_to_abandon(facts.before)}"
        return Course(drain, 1, stuck(Finding("DrainRefused", text)))
    taken = live.in_force == digest_of(drain) or answer is not None
    return Course(drain, 1, moving("Draining", text), None if taken else drain, False, SOON_S)


def _flat(spoken: Said) -> bool:
    return spoken.working == 0 and not any(spoken.positions.values())


def _may_be_replaced(facts: Facts) -> bool:
    spoken = said(facts)
    return spoken is not None and (spoken.phase in _OVER or (spoken.phase == "Latched" and _flat(spoken)))


def _may_go(facts: Facts) -> bool:
    """Whether nothing is left that the pod could still bring to an end."""
    spoken = said(facts)
    if spoken is None:
        return False
    if spoken.phase == "Failed":  # it does not say what it holds
        return _held_nothing_before(facts)
    return spoken.phase in ("Drained", "Ended") or (spoken.phase == "Latched" and _flat(spoken))


def _nothing_held(facts: Facts) -> bool:
    """Whether a pod that does not answer holds nothing outside itself."""
    live = facts.live
    if live.status is not None or (live.pod is not None and live.pod.ready):
        return False
    never_ran = facts.before.active_policy_hash is None and not (live.pod and live.pod.started)
    return never_ran or _has_no_account(facts)


def _left_behind(facts: Facts) -> bool:
    """Whether it had positions or orders when its pod was taken from it, by whoever that was.

    In a namespace that is being deleted no pod can come back to get flat: whoever gave it up has left them behind.
    """
    if facts.namespace_goes:
        return False
    return bool(facts.before.positions or facts.before.working_orders) and facts.before.phase != "Suspended"


def _held_nothing_before(facts: Facts) -> bool:
    """Whether a runtime that failed has never traded, or has no order session."""
    return facts.before.active_policy_hash is None or _has_no_account(facts)


def _has_no_account(facts: Facts) -> bool:
    config = read_config(facts.live.document)
    return config is not None and config.broker is None


def _unreachable(facts: Facts) -> Verdict:
    """Say that a pod which may hold something cannot be asked to get flat."""
    pod = facts.live.pod
    if pod is None or (pod.fault is None and not pod.ready):
        return moving("Draining", "the pod has to be up to get flat; it starts")
    fault = pod.fault or facts.live.stranger or Finding("PodSilent", "the pod does not answer the operator")
    return stuck(
        Finding(fault.reason, f"{fault.message}; until then it cannot get flat; {how_to_abandon(facts.before)}")
    )
