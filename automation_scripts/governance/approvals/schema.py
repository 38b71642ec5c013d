"""The schema of the approval store."""

from __future__ import annotations

from pathlib import Path

from automation_scripts.errors import ConfigurationError
from automation_scripts.governance.approvals.models import metadata
from automation_scripts.storage.schema import Schema
from automation_scripts.storage.subject import Subject

SUBJECT = Subject("approval store", "governance URL", "open requests and approvals are gone", ConfigurationError)

SCHEMA = Schema(
    head="0001",
    version_table="approvals_version",
    migrations=Path(__file__).parent / "migrations",
    metadata=metadata,
    lock=6,
)
