"""Run a session by the wall clock: feed at its own pace, a broker, a journal before both, recovery after a kill."""

import json
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any

from alphatrade_runtime.execution.broker.contract import Broker
from alphatrade_runtime.execution.broker.in_process import InProcessBroker
from alphatrade_runtime.execution.broker.socket_broker import SocketBroker
from alphatrade_runtime.loop import recovery
from alphatrade_runtime.loop.carry import Closed
from alphatrade_runtime.loop.identity import Identity, identify
from alphatrade_runtime.loop.journal import JournalStalled
from alphatrade_runtime.loop.live_clock import ClockFacts, parse_speed
from alphatrade_runtime.loop.live_exchange import exchange_maker
from alphatrade_runtime.loop.live_feed import FeedSource, PacedFeed, open_source
from alphatrade_runtime.loop.live_loop import STOPPED, LiveLoop, WallFeed
from alphatrade_runtime.loop.live_options import LiveOptions, LiveProgress, LiveResult
from alphatrade_runtime.loop.live_session import LiveFacts, new_live_core
from alphatrade_runtime.loop.live_warm import warm_up
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.policy.document import Session, parse_session
from alphatrade_runtime.reflection.diary.record_log import DiaryStalled

ANSWER_S = 1.0  # an exchange that is silent for longer where an answer is due counts as lost


def run_live(
    document: Mapping[str, Any], folder: Path, options: LiveOptions | None = None, source: FeedSource | None = None
) -> LiveResult:
    """Run a session document by the wall clock; a folder with a journal is recovered and gone on with.

    source: of the rows; None: what the document's feed says, with the session's instruments only.
    Raises InputError when it cannot start, JournalStalled or DiaryStalled when a record cannot be written:
    trading has stopped then, and working orders were cancelled if the broker could be reached.
    """
    options = options or LiveOptions()
    document = json.loads(json.dumps(document))  # as the journal will give it back
    session = parse_session(document)
    source = source or open_source(session)
    identity = identify(session, options.plugin_digests)
    next(source.chunks(), None)  # a simulation compiles, too
    warm_up(session, new_live_core(session, ClockFacts(source.first_ts_ns, 0, 1)))
    folder.mkdir(parents=True, exist_ok=True)
    resumed = recovery.has_journal(folder)
    if resumed:
        facts = recovery.read_facts(folder)
        _check_same(facts, document, source.digest, identity, options.loop, folder)
        live = recovery.recover(folder, facts, session, identity, options.audit)
    else:
        facts = _new_facts(document, session, source, identity, options)
        live = recovery.start(folder, facts, session, identity, options.audit)
    broker = _broker(session, source, facts, folder, options)
    feed = PacedFeed(source, venue_side=False, loop=facts.looped)
    run = LiveLoop(broker, feed, live, facts, folder, options)
    try:
        with stopping(options.signals) as asked:
            run.loop(lambda: asked() or options.stop())
            return run.finish(identity)
    except BaseException:
        run.abandon()
        raise


@dataclass(frozen=True)
class Wall:
    """A feed elsewhere that the wall clock drives: its digest, its clock. ordinal: of the session on it, from 1."""

    digest: str
    clock: ClockFacts
    ordinal: int = 1


def run_wall(
    document: Mapping[str, Any],
    folder: Path,
    wall: Wall,
    feed: WallFeed,
    broker: Broker,
    options: LiveOptions,
    watch: Callable[[LiveLoop], None] = lambda loop: None,
    before: Closed | None = None,
) -> LiveResult | None:
    """Run a session document on a feed and a broker elsewhere; a folder with a journal is gone on with.

    Returns None when it was told to stop: the folder goes on with it later. watch: is given the loop before it starts.
    before: what another code handed on, which a folder without a journal goes on from. Raises as `run_live` does.
    """
    document = json.loads(json.dumps(document))  # as the journal will give it back
    session = parse_session(document)
    identity = identify(session, options.plugin_digests)
    folder.mkdir(parents=True, exist_ok=True)
    if recovery.has_journal(folder):
        facts = recovery.read_facts(folder)
        _check_same(facts, document, wall.digest, identity, False, folder)
        live = recovery.recover(folder, facts, session, identity, options.audit)
    elif before is not None:
        held = LiveFacts.from_mapping(before.facts)
        facts = replace(
            held, document=document, plugin_digests=dict(options.plugin_digests), code_hash=identity.code_hash,
            carry=before.carry.to_record(),
        )  # fmt: skip
        _check_same(facts, document, wall.digest, identity, False, folder)
        live = recovery.start(folder, facts, session, identity, options.audit)
    else:
        name = identity.run_id(f"{wall.digest}@{wall.clock.wall_start_ns}#{wall.ordinal}", session)
        digests = dict(options.plugin_digests)
        facts = LiveFacts(name, document, digests, identity.code_hash, wall.clock, wall.digest, False)
        live = recovery.start(folder, facts, session, identity, options.audit)
    run = LiveLoop(broker, feed, live, facts, folder, options)
    watch(run)
    try:
        with stopping(options.signals) as asked:
            run.loop(lambda: asked() or options.stop())
            if run.ended_by == STOPPED:
                run.pause(identity)
                return None
            return run.finish(identity)
    except BaseException:
        run.abandon()
        raise


def _broker(session: Session, source: FeedSource, facts: LiveFacts, folder: Path, options: LiveOptions) -> Broker:
    if options.broker is not None:
        return SocketBroker(options.broker, ANSWER_S)
    return InProcessBroker(exchange_maker(session, source, folder / "exchange", options.clocks))


def _new_facts(
    document: Mapping[str, Any], session: Session, source: FeedSource, identity: Identity, options: LiveOptions
) -> LiveFacts:
    wall = options.clocks.wall_ns()
    clock = ClockFacts(source.first_ts_ns, wall, parse_speed(session.feed.speed))
    session_id = identity.run_id(f"{source.digest}@{wall}", session)
    digests = dict(options.plugin_digests)
    return LiveFacts(session_id, document, digests, identity.code_hash, clock, source.digest, options.loop)


def _check_same(
    facts: LiveFacts, document: Mapping[str, Any], feed_digest: str, identity: Identity, loop: bool, folder: Path
) -> None:
    for name, here, there in (
        ("code", identity.code_hash, facts.code_hash),
        ("session document", dict(document), dict(facts.document)),
        ("feed", feed_digest, facts.feed_digest),
        ("--loop", loop, facts.looped),
    ):
        if here != there:
            raise InputError(f"{folder}: its journal is of another {name}; go on with the same, or give another folder")


@contextmanager
def stopping(signals: bool) -> Iterator[Callable[[], bool]]:
    """Give a question that is answered yes once SIGTERM or SIGINT came. Only the main thread may take signals."""
    asked = threading.Event()
    if not signals:
        yield asked.is_set
        return

    def ask(number: int, frame: FrameType | None) -> None:
        asked.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield asked.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


__all__ = ["DiaryStalled", "JournalStalled", "LiveOptions", "LiveProgress", "LiveResult", "run_live"]
