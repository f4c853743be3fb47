"""What a session's log says of it, written once at its first logon: enough to go on with it years later."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from pydantic import TypeAdapter

from alphatrade.v1.broker_pb2 import Logon
from alphatrade_runtime.execution.broker.account_store import Counters
from alphatrade_runtime.loop.live_clock import ClockFacts
from alphatrade_runtime.policy.document import Exchange, InstrumentTerms, Session

_TERMS: TypeAdapter[tuple[InstrumentTerms, ...]] = TypeAdapter(tuple[InstrumentTerms, ...])
_EXCHANGE: TypeAdapter[Exchange] = TypeAdapter(Exchange)


@dataclass(frozen=True)
class SessionFacts:
    """One session. stream: on the stream's clock.  clock: of a session in real time; zeros on a stream's.

    base: the account's counters when it began.  base_commands: how many the account's other sessions had sent by then.
    ended: why nobody can go on with it; empty while one can.
    """

    session_id: str
    identity: str
    stream: bool
    clock: ClockFacts
    feed_digest: str
    exchange: Exchange
    terms: tuple[InstrumentTerms, ...]
    funding: bool
    calendar: str
    base: Counters
    base_commands: int
    ended: str = ""

    @classmethod
    def of_logon(
        cls, logon: Logon, identity: str, session: Session, exchange: Exchange, base: Counters, base_commands: int
    ) -> "SessionFacts":
        """Return the facts of a session that begins."""
        clock = ClockFacts(logon.clock.origin_ns, logon.clock.wall_start_ns, logon.clock.speed)
        envelope = session.policy.envelope
        return cls(
            logon.session_id, identity, logon.clock.stream, clock, logon.feed_digest, exchange,
            envelope.instruments, session.funding_model == "tape", envelope.calendar, base, base_commands,
        )  # fmt: skip

    def to_mapping(self) -> dict[str, Any]:
        """Return plain values."""
        plain = asdict(self)
        plain["terms"] = _TERMS.dump_python(self.terms, mode="json")
        return plain

    @classmethod
    def from_mapping(cls, facts: Mapping[str, Any]) -> "SessionFacts":
        """Read what `to_mapping` returned."""
        given = dict(facts)
        given["clock"] = ClockFacts.from_mapping(given["clock"])
        given["base"] = Counters(**given["base"])
        given["exchange"] = _EXCHANGE.validate_python(given["exchange"])
        given["terms"] = _TERMS.validate_python(given["terms"])
        return cls(**given)

    def end(self, why: str) -> "SessionFacts":
        """Return the facts of a session that nobody goes on with."""
        return replace(self, ended=why)
