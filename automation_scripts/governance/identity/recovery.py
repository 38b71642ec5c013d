"""Recovery codes: ten, good once each, for whoever has lost the phone."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, select, update

from automation_scripts.governance.identity.models import recovery_codes as table

COUNT = 10
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u
_LENGTH = 16
_MISREAD = str.maketrans({"i": "1", "l": "1", "o": "0", "-": None, " ": None})


def issue(connection: Connection, user: str) -> tuple[str, ...]:
    """Ten new codes in place of the old ones. They are shown once.

    80 random bits each, so a plain hash is enough: they cannot be found by trying, not even in a stolen database.
    """
    codes = tuple("".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH)) for _ in range(COUNT))
    connection.execute(delete(table).where(table.c.user_name == user))
    connection.execute(insert(table), [{"user_name": user, "code_hash": _digest(user, code)} for code in codes])
    return tuple("-".join(code[start : start + 4] for start in range(0, _LENGTH, 4)) for code in codes)


def accept(connection: Connection, user: str, text: str, now: datetime) -> str | None:
    """Use up a code. Returns None when it was good, else the reason: `wrong_code` or `replayed`."""
    code = plain_code(text)
    if code is None:
        return "wrong_code"
    this = (table.c.user_name == user) & (table.c.code_hash == _digest(user, code))
    done = connection.execute(update(table).where(this, table.c.used_at.is_(None)).values(used_at=now))
    if done.rowcount == 1:
        return None
    return "replayed" if connection.execute(select(table.c.used_at).where(this)).first() is not None else "wrong_code"


def remaining(connection: Connection, user: str) -> int:
    """How many codes are left."""
    left = select(func.count()).select_from(table).where(table.c.user_name == user, table.c.used_at.is_(None))
    return connection.execute(left).scalar_one()


def plain_code(text: str) -> str | None:
    """A code as it was typed, without dashes and with misread letters put right; None when it can be none."""
    code = text[:64].lower().translate(_MISREAD)
    return code if len(code) == _LENGTH and set(code) <= set(_ALPHABET) else None


def _digest(user: str, code: str) -> bytes:
    return hashlib.sha256(f"recovery:{user}:{code}".encode()).digest()
