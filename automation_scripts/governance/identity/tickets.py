"""Run tickets: how a run that a worker starts later proves who asked for it, without holding the token."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select, update

from automation_scripts.errors import InvalidParameters
from automation_scripts.governance.identity import standing
from automation_scripts.governance.identity.core import Core
from automation_scripts.governance.identity.login_tokens import LoginTokens
from automation_scripts.governance.identity.models import tickets as table
from automation_scripts.governance.identity.records import Principal, SecondFactor
from automation_scripts.governance.identity.refusal import TICKET_NOT_ACCEPTED, CredentialRefused
from automation_scripts.governance.identity.service_tokens import ServiceTokens, scope_of, scope_to_json
from automation_scripts.governance.names import is_plain

PREFIX = "ticket_"
LIFETIME_S = 300.0
LONGEST_S = 86400.0
_FORM = re.compile(r"ticket_[0-9A-Za-z_-]{43}")
_KEEP = timedelta(days=7)  # so that a second use is told from an unknown ticket


class Tickets:
    """Single-use, short-lived, and good for exactly one request."""

    def __init__(self, core: Core, login_tokens: LoginTokens, service_tokens: ServiceTokens) -> None:
        self._core = core
        self._login_tokens = login_tokens
        self._service_tokens = service_tokens

    def issue(
        self,
        principal: Principal,
        second_factor: SecondFactor | None,
        binding_hash: str,
        *,
        ttl_s: float = LIFETIME_S,
    ) -> str:
        """`ticket_…` for one request of this principal; it is shown once and stored as a hash.

        Args:
            principal: who asks; not from a ticket.
            second_factor: the one given for this request, if any.
            binding_hash: a hash of the exact request, in hex, of 32 characters at least.
            ttl_s: over 0 and up to a day.
        """
        if not 0 < ttl_s <= LONGEST_S or len(binding_hash) < 32 or not is_plain(binding_hash):
            raise InvalidParameters(
                f"run ticket: ttl_s is {ttl_s} (over 0, up to {LONGEST_S:.0f} s), and its binding has {len(binding_hash)} "
                "characters (32 at least, in hex: a hash of the request)."
            )
        if principal.authentication == "ticket":
            raise InvalidParameters("run ticket: a run that was started by one cannot hand out another.")
        now = self._core.now()
        mfa_at = second_factor.at if second_factor is not None else principal.mfa_at
        text = PREFIX + secrets.token_urlsafe(32)
        with self._core.database.write() as connection:
            connection.execute(delete(table).where(table.c.expires_at < now - _KEEP))
            connection.execute(
                insert(table).values(
                    secret_hash=_digest(text),
                    user_name=principal.name,
                    binding_hash=binding_hash,
                    generation=principal.generation,
                    methods=list(principal.methods),
                    mfa_at=mfa_at,
                    token_id=principal.token_id,
                    scope=scope_to_json(principal.scope) if principal.scope is not None else None,
                    expires_at=now + timedelta(seconds=ttl_s),
                )
            )
        self._core.report("ticket.issued", now, principal.name, by=principal.name, binding=binding_hash)
        return text

    def redeem(self, text: str, binding_hash: str) -> Principal:
        """Who asked for the request of this hash, with the roles of now. Good once, in whichever process comes first.

        A ticket that is brought with another request stays good for its own. Raises CredentialRefused; the reason is
        `unknown_ticket`, `replayed`, `expired`, `wrong_binding`, `revoked` or `disabled`.
        """
        now = self._core.now()
        try:
            principal = self._redeem(text, binding_hash, now)
        except CredentialRefused as refusal:
            self._core.report("ticket.refused", now, "", reason=refusal.reason, binding=binding_hash)
            raise CredentialRefused(TICKET_NOT_ACCEPTED, refusal.reason) from refusal
        self._core.report("ticket.redeemed", now, principal.name, binding=binding_hash)
        return principal

    def _redeem(self, text: str, binding_hash: str, now: datetime) -> Principal:
        if not _FORM.fullmatch(text):
            raise _refused("unknown_ticket")
        digest = _digest(text)
        with self._core.database.read() as connection:
            row = connection.execute(select(table).where(table.c.secret_hash == digest)).one_or_none()
        if row is None:
            raise _refused("unknown_ticket")
        if not hmac.compare_digest(row.binding_hash.encode(), binding_hash.encode("utf-8", "surrogatepass")):
            raise _refused("wrong_binding")
        if row.redeemed_at is not None:
            raise _refused("replayed")
        if row.expires_at <= now:
            raise _refused("expired")
        self._login_tokens.require_current(row.user_name, row.generation)
        if row.scope is not None:
            self._service_tokens.require_good(row.token_id, now)
        elif row.token_id is not None and self._login_tokens.is_revoked(row.token_id):
            raise _refused("revoked")
        with self._core.database.write() as connection:
            once = update(table).where(table.c.secret_hash == digest, table.c.redeemed_at.is_(None))
            if connection.execute(once.values(redeemed_at=now)).rowcount != 1:
                raise _refused("replayed")
            user = standing.existing_user(connection, row.user_name)
            return standing.principal_of(
                connection,
                user,
                "ticket",
                methods=tuple(row.methods),
                mfa_at=row.mfa_at,
                token_id=row.token_id,
                scope=scope_of(row.scope) if row.scope is not None else None,
            )


def _refused(reason: str) -> CredentialRefused:
    return CredentialRefused(TICKET_NOT_ACCEPTED, reason)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
