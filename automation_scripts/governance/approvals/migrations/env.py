"""Alembic's entry into the migrations; `storage.schema` runs it on a connection that is in a transaction.

A new migration is a file in `versions/` that names the one before it in `down_revision`, creates what it
needs with literal types (never from `models`, which move on), and raises `approvals.schema.SCHEMA.head`.
"""

from alembic import context

context.config.attributes["schema"].run_migrations()
