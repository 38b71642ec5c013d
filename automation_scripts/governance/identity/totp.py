"""One-time codes from an app (TOTP, RFC 6238): enrolment, and codes that are good once."""

from __future__ import annotations

import hmac
import io
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from automation_scripts.errors import ConfigurationError, InvalidParameters
from automation_scripts.governance.identity import standing
from automation_scripts.governance.identity.core import Core
from automation_scripts.governance.identity.models import recovery_codes, users
from automation_scripts.governance.identity.models import totp as table
from automation_scripts.governance.identity.records import Kind

STEP_S = 30
WINDOW = 1
"""A code of one step before or after is good too: people are slow, and clocks differ."""
_CODE = re.compile(r"[0-9]{6}")


@dataclass(frozen=True, slots=True)
class Sealing:
    """How TOTP secrets are encrypted at rest: `(bytes, context) -> bytes` both ways. The context names the user."""

    seal: Callable[[bytes, bytes], bytes]
    unseal: Callable[[bytes, bytes], bytes]


def _refuse(_data: bytes, _context: bytes) -> bytes:
    raise ConfigurationError(
        "One-time codes need encryption at rest, and none is configured: their secrets would lie in the database in clear. "
        "Set up an encryption key, then enrol again."
    )


REFUSING = Sealing(_refuse, _refuse)
"""The default."""
CLEAR = Sealing(lambda data, _context: data, lambda data, _context: data)
"""Stores in clear: for tests."""


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What the user's app needs. Shown once."""

    uri: str = field(repr=False)
    """`otpauth://totp/…`, which holds the secret."""
    qr: str = field(repr=False)
    """The same as a QR code for a terminal, several lines."""


class Totp:
    """The TOTP secrets. What a wrong code costs is the business of `second_factors`."""

    def __init__(self, core: Core, sealing: Sealing = REFUSING) -> None:
        self._core = core
        self._sealing = sealing

    def begin(self, user: str, *, by: str, replace: bool = False, issuer: str = "automation") -> Enrolment:
        """A new secret, which counts once `confirm` has seen a code of it. The old one, if any, holds until then.

        Raises:
            InvalidParameters: the user is no person, or has a secret already and `replace` is not set. Before it is set the
                caller has to see a second factor of the user, or to be an administrator.
            ConfigurationError: there is no encryption at rest.
        """
        import pyotp

        secret = pyotp.random_base32(32)  # 160 bits, RFC 4226 section 4
        sealed = self._sealing.seal(secret.encode(), _context(user))
        with self._core.database.write() as connection:
            if standing.existing_user(connection, user).kind != Kind.PERSON:
                raise InvalidParameters(f"user name {user!r}: a service account has no second factor.")
            row = _row(connection, user)
            if row is not None and row.secret is not None and not replace:
                raise InvalidParameters(
                    f"user name {user!r}: one-time codes are set up already. Give a code to replace them."
                )
            if row is None:
                connection.execute(insert(table).values(user_name=user, pending=sealed, last_step=-1))
            else:
                connection.execute(update(table).where(table.c.user_name == user).values(pending=sealed))
        self._core.report("totp.enrolment_begun", self._core.now(), user, by=by)
        uri = pyotp.TOTP(secret).provisioning_uri(name=user, issuer_name=issuer)
        return Enrolment(uri, qr_text(uri))

    def confirm(self, user: str, code: str, now: datetime) -> bool:
        """Let the pending secret count, when `code` is one of it. False: it is not, or nothing is pending."""
        row = self._read(user)
        if row is None or row.pending is None:
            return False
        pending = bytes(row.pending)
        step = self._matching_step(pending, user, code, now)
        if step is None:
            return False
        same = update(table).where(table.c.user_name == user, table.c.pending == pending)
        with self._core.database.write() as connection:
            return connection.execute(same.values(secret=pending, pending=None, last_step=step)).rowcount == 1

    def accept(self, user: str, code: str, now: datetime) -> str | None:
        """Use up a code. Returns None when it was good, else the reason: `not_enrolled`, `wrong_code` or `replayed`.

        Compare and set: of several processes that bring the same code at once, one wins. A code of an earlier step than
        the last good one is refused as well.
        """
        row = self._read(user)
        if row is None or row.secret is None:
            return "not_enrolled"
        secret = bytes(row.secret)
        # Outside of the transaction: the keys may lie in the same database.
        step = self._matching_step(secret, user, code, now)
        if step is None:
            return "wrong_code"
        later = update(table).where(table.c.user_name == user, table.c.secret == secret, table.c.last_step < step)
        with self._core.database.write() as connection:
            return None if connection.execute(later.values(last_step=step)).rowcount == 1 else "replayed"

    def remove(self, user: str, *, by: str) -> None:
        """Forget secret and recovery codes, and end all login tokens: for a lost phone. Raises InvalidParameters without one."""
        with self._core.database.write() as connection:
            standing.existing_user(connection, user)
            if connection.execute(delete(table).where(table.c.user_name == user)).rowcount != 1:
                raise InvalidParameters(f"user name {user!r}: no one-time codes are set up.")
            connection.execute(delete(recovery_codes).where(recovery_codes.c.user_name == user))
            connection.execute(update(users).where(users.c.name == user).values(generation=users.c.generation + 1))
        self._core.report("totp.removed", self._core.now(), user, by=by)

    def _read(self, user: str) -> Row[Any] | None:
        with self._core.database.read() as connection:
            return _row(connection, user)

    def _matching_step(self, sealed: bytes, user: str, code: str, now: datetime) -> int | None:
        secret = self._sealing.unseal(sealed, _context(user)).decode()
        return matching_step(secret, code, now)


def matching_step(secret: str, code: str, now: datetime) -> int | None:
    """The time step of which `code` is the code, the newest one first; None when there is none in the window.

    All are compared, so that the time taken does not tell which one nearly matched.
    """
    import pyotp

    totp = pyotp.TOTP(secret)
    present = int(now.timestamp()) // STEP_S
    matching = None
    for step in range(present - WINDOW, present + WINDOW + 1):
        if hmac.compare_digest(totp.generate_otp(step), code):
            matching = step
    return matching


def plain_code(text: str) -> str | None:
    """The six digits of a one-time code, which people write with spaces; None when it is none."""
    digits = text.replace(" ", "").replace("-", "")
    return digits if _CODE.fullmatch(digits) else None


def qr_text(uri: str) -> str:
    """A QR code of half-blocks for a terminal."""
    import segno

    text = io.StringIO()
    segno.make(uri, error="L").terminal(out=text, compact=True)
    return text.getvalue()


def _context(user: str) -> bytes:
    return b"totp:" + user.encode()


def _row(connection: Connection, user: str) -> Row[Any] | None:
    return connection.execute(select(table).where(table.c.user_name == user)).one_or_none()
