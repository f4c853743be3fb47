"""Certificates for tests, as the operator issues them: a CA, leafs with one identity, laid out like a mount."""

import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from alphatrade.names import CHILD_PREFIXES, child_name, dns_names, identity, parse_identity

DAY = timedelta(days=1)
UID = "0a1b2c3d-0000-4000-8000-000000000000"


@dataclass(frozen=True)
class Authority:
    """A CA with its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def new(cls) -> "Authority":
        """Make a CA."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "alphatrade-ca")])
        builder = _builder(name, name, key, -DAY, 3650 * DAY)
        constraint = x509.BasicConstraints(ca=True, path_length=0)
        return cls(builder.add_extension(constraint, critical=True).sign(key, hashes.SHA256()), key)

    @property
    def pem(self) -> bytes:
        """The CA's certificate."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def leaf(
        self, uri: str, *, lifetime: timedelta = DAY, since: timedelta = -timedelta(minutes=1)
    ) -> tuple[bytes, bytes]:
        """Issue (certificate, key) to an identity; `since` and `lifetime` count from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = [x509.DNSName(name) for name in _dns(uri)] + [x509.UniformResourceIdentifier(uri)]
        builder = _builder(x509.Name([]), self.certificate.subject, key, since, lifetime)
        signed = builder.add_extension(x509.SubjectAlternativeName(names), critical=True).sign(
            self.key, hashes.SHA256()
        )
        return signed.public_bytes(serialization.Encoding.PEM), _key_pem(key)

    def write(
        self, folder: Path, uri: str, *, lifetime: timedelta = DAY, since: timedelta = -timedelta(minutes=1)
    ) -> Path:
        """Write the files of a new leaf into a folder, replacing those there as Kubernetes does: by one link."""
        certificate, key = self.leaf(uri, lifetime=lifetime, since=since)
        return mount(folder, {"tls.crt": certificate, "tls.key": key, "ca.crt": self.pem})


def identity_of(kind: str, name: str, namespace: str = "desk", uid: str = UID) -> str:
    """Return an identity of a resource in a namespace."""
    return identity(namespace, kind, name, uid)


def mount(folder: Path, files: dict[str, bytes]) -> Path:
    """Write files like a mounted Secret: `<name>` links to `..data/<name>`, `..data` to a folder swapped whole."""
    folder.mkdir(parents=True, exist_ok=True)
    data = folder / "..data"
    before = folder / os.readlink(data) if data.is_symlink() else None
    number = int(before.name.rsplit("_", 1)[1]) + 1 if before else 1
    new = folder / f"..version_{number}"
    new.mkdir()
    for name, content in files.items():
        (new / name).write_bytes(content)
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(f"..data/{name}")
    swap = folder / "..data_new"
    swap.symlink_to(new.name)
    os.replace(swap, data)
    if before:
        shutil.rmtree(before)
    return folder


def _dns(uri: str) -> tuple[str, ...]:
    parsed = parse_identity(uri)
    if parsed is None or parsed[1] not in CHILD_PREFIXES:
        return ()
    namespace, kind, name, uid = parsed
    return dns_names(child_name(CHILD_PREFIXES[kind], name, uid), namespace)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, since: timedelta, lifetime: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + since)
        .not_valid_after(now + lifetime)
    )


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
