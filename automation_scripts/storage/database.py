"""One database: SQLite (WAL) or PostgreSQL, with errors that a person can act on."""

from __future__ import annotations

import os
import re
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, exc, func, make_url, select

from automation_scripts.errors import ConfigurationError
from automation_scripts.storage.encoding import to_json
from automation_scripts.storage.failures import explain
from automation_scripts.storage.subject import RUN_HISTORY, Subject

_WRITE = "automation_write"
_POSTGRES = frozenset({"postgresql", "postgresql+psycopg", "postgresql+asyncpg", "postgresql+psycopg2"})


class Database:
    """A pool of connections, safe for threads and forks. It waits `busy_timeout_s` for a lock.

    Args:
        url: where it lies.
        subject: what it holds, for the messages.
        busy_timeout_s: how long to wait for a lock, in seconds.
        durable: a commit is on the disk when it returns. Without it, SQLite may lose the last commits when the
            machine (not the process) dies; the file stays whole.
    """

    def __init__(
        self, url: str, subject: Subject = RUN_HISTORY, *, busy_timeout_s: float = 10.0, durable: bool = False
    ) -> None:
        self.subject = subject
        self.durable = durable
        self.url = parse_url(url, subject)
        self.busy_timeout_s = busy_timeout_s
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        with self.explained():
            self.engine = self._open_sqlite() if self.is_sqlite else self._open_postgres()
        _forget_after_fork(self.engine)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection to read from."""
        with self.explained(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self, lock: int | None = None) -> Iterator[Connection]:
        """A transaction that is committed at the end, or rolled back when the block raises.

        SQLite takes its one write lock at once (BEGIN IMMEDIATE): a transaction that begins by reading and
        then turns to writing would fail whenever another wrote in between. PostgreSQL takes the advisory
        lock `lock`, when given, until the commit.
        """
        with self.explained(), self.engine.connect() as pooled:
            connection = pooled.execution_options(**{_WRITE: True})
            with connection.begin():
                if lock is not None and not self.is_sqlite:
                    connection.execute(select(func.pg_advisory_xact_lock(lock)))
                yield connection

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turn what the driver raises into the subject's error; a broken constraint is left to the caller."""
        try:
            yield
        except exc.IntegrityError:
            raise
        except (exc.DBAPIError, exc.TimeoutError, OSError) as error:
            raise self.subject.error(explain(error, self.place, self.busy_timeout_s, self.subject)) from error

    @property
    def place(self) -> str:
        """Where it lies: the file, or the URL without its password."""
        if self.is_sqlite:
            return str(self.url.database)
        return self.url.render_as_string(hide_password=True)

    def shrink(self) -> None:
        """Give the space of deleted rows back to the file system; PostgreSQL does that by itself."""
        if not self.is_sqlite:
            return
        with self.explained():
            raw = self.engine.raw_connection()
            try:
                # Each step frees one page; of the driver's calls only this one steps through to the end.
                raw.cursor().executescript("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE)")
            finally:
                raw.close()

    def dispose(self) -> None:
        """Close all pooled connections."""
        self.engine.dispose()

    def _open_sqlite(self) -> Engine:
        _make_private(Path(str(self.url.database)))
        engine = create_engine(
            self.url,
            json_serializer=to_json,
            pool_size=8,
            max_overflow=24,
            # The driver's own transactions begin too late, at the first change: see `_begin`.
            connect_args={
                "isolation_level": None,
                "timeout": self.busy_timeout_s,
                "check_same_thread": False,
            },
        )
        event.listen(engine, "connect", self._prepare_sqlite)
        event.listen(engine, "begin", _begin)
        return engine

    def _open_postgres(self) -> Engine:
        try:
            return create_engine(
                self.url,
                json_serializer=to_json,
                pool_size=4,
                max_overflow=28,
                pool_pre_ping=True,
                connect_args={"connect_timeout": 5} if "connect_timeout" not in self.url.query else {},
            )
        except ModuleNotFoundError as error:
            raise self.subject.error(
                f"The {self.subject.name} at {self.place} needs the package `{error.name}`, which is not installed. "
                "Install it with: pip install 'automation-scripts[postgres]'"
            ) from error

    def _prepare_sqlite(self, connection: Any, _record: object) -> None:
        # Before the first table exists, so that `shrink` can work without rewriting the file.
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
        if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            self._switch_to_wal(connection)
        connection.execute("PRAGMA synchronous=FULL" if self.durable else "PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA foreign_keys=ON")

    def _switch_to_wal(self, connection: Any) -> None:
        """Once a file, since it is kept there. SQLite does not wait for other first starters here: we do."""
        import sqlite3

        deadline = time.monotonic() + self.busy_timeout_s
        while True:
            try:
                connection.execute("PRAGMA journal_mode=WAL").fetchone()
            except sqlite3.OperationalError as error:
                busy = error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
                if not busy or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
            else:
                return


def parse_url(url: str, subject: Subject = RUN_HISTORY) -> URL:
    """The URL with its driver and an absolute path. Raises ConfigurationError for what is not served."""
    if url.startswith("postgres://"):
        url = "postgresql://" + url.removeprefix("postgres://")
    try:
        parsed = make_url(url)
    except (exc.ArgumentError, ValueError):
        shown = re.sub(r"(?<=:)[^@]*(?=@)", "***", url)  # it may hold a password
        raise ConfigurationError(f"{shown!r} is not a database URL. {_ACCEPTED}") from None
    if parsed.drivername in ("sqlite", "sqlite+pysqlite"):
        if not parsed.database or parsed.database == ":memory:" or parsed.database.startswith("file:"):
            raise ConfigurationError(f"{url!r} names no file: a {subject.name} in memory would be lost. {_ACCEPTED}")
        path = Path(parsed.database).expanduser().absolute()
        return parsed.set(drivername="sqlite", database=str(path))
    if parsed.drivername in _POSTGRES:
        return parsed.set(drivername="postgresql+psycopg")
    raise ConfigurationError(f"The {subject.name} cannot use `{parsed.drivername}`. {_ACCEPTED}")


_ACCEPTED = "Use sqlite:////absolute/path/history.db or postgresql://user:password@host/database"


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get(_WRITE) else "BEGIN")


def _make_private(path: Path) -> None:
    """Create folder and file for the owner only: what runs were given is nobody else's business."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def _forget_after_fork(engine: Engine) -> None:
    """A forked child must open connections of its own: two processes on one connection corrupt it."""
    reference = weakref.ref(engine)

    def forget() -> None:
        inherited = reference()
        if inherited is not None:
            inherited.dispose(close=False)

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=forget)
