"""The schema of the key store."""

from __future__ import annotations

from pathlib import Path

from automation_scripts.errors import ConfigurationError
from automation_scripts.governance.encryption.models import metadata
from automation_scripts.storage.schema import Schema
from automation_scripts.storage.subject import Subject

SUBJECT = Subject("key store", "governance URL", "sealed data cannot be read", ConfigurationError)
SCHEMA = Schema(
    head="0001",
    version_table="encryption_version",
    migrations=Path(__file__).parent / "migrations",
    metadata=metadata,
    lock=5,
)
