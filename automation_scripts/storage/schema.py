"""The schema of a database: a check that costs one query, and the upgrade when it is due."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, MetaData, exc, text

from automation_scripts.storage.database import Database

_LOCKS = 0x6175746F_00000000  # "auto": the namespace of this package's advisory locks
_one_at_a_time = threading.Lock()  # Alembic keeps its context in module globals


@dataclass(frozen=True, slots=True)
class Schema:
    """The tables of one part of the library and their migrations.

    Several parts may share a database, each with a version table of its own. None has Alembic's default name,
    which Prefect uses.
    """

    head: str
    """The newest revision; a test holds it equal to what the migrations folder says."""
    version_table: str
    migrations: Path
    metadata: MetaData
    lock: int
    """Tells this schema's advisory lock from those of the others: 1 to 255."""

    def ensure(self, database: Database) -> None:
        """Bring the schema to `head`. Importing Alembic costs 0.25 s, so it happens only when there is work.

        Several processes may start at once on an empty database: the first one migrates, the others wait for its
        transaction and then find the work done. A migration that fails leaves the schema as it was. Raises
        the subject's error when the database was written by a newer version of this package.
        """
        with database.read() as connection:
            if self.version(connection) == self.head:
                return
        with _one_at_a_time, database.write(lock=_LOCKS + self.lock) as connection:
            found = self.version(connection)
            if found != self.head:
                self._upgrade(connection, found, database)

    def version(self, connection: Connection) -> str | None:
        """The stored revision; None for a database without these tables. A savepoint makes a no harmless."""
        try:
            with connection.begin_nested():
                return connection.execute(text(f"SELECT version_num FROM {self.version_table}")).scalar()  # noqa: S608
        except exc.DBAPIError as error:
            missing = "no such table" in str(error.orig) or getattr(error.orig, "sqlstate", "") == "42P01"
            if missing:
                return None
            raise

    def _upgrade(self, connection: Connection, found: str | None, database: Database) -> None:
        from alembic import command
        from alembic.config import Config
        from alembic.script import ScriptDirectory

        config = Config()
        config.set_main_option("script_location", str(self.migrations).replace("%", "%%"))
        known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
        if found is not None and found not in known:
            subject = database.subject
            raise subject.error(
                f"The {subject.name} {database.place} was written by a newer version of automation_scripts: its schema "
                f"is {found}, this version knows {self.head} at most. Upgrade the package, or use another "
                f"{subject.setting}."
            )
        config.attributes["connection"] = connection
        config.attributes["schema"] = self
        command.upgrade(config, "head")

    def run_migrations(self) -> None:
        """What each migrations folder's `env.py` calls, inside Alembic."""
        from alembic import context

        context.configure(
            connection=context.config.attributes["connection"],
            target_metadata=self.metadata,
            version_table=self.version_table,
            render_as_batch=True,
        )
        with context.begin_transaction():
            context.run_migrations()
