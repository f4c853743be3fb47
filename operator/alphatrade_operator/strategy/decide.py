"""Decide what a Strategy's pod is to do, and say what it does. Pure."""

from dataclasses import replace
from datetime import datetime

from alphatrade.config import digest_of
from alphatrade_operator.core.plan import Certificate, Condition, Finding, Manifest, Plan
from alphatrade_operator.strategy.abandon import abandoned
from alphatrade_operator.strategy.checks import HOLDS, STOPS, first, flag_not_allowed
from alphatrade_operator.strategy.children import render_children, template_of
from alphatrade_operator.strategy.course import said, stop, trade
from alphatrade_operator.strategy.document import read_config, render_trading, within
from alphatrade_operator.strategy.facts import Facts
from alphatrade_operator.strategy.model import Strategy
from alphatrade_operator.strategy.report import AT_REST, MOVING, with_report
from alphatrade_operator.strategy.status import StrategyStatus
from alphatrade_operator.workload.course import Course, deletions, pushes
from alphatrade_operator.workload.live import nudges
from alphatrade_operator.workload.report import split
from alphatrade_operator.workload.roll import Roll, look_again, of_strategy, pending, rolled
from alphatrade_operator.workload.verdict import Verdict, conditions, moving, stuck

ORDERLY_EXIT = "alphatrade.io/orderly-exit"
_UNSEEN = ("ConfigMapNotFound",)  # one that carries labels of ours is taken for a child: its coming concerns nobody
_ABSENT_S = 5.0


def decide(facts: Facts, now: datetime) -> Plan:
    """Return the plan of a Strategy."""
    if not facts.meta.deleting:
        roll = _roll(facts)
        plan = _plan(facts, rolled(_course(facts), roll), now)
        again_s = plan.look_again_s or look_again(roll)
        return replace(plan, conditions=(*plan.conditions, *pending(roll)), look_again_s=again_s)
    course = stop(facts, _document(facts), moving("Deleting", "nothing is held any more; it goes"))
    if course.replicas and not abandoned(facts.meta, facts.before):
        return _plan(facts, course, now)
    if facts.bindings:  # no owner reference takes them along, so they go first
        return replace(_plan(facts, course, now), children=(), deletions=facts.bindings, look_again_s=1.0)
    return Plan(finalizers=())


def _course(facts: Facts) -> Course:
    """Return what is to be done while the Strategy is wanted."""
    if isinstance(facts.strategy, Finding):
        return _hold(facts, facts.strategy)
    stopped, target = _stopped(facts.strategy, facts), _target(facts.strategy, facts)
    if stopped is not None and facts.live.replicas:
        return stop(facts, _document(facts), stopped)
    if stopped is not None and stopped.outlook == "Stuck":
        return Course(None, 0, stopped)
    if isinstance(target, Finding):
        return _hold(facts, target)
    if stopped is not None:
        return Course(target, 0, stopped)
    return trade(facts, target, template_of(facts.strategy.spec))


def _roll(facts: Facts) -> Roll | None:
    """Return what becomes of a pod that an upgrade left behind."""
    config = read_config(facts.live.document)
    calendar = str(config.session["policy"]["envelope"]["calendar"]) if config is not None else "not known"
    return of_strategy(facts.meta, facts.live, calendar, facts.others)


def _document(facts: Facts) -> bytes | None:
    """Return the configuration that is there, else the one that the spec asks for."""
    if facts.live.document is not None or isinstance(facts.strategy, Finding):
        return facts.live.document
    target = _target(facts.strategy, facts)
    return None if isinstance(target, Finding) else target


def _stopped(strategy: Strategy, facts: Facts) -> Verdict | None:
    """Return why it is not to trade, if so."""
    finding = first(STOPS, strategy, facts)
    if finding:
        return stuck(finding)
    if strategy.spec.suspend:
        return Verdict(False, "Suspended", "spec.suspend is true; set it to false to trade")
    return None


