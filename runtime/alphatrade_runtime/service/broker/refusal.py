"""Who may log on, and with what: pure checks; the first finding is the reason."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import grpc

from alphatrade.v1.broker_pb2 import Logon
from alphatrade_runtime.service.broker.config import Admitted

_SESSION_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", re.ASCII)
_MODES = {"Paper": "Paper", "Sandbox": "Paper", "Live": "Live"}
Code = grpc.StatusCode


class Refused(Exception):
    """A logon or a request that is not taken. reason: in PascalCase; the text says what to do."""

    def __init__(self, code: grpc.StatusCode, reason: str, text: str) -> None:
        super().__init__(f"{reason}: {text}")
        self.code, self.reason = code, reason


@dataclass(frozen=True)
class Asked:
    """A logon as it came in. client: as the gateway's configuration knows the caller."""

    identity: str
    environment: str
    client: Admitted | None
    logon: Logon


def session_name_invalid(asked: Asked) -> Refused | None:
    """A session's name becomes a folder's."""
    if _SESSION_ID.fullmatch(asked.logon.session_id):
        return None
    return Refused(
        Code.INVALID_ARGUMENT, "SessionNameInvalid", "session_id: give up to 128 letters, digits, dots, dashes"
    )


def identity_not_admitted(asked: Asked) -> Refused | None:
    """The certificate is not of a strategy that this account is for."""
    if asked.client is not None:
        return None
    text = f"{asked.identity or 'no identity'} is no client of this account; reference it in the Strategy's spec"
    return Refused(Code.PERMISSION_DENIED, "IdentityNotAdmitted", text)


def client_config_invalid(asked: Asked) -> Refused | None:
    """Its session document cannot be read here."""
    client = asked.client
    if client is None or client.session is not None:
        return None
    return Refused(Code.FAILED_PRECONDITION, "ClientConfigInvalid", client.fault)


def mode_not_fit(asked: Asked) -> Refused | None:
    """Live goes with Live, Paper with Paper and Sandbox; other modes have no order session."""
    assert asked.client is not None
    assert asked.client.session is not None
    mode = asked.client.session.policy.mode
    if mode == _MODES[asked.environment]:
        return None
    text = f"mode {mode} has no order session at an account of environment {asked.environment}"
    return Refused(Code.PERMISSION_DENIED, "ModeNotFit", text)


def policy_not_entitled(asked: Asked) -> Refused | None:
    """The policy's hash is none that may trade here."""
    assert asked.client is not None
    if asked.logon.policy_hash in asked.client.policy_hashes:
        return None
    text = f"policy {asked.logon.policy_hash[:64] or '(none)'} is not entitled to {asked.environment} here"
    return Refused(Code.PERMISSION_DENIED, "PolicyNotEntitled", f"{text}; promote it, or wait for the operator")


CHECKS: tuple[Callable[[Asked], Refused | None], ...] = (
    session_name_invalid,
    identity_not_admitted,
    client_config_invalid,
    mode_not_fit,
    policy_not_entitled,
)


def refusal(asked: Asked) -> Refused | None:
    """Return why a logon is refused; None when nothing speaks against it so far."""
    return next((found for check in CHECKS if (found := check(asked)) is not None), None)
