"""The configuration of a broker gateway as typed values, read once at the edge."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from alphatrade.config import BrokerConfig, Endpoint
from alphatrade_runtime.execution.broker.account_state import quanta
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.policy.document import Envelope, Exchange, Session, parse_session

_T = TypeVar("_T")
_EXCHANGE: TypeAdapter[Exchange] = TypeAdapter(Exchange)
_ENVELOPE: TypeAdapter[Envelope] = TypeAdapter(Envelope)


@dataclass(frozen=True)
class Admitted:
    """A strategy that may log on. session: None when its document cannot be read; `fault` says why then."""

    identity: str
    session: Session | None
    feed: Endpoint
    policy_hashes: frozenset[str]
    fault: str = ""


@dataclass(frozen=True)
class Terms:
    """What a gateway serves. initial_cash: quanta.  clients: by identity."""

    config: BrokerConfig
    exchange: Exchange
    initial_cash: int
    law: Envelope | None
    clients: Mapping[str, Admitted]


def read(path: Path) -> tuple[Terms, bytes]:
    """Return the configuration in a file, and its bytes. Raises InputError."""
    try:
        document = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}; mount the ConfigMap that the operator renders") from None
    return parse(document, str(path)), document


def parse(document: bytes, where: str) -> Terms:
    """Return a configuration from its bytes. Raises InputError that names the first field at fault.

    A client whose session cannot be read is refused at its logon; it stops nobody else.
    """
    try:
        config = BrokerConfig.model_validate_json(document)
    except ValidationError as error:
        raise InputError(f"{where}: {_first(error)}") from None
    if config.environment == "Live":
        raise InputError(f"{where}: environment Live: no venue adapter is built; give Paper or Sandbox")
    law = None if config.law is None else _valid(_ENVELOPE, config.law, f"{where}: law.")
    return Terms(
        config,
        _valid(_EXCHANGE, config.exchange, f"{where}: exchange."),
        _cash(config.initial_cash, where),
        law,
        {client.identity: _admitted(client) for client in config.clients},
    )


def _admitted(client: Any) -> Admitted:
    session, fault = None, ""
    try:
        session = parse_session(client.session)
    except InputError as error:
        fault = str(error)
    return Admitted(client.identity, session, client.feed, frozenset(client.policy_hashes), fault)


def _cash(text: str, where: str) -> int:
    try:
        return quanta(Decimal(text), f"{where}: initial_cash")
    except (InvalidOperation, OverflowError, ValueError):
        raise InputError(f"{where}: initial_cash: {text[:40]!r} is no decimal; write one in quotes") from None


def _valid(adapter: TypeAdapter[_T], value: Any, where: str) -> _T:
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        raise InputError(f"{where}{_first(error)}") from None


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