def _target(strategy: Strategy, facts: Facts) -> bytes | Finding:
    """Return the configuration that the spec asks for, or why there is none."""
    finding = first(HOLDS, strategy, facts)
    if finding:
        return finding
    references = facts.references
    if isinstance(references, Finding):
        return references
    parts = references.parts._replace(strategy=within(strategy, facts.settings.feature_flag_ceilings))
    broker = references.broker.endpoint if strategy.spec.mode == "Paper" else None
    return render_trading(facts.child, parts, references.feed.endpoint, broker, facts.settings.operator_namespace)


def _hold(facts: Facts, finding: Finding) -> Course:
    """Leave the pod as it is: the law that it runs under still holds."""
    if not facts.live.replicas:
        return Course(None, 0, stuck(finding), look_again_s=_ABSENT_S if finding.reason in _UNSEEN else None)
    text = f"{finding.message}; until then the pod goes on under its last configuration"
    return Course(None, 1, stuck(Finding(finding.reason, text)))


def _plan(facts: Facts, course: Course, now: datetime) -> Plan:
    status, snapshot = split(_status(facts, course, now), MOVING)
    return Plan(
        children=_children(facts, course),
        certificates=_certificates(facts, course),
        deletions=deletions(facts.live, course),
        status=status,
        snapshot=snapshot,
        conditions=(*conditions(course.verdict), *_flags(facts), *_permitted(facts), *_law(facts)),
        finalizers=(ORDERLY_EXIT,),
        pushes=pushes(facts.child, course),
        nudges=nudges(facts.child, facts.live),
        look_again_s=course.look_again_s,
    )


def _children(facts: Facts, course: Course) -> tuple[Manifest, ...]:
    """Return the manifests; a ConfigMap that is to stay as it is is written as it is."""
    document = course.document or facts.live.document
    if isinstance(facts.strategy, Finding) or document is None or (course.document is None and course.replicas):
        return ()
    return render_children(facts.child, facts.strategy.spec, facts.settings, document, course.replicas)


def _certificates(facts: Facts, course: Course) -> tuple[Certificate, ...]:
    """Return the certificate as long as there is, or is to be, anything that uses it."""
    wanted = course.document is not None or facts.live.document is not None
    return (facts.child.certificate(),) if wanted else ()


def _flags(facts: Facts) -> tuple[Condition, ...]:
    if isinstance(facts.strategy, Finding):
        return ()
    finding = flag_not_allowed(facts.strategy, facts.settings.feature_flag_ceilings)
    return (Condition("FlagNotAllowed", True, finding.reason, finding.message),) if finding else ()


def _permitted(facts: Facts) -> tuple[Condition, ...]:
    """Say whether what explores by permit has one."""
    spoken = said(facts)
    if spoken is None or not spoken.HasField("exploration") or spoken.phase in AT_REST:
        return ()
    bps, why = spoken.exploration.permitted_bps, spoken.exploration.no_permit
    if bps > 0:
        return (Condition("ExplorationPermitted", True, "Permitted", f"up to {bps} bps of its flow may explore"),)
    text = "nothing explores, and trading goes on; docs/operations.md says what the reason asks for"
    return (Condition("ExplorationPermitted", False, why or "NotAsked", text),)


def _law(facts: Facts) -> tuple[Condition, ...]:
    """Say on every Strategy that none is promoted: Sim and Paper go on, Live is stopped by a check."""
    if facts.law is None:
        return ()
    return (Condition("LawNotInstalled", True, facts.law.reason, f"nothing is promoted: {facts.law.message}"),)


def _status(facts: Facts, course: Course, now: datetime) -> StrategyStatus:
    """Return the status; what the pod does not say now stays as it was last known."""
    spoken = said(facts)
    if spoken is not None:
        desired = facts.live.document is not None and facts.live.in_force == digest_of(facts.live.document)
        return with_report(facts.before, spoken, desired, now)
    return facts.before.model_copy(update={"phase": _phase(facts, course)})


def _phase(facts: Facts, course: Course) -> str | None:
    suspended = course.verdict.reason == "Suspended" or (facts.meta.deleting and facts.before.phase == "Suspended")
    if suspended and not facts.live.replicas:
        return "Suspended"
    if facts.live.pod is None:
        return "Pending"
    return facts.before.phase if facts.live.pod.ready else "Starting"
