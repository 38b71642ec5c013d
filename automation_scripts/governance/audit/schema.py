"""The schema of the audit log, and its words."""

from __future__ import annotations

from pathlib import Path

from automation_scripts.errors import AuditUnavailable
from automation_scripts.governance.audit.models import metadata
from automation_scripts.storage.schema import Schema
from automation_scripts.storage.subject import Subject

AUDIT_LOG = Subject(
    "audit log",
    "audit URL",
    "a new log is begun at the next start, and verification against the anchors tells that the old one is gone",
    AuditUnavailable,
)
SCHEMA = Schema(
    head="0001",
    version_table="audit_version",
    migrations=Path(__file__).parent / "migrations",
    metadata=metadata,
    lock=3,
)
