"""What the policy commands share: their options, the policies of a folder, and a policy as data."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from automation_scripts.governance.policy import PolicySet, PolicySource
    from automation_scripts.settings import Settings


class PolicyFormat(StrEnum):
    """How the answer is printed."""

    TEXT = "text"
    JSON = "json"


FORMAT = typer.Option(PolicyFormat.TEXT, "--format", help="How to print the answer.")
POLICIES = typer.Option(None, "--policies", metavar="FOLDER", help="Ask the policies of this folder instead.")
SETTINGS_ASK = "An approval is needed there all the same: automation.require_approval_for names the environment."


def load(settings: Settings, folder: Path | None) -> PolicySet:
    """The policies of a folder (None: the installed ones) under these settings. Raises PolicyError."""
    from automation_scripts.governance.policy import PolicySet

    return PolicySet.load(
        folder,
        environments=settings.environments,
        protected=settings.automation.require_approval_for,
        require_mfa=settings.automation.security.require_mfa,
    )


def place(folder: Path | None) -> str:
    """What messages call a folder of policies."""
    return str(folder) if folder else "the installed policies"


def source_data(source: PolicySource) -> dict[str, Any]:
    """One policy as JSON-ready data."""
    return {
        "id": source.id,
        "effect": source.effect,
        "file": source.file,
        "line": source.line,
        "description": source.description,
    }
