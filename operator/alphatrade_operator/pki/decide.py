"""Whether a certificate is kept or issued anew. Pure: what is there, what is wanted, the time."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509

from alphatrade_operator.core.plan import Finding
from alphatrade_operator.pki.authority import Pair, Unreadable, is_signed_by, read_pair

AUTHORITY_RENEWED_BEFORE = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Leaf:
    """A leaf as it should be.  lifetime: from issuing to expiry.  trusted: the bundle beside it, PEM."""

    identity: str
    dns_names: tuple[str, ...]
    lifetime: timedelta
    trusted: bytes


@dataclass(frozen=True, slots=True)
class Facts:
    """wanted: the leaf.  there: certificate, key and bundle of the Secret, None when there is no Secret."""

    wanted: Leaf
    authority: x509.Certificate
    there: tuple[Pair, bytes] | None
    now: datetime


@dataclass(frozen=True, slots=True)
class Keep:
    """It stays; look again after so many seconds."""

    look_again_s: float


def decide_leaf(facts: Facts) -> Keep | Finding:
    """Return whether the leaf stays, else why it is issued anew."""
    if facts.there is None:
        return Finding("CertificateMissing", "no certificate yet; issued")
    try:
        certificate = read_pair(facts.there[0])
    except Unreadable as error:
        return Finding("CertificateDamaged", f"{error}; issued anew")
    for check in _CHECKS:
        finding = check(facts, certificate)
        if finding is not None:
            return finding
    return Keep((_renewed_at(certificate) - facts.now).total_seconds())


def decide_authority(pair: Pair | None, now: datetime) -> Keep | Finding:
    """Return whether the authority stays, else why there must be a new one."""
    if pair is None:
        return Finding("AuthorityMissing", "no authority yet; made")
    try:
        certificate = read_pair(pair)
    except Unreadable as error:
        return Finding("AuthorityDamaged", f"{error}; a new authority was made and every certificate is issued anew")
    if not _is_authority(certificate):
        return Finding("AuthorityDamaged", "the certificate is no authority's; a new one was made")
    left = certificate.not_valid_after_utc - AUTHORITY_RENEWED_BEFORE - now
    if left <= timedelta(0):
        return Finding("AuthorityExpiring", "less than a year was left; a new authority was made, the old one trusted")
    return Keep(left.total_seconds())


def foreign(facts: Facts, certificate: x509.Certificate) -> Finding | None:
    """Find a certificate of another authority."""
    if is_signed_by(certificate, facts.authority):
        return None
    return Finding("CertificateForeign", "not issued by the authority in force; issued anew")


def for_another(facts: Facts, certificate: x509.Certificate) -> Finding | None:
    """Find a certificate that says another identity or other names."""
    if _names(certificate) == ((facts.wanted.identity,), facts.wanted.dns_names):
        return None
    return Finding("CertificateOfAnother", "identity or names are not those of the owner; issued anew")


def half_spent(facts: Facts, certificate: x509.Certificate) -> Finding | None:
    """Find a certificate in the second half of its life, or one longer than is wanted."""
    longest = facts.wanted.lifetime * 1.2 + timedelta(seconds=1)  # backdating comes on top
    too_long = certificate.not_valid_after_utc - certificate.not_valid_before_utc > longest
    if facts.now < _renewed_at(certificate) and not too_long:
        return None
    return Finding(
        "CertificateRenewed", f"renewed; was valid until {certificate.not_valid_after_utc:%Y-%m-%d %H:%M:%SZ}"
    )


def other_bundle(facts: Facts, certificate: x509.Certificate) -> Finding | None:
    """Find a Secret that trusts other authorities than are in force."""
    if facts.there is not None and facts.there[1] == facts.wanted.trusted:
        return None
    return Finding("TrustChanged", "ca.crt is not the authorities in force; issued anew")


_CHECKS = (foreign, for_another, half_spent, other_bundle)


def _renewed_at(certificate: x509.Certificate) -> datetime:
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return start + (end - start) / 2


def _names(certificate: x509.Certificate) -> tuple[tuple[str, ...], tuple[str, ...]]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return (), ()
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    return tuple(uris), tuple(names.get_values_for_type(x509.DNSName))


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False
