"""Keys and certificates: make an authority, issue a leaf, read them back. Time and serial numbers come from outside."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_LIFETIME = timedelta(days=3_650)
_BACKDATED = timedelta(seconds=60)  # clocks of nodes differ
Serial = Callable[[], int]


class Unreadable(ValueError):
    """A certificate or key that is none, or one that does not belong to the other."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key, PEM."""

    certificate: bytes
    key: bytes


@dataclass(frozen=True, slots=True)
class Authority:
    """The authority in force. trusted: its certificate and, for a while, that of the one before; PEM."""

    pair: Pair
    certificate: x509.Certificate
    trusted: bytes


def new_authority(now: datetime, serial: Serial = x509.random_serial_number) -> Pair:
    """Make an authority: P-256, ten years, issuing leaves only."""
    key = ec.generate_private_key(ec.SECP256R1())
    number = serial()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"alphatrade {number % 2**32:08x}")])
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(number)
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + AUTHORITY_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return _pair(certificate, key)


def issue(
    authority: Authority,
    identity: str,
    dns_names: tuple[str, ...],
    now: datetime,
    lifetime: timedelta,
    serial: Serial = x509.random_serial_number,
) -> Pair:
    """Issue a certificate for an identity (a URI) and the names of its server, for both sides of TLS."""
    signer = _key(authority.pair.key)
    key = ec.generate_private_key(ec.SECP256R1())
    names = [*(x509.DNSName(name) for name in dns_names), x509.UniformResourceIdentifier(identity)]
    usage = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
    both = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))  # who it is says the URI; hence a critical extension (RFC 5280, 4.1.2.6)
        .issuer_name(authority.certificate.subject)
        .public_key(key.public_key())
        .serial_number(serial())
        .not_valid_before(now - min(_BACKDATED, lifetime / 10))
        .not_valid_after(min(now + lifetime, authority.certificate.not_valid_after_utc))
        .add_extension(x509.SubjectAlternativeName(names), critical=True)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(both, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, hashes.SHA256())
    )
    return _pair(certificate, key)


def read_pair(pair: Pair) -> x509.Certificate:
    """Return the certificate of a pair. Raises Unreadable when either is none, or the key is another's."""
    certificate = read_certificate(pair.certificate)
    if _key(pair.key).public_key() != certificate.public_key():
        raise Unreadable("tls.key is not the key of tls.crt")
    return certificate


def read_certificate(pem: bytes) -> x509.Certificate:
    """Return a PEM certificate. Raises Unreadable."""
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError:
        raise Unreadable("tls.crt holds no certificate") from None


def is_signed_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    """Whether a certificate was issued by this very authority."""
    try:
        certificate.verify_directly_issued_by(authority)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def _key(pem: bytes) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(pem, None)
    except (ValueError, TypeError):
        raise Unreadable("tls.key holds no key") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise Unreadable("tls.key is no key on a curve")
    return key


def _pair(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Pair:
    return Pair(
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )
