"""Run a session on a stream's clock: its feed and its venue may be in this process or anywhere."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from alphatrade_runtime.loop import recovery, stream_recovery
from alphatrade_runtime.loop.carry import Closed
from alphatrade_runtime.loop.identity import Identity, identify
from alphatrade_runtime.loop.live import stopping
from alphatrade_runtime.loop.live_loop import STOPPED
from alphatrade_runtime.loop.live_options import LiveOptions, LiveResult
from alphatrade_runtime.loop.stream_contract import SteppedBroker, StreamFeed
from alphatrade_runtime.loop.stream_facts import StreamFacts
from alphatrade_runtime.loop.stream_loop import StreamLoop
from alphatrade_runtime.loop.stream_session import StreamSession
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.policy.document import parse_session


@dataclass(frozen=True)
class Stream:
    """What a stream is. open: its rows from a sequence number on, with the session's instruments.

    ordinal: of the session on it, from 1.
    """

    digest: str
    first_ts_ns: int
    last_ts_ns: int
    speed: int
    open: Callable[[int], StreamFeed]
    ordinal: int = 1


def run_stream(
    document: Mapping[str, Any],
    folder: Path,
    stream: Stream,
    broker: SteppedBroker,
    options: LiveOptions | None = None,
    watch: Callable[[StreamLoop], None] | None = None,
    before: Closed | None = None,
) -> LiveResult | None:
    """Run a session document over a stream; a folder with a journal is recovered and gone on with.

    Returns None when it was told to stop before the stream's end: the folder goes on with it later.
    watch: is given the loop before it starts.  before: what another code handed on, which a folder without a journal
    goes on from. Raises as `live.run_live` does.
    """
    options = options or LiveOptions()
    document = json.loads(json.dumps(document))  # as the journal will give it back
    identity = identify(parse_session(document), options.plugin_digests)
    folder.mkdir(parents=True, exist_ok=True)
    facts, live = _session(document, folder, stream, identity, options, before)
    loop = StreamLoop(broker, stream.open(live.next_seq), live, facts, folder, options)
    if watch is not None:
        watch(loop)
    try:
        with stopping(options.signals) as asked:
            loop.loop(lambda: asked() or options.stop())
            if loop.ended_by == STOPPED:
                loop.pause(identity)
                return None
            return loop.finish(identity)
    except BaseException:
        loop.abandon()
        raise


def _session(
    document: Mapping[str, Any],
    folder: Path,
    stream: Stream,
    identity: Identity,
    options: LiveOptions,
    before: Closed | None,
) -> tuple[StreamFacts, StreamSession]:
    if not recovery.has_journal(folder):
        facts = _new_facts(document, stream, identity, options)
        if before is not None:
            facts = _following(facts, before, folder)
        return facts, stream_recovery.start(folder, facts, identity, options.audit)
    held = stream_recovery.read_facts(folder)
    if held is None:
        raise InputError(f"{folder}: its journal is of a session by the wall clock; give another folder")
    _check_same(held, document, stream, identity, folder)
    return held, stream_recovery.recover(folder, held, identity, options.audit)


def _following(facts: StreamFacts, before: Closed, folder: Path) -> StreamFacts:
    """Return the facts of a session that goes on, under its name, from what another code handed on."""
    if "stream" not in before.facts or before.facts["stream"]["feed_digest"] != facts.feed_digest:
        raise InputError(f"{folder}: the session before it is of another feed; go on with the same")
    return replace(facts, session_id=before.carry.session_id, carry=before.carry.to_record())


def _check_same(
    held: StreamFacts, document: Mapping[str, Any], stream: Stream, identity: Identity, folder: Path
) -> None:
    for name, here, there in (
        ("code", identity.code_hash, held.code_hash),
        ("session document", dict(document), dict(held.document)),
        ("feed", stream.digest, held.feed_digest),
    ):
        if here != there:
            raise InputError(f"{folder}: its journal is of another {name}; go on with the same, or give another folder")


def _named(stream: Stream) -> str:
    return stream.digest if stream.ordinal == 1 else f"{stream.digest}#{stream.ordinal}"


def _new_facts(document: Mapping[str, Any], stream: Stream, identity: Identity, options: LiveOptions) -> StreamFacts:
    session = parse_session(document)
    return StreamFacts(
        session_id=identity.run_id(_named(stream), session),
        document=document,
        plugin_digests=dict(options.plugin_digests),
        code_hash=identity.code_hash,
        feed_digest=stream.digest,
        first_ts_ns=stream.first_ts_ns,
        last_ts_ns=stream.last_ts_ns,
        speed=stream.speed,
    )
