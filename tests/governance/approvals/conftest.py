"""An approval store with a clock that tests set, a directory of roles, and a list of what it reported."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete

from automation_scripts.governance.approvals.binding import binding_hash
from automation_scripts.governance.approvals.models import metadata
from automation_scripts.governance.approvals.records import ApprovalEvent, ApprovalRequest, Approver, Content
from automation_scripts.governance.approvals.store import ApprovalStore
from automation_scripts.storage.database import Database
from tests.databases import new_database

START = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
ROLE = "release-manager"
PLAN = ({"resource": "service/web", "action": "update", "before": {"image": "1.4"}, "after": {"image": "1.5"}},)
CONTENT = Content("deployment_automation", "production", {"version": "1.5", "password": "***"}, PLAN)


@dataclass
class Clock:
    """A clock that stands until it is moved."""

    time: datetime = START

    def __call__(self) -> datetime:
        return self.time

    def move(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@dataclass
class Events:
    """What the store reported; it refuses the kinds in `refused`."""

    seen: list[ApprovalEvent] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)

    def __call__(self, event: ApprovalEvent) -> None:
        if event.kind in self.refused:
            raise RuntimeError("the audit is full")
        self.seen.append(event)

    def kinds(self) -> list[str]:
        return [event.kind.removeprefix("approval.") for event in self.seen]


@dataclass
class Roles:
    """The directory as it is now: who has which roles; who is not in it is disabled."""

    of: dict[str, frozenset[str]] = field(
        default_factory=lambda: dict.fromkeys(("bob", "cy", "dot", "eve"), frozenset({ROLE}))
    )

    def __call__(self, name: str, environment: str) -> frozenset[str] | None:
        assert environment == "production"
        return self.of.get(name)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def events() -> Events:
    return Events()


@pytest.fixture
def roles() -> Roles:
    return Roles()


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the schema in it: copying it saves each test the migration."""
    path = tmp_path_factory.mktemp("approvals") / "governance.db"
    ApprovalStore(f"sqlite:///{path}").close()
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server: str) -> Iterator[Database]:
    """One database with the schema in it."""
    with new_database(postgres_server) as url:
        ApprovalStore(url).close()
        database = Database(url)
        yield database
        database.dispose()


@pytest.fixture
def new_url(tmp_path: Path, migrated_file: Path) -> str:
    """A store on SQLite without requests."""
    shutil.copy(migrated_file, tmp_path / "governance.db")
    return f"sqlite:///{tmp_path / 'governance.db'}"


@pytest.fixture
def url_of(request: pytest.FixtureRequest) -> Callable[[str], str]:
    """A store of the kind that is named, without requests."""

    def of(kind: str) -> str:
        if kind == "sqlite":
            url: str = request.getfixturevalue("new_url")
            return url
        database: Database = request.getfixturevalue("migrated_postgres")
        with database.write() as connection:
            for table in reversed(metadata.sorted_tables):
                connection.execute(delete(table))
        return database.url.render_as_string(hide_password=False)

    return of


@pytest.fixture(params=["sqlite", "postgres"])
def any_url(request: pytest.FixtureRequest, url_of: Callable[[str], str]) -> str:
    """A store of either kind without requests."""
    return url_of(request.param)


@pytest.fixture
def open_store(clock: Clock, events: Events) -> Iterator[Callable[..., ApprovalStore]]:
    """Open stores that share clock and events."""
    opened: list[ApprovalStore] = []

    def open_one(url: str) -> ApprovalStore:
        opened.append(ApprovalStore(url, clock=clock, events=events))
        return opened[-1]

    yield open_one
    for store in opened:
        store.close()


@pytest.fixture
def store(open_store: Callable[..., ApprovalStore], new_url: str) -> ApprovalStore:
    return open_store(new_url)


@pytest.fixture
def any_store(open_store: Callable[..., ApprovalStore], any_url: str) -> ApprovalStore:
    """The same on SQLite and on PostgreSQL."""
    return open_store(any_url)


def person(name: str, *roles: str, **changes: Any) -> Approver:
    """A proved person, by default with the role that is asked for."""
    facts: dict[str, Any] = {"kind": "person", "method": "password+totp", "mfa_at": START}
    return Approver(name=name, roles=frozenset(roles or {ROLE}), **(facts | changes))


def hash_of(content: Content = CONTENT, **secret: Any) -> str:
    """The binding of what is shown redacted in `content`, with the true parameters."""
    parameters = {**content.parameters, "password": "correct horse", **secret}
    return binding_hash(content.script, content.environment, parameters, content.plan)


def ask(store: ApprovalStore, content: Content = CONTENT, **changes: Any) -> ApprovalRequest:
    """A request by `ada` for one approval within an hour."""
    facts: dict[str, Any] = {
        "requester": "ada",
        "requester_kind": "person",
        "reason": "release 1.5",
        "required": 1,
        "roles": [ROLE],
        "lifetime": HOUR,
    }
    return store.request(content, hash_of(content), **(facts | changes))


def use(store: ApprovalStore, request: ApprovalRequest, roles: Roles, **changes: Any) -> Any:
    """Use it for the run `run-1` as `ada`, for the very same content."""
    content: Content = changes.pop("content", CONTENT)
    facts: dict[str, Any] = {"binding_hash": hash_of(content), "execution_id": "run-1", "requester": "ada"}
    return store.consume(request.id, **(facts | changes), roles_of=roles, content=content)
