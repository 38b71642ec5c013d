"""Small trees on disk, validated as a whole."""

from __future__ import annotations

from pathlib import Path

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.parameters import ConfigValidatorParameters
from automation_scripts.validation.validate import Validation, validate


def write(root: Path, files: dict[str, str]) -> Path:
    """Write files below a folder."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    return root


def validated(root: Path) -> Validation:
    """All checks over a folder."""
    return validate(ConfigValidatorParameters(config_path=str(root)))


def finding(rule: str = "k8s/port", message: str = "wrong", **more: object) -> Finding:
    """A finding of one file, with what a test needs."""
    told: dict[str, object] = {
        "file": "a.yaml",
        "line": 3,
        "column": 1,
        "end_line": 3,
        "end_column": 5,
        "tags": ("invalid-value",),
    }
    return Finding(rule, Severity.HIGH, message, **{**told, **more})  # type: ignore[arg-type]
