"""The schema of the run history."""

from __future__ import annotations

from pathlib import Path

from automation_scripts.history.models import metadata
from automation_scripts.storage.schema import Schema

SCHEMA = Schema(
    head="0002",
    version_table="history_version",
    migrations=Path(__file__).parent / "migrations",
    metadata=metadata,
    lock=1,
)
