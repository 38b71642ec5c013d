"""A vault with keys in a file, behind each of its two databases; and a clock that tests set."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from automation_scripts.governance.encryption.file_keys import FileKeys
from automation_scripts.governance.encryption.key_store import KeyStore
from automation_scripts.governance.encryption.vault import Vault
from tests.databases import new_database


class Clock:
    """Says the time that it was set to."""

    def __init__(self) -> None:
        self.at = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def move(self, **by: float) -> None:
        """Forward, or back by negative amounts."""
        self.at += timedelta(**by)


@pytest.fixture
def clock() -> Clock:
    """The time, standing still."""
    return Clock()


@pytest.fixture
def keyring(tmp_path: Path) -> FileKeys:
    """Keys in a file that does not exist yet."""
    return FileKeys(tmp_path / "state" / "keyring.json")


@pytest.fixture(scope="session")
def shared_postgres_url(postgres_server: str) -> Iterator[str]:
    """One database with the schema in it, for all tests that do not care about the schema."""
    with new_database(postgres_server) as url:
        KeyStore(url).close()
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest) -> str:
    """A key store of either kind without keys."""
    if request.param == "sqlite":
        url: str = request.getfixturevalue("sqlite_url")
        return url
    url = request.getfixturevalue("shared_postgres_url")
    with KeyStore(url) as emptied, emptied.database.write() as connection:
        connection.execute(text("TRUNCATE data_keys, shredded_keys, shreddings, retired_keks"))
    return url


@pytest.fixture
def any_vault(store_url: str, keyring: FileKeys, clock: Clock) -> Iterator[Vault]:
    """A vault on either database."""
    with KeyStore(store_url) as store:
        yield Vault(keyring, store, clock)


@pytest.fixture
def vault(sqlite_url: str, keyring: FileKeys, clock: Clock) -> Iterator[Vault]:
    """A vault on SQLite."""
    with KeyStore(sqlite_url) as store:
        yield Vault(keyring, store, clock)


@pytest.fixture
def another(keyring: FileKeys, clock: Clock) -> Iterator[Callable[[Vault], Vault]]:
    """What another process would have: a vault on the same keys and store that remembers nothing."""
    opened: list[KeyStore] = []

    def open_again(vault: Vault) -> Vault:
        opened.append(KeyStore(vault.store.database.url.render_as_string(hide_password=False)))
        return Vault(keyring, opened[-1], clock)

    yield open_again
    for store in opened:
        store.close()
