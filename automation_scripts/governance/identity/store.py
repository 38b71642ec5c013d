"""The identity store: all services behind one URL, and how a credential becomes a principal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from sqlalchemy import Row, update

from automation_scripts.errors import InvalidParameters
from automation_scripts.governance.identity import standing
from automation_scripts.governance.identity.attempts import SOURCE_LIMITS, USER_LIMITS, Attempts, Charge, Limits
from automation_scripts.governance.identity.bootstrap import Bootstrap, installation_id
from automation_scripts.governance.identity.core import Core
from automation_scripts.governance.identity.directory import Directory
from automation_scripts.governance.identity.external import ExternalIdentities
from automation_scripts.governance.identity.login_tokens import LoginTokens, refused
from automation_scripts.governance.identity.models import users
from automation_scripts.governance.identity.passkeys import Passkeys, RelyingParty
from automation_scripts.governance.identity.passwords import Cost, PasswordHashing, check_password
from automation_scripts.governance.identity.records import (
    BearerToken,
    Credential,
    EventHook,
    Kind,
    PasswordCredential,
    Principal,
    SecondFactor,
    ignore_event,
)
from automation_scripts.governance.identity.refusal import (
    NOT_ACCEPTED,
    CodeNeeded,
    CredentialRefused,
)
from automation_scripts.governance.identity.schema import SCHEMA, SUBJECT
from automation_scripts.governance.identity.second_factors import SecondFactors
from automation_scripts.governance.identity.service_tokens import PREFIX, ServiceTokens
from automation_scripts.governance.identity.signing_keys import SigningKeys
from automation_scripts.governance.identity.tickets import Tickets
from automation_scripts.governance.identity.totp import REFUSING, Sealing, Totp
from automation_scripts.governance.names import meant
from automation_scripts.storage.database import Database
from automation_scripts.storage.times import now as present


class IdentityStore:
    """Users and their credentials behind a URL; safe for threads and for several processes and hosts.

    Opening it creates or upgrades the schema. All methods are synchronous. Every method raises ConfigurationError when the
    database cannot be used.

    Attributes:
        directory: users, groups, roles.
        bootstrap: the first administrator.
        login_tokens, service_tokens, tickets: what stands for a login.
        totp, second_factors, passkeys: second factors.
        external: users of an identity provider (see `oidc` and `oidc_login`).
        attempts: limits on guessing.
    """

    def __init__(
        self,
        url: str,
        folder: Path,
        *,
        clock: Callable[[], datetime] = present,
        events: EventHook = ignore_event,
        sealing: Sealing = REFUSING,
        cost: Cost = Cost(),
        user_limits: Limits = USER_LIMITS,
        source_limits: Limits = SOURCE_LIMITS,
        busy_timeout_s: float = 10.0,
    ) -> None:
        """Open the store.

        Args:
            url: the database.
            folder: the state folder of this host, for the signing key and the bootstrap secret.
            clock: the time; it is not believed when it goes back.
            events: is told of each security event, after it happened.
            sealing: encryption of TOTP secrets at rest; without it none can be enrolled.
            cost: of a password hash.
            user_limits, source_limits: on failures of a user and from a source.
            busy_timeout_s: how long to wait for the database.
        """
        self.database = Database(url, SUBJECT, busy_timeout_s=busy_timeout_s, durable=True)
        SCHEMA.ensure(self.database)
        core = Core(self.database, clock, events)
        self._core = core
        self._hashing = PasswordHashing(cost)
        self.directory = Directory(core)
        self.bootstrap = Bootstrap(core, folder, self._hashing)
        self.attempts = Attempts(core, user_limits, source_limits)
        self.login_tokens = LoginTokens(core, SigningKeys(core, folder), f"urn:automation:{installation_id(core)}")
        self.service_tokens = ServiceTokens(core)
        self.tickets = Tickets(core, self.login_tokens, self.service_tokens)
        self.totp = Totp(core, sealing)
        self.second_factors = SecondFactors(core, self.totp, self.attempts)
        self.passkeys = Passkeys(core)
        self.external = ExternalIdentities(core, self.directory)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the pooled connections."""
        self.database.dispose()

    def authenticate(self, credential: Credential, *, source: str) -> Principal:
        """Who brings this credential, with the roles of this moment.

        Args:
            credential: name and password, or a login or service token.
            source: where it comes from, such as an address; failures are counted for it.

        Raises:
            CredentialRefused: one text for all causes; the true `reason` is for the audit.
            CodeNeeded: the password is right and a one-time or recovery code is missing (a MfaRequired).
        """
        now = self._core.now()
        if isinstance(credential, BearerToken):
            return self._by_token(credential.text, source, now)
        return self._by_password(credential, source, now)

    def verify_second_factor(self, principal: Principal, code: str, source: str) -> SecondFactor:
        """Use up a one-time or recovery code at the moment of a critical action.

        Raises CredentialRefused; the reason is `wrong_code`, `replayed`, `not_enrolled` or `locked`.
        """
        if principal.kind != Kind.PERSON:
            raise CredentialRefused("A service account has no second factor: ask a person to do this.", "not_enrolled")
        return self.second_factors.check(principal.name, code, source, self._core.now())

    def authenticate_code(self, user: str, code: str, *, source: str) -> Principal:
        """Who gives this one-time or recovery code, where there is no place for a password.

        For the form that the Prefect UI shows while a run waits: what is typed there is stored in clear, which harms only
        what can be used again. Raises CredentialRefused.
        """
        now = self._core.now()
        name = meant(user) or user[:64]
        self.second_factors.check(name, code, source, now, message=NOT_ACCEPTED)
        with self.database.read() as connection:
            row = standing.existing_user(connection, name)
            if not row.enabled:
                raise CredentialRefused(NOT_ACCEPTED, "disabled")
            principal = standing.principal_of(connection, row, "code", methods=("otp",), mfa_at=now)
        self._core.report("login.succeeded", now, name, source=source, authentication="code")
        return principal

    def authenticate_passkey(self, response: str, party: RelyingParty, *, source: str) -> Principal:
        """Who signed this WebAuthn response, without a password: possession and user verification are two factors.

        Raises CredentialRefused.
        """
        now = self._core.now()
        name = self.passkeys.verify(response, party, user=None, source=source)
        with self.database.read() as connection:
            row = standing.existing_user(connection, name)
            principal = standing.principal_of(connection, row, "webauthn", methods=("hwk", "user", "mfa"), mfa_at=now)
        self._core.report("login.succeeded", now, name, source=source, authentication="webauthn")
        return principal

    def verify_passkey(self, principal: Principal, response: str, party: RelyingParty, source: str) -> SecondFactor:
        """Accept a security key as the second factor of a critical action. Raises CredentialRefused."""
        self.passkeys.verify(response, party, user=principal.name, source=source)
        return SecondFactor("webauthn", self._core.now())

    def set_password(self, name: str, password: str, *, by: str) -> None:
        """Give a person a new password; all login tokens and tickets of the user end.

        Whoever changes his own is to prove the old one before. Raises InvalidParameters for a service account, an unknown
        user or a bad password.
        """
        check_password(password, user=name)
        with self.database.read() as connection:
            if standing.existing_user(connection, name).kind != Kind.PERSON:
                raise InvalidParameters(
                    f"user name {name!r}: a service account has no password. Give it a service token."
                )
        stored = self._hashing.hash(password)
        with self.database.write() as connection:
            changed = {"password_hash": stored, "generation": users.c.generation + 1}
            connection.execute(update(users).where(users.c.name == name).values(**changed))
        self._core.report("password.changed", self._core.now(), name, by=by)

    def unlock(self, name: str, *, by: str) -> None:
        """Forget the user's failures, so that he may try again at once."""
        self.directory.get(name)
        self.attempts.unlock(name)
        self._core.report("account.unlocked", self._core.now(), name, by=by)

    def now(self) -> datetime:
        """The time that decides here: see `Core.now`."""
        return self._core.now()

    def reset_clock(self, *, by: str) -> datetime:
        """See `Core.reset_clock`."""
        return self._core.reset_clock(by=by)

    def _by_password(self, credential: PasswordCredential, source: str, now: datetime) -> Principal:
        name = meant(credential.user)
        claimed = name or ascii(credential.user[:64])
        charge = self._charged(name, claimed, source, now)
        try:
            row = self._checked_password(name, credential.password)
        except CredentialRefused as refusal:
            self._failed(claimed, source, now, refusal.reason)
            if charge.locks:
                self._core.report("account.locked", now, claimed, source=source, what="password")
            raise
        self.attempts.succeeded(charge)
        try:
            return self._completed(row, credential, source, now)
        except (CredentialRefused, CodeNeeded) as refusal:
            self._failed(claimed, source, now, refusal.reason)
            raise

    def _charged(self, name: str | None, claimed: str, source: str, now: datetime) -> Charge:
        try:
            return self.attempts.begin("password", name, source, now)
        except CredentialRefused as refusal:
            self._failed(claimed, source, now, refusal.reason)
            raise

    def _checked_password(self, name: str | None, password: str) -> Row[Any]:
        """The user's row. The same work is done for every name, so the time taken tells nothing."""
        with self.database.read() as connection:
            row = standing.user_row(connection, name)
        stored = row.password_hash if row is not None else None
        right = self._hashing.verify(stored, password)
        if row is None:
            raise CredentialRefused(NOT_ACCEPTED, "unknown_user")
        if not right or stored is None:
            raise CredentialRefused(NOT_ACCEPTED, "wrong_password" if stored else "no_password")
        if not row.enabled:
            raise CredentialRefused(NOT_ACCEPTED, "disabled")
        if self._hashing.outdated(stored):
            self._rehash(row.name, stored, password)
        return row

    def _rehash(self, name: str, stored: str, password: str) -> None:
        fresh = self._hashing.hash(password)
        with self.database.write() as connection:
            same = update(users).where(users.c.name == name, users.c.password_hash == stored)
            connection.execute(same.values(password_hash=fresh))

    def _completed(self, row: Row[Any], credential: PasswordCredential, source: str, now: datetime) -> Principal:
        with self.database.read() as connection:
            factors = standing.second_factors(connection, row.name)
        methods: tuple[str, ...] = ("pwd",)
        authentication, mfa_at = "password", None
        if factors:
            if not credential.code:
                raise CodeNeeded(
                    "A second factor is needed: give the code that your app shows, or a recovery code (--otp)."
                )
            factor = self.second_factors.check(row.name, credential.code, source, now, message=NOT_ACCEPTED)
            authentication, mfa_at = f"password+{factor.method}", factor.at
            methods = ("pwd", "otp" if factor.method == "totp" else "kba", "mfa")
        with self.database.read() as connection:
            principal = standing.principal_of(connection, row, authentication, methods=methods, mfa_at=mfa_at)
        self._core.report("login.succeeded", now, row.name, source=source, authentication=authentication)
        return principal

    def _by_token(self, text: str, source: str, now: datetime) -> Principal:
        try:
            if text.startswith(PREFIX):
                return self.service_tokens.check(text, now)
            return self._by_login_token(text, now)
        except CredentialRefused as refusal:
            self._failed(refusal.user, source, now, refusal.reason)
            raise

    def _by_login_token(self, text: str, now: datetime) -> Principal:
        claims = self.login_tokens.check(text, now)
        self.login_tokens.require_current(claims.user, claims.generation)
        with self.database.read() as connection:
            row = standing.user_row(connection, claims.user)
            if row is None:
                raise refused("unknown_user")
            return standing.principal_of(
                connection,
                row,
                "login_token",
                methods=claims.methods,
                mfa_at=claims.mfa_at,
                token_id=claims.token_id,
            )

    def _failed(self, user: str, source: str, now: datetime, reason: str) -> None:
        self._core.report("login.failed", now, user, source=source, reason=reason)
