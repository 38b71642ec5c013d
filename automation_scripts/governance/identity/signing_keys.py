"""The Ed25519 keys of login tokens: the private one in a file of this host, the public ones in the database."""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import exc, insert, select, update

from automation_scripts.errors import ConfigurationError, InvalidParameters
from automation_scripts.governance.identity.core import Core
from automation_scripts.governance.identity.models import verification_keys as table
from automation_scripts.governance.names import is_plain
from automation_scripts.storage.private_files import create_private, read_private, write_private

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

FILE = "login-signing-key.pem"


class SigningKeys:
    """Signs with this host's key; knows the public keys of all hosts that share the database.

    A key's id is made from the key itself, so neither can be exchanged for another.
    """

    def __init__(self, core: Core, folder: Path) -> None:
        self._core = core
        self.path = folder / FILE

    def current(self, now: datetime) -> tuple[str, Ed25519PrivateKey]:
        """Key id and private key; they are made at the first use. A key that was revoked is replaced by a new one.

        Raises ConfigurationError when the file is readable by others, or holds no Ed25519 key.
        """
        private = self._load()
        kid = key_id(_raw_public(private))
        with self._core.database.read() as connection:
            query = select(table.c.kid, table.c.accepted_until).where(table.c.kid == kid)
            known = connection.execute(query).one_or_none()
        if known is None:
            self._register(private, now)
        elif known.accepted_until is not None:
            return self._replace(now)
        return kid, private

    def public(self, kid: str, now: datetime) -> bytes | None:
        """The public key of that id (32 bytes); None when it is unknown or no longer accepted."""
        if not is_plain(kid):
            return None
        query = select(table.c.public_key, table.c.accepted_until).where(table.c.kid == kid)
        with self._core.database.read() as connection:
            row = connection.execute(query).one_or_none()
        if row is None or (row.accepted_until is not None and row.accepted_until <= now):
            return None
        return bytes(row.public_key)

    def rotate(self, *, by: str, overlap_s: float) -> str:
        """Sign with a new key from now on and return its id; tokens of the old one hold for `overlap_s` seconds more."""
        now = self._core.now()
        old, _private = self.current(now)
        new, _private = self._replace(now)
        self._retire(old, now + timedelta(seconds=overlap_s))
        self._core.report("signing_key.rotated", now, "", by=by, old=old, new=new)
        return new

    def revoke(self, kid: str, *, by: str) -> None:
        """Accept no token of this key any more, at once: it was stolen. The host that owns it makes a new one."""
        now = self._core.now()
        self._retire(kid, now)
        self._core.report("signing_key.revoked", now, "", by=by, kid=kid)

    def _load(self) -> Ed25519PrivateKey:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        try:
            pem = read_private(self.path, "signing key of logins")
        except FileNotFoundError:
            create_private(self.path, _new_pem())  # or another process does
            pem = read_private(self.path, "signing key of logins")
        private: object
        try:
            private = load_pem_private_key(pem, password=None)
        except (ValueError, TypeError):
            private = None
        if not isinstance(private, Ed25519PrivateKey):
            raise ConfigurationError(
                f"{self.path} holds no Ed25519 private key (PEM, PKCS #8). Delete it: a new one is made, and all users log in again."
            )
        return private

    def _replace(self, now: datetime) -> tuple[str, Ed25519PrivateKey]:
        write_private(self.path, _new_pem())
        private = self._load()  # perhaps that of another process which replaced it too: what counts is what lies there
        self._register(private, now)
        return key_id(_raw_public(private)), private

    def _register(self, private: Ed25519PrivateKey, now: datetime) -> None:
        public = _raw_public(private)
        try:
            with self._core.database.write() as connection:
                connection.execute(insert(table).values(kid=key_id(public), public_key=public, created_at=now))
        except exc.IntegrityError:  # another process was quicker
            return

    def _retire(self, kid: str, until: datetime) -> None:
        with self._core.database.write() as connection:
            this = update(table).where(table.c.kid == kid).values(accepted_until=until)
            known = is_plain(kid) and connection.execute(this).rowcount == 1
        if not known:
            raise InvalidParameters(f"Signing key {kid[:80]!a} is not known. See the `kid` in the header of a token.")


def key_id(public: bytes) -> str:
    """The id of a public key: 128 bits of its SHA-256 in base64url."""
    return base64.urlsafe_b64encode(hashlib.sha256(public).digest()[:16]).decode().rstrip("=")


def _new_pem() -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _raw_public(private: Ed25519PrivateKey) -> bytes:
    return private.public_key().public_bytes_raw()
