"""Keep the authority, the Secrets of pods and the operator's own certificate as they should be."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from alphatrade.names import MANAGED_BY, dns_names, operator_identity
from alphatrade_operator.core.plan import Certificate, Event, Finding, Manifest, View
from alphatrade_operator.pki.authority import (
    Authority,
    Pair,
    Unreadable,
    issue,
    new_authority,
    read_certificate,
    read_pair,
)
from alphatrade_operator.pki.decide import AUTHORITY_RENEWED_BEFORE, Facts, Keep, Leaf, decide_authority, decide_leaf
from alphatrade_operator.pki.render import (
    AUTHORITY_SECRET,
    pair_in,
    previous_in,
    render_authority,
    render_leaf,
    trusted_in,
)

_EXPECTED = frozenset({"CertificateMissing", "CertificateRenewed", "AuthorityMissing"})


class Writes(Protocol):
    """What an issuer needs of the API server."""

    async def apply(self, manifest: Manifest) -> Manifest:
        """Apply a manifest."""
        ...

    async def create(self, manifest: Manifest) -> Manifest | None:
        """Create an object; return None when it is there already."""
        ...

    async def read(self, kind: str, namespace: str, name: str) -> Manifest | None:
        """Return an object from the server itself, or None."""
        ...

    async def tell(self, about: Manifest, event: Event, now: datetime) -> None:
        """Write an Event."""
        ...


class Issuer:
    """Issues from the authority in `alphatrade-ca` of the operator's namespace.

    now: time of day.  issued: counts.  authority_until: takes when the authority expires, Unix time.
    """

    def __init__(
        self,
        view: View,
        writes: Writes,
        now: Callable[[], datetime],
        issued: Callable[[], None] = lambda: None,
        authority_until: Callable[[float], None] = lambda unix_s: None,
    ) -> None:
        self._view, self._writes, self._now = view, writes, now
        self._issued, self._authority_until = issued, authority_until
        self._lock = asyncio.Lock()
        self._authority: tuple[str, Authority] | None = None
        self._own: Pair | None = None

    async def ensure(self, certificate: Certificate) -> float:
        """Issue or renew a pod's Secret when needed; return the seconds until it must be looked at again."""
        authority = await self.authority()
        secret = self._view.get("Secret", certificate.namespace, certificate.name)
        names = dns_names(certificate.name, certificate.namespace)
        wanted = Leaf(certificate.identity, names, self._lifetime, authority.trusted)
        there = None if secret is None else (pair_in(secret), trusted_in(secret))
        outcome = decide_leaf(Facts(wanted, authority.certificate, there, self._now()))
        if isinstance(outcome, Keep):
            return outcome.look_again_s
        pair = issue(authority, certificate.identity, names, self._now(), self._lifetime)
        written = await self._writes.apply(render_leaf(certificate, pair, authority.trusted))
        self._issued()
        await self._tell(written, outcome)
        return self._lifetime.total_seconds() / 2

    async def authority(self) -> Authority:
        """Return the authority in force, made when there is none that can be used."""
        async with self._lock:
            secret = self._view.get("Secret", self._view.settings.operator_namespace, AUTHORITY_SECRET)
            if secret is not None and self._authority is not None and self._authority[0] == _state(secret):
                if self._authority[1].certificate.not_valid_after_utc - self._now() > AUTHORITY_RENEWED_BEFORE:
                    return self._authority[1]
            secret = await self._kept(secret)
            self._authority = (_state(secret), _authority(secret))
            self._authority_until(self._authority[1].certificate.not_valid_after_utc.timestamp())
            return self._authority[1]

    async def own(self) -> tuple[Pair, bytes]:
        """Return the operator's own certificate, which lives in memory only, and what it trusts.

        It calls pods with it, and serves permits.
        """
        authority = await self.authority()
        namespace = self._view.settings.operator_namespace
        me, names = operator_identity(namespace), dns_names(MANAGED_BY, namespace)
        wanted = Leaf(me, names, self._lifetime, authority.trusted)
        there = None if self._own is None else (self._own, authority.trusted)
        if self._own is None or not isinstance(
            decide_leaf(Facts(wanted, authority.certificate, there, self._now())), Keep
        ):
            self._own = issue(authority, me, names, self._now(), self._lifetime)
        return self._own, authority.trusted

    @property
    def _lifetime(self) -> timedelta:
        return timedelta(seconds=self._view.settings.certificate_lifetime_s)

    async def _kept(self, secret: Manifest | None) -> Manifest:
        """Return the Secret of the authority, written anew when what is there cannot be used."""
        namespace = self._view.settings.operator_namespace
        if secret is None:
            created = await self._writes.create(render_authority(namespace, new_authority(self._now()), b""))
            if created is not None:
                await self._tell(created, Finding("AuthorityMissing", "no authority yet; made"))
                return created
            secret = await self._writes.read("Secret", namespace, AUTHORITY_SECRET)
        pair = None if secret is None else pair_in(secret)
        outcome = decide_authority(pair, self._now())
        if isinstance(outcome, Keep) and secret is not None and pair is not None:
            known = self._view.get("Secret", namespace, AUTHORITY_SECRET)
            return known or await self._writes.apply(render_authority(namespace, pair, previous_in(secret)))
        before = (
            pair.certificate if pair and isinstance(outcome, Finding) and outcome.reason == "AuthorityExpiring" else b""
        )
        written = await self._writes.apply(render_authority(namespace, new_authority(self._now()), before))
        if isinstance(outcome, Finding):
            await self._tell(written, outcome)
        return written

    async def _tell(self, secret: Manifest, finding: Finding) -> None:
        expected = finding.reason in _EXPECTED
        event = Event("Normal" if expected else "Warning", finding.reason, finding.message)
        await self._writes.tell(secret, event, self._now())


def _state(secret: Manifest) -> str:
    metadata = secret["metadata"]
    return f"{metadata.get('uid')}/{metadata.get('resourceVersion')}"


def _authority(secret: Manifest) -> Authority:
    pair = pair_in(secret)
    trusted = pair.certificate
    previous = previous_in(secret)
    try:
        read_certificate(previous)
        trusted += previous
    except Unreadable:
        pass  # there was none before, or nothing that could be trusted
    return Authority(pair, read_pair(pair), trusted)
