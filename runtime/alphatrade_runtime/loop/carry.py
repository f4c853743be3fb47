"""What a session hands on to a runtime of another code: books, latch and counters, in names and whole numbers.

A journal replays under the code that wrote it and no other. A session that was closed in order therefore ends with this
record: enough for another code to go on with the same positions, orders, limits used up and latch. What a signal had
learnt is not in it (another code may compute it otherwise), so signals warm up anew and positions stay meanwhile.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from alphatrade_runtime.loop import frames
from alphatrade_runtime.loop.journal import RecordKind
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.policy.canonical import canonical

CARRY_SCHEMA = 1
_INT64 = 2**63
Int = Annotated[int, Field(ge=-_INT64, lt=_INT64)]


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class CarriedInstrument(_Part):
    """One instrument: lots, half ticks, what it was to come to. status: market/schema.py's."""

    symbol: str
    position: Int
    mark2: Int
    status: Int
    target: Int
    has_target: Int
    flatten_tries: Int


class CarriedOrder(_Part):
    """A working order, or one whose end is not known. Prices in ticks, quantities in lots."""

    order_id: Int
    decision_id: Int
    price: Int
    qty: Int
    leaves: Int
    reserved: Int
    pending_price: Int
    pending_qty: Int
    ref2: Int
    sent_ts: Int
    instrument: Int
    state: Int
    prior: Int
    side: Int
    tif: Int
    order_flags: Int
    purpose: Int
    topology: Int


class CarriedAccount(_Part):
    """Money in quanta, the latch, the day, the numbers of orders. `turn_*`: turnover by second and by minute."""

    now: Int
    seq: Int
    cash: Int
    initial_cash: Int
    fees: Int
    funding: Int
    turnover: Int
    high_water: Int
    day_start_nav: Int
    stream_ts: Int
    bar_ordinal: Int
    kill_state: Int
    kill_mode: Int
    kill_guard: Int
    kill_seq: Int
    reduce_only: Int
    flatten_slippage_bps: Int
    max_order_id: Int
    next_order_id: Int
    foreign_order_id: Int
    turn_s_at: Int
    turn_min_at: Int
    turn_minute: Int
    turn_hour: Int
    turn_s: list[Int]
    turn_min: list[Int]


class CarriedPlace(_Part):
    """How far the session had come in what it is given: numbers of rows, reports and commands; ns."""

    seq: Int
    next_seq: Int
    now_ns: Int
    reached_ns: Int
    through_ns: Int
    reports: Int
    commands: Int


class Carry(_Part):
    """One session at its end. day_start_ns: start of its day.  rates: when orders left, the last minute's.

    session_id: as the account knows it; the session goes on under the same, so that order numbers do.
    """

    session_id: str
    policy_hash: str
    code_hash: str
    account: CarriedAccount
    day_start_ns: Int
    rates: list[Int]
    counters: dict[str, Int]
    denials: dict[str, Int]
    instruments: list[CarriedInstrument]
    orders: list[CarriedOrder]
    place: CarriedPlace

    def to_record(self) -> dict[str, Any]:
        """Return what the journal keeps: schema, body, and the digest of its canonical form."""
        body = self.model_dump(mode="json")
        return {"schema": CARRY_SCHEMA, "body": body, "digest": _digest(body)}

    @classmethod
    def from_record(cls, record: Any, where: str) -> "Carry":
        """Read what `to_record` returned. Raises InputError: newer than this version knows, or damaged."""
        if not isinstance(record, Mapping) or not isinstance(record.get("schema"), int):
            raise _damaged(where, "no schema")
        if record["schema"] > CARRY_SCHEMA:
            raise InputError(
                f"{where}: its carry record is newer: schema {record['schema']}, this version reads up to "
                f"{CARRY_SCHEMA}; go back to the image that wrote it"
            )
        body = record.get("body")
        if record.get("digest") != _digest(body):
            raise _damaged(where, "its digest does not fit")
        try:
            return cls.model_validate(body)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            raise _damaged(where, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None


class Closed(_Part):
    """A journal that was closed in order. facts: of its first record.  document: with the limits in force at its end.

    carry: what is handed on.
    """

    facts: dict[str, Any]
    document: dict[str, Any]
    carry: Carry


def code_of(facts: Mapping[str, Any]) -> str:
    """Return the code hash that a journal's facts name."""
    held = facts.get("stream", facts)
    return str(held.get("code_hash", ""))


def read_first(folder: Path) -> dict[str, Any]:
    """Return the facts of a journal's first record, whatever code wrote it. Raises InputError."""
    first = next(frames.read_frames(folder), None)
    facts = _meta(first).get("facts") if first is not None else None
    if not isinstance(facts, dict):
        raise InputError(f"{folder}: no first record in the journal; restore it")
    return facts


def read_closed(folder: Path) -> Closed:
    """Return what a journal hands on. folder: the journal's own. Reads frames alone: another code wrote the rest.

    Raises InputError when it was not closed in order, or its last record is damaged or newer than this version.
    """
    facts = read_first(folder)
    held = facts.get("stream", facts)
    document, last = held["document"], None
    for frame in frames.read_frames(folder):
        last = frame
        if frame.kind == RecordKind.META and b'"limits":' in frame.payload:
            document = _meta(frame).get("limits", document)
    record = _meta(last).get("carry") if last is not None else None
    if record is None:
        raise InputError(
            f"{folder}: its journal is of another code, {code_of(facts)[:12]}, and was not closed in order; go back to "
            "the image that wrote it (helm rollback), let the pod start and end there, then upgrade again"
        )
    return Closed(facts=facts, document=document, carry=Carry.from_record(record, str(folder)))


def _meta(frame: frames.Frame) -> dict[str, Any]:
    if frame.kind != RecordKind.META:
        return {}
    try:
        found = json.loads(frame.payload)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _digest(body: Any) -> str:
    return "sha256:" + hashlib.sha256(canonical(body)).hexdigest()


def _damaged(where: str, why: str) -> InputError:
    return InputError(f"{where}: its carry record is damaged ({why}); restore the journal, do not trade on it")
