"""Decide what a BrokerConnection's gateway is to be, whom it admits, and say how it is. Pure."""

from datetime import datetime

from alphatrade.v1.control_pb2 import BrokerStatus
from alphatrade_operator.broker import law as account
from alphatrade_operator.broker.facts import Facts, Law, User
from alphatrade_operator.broker.gateway import TEMPLATE, render_children, render_config
from alphatrade_operator.broker.model import BrokerConnectionSpec, BrokerConnectionStatus
from alphatrade_operator.broker.render import render_exchange
from alphatrade_operator.core.plan import Condition, Finding, Manifest, Plan
from alphatrade_operator.limit_ceilings import Mode
from alphatrade_operator.risk_template.ceilings import above_ceiling, envelope_of
from alphatrade_operator.strategy.abandon import ABANDON, held_hash
from alphatrade_operator.workload.course import SOON_S, Course, deletions, keep_serving, pushes
from alphatrade_operator.workload.live import nudges
from alphatrade_operator.workload.report import amount, latch, split, time_of
from alphatrade_operator.workload.roll import look_again, pending, rolled
from alphatrade_operator.workload.verdict import Verdict, conditions, moving, stuck

ORDERLY_EXIT = "alphatrade.io/orderly-exit"
OVER = {None, "Pending", "Drained", "Ended", "Suspended"}
PHASES = ("Starting", "Serving", "Failed")
_SNAPSHOT = ("last_reconcile_time", "nav", "breaks", "sessions")
# Whose ceilings hold for an account: those of the mode that trades it.
_MODES: dict[str, Mode] = {"Paper": "Paper", "Sandbox": "Paper", "Live": "Live"}
_CLIENTS_S = 5.0  # how often the configurations of strategies are looked at, which change without a word


def decide(facts: Facts, now: datetime) -> Plan:
    """Return the plan of a BrokerConnection."""
    law = _account_law(facts)
    course = rolled(_course(facts, law), facts.roll)
    if facts.meta.deleting and not course.replicas and facts.live.pod is None:
        return Plan(finalizers=())
    status, snapshot = split(_status(facts, now), _SNAPSHOT)
    return Plan(
        children=_children(facts, course),
        certificates=(facts.child.certificate(),) if course.document or facts.live.document else (),
        deletions=deletions(facts.live, course),
        status=status,
        snapshot=snapshot,
        conditions=(*conditions(course.verdict), *_admission(law), *pending(facts.roll)),
        finalizers=(ORDERLY_EXIT,),
        pushes=pushes(facts.child, course),
        nudges=nudges(facts.child, facts.live),
        look_again_s=course.look_again_s
        or look_again(facts.roll)
        or (_CLIENTS_S if any(user.has_pod for user in facts.users) else None),
    )


def _children(facts: Facts, course: Course) -> tuple[Manifest, ...]:
    if course.document is None:
        return ()
    return render_children(facts.child, facts.settings, course.document, course.replicas)


def _account_law(facts: Facts) -> account.Law:
    """Return the law over those who want to trade; nobody is admitted where there is none."""
    clients = {user.name: user.config for user in facts.users if user.config}
    if isinstance(facts.law, Law):
        return account.account_law(facts.law.name, facts.law.template, clients)
    return account.Law(None, (), ())


def _course(facts: Facts, law: account.Law) -> Course:
    """Return what is to be done; a spec that cannot be served leaves the gateway as it is."""
    if facts.meta.deleting:
        return _leave(facts)
    if isinstance(facts.broker, Finding):
        return Course(None, 1, stuck(facts.broker))
    if isinstance(facts.law, Finding):
        return Course(None, 1, stuck(facts.law))
    spec = facts.broker.spec
    above = _above_ceiling(facts, spec, law)
    if above:
        return Course(None, 1, stuck(above))
    target = render_config(facts.child, spec, law.envelope, [user for user in facts.users if user.name in law.admitted])
    return keep_serving(target, facts.live, TEMPLATE, _serving(facts), _strategies_first(facts, spec))


def _above_ceiling(facts: Facts, spec: BrokerConnectionSpec, law: account.Law) -> Finding | None:
    """The account's law may not pass what the operator allows; its strategies get flat by their own check."""
    if not isinstance(facts.law, Law):
        return None
    envelope = law.envelope or envelope_of(facts.law.template)
    ceilings, mode = facts.settings.limit_ceilings, _MODES[spec.environment]
    return above_ceiling(ceilings, mode, envelope, f"RiskTemplate/{facts.law.name}")


def _leave(facts: Facts) -> Course:
    """Serve those who still have to get flat, then end the gateway, which cancels what works; its volume stays."""
    users = {user.name: dict(user.held) for user in facts.users if _needs_it(user)}
    code = held_hash(users)
    if users and facts.meta.annotations.get(ABANDON) != code:
        text = f"Strategies {', '.join(users)} trade on it; delete or suspend them, or point them to another account"
        way_out = f"to let it go under what they hold, annotate it with {ABANDON}={code}"
        return Course(facts.live.document, 1, stuck(Finding("InUse", f"{text}; {way_out}")))
    text = "working orders are canceled, then it goes; the account's volume stays"
    return Course(facts.live.document, 0, moving("Deleting", text), look_again_s=SOON_S)


def _needs_it(user: User) -> bool:
    """Whether a Strategy has an order session to bring to an end: one that is latched can do so only by going."""
    if user.config is None:
        return False
    return user.deleting or (user.phase not in OVER and not user.latched)


def _strategies_first(facts: Facts, spec: BrokerConnectionSpec) -> Verdict | None:
    """Strategies that trade on the old exchange get flat on it before it is replaced."""
    exchange = render_exchange(spec)
    trading = [
        user.name
        for user in facts.users
        if user.config and user.phase not in OVER and user.config.session["exchange"] != exchange
    ]
    text = f"Strategies {', '.join(trading)} get flat on the old exchange before it changes"
    return moving("WaitsForStrategies", text) if trading else None


def _admission(law: account.Law) -> tuple[Condition, ...]:
    """Say who is not admitted; nothing while everybody is."""
    if not law.findings:
        return ()
    text = "; ".join(finding.message for finding in law.findings)
    return (Condition("StrategiesAdmitted", False, law.findings[0].reason, text),)


def _serving(facts: Facts) -> Verdict:
    """Say what the pod says."""
    said = facts.live.status.broker if facts.live.status else BrokerStatus()
    if said.latched_by:
        text = f"{said.latched_by}; the only way out is to delete it and its volume data-{facts.child.pod}"
        return stuck(Finding("Latched", text))
    match said.phase:
        case "Serving":
            return Verdict(True, "Serving", "strategies can log on; fills are simulated")
        case "Failed":
            return stuck(Finding(said.reason or "Failed", said.message or "the gateway failed; look at its log"))
        case _:
            return moving(said.reason or "Starting", said.message or "the account is being read back")


def _status(facts: Facts, now: datetime) -> BrokerConnectionStatus:
    """Return the status; what the pod does not say now stays as it was last known."""
    if facts.live.status is None:
        pod = facts.live.pod
        phase = facts.before.phase if pod and pod.ready else "Starting" if pod else "Pending"
        return facts.before.model_copy(update={"phase": phase})
    said = facts.live.status.broker
    return BrokerConnectionStatus(
        phase=said.phase if said.phase in PHASES else "Starting",
        simulated=said.simulated,
        sessions=said.sessions,
        last_reconcile_time=time_of(said.reconciled_at_ns) or facts.before.last_reconcile_time,
        breaks=said.breaks,
        nav=amount(said.nav),
        latched=latch(said.latched_by, facts.before.latched, now),
    )
