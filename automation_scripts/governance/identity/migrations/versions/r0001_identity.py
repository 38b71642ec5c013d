"""Users, roles, credentials and what is known of attempts to use them.

Revision ID: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None
branch_labels = None
depends_on = None

_IDENTIFIER = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_TIME = sa.DateTime(timezone=True)


def _user(**options: bool) -> sa.Column[str]:
    return sa.Column("user_name", _IDENTIFIER, sa.ForeignKey("identity_users.name"), **options)  # type: ignore[arg-type]


def _group() -> sa.Column[str]:
    reference = sa.ForeignKey("identity_groups.name", ondelete="CASCADE")
    return sa.Column("group_name", _IDENTIFIER, reference, primary_key=True)


def upgrade() -> None:
    """Create the tables."""
    _create_installation()
    _create_directory()
    _create_tokens()
    _create_second_factors()


def _create_installation() -> None:
    op.create_table(
        "identity_facts",
        sa.Column("name", _IDENTIFIER, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.create_table(
        "identity_clock",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("highest", _TIME, nullable=False),
    )
    op.create_table(
        "identity_attempts",
        sa.Column("key", _IDENTIFIER, primary_key=True),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("locks", sa.Integer, nullable=False),
        sa.Column("last_at", _TIME, nullable=False),
        sa.Column("blocked_until", _TIME),
    )
    op.create_index("ix_identity_attempts_last_at", "identity_attempts", ["last_at"])


def _create_directory() -> None:
    op.create_table(
        "identity_users",
        sa.Column("name", _IDENTIFIER, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("display_name", sa.Text, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("slack_id", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
    )
    given = sa.text("slack_id != ''")
    op.create_index(
        "ix_identity_users_slack_id",
        "identity_users",
        ["slack_id"],
        unique=True,
        sqlite_where=given,
        postgresql_where=given,
    )
    op.create_table(
        "identity_groups",
        sa.Column("name", _IDENTIFIER, primary_key=True),
        sa.Column("created_at", _TIME, nullable=False),
    )
    op.create_table("identity_members", _user(primary_key=True), _group())
    op.create_table(
        "identity_user_roles",
        _user(primary_key=True),
        sa.Column("role", _IDENTIFIER, primary_key=True),
        sa.Column("environment", _IDENTIFIER, primary_key=True),
    )
    op.create_table(
        "identity_group_roles",
        _group(),
        sa.Column("role", _IDENTIFIER, primary_key=True),
        sa.Column("environment", _IDENTIFIER, primary_key=True),
    )
    op.create_table(
        "identity_external",
        sa.Column("issuer", _IDENTIFIER, primary_key=True),
        sa.Column("subject", _IDENTIFIER, primary_key=True),
        _user(nullable=False),
        sa.UniqueConstraint("issuer", "user_name", name="uq_identity_external_user"),
    )


def _create_tokens() -> None:
    op.create_table(
        "identity_verification_keys",
        sa.Column("kid", _IDENTIFIER, primary_key=True),
        sa.Column("public_key", sa.LargeBinary, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("accepted_until", _TIME),
    )
    op.create_table(
        "identity_revoked_tokens",
        sa.Column("token_id", _IDENTIFIER, primary_key=True),
        sa.Column("expires_at", _TIME, nullable=False),
    )
    op.create_table(
        "identity_service_tokens",
        sa.Column("token_id", _IDENTIFIER, primary_key=True),
        _user(nullable=False),
        sa.Column("secret_hash", sa.LargeBinary, nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("scope", sa.JSON, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("revoked_at", _TIME),
        sa.Column("last_used_at", _TIME),
    )
    op.create_table(
        "identity_tickets",
        sa.Column("secret_hash", sa.LargeBinary, primary_key=True),
        _user(nullable=False),
        sa.Column("binding_hash", sa.Text, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("methods", sa.JSON, nullable=False),
        sa.Column("mfa_at", _TIME),
        sa.Column("token_id", sa.Text),
        sa.Column("scope", sa.JSON),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("redeemed_at", _TIME),
    )


def _create_second_factors() -> None:
    op.create_table(
        "identity_totp",
        _user(primary_key=True),
        sa.Column("secret", sa.LargeBinary),
        sa.Column("pending", sa.LargeBinary),
        sa.Column("last_step", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "identity_recovery_codes",
        _user(primary_key=True),
        sa.Column("code_hash", sa.LargeBinary, primary_key=True),
        sa.Column("used_at", _TIME),
    )
    op.create_table(
        "identity_passkeys",
        sa.Column("credential_id", _IDENTIFIER, primary_key=True),
        _user(nullable=False),
        sa.Column("public_key", sa.LargeBinary, nullable=False),
        sa.Column("sign_count", sa.BigInteger, nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("last_used_at", _TIME),
    )
    op.create_index("ix_identity_passkeys_user_name", "identity_passkeys", ["user_name"])
    op.create_table(
        "identity_challenges",
        sa.Column("challenge", sa.LargeBinary, primary_key=True),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("user_name", _IDENTIFIER),
        sa.Column("expires_at", _TIME, nullable=False),
    )


def downgrade() -> None:
    """Drop them, and every user with them."""
    for table in (
        "challenges",
        "passkeys",
        "recovery_codes",
        "totp",
        "tickets",
        "service_tokens",
        "revoked_tokens",
        "verification_keys",
        "external",
        "group_roles",
        "user_roles",
        "members",
        "groups",
        "users",
        "attempts",
        "clock",
        "facts",
    ):
        op.drop_table(f"identity_{table}")
