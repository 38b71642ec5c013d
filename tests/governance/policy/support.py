"""Requests and policy folders, short to write."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from automation_scripts.governance.policy import AccessRequest, Action, PolicySet, Principal, PrincipalKind

ENVIRONMENTS = ("development", "staging", "production", "test")
PROTECTED = ("production",)
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
"""A Tuesday."""
KINDS = {"service": PrincipalKind.SERVICE, "local": PrincipalKind.LOCAL}


def load(folder: Path | None = None, **changes: Any) -> PolicySet:
    return PolicySet.load(folder, **{"environments": ENVIRONMENTS, "protected": PROTECTED, **changes})


def ask(
    roles: str,
    action: str,
    environment: str | None = "production",
    script: str | None = "deployment_automation",
    **circumstances: Any,
) -> AccessRequest:
    """A request by somebody with these roles, space-separated; about the installation where no script fits."""
    if action in ("read_audit", "administer", "edit_policy"):
        script = None
    kind = circumstances.pop("kind", KINDS.get(roles, PrincipalKind.USER))
    return AccessRequest(
        principal=Principal(kind, circumstances.pop("user", "alice"), frozenset(roles.split())),
        action=Action(action),
        environment=environment,
        script=script,
        now=circumstances.pop("now", NOW),
        **circumstances,
    )


def folder_of(tmp_path: Path, **files: str) -> Path:
    """A policy folder; `roles_yaml="…"` becomes roles.yaml. Without guard rails unless it brings its own."""
    folder = tmp_path / "policies"
    folder.mkdir(exist_ok=True)
    files.setdefault("guardrails_cedar", "")
    for name, text in files.items():
        stem, _, ending = name.rpartition("_")
        (folder / f"{stem}.{ending}").write_text(text, encoding="utf-8")
    return folder
