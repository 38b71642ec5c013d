"""The tables of the identity store, as SQLAlchemy Core.

Their names begin with `identity_`, since other parts of the library share the database. No secret lies here in clear:
passwords as argon2id, high-entropy secrets as SHA-256, TOTP secrets sealed.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    UniqueConstraint,
)

from automation_scripts.storage.columns import IDENTIFIER, CleanText, UtcDateTime

metadata = MetaData()


def _user(**options: bool) -> Column[str]:
    return Column("user_name", IDENTIFIER, ForeignKey("identity_users.name"), **options)  # type: ignore[arg-type]


facts = Table(  # single values: the installation's id, the first administrator, the hash of the bootstrap secret
    "identity_facts",
    metadata,
    Column("name", IDENTIFIER, primary_key=True),
    Column("value", CleanText, nullable=False),
)

clock = Table(  # one row: the highest time that any process has seen
    "identity_clock",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("highest", UtcDateTime, nullable=False),
)

users = Table(
    "identity_users",
    metadata,
    Column("name", IDENTIFIER, primary_key=True),
    Column("kind", CleanText, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("display_name", CleanText, nullable=False),
    Column("email", CleanText, nullable=False),
    Column("slack_id", CleanText, nullable=False),
    Column("password_hash", CleanText),
    Column("generation", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)
Index(
    "ix_identity_users_slack_id",
    users.c.slack_id,
    unique=True,
    sqlite_where=users.c.slack_id != "",
    postgresql_where=users.c.slack_id != "",
)

groups = Table(
    "identity_groups",
    metadata,
    Column("name", IDENTIFIER, primary_key=True),
    Column("created_at", UtcDateTime, nullable=False),
)

members = Table(
    "identity_members",
    metadata,
    _user(primary_key=True),
    Column("group_name", IDENTIFIER, ForeignKey("identity_groups.name", ondelete="CASCADE"), primary_key=True),
)

user_roles = Table(
    "identity_user_roles",
    metadata,
    _user(primary_key=True),
    Column("role", IDENTIFIER, primary_key=True),
    Column("environment", IDENTIFIER, primary_key=True),  # empty: all of them
)

group_roles = Table(
    "identity_group_roles",
    metadata,
    Column("group_name", IDENTIFIER, ForeignKey("identity_groups.name", ondelete="CASCADE"), primary_key=True),
    Column("role", IDENTIFIER, primary_key=True),
    Column("environment", IDENTIFIER, primary_key=True),
)

attempts = Table(
    "identity_attempts",
    metadata,
    Column("key", IDENTIFIER, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("locks", Integer, nullable=False),
    Column("last_at", UtcDateTime, nullable=False),
    Column("blocked_until", UtcDateTime),
)
Index("ix_identity_attempts_last_at", attempts.c.last_at)

verification_keys = Table(  # public keys; the private one lies in a file of the host that signs
    "identity_verification_keys",
    metadata,
    Column("kid", IDENTIFIER, primary_key=True),
    Column("public_key", LargeBinary, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("accepted_until", UtcDateTime),  # empty: in use
)

revoked_tokens = Table(
    "identity_revoked_tokens",
    metadata,
    Column("token_id", IDENTIFIER, primary_key=True),
    Column("expires_at", UtcDateTime, nullable=False),
)

service_tokens = Table(
    "identity_service_tokens",
    metadata,
    Column("token_id", IDENTIFIER, primary_key=True),
    _user(nullable=False),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("label", CleanText, nullable=False),
    Column("scope", JSON, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", CleanText, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("revoked_at", UtcDateTime),
    Column("last_used_at", UtcDateTime),
)

totp = Table(
    "identity_totp",
    metadata,
    _user(primary_key=True),
    Column("secret", LargeBinary),  # empty until the first code confirmed it
    Column("pending", LargeBinary),
    Column("last_step", BigInteger, nullable=False),
)

recovery_codes = Table(
    "identity_recovery_codes",
    metadata,
    _user(primary_key=True),
    Column("code_hash", LargeBinary, primary_key=True),
    Column("used_at", UtcDateTime),
)

passkeys = Table(
    "identity_passkeys",
    metadata,
    Column("credential_id", IDENTIFIER, primary_key=True),
    _user(nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("label", CleanText, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("last_used_at", UtcDateTime),
)
Index("ix_identity_passkeys_user_name", passkeys.c.user_name)

challenges = Table(
    "identity_challenges",
    metadata,
    Column("challenge", LargeBinary, primary_key=True),
    Column("purpose", CleanText, nullable=False),
    Column("user_name", IDENTIFIER),  # empty: whoever answers
    Column("expires_at", UtcDateTime, nullable=False),
)

tickets = Table(
    "identity_tickets",
    metadata,
    Column("secret_hash", LargeBinary, primary_key=True),
    _user(nullable=False),
    Column("binding_hash", CleanText, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("methods", JSON, nullable=False),
    Column("mfa_at", UtcDateTime),
    Column("token_id", CleanText),
    Column("scope", JSON(none_as_null=True)),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("redeemed_at", UtcDateTime),
)

external_identities = Table(
    "identity_external",
    metadata,
    Column("issuer", IDENTIFIER, primary_key=True),
    Column("subject", IDENTIFIER, primary_key=True),
    _user(nullable=False),
    UniqueConstraint("issuer", "user_name", name="uq_identity_external_user"),
)
