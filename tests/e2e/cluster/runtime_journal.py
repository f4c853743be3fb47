"""A strategy runtime's own journal, read out of its volume, and held against the broker's."""

import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from alphatrade_runtime.loop.journal import Record, RecordKind, read_records
from alphatrade_runtime.market.orders import COMMAND_DTYPE, Command, Report
from alphatrade_runtime.market.schema import Control, Kind, Rows
from e2e.cluster.books import Journal, journals
from e2e.cluster.market import ACCOUNT
from e2e.cluster.place import Place

NEW = int(Command.NEW)
_SAID = ("order_id", "command", "instrument", "side", "price", "qty")
_FIND = "find /data -path '*/sessions/*/journal' -type d"


@dataclass(frozen=True)
class Kept:
    """One session by the runtime's journal. commands: in the order in which they were made.

    facts: of its first record.  fills: of reports, as signed lots of one instrument.  controls: each with the session
    time at which it was taken, by the wall clock; 0 on a stream's.  starts: how many commands were on record when each
    process that came after another went on.  over: orders that have ended.  quotes: of each, how many controls were on
    record before it, and when it came, as controls.
    """

    facts: Mapping[str, Any]
    commands: Any
    fills: list[int]
    controls: list[tuple[Control, int]]
    starts: list[int]
    over: set[int]
    quotes: list[tuple[int, int]]

    @property
    def orders(self) -> Any:
        """The commands that make an order."""
        return _orders(self.commands)

    @property
    def working(self) -> list[int]:
        """The orders that work as far as the runtime knows."""
        return sorted(set(_new(self.commands)) - self.over)

    @property
    def on_stream(self) -> bool:
        """Whether its clock is the stream's."""
        return "stream" in self.facts

    @property
    def session(self) -> str:
        """Name of the session."""
        return str(self.facts.get("stream", self.facts)["session_id"])

    def wall_ns(self, session_ns: int) -> int:
        """Return the time of day of a time of a session in real time."""
        clock = self.facts["clock"]
        return int(clock["wall_start_ns"] + (session_ns - clock["origin_ns"]) // clock["speed"])

    def session_ns(self, wall_ns: int) -> int:
        """Return the time of a session in real time at a time of day."""
        clock = self.facts["clock"]
        return int(clock["origin_ns"] + (wall_ns - clock["wall_start_ns"]) * clock["speed"])


def kept(place: Place, strategy: str) -> list[Kept]:
    """Return a Strategy's sessions as its runtime has them on record, the oldest first; each whole.

    A session that another code went on with lies in several journals.
    """
    pod = place.pod("Strategy", strategy)
    folders = sorted(place.run(pod, "sh", "-c", _FIND).split())
    found: dict[str, Kept] = {}
    for part in (_read(place.files(pod, folder)) for folder in folders):
        before = found.get(part.session)
        found[part.session] = part if before is None else _continued(before, part)
    return list(found.values())


def _continued(first: Kept, then: Kept) -> Kept:
    made = len(first.commands)
    return Kept(
        facts=then.facts,
        commands=np.concatenate([first.commands, then.commands]),
        fills=first.fills + then.fills,
        controls=first.controls + then.controls,
        starts=[*first.starts, made, *(made + start for start in then.starts)],
        over=first.over | then.over,
        quotes=first.quotes + [(len(first.controls) + before, at) for before, at in then.quotes],
    )


def account_for(place: Place, strategy: str, account: str = ACCOUNT) -> int:
    """Hold the broker's journal against the runtime's; return how many orders arrived.

    Whatever arrived is on the runtime's record, in its order, and no order arrived twice; the fills that the runtime
    knows are the broker's first ones, none left out and none twice.
    """
    arrived = journals(place, strategy, account)  # before the runtime's: what arrives later is on record by then
    by_session = {one.session: one for one in kept(place, strategy)}
    assert {one.session for one in arrived} <= set(by_session), "the broker has a session that the runtime has not"
    return sum(_agree(by_session[one.session], one) for one in arrived)


def _agree(ours: Kept, theirs: Journal) -> int:
    """Hold one session's records against each other."""
    places = places_of(theirs, ours)
    if ours.on_stream:
        assert places == list(range(len(places))), "on a stream's clock commands arrive as they are numbered"
    placed = _new(theirs.commands)
    assert len(set(placed)) == len(placed), "an order arrived twice"
    signed = [int(fill["qty"]) * int(fill["side"]) for fill in theirs.fills]
    known = min(len(signed), len(ours.fills))  # either may have been read a moment later
    assert ours.fills[:known] == signed[:known], "the fills are not those that the broker made"
    return len(placed)


def places_of(theirs: Journal, ours: Kept) -> list[int]:
    """Return where on the runtime's record each command is that arrived; what never left is passed over."""
    record = enumerate(_words(ours.commands))
    places = []
    for words in _words(theirs.commands):
        at = next((i for i, made in record if made == words), None)
        assert at is not None, f"a command arrived that no decision made, or out of order: {words}"
        places.append(at)
    return places


def _words(commands: Any) -> list[tuple[int, ...]]:
    """Return what a command says, but the time, which is another one here and there."""
    return [tuple(int(one[name]) for name in _SAID) for one in commands]


def settled(place: Place, strategy: str, account: str = ACCOUNT) -> int:
    """The same when nothing is under way, so that all of it agrees; return the position, lots."""
    account_for(place, strategy, account)
    theirs, ours = journals(place, strategy, account)[-1], kept(place, strategy)[-1]
    if ours.on_stream:
        assert len(theirs.commands) == len(ours.commands), "a command never arrived"
    assert sum(ours.fills) == theirs.position, "the positions do not agree"
    assert open_orders(theirs) == ours.working, "an order works that the other side does not know of"
    return theirs.position


def ends_of(journal: Journal) -> dict[int, int]:
    """Return when each order ended by the broker's reports, ns."""
    reports = journal.reports
    over = _over(reports["type"], reports["leaves"])
    return {int(one["order_id"]): int(one["exch_ts_ns"]) for one in reports[over]}


def _over(kind: Any, leaves: Any) -> Any:
    """Tell which reports end their orders."""
    over = np.isin(kind, [int(Report.REJECTED), int(Report.CANCELED), int(Report.EXPIRED)])
    return over | ((kind == int(Report.FILL)) & (leaves == 0))


def _new(commands: Any) -> list[int]:
    return [int(order) for order in _orders(commands)["order_id"]]


def _orders(commands: Any) -> Any:
    return commands[commands["command"] == NEW]


def alive_at(at_ns: int, journal: Journal) -> list[int]:
    """Return the orders that worked at a time, by the venue's clock: arrived before it, ended after it if at all."""
    ends = ends_of(journal)
    before = journal.commands[journal.commands["ts_ns"] < at_ns]
    return [order for order in _new(before) if ends.get(order, at_ns) >= at_ns]


def open_orders(journal: Journal) -> list[int]:
    """Return the orders that had not ended by the broker's last report."""
    return sorted(set(_new(journal.commands)) - set(ends_of(journal)))


def _read(files: Mapping[str, bytes]) -> Kept:
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            (Path(folder) / PurePosixPath(name).name).write_bytes(content)
        return _kept(read_records(Path(folder)))


def _kept(records: Iterator[Record]) -> Kept:
    facts: Mapping[str, Any] = {}
    starts: list[int] = []
    commands: list[Any] = []
    fills: list[int] = []
    controls: list[tuple[Control, int]] = []
    over: set[int] = set()
    quotes: list[tuple[int, int]] = []
    for record in records:
        payload = record.payload
        if isinstance(payload, dict):
            facts = facts or payload.get("facts", {})
            starts += [sum(map(len, commands))] * ("recovered" in payload)
        elif record.kind is RecordKind.COMMANDS:
            commands.append(np.asarray(payload))
        elif record.kind is RecordKind.REPORTS:
            reports = np.asarray(payload)
            fills += _fills(reports)
            over |= set(reports["order_id"][_over(reports["type"], reports["leaves"])].tolist())
        elif record.kind is RecordKind.CONTROL and isinstance(payload, tuple):
            controls.append((Control(int(payload[0])), 0))
        elif isinstance(payload, Rows):
            fills += _fills_in(payload)
            over |= _over_in(payload)
            quotes += _quotes_in(payload, len(controls))
            controls += _controls_in(payload)
    whole = np.concatenate(commands) if commands else np.zeros(0, COMMAND_DTYPE)
    return Kept(json.loads(json.dumps(dict(facts))), whole, fills, controls, starts, over, quotes)


def _fills(reports: Any) -> list[int]:
    return [int(one["qty"]) * int(one["side"]) for one in reports if int(one["type"]) == int(Report.FILL)]


def _fills_in(rows: Rows) -> list[int]:
    """Return the fills among rows: a session by the wall clock takes reports as rows."""
    return [int(rows.size[i]) * int(rows.side[i]) for i in _of(rows, Kind.EXEC_REPORT) if rows.ask[i] == Report.FILL]


def _quotes_in(rows: Rows, controls: int) -> list[tuple[int, int]]:
    at = _of(rows, Kind.QUOTE)
    before = controls + np.searchsorted(_of(rows, Kind.CONTROL), at)
    return list(zip(before.tolist(), rows.ts_init_ns[at].tolist(), strict=True))


def _over_in(rows: Rows) -> set[int]:
    at = _of(rows, Kind.EXEC_REPORT)
    return set(rows.bid[at][_over(rows.ask[at], rows.bid_size[at])].tolist())


def _controls_in(rows: Rows) -> list[tuple[Control, int]]:
    return [(Control(int(rows.price[i])), int(rows.ts_init_ns[i])) for i in _of(rows, Kind.CONTROL)]


def _of(rows: Rows, kind: Kind) -> list[int]:
    return list(np.flatnonzero(rows.kind == int(kind)))
