"""The schema of the identity store."""

from __future__ import annotations

from pathlib import Path

from automation_scripts.errors import ConfigurationError
from automation_scripts.governance.identity.models import metadata
from automation_scripts.storage.schema import Schema
from automation_scripts.storage.subject import Subject

SUBJECT = Subject("identity store", "governance URL", "no user can log in", ConfigurationError)

SCHEMA = Schema(
    head="0001",
    version_table="identity_version",
    migrations=Path(__file__).parent / "migrations",
    metadata=metadata,
    lock=4,
)
