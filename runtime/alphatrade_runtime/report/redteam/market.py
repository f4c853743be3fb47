"""The market that faults are planted into: the start of a session's own feed, and what an import makes of it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from alphatrade_runtime.loop.build import instrument_of
from alphatrade_runtime.loop.window import mapped, remap
from alphatrade_runtime.market.fault_ledger import FaultLedger
from alphatrade_runtime.market.faults import FAULTS, InputError, Severity
from alphatrade_runtime.market.instrument import Instrument
from alphatrade_runtime.market.manifest import ColumnDigest
from alphatrade_runtime.market.redteam.edit import finished
from alphatrade_runtime.market.schema import Kind, Rows
from alphatrade_runtime.market.simulator import iterate, parse_config
from alphatrade_runtime.market.simulator.config import to_instrument
from alphatrade_runtime.market.stream_check import StreamCheck
from alphatrade_runtime.market.tape import Tape
from alphatrade_runtime.policy.document import Session, TapeFeed

LEAST_S = 300.0  # what comes before a fault, the longest fault, what comes after
Listed = Sequence[Mapping[str, Any]]


def market_of(session: Session, listed: Listed, duration_s: float) -> Rows:
    """Return the first seconds of a session's own feed, instruments as the session counts them. Raises InputError.

    listed: the facts of all instruments of the feed, in its order; the session may trade some of them.
    """
    rows, known = _market(session, listed, int(duration_s * 1e9))
    wanted = [instrument_of(terms) for terms in session.policy.envelope.instruments]
    rows = mapped(rows, remap(known, wanted, "red team"))
    if not (rows.kind == int(Kind.QUOTE)).any():
        raise InputError("red team: the feed has no quotes; faults are planted into quotes, so bars cannot be used")
    span_s = (int(rows.ts_init_ns[-1]) - int(rows.ts_init_ns[0])) / 1e9
    if span_s < LEAST_S * 0.99:
        raise InputError(f"red team: the feed lasts {span_s:.0f} s; give one of {LEAST_S:.0f} s or more")
    return finished(rows, 0)


def _market(session: Session, listed: Listed, span_ns: int) -> tuple[Rows, Sequence[Instrument]]:
    feed = session.feed
    if isinstance(feed, TapeFeed):
        with Tape.open(feed.path) as tape:
            return _until(tape.chunks(), span_ns), tape.instruments
    config = parse_config(feed.config, listed)
    if config.bars is None:
        config = replace(config, duration_ns=min(config.duration_ns, span_ns))
    return _until(iterate(config), span_ns), [to_instrument(one) for one in config.instruments]


def _until(chunks: Iterable[Rows], span_ns: int) -> Rows:
    parts: list[Rows] = []
    for chunk in chunks:
        first_ns = int((parts or [chunk])[0].ts_init_ns[0])
        parts.append(Rows._make(column.copy() for column in chunk))
        if int(chunk.ts_init_ns[-1]) - first_ns >= span_ns:
            break
    rows = Rows._make(np.concatenate(columns) for columns in zip(*parts, strict=True))
    return rows.slice(0, int(np.searchsorted(rows.ts_init_ns, rows.ts_init_ns[0] + span_ns)))


def imported(rows: Rows) -> tuple[Rows, Counter[str]]:
    """Return what an import that goes on after each fault keeps of rows, and how many messages it told of, by fault."""
    stops = frozenset(name for name, fault in FAULTS.items() if fault.severity is Severity.STOP)
    ledger = FaultLedger("red team", "row", stops)
    kept = StreamCheck(ledger).check(rows, np.arange(len(rows.seq), dtype=np.int64))
    return finished(kept, 0), ledger.refused + ledger.noticed


def equal(a: Rows, b: Rows) -> bool:
    """Whether two tapes hold the same market; numbers that only the import reads are left out."""
    names = (name for name in Rows._fields if name != "venue_seq")
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in names)


def digest_of(rows: Rows) -> str:
    """Return the digest that a tape of these rows has."""
    digest = ColumnDigest()
    digest.update(rows)
    return digest.hexdigest()
