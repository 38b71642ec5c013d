"""TLS contexts as they should be: 1.2 or newer, certificates and names checked."""

from __future__ import annotations

import ssl
from pathlib import Path

from automation_scripts.errors import ConfigurationError

# Of TLS 1.2 only what has forward secrecy and authenticated encryption (RFC 9325, 4.2). TLS 1.3 has nothing else.
_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"


def client_ssl_context(ca: Path | None = None) -> ssl.SSLContext:
    """A context that checks the server's certificate and name.

    Args:
        ca: certificates in PEM that are trusted **instead of** those of the system.

    Raises ConfigurationError when the file cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # checks certificate and host name
    _harden(context)
    if ca is None:
        context.load_default_certs()
        return context
    try:
        context.load_verify_locations(ca)
    except (OSError, ssl.SSLError) as error:
        raise _unusable("CA file", ca, error) from None
    return context


def server_ssl_context(certificate: Path, key: Path | None = None, *, client_ca: Path | None = None) -> ssl.SSLContext:
    """A context to serve with.

    Args:
        certificate: the certificate and those between it and the CA, in PEM; the key too when `key` is left out.
        key: the private key in PEM.
        client_ca: clients must show a certificate of this CA.

    Raises ConfigurationError when a file cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _harden(context)
    try:
        context.load_cert_chain(certificate, key)
        if client_ca is not None:
            context.load_verify_locations(client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
    except (OSError, ssl.SSLError) as error:
        raise _unusable("certificate", certificate, error) from None
    return context


def _harden(context: ssl.SSLContext) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION


def _unusable(what: str, path: Path, error: OSError) -> ConfigurationError:
    reason = getattr(error, "reason", None) or error.strerror or "unknown error"
    return ConfigurationError(
        f"The {what} {path} cannot be used ({reason}). It must be PEM, readable, and fit its key."
    )
