"""Mutual TLS between pods: certificates that are replaced in place, and who the peer is.

A server asks every client for a certificate of our CA and reads its URI (`peer_identity`). A client checks that the
server is the one it means: gRPC for Python checks DNS names only, never a URI, so a channel asks for the one DNS name
that the operator gives to the expected identity alone (`names.server_name`: it holds kind, name, UID and namespace).
That check is part of every handshake, also of gRPC's own reconnects.
"""

import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import grpc
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from alphatrade.names import parse_identity, server_name

CERTIFICATE, KEY, AUTHORITY = "tls.crt", "tls.key", "ca.crt"  # keys of the Secret, so files of the folder
MAX_MESSAGE_BYTES = 16 * 1024 * 1024

# A peer that is gone without a word is noticed within half a minute; pings are allowed without calls.
KEEPALIVE: tuple[tuple[str, int], ...] = (
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.http2.max_ping_strikes", 0),
)
SIZES: tuple[tuple[str, int], ...] = (
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
)
# The first attempts follow each other fast: a peer's pod is back in seconds, and trading waits for it.
RECONNECT: tuple[tuple[str, int], ...] = (
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 5_000),  # the least time that an attempt gets, handshake included
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.dns_min_time_between_resolutions_ms", 1_000),  # a pod that is back has another address
)


class CertificateFault(ValueError):
    """A certificate that cannot be used: one line that names the file and the fix."""


class Call(Protocol):
    """What of a gRPC call's context is asked here; that of a synchronous server and of an asynchronous one."""

    def auth_context(self) -> Any:
        """Return what the transport knows of the peer."""


@dataclass(frozen=True)
class Material:
    """One certificate with its key and the CA, PEM; generation counts replacements from 1."""

    generation: int
    chain: bytes
    key: bytes
    authority: bytes
    identity: str
    not_before: datetime
    not_after: datetime


class Certificates:
    """The certificate in a folder, read again when its files were replaced.

    Files are found by their path at every look, so that a link swapped under them (as Kubernetes does) is noticed.
    What is half replaced, or damaged later on, leaves the certificate before it in force.
    """

    def __init__(self, folder: Path) -> None:
        """Read the folder. Raises CertificateFault when there is no usable certificate in it."""
        self._folder = folder
        self._lock = threading.Lock()
        self._seen = self._signature()
        self._material = read(folder, 1)

    def current(self) -> Material:
        """Return the certificate in force."""
        with self._lock:
            seen = self._signature()
            if seen != self._seen:
                self._take(seen)
            return self._material

    def _take(self, seen: object) -> None:
        try:
            material = read(self._folder, self._material.generation + 1)
        except CertificateFault:
            return  # not taken as seen: the next look tries again
        self._material, self._seen = material, seen

    def _signature(self) -> object:
        return tuple(_stat(self._folder / name) for name in (CERTIFICATE, KEY, AUTHORITY))


def read(folder: Path, generation: int) -> Material:
    """Read and check a folder. Raises CertificateFault."""
    chain, key, authority = (_content(folder / name) for name in (CERTIFICATE, KEY, AUTHORITY))
    leaf = _parsed(folder / CERTIFICATE, chain)
    _parsed(folder / AUTHORITY, authority)
    _check_key(folder / KEY, key, leaf)
    identity = identity_of(leaf)
    if identity is None:
        raise CertificateFault(f"{folder / CERTIFICATE}: has no identity of ours; let the operator issue it again")
    return Material(
        generation, chain, key, authority, identity, leaf.not_valid_before_utc, leaf.not_valid_after_utc
    )  # fmt: skip


def identity_of(certificate: x509.Certificate) -> str | None:
    """Return a certificate's identity; None when it has no URI of ours, or several URIs."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return None
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    return uris[0] if len(uris) == 1 and parse_identity(uris[0]) else None


def server_credentials(certificates: Certificates) -> grpc.ServerCredentials:
    """Return credentials that ask every client for a certificate of our CA, by the files of the moment."""
    served = certificates.current()

    def replaced() -> Any:
        nonlocal served
        now = certificates.current()
        if now.generation == served.generation:
            return None
        served = now
        return _configuration(now)

    return grpc.dynamic_ssl_server_credentials(_configuration(served), replaced, require_client_authentication=True)


def channel_credentials(certificates: Certificates) -> grpc.ChannelCredentials:
    """Return credentials with the certificate of the moment; a channel keeps them, so a new one is made in time."""
    now = certificates.current()
    return grpc.ssl_channel_credentials(now.authority, now.key, now.chain)


def channel_options(expected_identity: str) -> list[tuple[str, Any]]:
    """Return the options of a channel, synchronous or not, that talks to this identity only."""
    return [("grpc.ssl_target_name_override", server_name(expected_identity)), *KEEPALIVE, *SIZES, *RECONNECT]


def channel(target: str, expected_identity: str, certificates: Certificates) -> grpc.Channel:
    """Return a channel to `host:port` that talks to the expected identity only. Raises ValueError for none of ours."""
    return grpc.secure_channel(target, channel_credentials(certificates), channel_options(expected_identity))


def peer_identity(context: Call) -> str | None:
    """Return the identity of a call's peer; None when it has none of ours."""
    return _peer(_peer_pem(context))[0]


def peer_expiry(context: Call) -> datetime | None:
    """Return when the certificate of a call's peer expires; None when it has none."""
    return _peer(_peer_pem(context))[1]


def _peer_pem(context: Call) -> bytes:
    given = context.auth_context().get("x509_pem_cert", ())
    return bytes(given[0]) if given else b""


@lru_cache(maxsize=1024)
def _peer(pem: bytes) -> tuple[str | None, datetime | None]:
    try:
        certificate = x509.load_pem_x509_certificate(pem)
    except ValueError:
        return None, None
    return identity_of(certificate), certificate.not_valid_after_utc


def _configuration(material: Material) -> Any:
    return grpc.ssl_server_certificate_configuration([(material.key, material.chain)], material.authority)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CertificateFault(
            f"{path}: {error.strerror or error}; mount the Secret that the operator issues"
        ) from None


def _parsed(path: Path, pem: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError:
        raise CertificateFault(f"{path}: no PEM certificate; let the operator issue it again") from None


def _check_key(path: Path, pem: bytes, leaf: x509.Certificate) -> None:
    try:
        ours = load_pem_private_key(pem, None).public_key() == leaf.public_key()
    except (ValueError, TypeError):
        raise CertificateFault(f"{path}: no PEM key; let the operator issue it again") from None
    if not ours:
        raise CertificateFault(f"{path}: the key of another certificate; let the operator issue both again")


def _stat(path: Path) -> tuple[int, int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def expired(moment: datetime | None) -> bool:
    """Whether a certificate that ends at `moment` has ended; one without an end has."""
    return moment is None or datetime.now(UTC) >= moment
