"""The schema of the run history: a check that costs one query, and the upgrade when it is due."""

from __future__ import annotations

import threading
from pathlib import Path

from sqlalchemy import Connection, exc, text

from automation_scripts.errors import HistoryUnavailable
from automation_scripts.history.database import Database

HEAD = "0001"
"""The newest revision; a test holds it equal to what the migrations folder says."""
VERSION_TABLE = "history_version"
"""Not Alembic's default name: the database may be shared with Prefect, which uses that one."""
MIGRATIONS = Path(__file__).parent / "migrations"

_LOCK = 0x6175746F_00000001  # "auto": the namespace of this package's advisory locks
_one_at_a_time = threading.Lock()  # Alembic keeps its context in module globals


def ensure_schema(database: Database) -> None:
    """Bring the schema to `HEAD`. Importing Alembic costs 0.25 s, so it happens only when there is work.

    Several processes may start at once on an empty database: the first one migrates, the others wait for its
    transaction and then find the work done. A migration that fails leaves the schema as it was. Raises
    HistoryUnavailable when the database was written by a newer version of this package.
    """
    with database.read() as connection:
        if _version(connection) == HEAD:
            return
    with _one_at_a_time, database.write(lock=_LOCK) as connection:
        found = _version(connection)
        if found != HEAD:
            _upgrade(connection, found, database.place)


def _version(connection: Connection) -> str | None:
    """The stored revision; None for a database without a history. A savepoint makes a no harmless."""
    try:
        with connection.begin_nested():
            return connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608
    except exc.DBAPIError as error:
        missing = "no such table" in str(error.orig) or getattr(error.orig, "sqlstate", "") == "42P01"
        if missing:
            return None
        raise


def _upgrade(connection: Connection, found: str | None, place: str) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise HistoryUnavailable(
            f"The run history {place} was written by a newer version of automation_scripts: its schema is "
            f"{found}, this version knows {HEAD} at most. Upgrade the package, or use another history URL."
        )
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
