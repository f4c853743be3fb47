"""The configuration of a strategy runtime as typed values, read once at the edge."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from alphatrade.config import StrategyConfig, digest_of
from alphatrade_runtime.loop.limits import only_limits_differ
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.policy.document import Session, parse_session


@dataclass(frozen=True)
class Terms:
    """A configuration, the session that it holds, and the digest of its bytes."""

    config: StrategyConfig
    session: Session
    digest: str

    @property
    def document(self) -> dict[str, Any]:
        """The session document."""
        return self.config.session

    @property
    def drains(self) -> bool:
        """Whether the strategy is to get flat and trade no more."""
        return self.config.run == "Drain"

    def runs_on_with(self, other: "Terms") -> bool:
        """Whether a running session can take the other configuration: nothing but limits, labels and `run` differ."""
        mine, theirs = self.config, other.config
        same = (mine.feed, mine.broker, mine.owner, mine.permits) == (
            theirs.feed, theirs.broker, theirs.owner, theirs.permits,
        )  # fmt: skip
        return same and only_limits_differ(mine.session, theirs.session)


def read(path: Path) -> Terms:
    """Return the configuration in a file. Raises InputError."""
    try:
        document = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}; mount the ConfigMap that the operator renders") from None
    return parse(document, str(path))


def parse(document: bytes, where: str) -> Terms:
    """Return a configuration from its bytes. Raises InputError that names the first field at fault."""
    try:
        config = StrategyConfig.model_validate_json(document)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise InputError(f"{where}: {'.'.join(str(part) for part in first['loc'])}: {first['msg']}") from None
    session = parse_session(config.session)
    mode = session.policy.mode
    if mode not in ("Sim", "Paper"):
        raise InputError(f"{where}: session.policy.mode {mode}: there is no adapter to a venue; use Sim or Paper")
    if (config.broker is None) != (mode == "Sim"):
        raise InputError(f"{where}: broker: mode {mode} has {'no' if mode == 'Sim' else 'an'} order session")
    if by_permit(session) and config.permits is None:
        raise InputError(f"{where}: permits: missing, and the session explores by permit; say who gives them")
    return Terms(config, session, digest_of(document))


def by_permit(session: Session) -> bool:
    """Whether a session explores, and asks for it."""
    budget = session.policy.envelope.exploration
    return session.policy.envelope.flags.exploration and budget is not None and budget.by_permit
