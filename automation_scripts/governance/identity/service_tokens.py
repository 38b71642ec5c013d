"""Service tokens: opaque, `ast_<id>_<secret><checksum>`, for schedules, alerts and other machines."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import string
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from automation_scripts.errors import InvalidParameters
from automation_scripts.governance.identity import standing
from automation_scripts.governance.identity.core import Core
from automation_scripts.governance.identity.login_tokens import refused
from automation_scripts.governance.identity.models import service_tokens as table
from automation_scripts.governance.identity.records import ANY, Kind, Principal, Scope
from automation_scripts.governance.names import checked_environment, checked_name, is_plain

PREFIX = "ast_"
LIFETIME_S = 90 * 86400.0
LONGEST_S = 366 * 86400.0
OVERLAP_S = 86400.0
_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
_ID_LENGTH, _SECRET_LENGTH, _CHECKSUM_LENGTH = 10, 43, 6  # 62^43 > 2^256; 62^6 > 2^32
TOKEN_FORM = re.compile(rf"ast_[0-9A-Za-z]{{{_ID_LENGTH}}}_[0-9A-Za-z]{{{_SECRET_LENGTH + _CHECKSUM_LENGTH}}}")
"""What a scanner for secrets looks for; `has_checksum` then tells a token from a word that looks like one."""
_USE_STEP = timedelta(seconds=60)  # a disk flush for each use would cost more than the check


@dataclass(frozen=True, slots=True)
class NewServiceToken:
    """A new token: the text is shown once and stored nowhere."""

    text: str = field(repr=False)
    token_id: str
    user: str
    scope: Scope
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ServiceToken:
    """What is known of a token."""

    token_id: str
    user: str
    label: str
    scope: Scope
    created_at: datetime
    created_by: str
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None


class ServiceTokens:
    """Tokens of service accounts. They are stored as SHA-256.

    A slow hash such as argon2 protects secrets that can be guessed. 256 random bits cannot, and a token is checked at each
    use, where 10 ms are all there is.
    """

    def __init__(self, core: Core) -> None:
        self._core = core

    def create(
        self, user: str, scope: Scope, *, by: str, label: str = "", ttl_s: float = LIFETIME_S
    ) -> NewServiceToken:
        """A token for a service account; `ttl_s` over 0 and up to 366 days.

        Raises InvalidParameters for a person, an empty scope or a bad lifetime.
        """
        _check_scope(scope)
        now = self._core.now()
        with self._core.database.write() as connection:
            row = standing.existing_user(connection, user)
            if row.kind != Kind.SERVICE or not row.enabled:
                raise InvalidParameters(
                    f"user name {user!r}: only an enabled service account has service tokens. Create one with "
                    "`automation users add NAME --service`; persons use `automation login`."
                )
            token = _insert(connection, user, scope, label, by, now, now + _lifetime(ttl_s))
        self._report_new(token, now, by)
        return token

    def rotate(
        self, token_id: str, *, by: str, overlap_s: float = OVERLAP_S, ttl_s: float = LIFETIME_S
    ) -> NewServiceToken:
        """A new token of the same user and scope; the old one ends after `overlap_s` seconds, or earlier as it was."""
        if not 0 <= overlap_s <= LONGEST_S:
            raise InvalidParameters(f"overlap_s {overlap_s}: from 0 to {LONGEST_S:.0f} s.")
        now = self._core.now()
        with self._core.database.write() as connection:
            this = select(table).where(table.c.token_id == _plain(token_id)).with_for_update()
            old = connection.execute(this).one_or_none()
            if old is None or old.revoked_at is not None or old.expires_at <= now:
                raise InvalidParameters(
                    f"token {token_id[:80]!a}: it is unknown, revoked or expired. Create a new one."
                )
            end = min(old.expires_at, now + timedelta(seconds=overlap_s))
            connection.execute(update(table).where(table.c.token_id == token_id).values(expires_at=end))
            token = _insert(connection, old.user_name, scope_of(old.scope), old.label, by, now, now + _lifetime(ttl_s))
        self._core.report(
            "token.rotated", now, token.user, by=by, old=token_id, new=token.token_id, old_ends=end.isoformat()
        )
        return token

    def revoke(self, token_id: str, *, by: str) -> None:
        """Accept it no more. Twice is once; raises InvalidParameters for an unknown id."""
        now = self._core.now()
        with self._core.database.write() as connection:
            user = connection.execute(
                select(table.c.user_name).where(table.c.token_id == _plain(token_id))
            ).scalar_one_or_none()
            if user is None:
                raise InvalidParameters(
                    f"token {token_id[:80]!a}: there is none of that id. See `automation token list`."
                )
            connection.execute(
                update(table).where(table.c.token_id == token_id, table.c.revoked_at.is_(None)).values(revoked_at=now)
            )
        self._core.report("token.revoked", now, user, by=by, token_id=token_id)

    def list(self, user: str | None = None) -> list[ServiceToken]:
        """Tokens, newest first, the ended ones too."""
        query = select(table).order_by(table.c.created_at.desc(), table.c.token_id)
        if user is not None:
            query = query.where(table.c.user_name == user)
        with self._core.database.read() as connection:
            return [_token(row) for row in connection.execute(query)]

    def check(self, text: str, now: datetime) -> Principal:
        """The service account behind a token. Raises CredentialRefused with the reason for the audit."""
        if not has_checksum(text):
            raise refused("malformed")
        token_id = text[len(PREFIX) : len(PREFIX) + _ID_LENGTH]
        with self._core.database.read() as connection:
            row = connection.execute(select(table).where(table.c.token_id == token_id)).one_or_none()
            stored = bytes(row.secret_hash) if row is not None else bytes(32)
            if not hmac.compare_digest(stored, _digest(text)) or row is None:
                raise refused("forged")
            principal = _principal(connection, row, now)
        if row.last_used_at is None or now - row.last_used_at > _USE_STEP:
            with self._core.database.write() as connection:
                connection.execute(update(table).where(table.c.token_id == token_id).values(last_used_at=now))
        return principal

    def require_good(self, token_id: str, now: datetime) -> None:
        """Raise CredentialRefused when the token of this id is no longer good."""
        with self._core.database.read() as connection:
            row = connection.execute(select(table).where(table.c.token_id == token_id)).one_or_none()
            if row is None:
                raise refused("revoked")
            _principal(connection, row, now)

    def _report_new(self, token: NewServiceToken, now: datetime, by: str) -> None:
        expires = token.expires_at.isoformat()
        self._core.report("token.issued", now, token.user, by=by, token_id=token.token_id, expires_at=expires)


def has_checksum(text: str) -> bool:
    """True when `text` has the form of a service token and its checksum (CRC-32 in base 62) is right."""
    if not TOKEN_FORM.fullmatch(text):
        return False
    return text[-_CHECKSUM_LENGTH:] == _checksum(text[:-_CHECKSUM_LENGTH])


def scope_to_json(scope: Scope) -> dict[str, list[str]]:
    """The scope as it is stored."""
    return {name: sorted(getattr(scope, name)) for name in ("scripts", "environments", "actions")}


def scope_of(stored: Mapping[str, Any]) -> Scope:
    """The scope that was stored."""
    return Scope(*(frozenset(stored[name]) for name in ("scripts", "environments", "actions")))


def _principal(connection: Connection, token: Row[Any], now: datetime) -> Principal:
    if token.revoked_at is not None:
        raise refused("revoked", token.user_name)
    if token.expires_at <= now:
        raise refused("expired", token.user_name)
    user = standing.user_row(connection, token.user_name)
    if user is None or not user.enabled:
        raise refused("disabled", token.user_name)
    return standing.principal_of(
        connection, user, "service_token", token_id=token.token_id, scope=scope_of(token.scope)
    )


def _insert(
    connection: Connection, user: str, scope: Scope, label: str, by: str, now: datetime, end: datetime
) -> NewServiceToken:
    token_id, secret = _random(_ID_LENGTH), _random(_SECRET_LENGTH)
    text = f"{PREFIX}{token_id}_{secret}"
    text += _checksum(text)
    connection.execute(
        insert(table).values(
            token_id=token_id,
            user_name=user,
            secret_hash=_digest(text),
            label=label,
            scope=scope_to_json(scope),
            created_at=now,
            created_by=by,
            expires_at=end,
        )
    )
    return NewServiceToken(text, token_id, user, scope, end)


def _token(row: Row[Any]) -> ServiceToken:
    return ServiceToken(
        token_id=row.token_id,
        user=row.user_name,
        label=row.label,
        scope=scope_of(row.scope),
        created_at=row.created_at,
        created_by=row.created_by,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
    )


def _check_scope(scope: Scope) -> None:
    for what, values in (("scripts", scope.scripts), ("environments", scope.environments), ("actions", scope.actions)):
        if not values:
            raise InvalidParameters(f"scope: no {what}. Name them, or write '*' for all.")
    for name in scope.environments - {ANY}:
        checked_environment(name)
    for name in (scope.scripts | scope.actions) - {ANY}:
        checked_name(name, "scope")


def _plain(token_id: str) -> str:
    return token_id if is_plain(token_id) else ""


def _lifetime(ttl_s: float) -> timedelta:
    if not 0 < ttl_s <= LONGEST_S:
        raise InvalidParameters(f"ttl_s {ttl_s}: a service token lives for more than 0 s and at most 366 days.")
    return timedelta(seconds=ttl_s)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _random(length: int) -> str:
    return "".join(secrets.choice(_BASE62) for _ in range(length))


def _checksum(text: str) -> str:
    number, digits = zlib.crc32(text.encode()), ""
    for _ in range(_CHECKSUM_LENGTH):
        number, digit = divmod(number, 62)
        digits = _BASE62[digit] + digits
    return digits
