"""An identity store with a clock that tests set, cheap password hashes and a list of what it reported."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from automation_scripts.governance.identity.models import metadata
from automation_scripts.governance.identity.passwords import Cost
from automation_scripts.governance.identity.records import IdentityEvent, Kind, PasswordCredential, RoleBinding
from automation_scripts.governance.identity.store import IdentityStore
from automation_scripts.governance.identity.totp import CLEAR
from automation_scripts.storage.database import Database
from tests.databases import new_database

START = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
PASSWORD = "lantern orbit velvet 9"
EMPTY = "; ".join(f"DELETE FROM {table.name}" for table in reversed(metadata.sorted_tables))
CHEAP = Cost(passes=1, memory_kib=8, lanes=1)


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
    """What the store reported."""

    seen: list[IdentityEvent] = field(default_factory=list)

    def __call__(self, event: IdentityEvent) -> None:
        self.seen.append(event)

    def kinds(self) -> list[str]:
        return [event.kind for event in self.seen]

    def last(self, kind: str) -> IdentityEvent:
        return [event for event in self.seen if event.kind == kind][-1]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def events() -> Events:
    return Events()


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the schema in it: copying it saves each test the migration."""
    folder = tmp_path_factory.mktemp("identity")
    path = folder / "governance.db"
    IdentityStore(f"sqlite:///{path}", folder).close()
    with closing(sqlite3.connect(path)) as raw:
        raw.executescript(EMPTY)
    return path


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """One database with the schema in it."""
    with new_database(postgres_server) as url:
        IdentityStore(url, tmp_path_factory.mktemp("identity")).close()
        database = Database(url)
        yield database
        database.dispose()


@pytest.fixture
def new_url(tmp_path: Path, migrated_file: Path) -> str:
    """A store on SQLite without users."""
    shutil.copy(migrated_file, tmp_path / "governance.db")
    return f"sqlite:///{tmp_path / 'governance.db'}"


@pytest.fixture(params=["sqlite", "postgres"])
def identity_url(request: pytest.FixtureRequest) -> str:
    """A store of either kind without users."""
    if request.param == "sqlite":
        url: str = request.getfixturevalue("new_url")
        return url
    database: Database = request.getfixturevalue("migrated_postgres")
    with database.write() as connection:
        connection.exec_driver_sql(EMPTY)
    return database.url.render_as_string(hide_password=False)


@pytest.fixture
def open_store(tmp_path: Path, clock: Clock, events: Events) -> Iterator[Callable[..., IdentityStore]]:
    """Open stores that share clock, events and state folder."""
    opened: list[IdentityStore] = []

    def open_one(url: str, **changes: object) -> IdentityStore:
        options: dict[str, object] = {"clock": clock, "events": events, "sealing": CLEAR, "cost": CHEAP}
        folder = changes.pop("folder", tmp_path / "state")
        opened.append(IdentityStore(url, folder, **(options | changes)))  # type: ignore[arg-type]
        return opened[-1]

    yield open_one
    for store in opened:
        store.close()


@pytest.fixture
def store(open_store: Callable[..., IdentityStore], new_url: str) -> IdentityStore:
    """A store on SQLite with one person, `ada`."""
    store = open_store(new_url)
    add_person(store, "ada", RoleBinding("operator"))
    return store


@pytest.fixture(scope="module")
def kept_store(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> Iterator[IdentityStore]:
    """A store with `ada` for tests that change nothing; its clock stands at the start."""
    folder = tmp_path_factory.mktemp("kept")
    shutil.copy(migrated_file, folder / "governance.db")
    with IdentityStore(f"sqlite:///{folder / 'governance.db'}", folder, clock=Clock(), cost=CHEAP) as store:
        add_person(store, "ada", RoleBinding("operator"))
        yield store


@pytest.fixture
def any_store(open_store: Callable[..., IdentityStore], identity_url: str) -> IdentityStore:
    """The same on SQLite and on PostgreSQL."""
    store = open_store(identity_url)
    add_person(store, "ada", RoleBinding("operator"))
    return store


def add_person(store: IdentityStore, name: str, *roles: RoleBinding) -> None:
    """A person with the password of the tests."""
    store.directory.add_user(name, by="root", roles=roles)
    store.set_password(name, PASSWORD, by="root")


def add_service(store: IdentityStore, name: str = "nightly", *roles: RoleBinding) -> None:
    """A service account."""
    store.directory.add_user(name, by="root", kind=Kind.SERVICE, roles=roles or (RoleBinding("service"),))


def password_of(name: str = "ada", code: str | None = None, password: str = PASSWORD) -> PasswordCredential:
    """The right credential of a user."""
    return PasswordCredential(name, password, code)


def secret_of(uri: str) -> str:
    """The TOTP secret in an enrolment URI."""
    return uri.split("secret=")[1].split("&", maxsplit=1)[0]


def enrol_totp(store: IdentityStore, clock: Clock, user: str = "ada") -> tuple[str, tuple[str, ...]]:
    """Set up one-time codes and let their first code's window pass; returns the secret and the recovery codes."""
    import pyotp

    secret = secret_of(store.totp.begin(user, by=user).uri)
    codes = store.second_factors.confirm_totp(user, pyotp.TOTP(secret).at(clock.time), source="here")
    clock.move(90)
    return secret, codes


def code_at(secret: str, clock: Clock, steps: int = 0) -> str:
    """The code of the app, some steps from now."""
    import pyotp

    return pyotp.TOTP(secret).generate_otp(int(clock.time.timestamp()) // 30 + steps)


def wrong_code(secret: str, clock: Clock) -> str:
    """Six digits that are no code of these minutes."""
    near = {code_at(secret, clock, steps) for steps in range(-2, 3)}
    return next(code for number in range(10) if (code := f"{number:06}") not in near)
