"""A certification authority of one's own for development: TLS on this machine without a warning turned off."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from automation_scripts.storage.private_files import locked, read_private, write_private
from automation_scripts.storage.times import now, utc

CA_LIFE = timedelta(days=730)
SERVER_LIFE = timedelta(days=90)
_RENEWED_BEFORE = timedelta(days=30)
_BACKDATED = timedelta(hours=1)  # for clients whose clock is behind

_NAMES: tuple[x509.GeneralName, ...] = (
    x509.DNSName("localhost"),
    x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
    x509.IPAddress(ipaddress.ip_address("::1")),
)
_PERMITTED = (
    x509.DNSName("localhost"),
    x509.IPAddress(ipaddress.ip_network("127.0.0.0/8")),
    x509.IPAddress(ipaddress.ip_network("::1/128")),
)


@dataclass(frozen=True, slots=True)
class DevelopmentFiles:
    """What to give to `server_ssl_context` and `client_ssl_context`."""

    ca: Path
    """The certificate of the CA: clients trust it."""
    server: Path
    """Key and certificate of the server."""


@dataclass(frozen=True, slots=True)
class _Issuer:
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate


class DevelopmentCA:
    """A CA in a folder. It can only certify loopback names (RFC 5280 name constraints), so a stolen key is of little use.

    ECDSA on P-256. The CA lasts two years, the server's certificate 90 days; both are renewed 30 days before their end by
    the next `ensure`. A server that runs on must load the new files.
    """

    def __init__(self, folder: Path, clock: Callable[[], datetime] = now) -> None:
        self.folder = folder
        self._ca = folder / "ca-key.pem"
        self._files = DevelopmentFiles(ca=folder / "ca.pem", server=folder / "server.pem")
        self._clock = clock

    def ensure(self) -> DevelopmentFiles:
        """The files, made or renewed when need be. Several processes may ask at once.

        Raises ConfigurationError when the folder cannot be used or others have access to a key in it.
        """
        with locked(self._ca):
            at = utc(self._clock())
            issuer = self._issuer(at)
            # Written every time it differs: a kill between the two files must not leave a CA that nobody trusts.
            public = issuer.certificate.public_bytes(serialization.Encoding.PEM)
            if _read(self._files.ca) != public:
                write_private(self._files.ca, public)
            server = _loaded(_read(self._files.server))
            if server is None or not _fresh(server, at) or not _issued(server.certificate, issuer):
                write_private(self._files.server, _pem(_new_server(issuer, at)))
        return self._files

    def _issuer(self, at: datetime) -> _Issuer:
        found = _loaded(_read(self._ca))
        if found is None or not _fresh(found, at):
            found = _new_ca(at)
            write_private(self._ca, _pem(found))
        return found


def _read(path: Path) -> bytes:
    try:
        return read_private(path, "key or certificate")
    except FileNotFoundError:
        return b""


def _loaded(pem: bytes) -> _Issuer | None:
    """Key and certificate in one file, so that they always fit; None for anything else, which is then made anew."""
    try:
        key = serialization.load_pem_private_key(pem, None)
        certificate = x509.load_pem_x509_certificate(pem)
    except ValueError:
        return None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        return None
    return _Issuer(key, certificate)


def _pem(pair: _Issuer) -> bytes:
    key = pair.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return key + pair.certificate.public_bytes(serialization.Encoding.PEM)


def _fresh(pair: _Issuer, at: datetime) -> bool:
    return pair.certificate.not_valid_before_utc <= at < pair.certificate.not_valid_after_utc - _RENEWED_BEFORE


def _issued(certificate: x509.Certificate, issuer: _Issuer) -> bool:
    from cryptography.exceptions import InvalidSignature

    try:
        certificate.verify_directly_issued_by(issuer.certificate)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def _new_ca(at: datetime) -> _Issuer:
    key = ec.generate_private_key(ec.SECP256R1())
    # The serial number in the name tells a renewed CA from the one before.
    serial = x509.random_serial_number()
    name = _name(f"automation development CA {serial:x}"[:60])
    certificate = (
        _builder(name, name, key, at, CA_LIFE, serial)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(certificates=True), critical=True)
        .add_extension(x509.NameConstraints(_PERMITTED, None), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return _Issuer(key, certificate)


def _new_server(issuer: _Issuer, at: datetime) -> _Issuer:
    key = ec.generate_private_key(ec.SECP256R1())
    life = min(SERVER_LIFE, issuer.certificate.not_valid_after_utc - at)
    certificate = (
        _builder(_name("localhost"), issuer.certificate.subject, key, at, life, x509.random_serial_number())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(_NAMES), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), critical=False)
        .sign(issuer.key, hashes.SHA256())
    )
    return _Issuer(key, certificate)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    at: datetime,
    life: timedelta,
    serial: int,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(at - _BACKDATED)
        .not_valid_after(at + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _usage(*, certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not certificates,
        key_cert_sign=certificates,
        crl_sign=certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
