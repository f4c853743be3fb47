"""When a certificate stays, and when it is issued anew."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from alphatrade.mtls import identity_of
from alphatrade.names import dns_names, identity
from alphatrade_operator.core.plan import Finding
from alphatrade_operator.pki.authority import Authority, Pair, Unreadable, issue, new_authority, read_pair
from alphatrade_operator.pki.decide import Facts, Keep, Leaf, decide_authority, decide_leaf

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
DAY = timedelta(days=1)
ME = identity("desk", "strategy", "alpha", "u1")
OTHER = identity("desk", "strategy", "beta", "u2")
NAMES = dns_names("st-alpha-u1", "desk")
BROKEN = b"-----BEGIN CERTIFICATE-----\nnope\n-----END CERTIFICATE-----\n"


def authority():
    pair = new_authority(NOW)
    return Authority(pair, read_pair(pair), pair.certificate)


CA, FOREIGN = authority(), authority()
LEAF = Leaf(ME, NAMES, DAY, CA.trusted)
PAIR = issue(CA, ME, NAMES, NOW, DAY)


def outcome(there, now=NOW, wanted=LEAF, ca=CA):
    return decide_leaf(Facts(wanted, ca.certificate, there, now))


def reason(found):
    return found.reason if isinstance(found, Finding) else "Keep"


@pytest.mark.parametrize(
    ("there", "now", "expected"),
    [
        (None, NOW, "CertificateMissing"),
        ((PAIR, CA.trusted), NOW, "Keep"),
        ((PAIR, CA.trusted), NOW + 0.49 * DAY, "Keep"),
        ((PAIR, CA.trusted), NOW + 0.51 * DAY, "CertificateRenewed"),
        ((PAIR, CA.trusted), NOW + 3 * DAY, "CertificateRenewed"),
        ((Pair(b"", b""), CA.trusted), NOW, "CertificateDamaged"),
        ((Pair(BROKEN, PAIR.key), CA.trusted), NOW, "CertificateDamaged"),
        ((Pair(PAIR.certificate, b"junk"), CA.trusted), NOW, "CertificateDamaged"),
        ((Pair(PAIR.certificate, issue(CA, ME, NAMES, NOW, DAY).key), CA.trusted), NOW, "CertificateDamaged"),
        ((issue(FOREIGN, ME, NAMES, NOW, DAY), CA.trusted), NOW, "CertificateForeign"),
        ((issue(CA, OTHER, NAMES, NOW, DAY), CA.trusted), NOW, "CertificateOfAnother"),
        ((issue(CA, ME, NAMES[:1], NOW, DAY), CA.trusted), NOW, "CertificateOfAnother"),
        ((issue(CA, ME, NAMES, NOW, 30 * DAY), CA.trusted), NOW, "CertificateRenewed"),
        ((PAIR, b""), NOW, "TrustChanged"),
        ((PAIR, FOREIGN.trusted), NOW, "TrustChanged"),
    ],
)
def test_a_leaf(there, now, expected):
    assert reason(outcome(there, now)) == expected


def test_a_certificate_that_stays_is_looked_at_again_at_half_of_its_life():
    kept = outcome((PAIR, CA.trusted))
    assert isinstance(kept, Keep)
    assert 0.49 * DAY.total_seconds() < kept.look_again_s <= 0.5 * DAY.total_seconds()


@given(st.floats(30, 86_400 * 90))
def test_a_fresh_certificate_of_any_life_stays(lifetime_s):
    lifetime = timedelta(seconds=lifetime_s)
    there = (issue(CA, ME, NAMES, NOW, lifetime), CA.trusted)
    assert isinstance(outcome(there, wanted=Leaf(ME, NAMES, lifetime, CA.trusted)), Keep)


@pytest.mark.parametrize(
    ("pair", "now", "expected"),
    [
        (None, NOW, "AuthorityMissing"),
        (CA.pair, NOW, "Keep"),
        (CA.pair, NOW + 8.9 * 365 * DAY, "Keep"),
        (CA.pair, NOW + 9.1 * 365 * DAY, "AuthorityExpiring"),
        (Pair(CA.pair.certificate, FOREIGN.pair.key), NOW, "AuthorityDamaged"),
        (Pair(BROKEN, CA.pair.key), NOW, "AuthorityDamaged"),
        (Pair(b"", b""), NOW, "AuthorityDamaged"),
        (PAIR, NOW, "AuthorityDamaged"),
    ],
)
def test_an_authority(pair, now, expected):
    assert reason(decide_authority(pair, now)) == expected


def test_a_leaf_says_who_it_is_and_is_for_both_sides():
    leaf = read_pair(PAIR)
    assert identity_of(leaf) == ME
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert tuple(names.get_values_for_type(x509.DNSName)) == NAMES
    assert len(list(leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)) == 2
    assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    leaf.verify_directly_issued_by(CA.certificate)


def test_a_leaf_does_not_outlive_its_authority():
    late = NOW + 3_649 * DAY
    assert read_pair(issue(CA, ME, NAMES, late, 30 * DAY)).not_valid_after_utc == CA.certificate.not_valid_after_utc


def test_an_authority_issues_leaves_only():
    constraints = CA.certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (constraints.ca, constraints.path_length) == (True, 0)


def test_a_pair_of_two_is_none():
    with pytest.raises(Unreadable, match="not the key"):
        read_pair(Pair(PAIR.certificate, CA.pair.key))
