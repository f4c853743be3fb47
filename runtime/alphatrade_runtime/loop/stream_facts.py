"""What the journal's first record says of a session on a stream's clock."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from alphatrade_runtime.loop.identity import Identity
from alphatrade_runtime.loop.live_session import DIARY_SCHEMA
from alphatrade_runtime.policy.document import Session, parse_session

_STORED = ("session_id", "document", "plugin_digests", "code_hash", "feed_digest", "first_ts_ns", "last_ts_ns", "speed")


@dataclass(frozen=True)
class StreamFacts:
    """A session and its stream. speed: how many times faster than real time; 0 is as fast as it goes.

    carry: what it goes on from, as loop/carry.py keeps it; None from the beginning.
    """

    session_id: str
    document: Mapping[str, Any]
    plugin_digests: Mapping[str, str]
    code_hash: str
    feed_digest: str
    first_ts_ns: int
    last_ts_ns: int
    speed: int
    carry: Mapping[str, Any] | None = None

    @cached_property
    def session(self) -> Session:
        """The session document, typed."""
        return parse_session(self.document)

    def to_mapping(self) -> dict[str, Any]:
        """Return plain values."""
        stored = {name: getattr(self, name) for name in _STORED}
        return {"stream": stored if self.carry is None else {**stored, "carry": dict(self.carry)}}

    @classmethod
    def from_mapping(cls, facts: Mapping[str, Any]) -> "StreamFacts":
        """Read what `to_mapping` returned, of this version or another one."""
        held = facts["stream"]
        return cls(**{name: held[name] for name in (*_STORED, "carry") if name in held})

    def header(self, identity: Identity) -> dict[str, Any]:
        """Return the facts that the record streams' chains start from: those of a replay of the same tape."""
        return {
            "schema": DIARY_SCHEMA,
            "policy_hash": identity.policy_hash,
            "envelope_hash": identity.envelope_hash,
            "code_hash": identity.code_hash,
            "strategy_id": self.session.policy.strategy_id,
            "stage": self.session.policy.stage,
            "tape": self.feed_digest,
        }
