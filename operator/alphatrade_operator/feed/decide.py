"""Decide what a MarketDataFeed's gateway is to be, and say how it is. Pure."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path, PurePosixPath

from alphatrade.v1.control_pb2 import FeedStatus
from alphatrade_operator.artifact_store import not_shared
from alphatrade_operator.core.plan import Finding, Manifest, Plan
from alphatrade_operator.feed.facts import Facts, User
from alphatrade_operator.feed.gateway import render_children, render_config, template_of
from alphatrade_operator.feed.model import MarketDataFeedSpec, MarketDataFeedStatus
from alphatrade_operator.feed.render import render_feed
from alphatrade_operator.settings import Settings
from alphatrade_operator.workload.course import Course, deletions, keep_serving, pushes
from alphatrade_operator.workload.live import nudges
from alphatrade_operator.workload.manifests import artifact_volume
from alphatrade_operator.workload.report import split
from alphatrade_operator.workload.roll import look_again, pending, rolled
from alphatrade_operator.workload.verdict import Verdict, conditions, moving, stuck

IN_USE = "alphatrade.io/in-use"
PHASES = ("Preparing", "Serving", "Ended", "Failed")
_SNAPSHOT = ("gaps", "rows", "subscribers")


def decide(facts: Facts, now: datetime) -> Plan:
    """Return the plan of a MarketDataFeed."""
    if facts.meta.deleting and not facts.users:
        return Plan(finalizers=())
    course = rolled(_course(facts), facts.roll)
    status, snapshot = split(_status(facts), _SNAPSHOT)
    return Plan(
        children=_children(facts, course),
        certificates=(facts.child.certificate(),) if course.document or facts.live.document else (),
        deletions=deletions(facts.live, course),
        status=status,
        snapshot=snapshot,
        conditions=(*conditions(course.verdict), *pending(facts.roll)),
        finalizers=() if facts.decommissioned and not facts.users else (IN_USE,),
        pushes=pushes(facts.child, course),
        nudges=nudges(facts.child, facts.live),
        look_again_s=course.look_again_s or look_again(facts.roll),
    )


def _children(facts: Facts, course: Course) -> tuple[Manifest, ...]:
    if course.document is None or isinstance(facts.feed, Finding):
        return ()
    return render_children(facts.child, facts.feed.spec, facts.settings, course.document, course.replicas)


def _course(facts: Facts) -> Course:
    """Return what is to be done; a spec that cannot be served leaves the pod as it is."""
    if isinstance(facts.feed, Finding):
        return Course(None, 1, stuck(facts.feed))
    target = _target(facts, facts.feed.spec)
    if isinstance(target, Finding):
        return Course(None, 1, stuck(target))
    template = template_of(facts.feed.spec)
    course = keep_serving(target, facts.live, template, _serving(facts), _strategies_first(facts))
    return replace(course, verdict=_in_use(facts.users)) if facts.meta.deleting else course


def _target(facts: Facts, spec: MarketDataFeedSpec) -> bytes | Finding:
    finding = next((found for find in CHECKS if (found := find(spec, facts.settings))), None)
    unshared = not_shared(facts.claim, facts.settings, facts.meta.namespace) if spec.tape else None
    return finding or unshared or render_config(facts.child, spec)


def tape_outside_store(spec: MarketDataFeedSpec, settings: Settings) -> Finding | None:
    """A pod reads tapes from the artifact store only."""
    if spec.tape is None:
        return None
    path = PurePosixPath(spec.tape.path)
    if not path.is_absolute() and ".." not in path.parts:
        return None
    text = f"spec.tape.path: {spec.tape.path!r} is outside the artifact store; write a path that starts in it"
    return Finding("InvalidSpec", text)


def artifact_store_missing(spec: MarketDataFeedSpec, settings: Settings) -> Finding | None:
    """A tape needs a store to be read from."""
    if spec.tape is None or artifact_volume(settings):
        return None
    text = "spec.tape: the operator has no artifact store; set artifactStore in the chart's values, or use simulator"
    return Finding("ArtifactStoreMissing", text)


CHECKS = (tape_outside_store, artifact_store_missing)


def _strategies_first(facts: Facts) -> Verdict | None:
    """Strategies that trade on the old feed get flat on it before it is replaced."""
    if isinstance(facts.feed, Finding):
        return None
    feed = render_feed(facts.feed.spec, Path())
    trading = [user.name for user in facts.users if user.feed not in (None, feed)]
    if not trading:
        return None
    return moving("WaitsForStrategies", f"Strategies {', '.join(trading)} get flat on the old feed before it changes")


def _in_use(users: tuple[User, ...]) -> Verdict:
    listed = ", ".join(user.name for user in users)
    text = f"Strategies {listed} refer to it; delete them, or point them to another MarketDataFeed"
    return stuck(Finding("InUse", text))


def _serving(facts: Facts) -> Verdict:
    """Say what the pod says."""
    said = facts.live.status.feed if facts.live.status else FeedStatus()
    match said.phase:
        case "Serving":
            return Verdict(True, "Serving", said.message or f"{said.active_source} is served")
        case "Ended":
            return Verdict(True, "Ended", said.message or "every row has been served")
        case "Failed":
            return stuck(Finding(said.reason or "Failed", said.message or "the gateway failed; look at its log"))
        case _:
            return moving(said.reason or "Preparing", said.message or "the tape is being made or read")


def _status(facts: Facts) -> MarketDataFeedStatus:
    """Return the status; what the pod does not say now stays as it was last known, but that it is connected."""
    if facts.live.status is None:
        pod = facts.live.pod
        known = facts.before.model_copy(update={"connected": False})
        phase = facts.before.phase if pod and pod.ready else "Preparing" if pod else "Pending"
        return known.model_copy(update={"phase": phase})
    said = facts.live.status.feed
    return MarketDataFeedStatus(
        phase=said.phase if said.phase in PHASES else "Preparing",
        connected=said.phase == "Serving",
        gaps=said.gaps,
        active_source=said.active_source or None,
        pace=said.pace or None,
        digest=said.digest or None,
        rows=said.rows,
        subscribers=said.subscribers,
    )
