"""The environment variables that hold key-encryption keys."""

from __future__ import annotations

CURRENT = "AUTOMATION_ENCRYPTION_KEY"
PREVIOUS = "AUTOMATION_ENCRYPTION_KEY_PREVIOUS"
