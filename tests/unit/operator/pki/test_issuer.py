"""The issuer: one authority, Secrets put right, its own certificate in memory."""

import asyncio
import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alphatrade.mtls import identity_of
from alphatrade.names import identity
from alphatrade_operator.core.plan import Certificate
from alphatrade_operator.pki.authority import read_certificate, read_pair
from alphatrade_operator.pki.issuer import Issuer
from alphatrade_operator.pki.render import pair_in, trusted_in
from alphatrade_operator.settings import Settings

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
WANTED = Certificate("desk", "st-a-1", identity("desk", "strategy", "a", "1"), {"labels": {"x": "1"}})


class Secrets:
    """Secrets as an API server keeps them, the view of them, and what was told."""

    def __init__(self):
        self.settings = Settings(operator_namespace="sys", certificate_lifetime_s=3_600.0)
        self.server, self.cached, self.told, self.now, self.version = {}, {}, [], NOW, 0
        double: Any = self
        self.issuer = Issuer(double, double, lambda: self.now)

    def get(self, kind, namespace, name):
        return self.cached.get((namespace, name))

    async def apply(self, manifest):
        metadata = manifest["metadata"]
        self.version += 1
        written = {**manifest, "metadata": {**metadata, "uid": "u", "resourceVersion": str(self.version)}}
        self.server[(metadata["namespace"], metadata["name"])] = written
        self.cached[(metadata["namespace"], metadata["name"])] = written
        return written

    async def create(self, manifest):
        if (manifest["metadata"]["namespace"], manifest["metadata"]["name"]) in self.server:
            return None
        return await self.apply(manifest)

    async def read(self, kind, namespace, name):
        return self.server.get((namespace, name))

    async def tell(self, about, event, now):
        self.told.append((about["metadata"]["name"], event.type, event.reason))

    def ensure(self):
        self.told.clear()
        return asyncio.run(self.issuer.ensure(WANTED))

    def leaf(self):
        return read_pair(pair_in(self.server[("desk", "st-a-1")]))

    def authority(self):
        return self.server[("sys", "alphatrade-ca")]

    def spoil(self, place, **data):
        """Change fields of a Secret, as somebody with the right to write Secrets might."""
        encoded = {name.replace("_", "."): base64.b64encode(value).decode() for name, value in data.items()}
        secret = self.server[place]
        self.version += 1
        metadata = {**secret["metadata"], "resourceVersion": str(self.version)}
        spoilt = {**secret, "metadata": metadata, "data": {**secret["data"], **encoded}}
        self.server[place] = self.cached[place] = spoilt


@pytest.fixture
def secrets():
    return Secrets()


def test_the_first_certificate_comes_with_the_authority(secrets):
    assert secrets.ensure() == 1_800.0
    assert secrets.told == [
        ("alphatrade-ca", "Normal", "AuthorityMissing"),
        ("st-a-1", "Normal", "CertificateMissing"),
    ]
    secrets.leaf().verify_directly_issued_by(read_pair(pair_in(secrets.authority())))
    secret = secrets.server[("desk", "st-a-1")]
    assert (secret["type"], secret["metadata"]["labels"]) == ("kubernetes.io/tls", {"x": "1"})
    assert trusted_in(secret) == pair_in(secrets.authority()).certificate


def test_what_is_good_is_left(secrets):
    secrets.ensure()
    before = secrets.version
    assert secrets.ensure() <= 1_800.0
    assert (secrets.version, secrets.told) == (before, [])


def test_it_is_renewed_at_half_of_its_life_by_the_same_authority(secrets):
    secrets.ensure()
    first = secrets.leaf()
    secrets.now += timedelta(minutes=31)
    secrets.ensure()
    assert secrets.told == [("st-a-1", "Normal", "CertificateRenewed")]
    assert secrets.leaf().not_valid_after_utc > first.not_valid_after_utc


def test_a_spoilt_certificate_is_issued_anew_and_told(secrets):
    secrets.ensure()
    secrets.spoil(("desk", "st-a-1"), tls_key=b"mine")
    secrets.ensure()
    assert secrets.told == [("st-a-1", "Warning", "CertificateDamaged")]


def test_a_spoilt_authority_is_made_anew_and_not_trusted_any_more(secrets):
    secrets.ensure()
    before = pair_in(secrets.authority()).certificate
    secrets.spoil(("sys", "alphatrade-ca"), tls_key=b"mine")
    secrets.ensure()
    assert secrets.told == [
        ("alphatrade-ca", "Warning", "AuthorityDamaged"),
        ("st-a-1", "Warning", "CertificateForeign"),
    ]
    assert before not in trusted_in(secrets.server[("desk", "st-a-1")])


def test_an_old_authority_is_replaced_and_still_trusted_for_a_while(secrets):
    secrets.ensure()
    before = pair_in(secrets.authority()).certificate
    secrets.now += timedelta(days=3_400)
    secrets.ensure()
    assert secrets.told[0] == ("alphatrade-ca", "Warning", "AuthorityExpiring")
    trusted = trusted_in(secrets.server[("desk", "st-a-1")])
    assert trusted == pair_in(secrets.authority()).certificate + before
    secrets.leaf().verify_directly_issued_by(read_pair(pair_in(secrets.authority())))


def test_an_authority_that_the_cache_does_not_know_is_not_replaced(secrets):
    secrets.ensure()
    before = pair_in(secrets.authority())
    del secrets.cached[("sys", "alphatrade-ca")]  # somebody took its label away
    secrets.ensure()
    assert pair_in(secrets.authority()) == before


def test_many_at_once_make_one_authority(secrets):
    async def scene():
        wanted = [Certificate("desk", f"st-{n}", identity("desk", "strategy", str(n), "1"), {}) for n in range(5)]
        await asyncio.gather(*(secrets.issuer.ensure(one) for one in wanted))

    asyncio.run(scene())
    assert [told for told in secrets.told if told[0] == "alphatrade-ca"] == [
        ("alphatrade-ca", "Normal", "AuthorityMissing")
    ]


def test_the_operators_own_certificate_is_renewed_in_memory(secrets):
    first, trusted = asyncio.run(secrets.issuer.own())
    again, _ = asyncio.run(secrets.issuer.own())
    secrets.now += timedelta(minutes=31)
    later, _ = asyncio.run(secrets.issuer.own())
    assert first == again != later
    assert trusted == pair_in(secrets.authority()).certificate
    assert identity_of(read_certificate(first.certificate)) == identity("sys", "operator", "alphatrade-operator", "0")
    assert set(secrets.server) == {("sys", "alphatrade-ca")}
