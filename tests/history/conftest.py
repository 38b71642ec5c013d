"""A fresh history behind each of its two databases."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import text

from automation_scripts.history.records import RunRecord
from automation_scripts.history.store import HistoryStore
from tests.databases import new_database

MakeRun = Callable[..., RunRecord]


@pytest.fixture(scope="session")
def shared_postgres_url(postgres_server: str) -> Iterator[str]:
    """One database with the schema in it, for all tests that do not care about the schema."""
    with new_database(postgres_server) as url:
        HistoryStore(url).close()
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def history_url(request: pytest.FixtureRequest) -> str:
    """A history of either kind without runs."""
    if request.param == "sqlite":
        url: str = request.getfixturevalue("sqlite_url")
        return url
    url = request.getfixturevalue("shared_postgres_url")
    with HistoryStore(url) as emptied, emptied.database.write() as connection:
        connection.execute(text("TRUNCATE runs CASCADE"))
    return url


@pytest.fixture
def store(history_url: str) -> Iterator[HistoryStore]:
    """An open history."""
    with HistoryStore(history_url) as opened:
        yield opened


@pytest.fixture
def make_run() -> MakeRun:
    """A run with sensible values, to be changed by keyword."""

    def make(execution_id: str = "", **changes: object) -> RunRecord:
        values: dict[str, object] = {
            "execution_id": execution_id or uuid.uuid4().hex,
            "script": "config_validator",
            "category": "validation",
            "environment": "staging",
            "user": "ada",
        }
        return RunRecord(**(values | changes))  # type: ignore[arg-type]

    return make
