"""The certificates of one local world: an authority, a server certificate, and one per user.

Everything is made once and kept in the data directory. Certificates carry what strict verifiers
ask for (key usage on the authority, both key identifiers): Python 3.13 refuses them without.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFETIME = timedelta(days=3650)
CLOCK_SKEW = timedelta(minutes=5)


@dataclass(frozen=True)
class KeyPair:
    """A certificate and its private key, in PEM."""

    certificate: bytes
    key: bytes


class Authority:
    """Signs the server certificate and those of users."""

    def __init__(self, directory: Path) -> None:
        """Read the authority kept in the directory, or make it."""
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not (directory / "ca.crt").exists():
            self._make()
        self._key = serialization.load_pem_private_key((directory / "ca.key").read_bytes(), None)
        self._certificate = x509.load_pem_x509_certificate(self.certificate)

    @property
    def certificate(self) -> bytes:
        """The authority's own certificate, in PEM."""
        return (self.directory / "ca.crt").read_bytes()

    def server(self, hosts: Iterable[str] = ("127.0.0.1", "localhost")) -> None:
        """`server.crt` and `server.key` for every API server of the world."""
        names: list[x509.GeneralName] = []
        for host in hosts:
            try:
                names.append(x509.IPAddress(ipaddress.ip_address(host)))
            except ValueError:
                names.append(x509.DNSName(host))
        if not (self.directory / "server.crt").exists():
            pair = self._issue(
                "kube-apiserver", (), ExtendedKeyUsageOID.SERVER_AUTH, names, LIFETIME
            )
            _write_pair(self.directory, "server", pair)

    def service_accounts(self) -> None:
        """`sa.key` and `sa.pub`, with which API servers sign and check service account tokens."""
        if (self.directory / "sa.pub").exists():
            return
        key = ec.generate_private_key(ec.SECP256R1())
        _write(self.directory / "sa.key", _pem(key))
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        _write(self.directory / "sa.pub", public)

    def user(
        self, name: str, groups: Sequence[str] = (), *, lifetime: timedelta = LIFETIME
    ) -> KeyPair:
        """A client certificate: its common name is the user, its organizations are the groups."""
        return self._issue(name, groups, ExtendedKeyUsageOID.CLIENT_AUTH, (), lifetime)

    def _make(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "devstack")])
        usage = _key_usage(sign_certificates=True)
        certificate = (
            _builder(name, name, key.public_key(), LIFETIME)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .sign(key, hashes.SHA256())
        )
        _write(self.directory / "ca.key", _pem(key))
        _write(self.directory / "ca.crt", certificate.public_bytes(serialization.Encoding.PEM))

    def _issue(
        self,
        name: str,
        groups: Sequence[str],
        purpose: x509.ObjectIdentifier,
        alternatives: Sequence[x509.GeneralName],
        lifetime: timedelta,
    ) -> KeyPair:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name(
            [
                *(x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups),
                x509.NameAttribute(NameOID.COMMON_NAME, name),
            ]
        )
        builder = (
            _builder(subject, self._certificate.subject, key.public_key(), lifetime)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(sign_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(_issued_by(self._certificate), critical=False)
        )
        if alternatives:
            builder = builder.add_extension(
                x509.SubjectAlternativeName(alternatives), critical=False
            )
        assert isinstance(self._key, ec.EllipticCurvePrivateKey)
        certificate = builder.sign(self._key, hashes.SHA256())
        return KeyPair(certificate.public_bytes(serialization.Encoding.PEM), _pem(key))


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, lifetime: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _issued_by(authority: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    identifier = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)


def _key_usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _write_pair(directory: Path, name: str, pair: KeyPair) -> None:
    _write(directory / f"{name}.key", pair.key)
    _write(directory / f"{name}.crt", pair.certificate)


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all, and for our eyes only."""
    temporary = path.with_name(f".{path.name}")
    temporary.touch(mode=0o600)
    temporary.write_bytes(content)
    temporary.replace(path)
