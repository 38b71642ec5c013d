"""A fresh audit log behind each of its two databases, with keys and an anchor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from automation_scripts.governance.audit.anchors import FileAnchor
from automation_scripts.governance.audit.keys import AuditKeys
from automation_scripts.governance.audit.log import AuditLog
from automation_scripts.governance.audit.models import metadata
from automation_scripts.governance.audit.records import AuditRecord
from tests.databases import new_database

T0 = datetime(2026, 3, 29, 1, tzinfo=UTC)
OpenLog = Callable[..., AuditLog]


class Clock:
    """Tells a time that moves on by a second at each look, and that a test may set."""

    def __init__(self, time: datetime = T0) -> None:
        self.time = time

    def __call__(self) -> datetime:
        self.time += timedelta(seconds=1)
        return self.time


def record(number: int = 0, **changes: object) -> AuditRecord:
    """A record that differs from the others by its number."""
    values: dict[str, object] = {
        "action": "run.outcome",
        "actor": "ada",
        "outcome": "succeeded",
        "script": "config_validator",
        "environment": "staging",
        "execution_id": f"exec_{number:04}",
        "details": {"number": number},
    }
    return AuditRecord(**(values | changes))  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def shared_audit_postgres(postgres_server: str) -> Iterator[str]:
    """One database with the schema in it."""
    with new_database(postgres_server) as url:
        AuditLog(url).close()
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def audit_url(request: pytest.FixtureRequest) -> str:
    """A log of either kind without entries."""
    if request.param == "sqlite":
        url: str = request.getfixturevalue("sqlite_url")
        return url
    url = request.getfixturevalue("shared_audit_postgres")
    with AuditLog(url) as emptied, emptied.database.write() as connection:
        connection.execute(text(f"TRUNCATE {', '.join(metadata.tables)}"))
    return url


@pytest.fixture
def keys(tmp_path: Path) -> AuditKeys:
    """Signing keys of their own."""
    return AuditKeys(tmp_path / "keys", "example.com/audit")


@pytest.fixture
def clock() -> Clock:
    """One clock for the test."""
    return Clock()


@pytest.fixture
def anchor(tmp_path: Path) -> FileAnchor:
    """A file that plays another volume."""
    return FileAnchor(tmp_path / "elsewhere" / "checkpoints.txt")


@pytest.fixture
def open_log(keys: AuditKeys, clock: Clock) -> Iterator[OpenLog]:
    """Open logs; they are closed after the test."""
    opened: list[AuditLog] = []

    def open_it(url: str, **options: object) -> AuditLog:
        log = AuditLog(url, **({"signer": keys, "clock": clock} | options))  # type: ignore[arg-type]
        opened.append(log)
        return log

    yield open_it
    for log in opened:
        log.close()


@pytest.fixture
def log(open_log: OpenLog, audit_url: str) -> AuditLog:
    """An empty log of either kind."""
    return open_log(audit_url)
