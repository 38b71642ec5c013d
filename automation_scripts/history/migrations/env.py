"""Alembic's entry into the migrations; `history.schema` runs it on a connection that is in a transaction.

A new migration is a file in `versions/` that names the one before it in `down_revision`, creates what it
needs with literal types (never from `models`, which move on), and raises `schema.HEAD`.
"""

from alembic import context

from automation_scripts.history.models import metadata
from automation_scripts.history.schema import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
