"""Users who prove themselves to an identity provider: which of ours they are, and in which groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, delete, exc, insert, select

from automation_scripts.errors import InvalidParameters
from automation_scripts.governance.identity import standing
from automation_scripts.governance.identity.core import Core
from automation_scripts.governance.identity.directory import Directory, insert_user
from automation_scripts.governance.identity.models import external_identities as table
from automation_scripts.governance.identity.records import Kind, Principal
from automation_scripts.governance.identity.refusal import SIGN_ON_NOT_ACCEPTED, CredentialRefused
from automation_scripts.governance.names import is_plain, meant


@dataclass(frozen=True, slots=True)
class ExternalIdentity:
    """What a provider said of somebody, verified."""

    issuer: str
    subject: str
    """Never given to anyone else by the issuer, unlike names and addresses."""
    name: str
    display_name: str = ""
    email: str = ""
    """Empty unless the provider has verified it."""
    groups: frozenset[str] = frozenset()
    """In the provider's words."""
    mfa_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class GroupMap:
    """What the provider's groups mean here."""

    groups: Mapping[str, str] = field(default_factory=dict)
    """Theirs to ours. Membership of ours that are named here follows the provider at each login; others are left alone."""
    provision: bool = False
    """Create a user for who is new. Otherwise an administrator links each one."""


class ExternalIdentities:
    """Links between (issuer, subject) and users.

    They are never guessed from a name or an address: who can choose his name at the provider would become any user.
    """

    def __init__(self, core: Core, directory: Directory) -> None:
        self._core = core
        self._directory = directory

    def link(self, user: str, issuer: str, subject: str, *, by: str) -> None:
        """Let this identity log in as this user. Raises InvalidParameters when either is linked already."""
        if not (is_plain(issuer) and is_plain(subject) and subject):
            raise InvalidParameters(f"issuer {issuer[:80]!a}, subject {subject[:80]!a}: not printable ASCII.")
        try:
            with self._core.database.write() as connection:
                row = standing.existing_user(connection, user)
                if row.kind != Kind.PERSON:
                    raise InvalidParameters(f"user name {user!r}: a service account does not sign on.")
                connection.execute(insert(table).values(issuer=issuer, subject=subject, user_name=user))
        except exc.IntegrityError as error:
            raise InvalidParameters(
                f"user name {user!r}, subject {subject!r}: one of them is linked already. Unlink it first."
            ) from error
        self._core.report("external.linked", self._core.now(), user, by=by, issuer=issuer, subject=subject)

    def unlink(self, user: str, issuer: str, *, by: str) -> None:
        """Let the identity of this issuer log in as the user no more. Raises InvalidParameters when there is none."""
        with self._core.database.write() as connection:
            this = delete(table).where(table.c.user_name == user, table.c.issuer == issuer)
            if connection.execute(this).rowcount != 1:
                raise InvalidParameters(f"user name {user!r}: no identity of {issuer} is linked.")
        self._core.report("external.unlinked", self._core.now(), user, by=by, issuer=issuer)

    def authenticate(self, identity: ExternalIdentity, rules: GroupMap, *, source: str) -> Principal:
        """The user behind a verified identity. Raises CredentialRefused: `not_linked`, `bad_name`, `name_taken`, `disabled`."""
        now = self._core.now()
        try:
            user = self._user(identity, rules, now)
        except CredentialRefused as refusal:
            self._core.report("login.failed", now, ascii(identity.name[:64]), source=source, reason=refusal.reason)
            raise
        ours = {rules.groups[theirs] for theirs in identity.groups if theirs in rules.groups}
        self._directory.set_groups(user, ours, by=identity.issuer, among=rules.groups.values())
        with self._core.database.read() as connection:
            row = standing.existing_user(connection, user)
            methods = ("fed",) if identity.mfa_at is None else ("fed", "mfa")
            principal = standing.principal_of(connection, row, "oidc", methods=methods, mfa_at=identity.mfa_at)
        self._core.report("login.succeeded", now, user, source=source, authentication="oidc")
        return principal

    def _user(self, identity: ExternalIdentity, rules: GroupMap, now: datetime) -> str:
        with self._core.database.read() as connection:
            linked = _linked(connection, identity)
            row = standing.user_row(connection, linked)
        if linked is None:
            return self._provision(identity, rules, now)
        if row is None or not row.enabled:
            raise _refused("disabled")
        return linked

    def _provision(self, identity: ExternalIdentity, rules: GroupMap, now: datetime) -> str:
        if not rules.provision:
            raise _refused("not_linked")
        name = meant(identity.name)
        if name is None:
            raise _refused("bad_name")
        try:
            with self._core.database.write() as connection:
                insert_user(connection, name, now, display_name=identity.display_name, email=identity.email)
                connection.execute(
                    insert(table).values(issuer=identity.issuer, subject=identity.subject, user_name=name)
                )
        except exc.IntegrityError as error:  # an existing user is never taken over
            raise _refused("name_taken") from error
        self._core.report("user.created", now, name, by=identity.issuer, user_kind="person", subject=identity.subject)
        return name


def _linked(connection: Connection, identity: ExternalIdentity) -> str | None:
    this = select(table.c.user_name).where(table.c.issuer == identity.issuer, table.c.subject == identity.subject)
    return connection.execute(this).scalar_one_or_none()


def _refused(reason: str) -> CredentialRefused:
    return CredentialRefused(SIGN_ON_NOT_ACCEPTED, reason)
