"""What a team's own check command printed, as findings."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from automation_scripts.results import Finding, Severity

# A name without a letter is a time of day. The form that compilers and linters share (GNU Coding Standards, "Formatting Error Messages").
_LINE = re.compile(
    r"(?P<file>(?=[^:]*[^\W\d_])[^\s:][^:]*):(?P<line>\d{1,9})(?::(?P<column>\d{1,9}))?:?\s+(?P<message>\S.*)"
)
_CONTROL = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")
MOST_LINES = 1000


def read_output(
    lines: Iterable[str], *, name: str, root: Path, severity: Severity, exit_code: int | None
) -> list[Finding]:
    """Findings of the lines `FILE:LINE[:COLUMN]: MESSAGE`; one more when the command failed and said nothing of the kind.

    Args:
        lines: what the command wrote to stdout.
        name: the name of the check, for the rule id.
        root: the folder that relative paths start from.
        severity: how bad a reported line is.
        exit_code: of the command; None when it was ended at its time limit.
    """
    findings = []
    said = [_CONTROL.sub("", line).rstrip() for line in lines][:MOST_LINES]
    for text in said:
        if found := _LINE.fullmatch(text.strip()):
            findings.append(
                Finding(
                    rule_id=f"command/{name}",
                    severity=severity,
                    message=found["message"],
                    file=_relative(found["file"], root),
                    line=int(found["line"]),
                    column=int(found["column"]) if found["column"] else None,
                    tags=("invalid-value",),
                )
            )
    if exit_code is None:
        findings.append(_failed(name, "did not end within its time limit", said))
    elif exit_code != 0 and not findings:
        findings.append(_failed(name, f"failed with exit code {exit_code}", said))
    return findings


def _failed(name: str, how: str, said: list[str]) -> Finding:
    last = next((line for line in reversed(said) if line), "")
    return Finding(
        rule_id=f"command/{name}",
        severity=Severity.HIGH,
        message=f"The check '{name}' {how}" + (f": {last}" if last else "."),
        tags=("invalid-value",),
        suggestion="Run the commands of the block by hand in this folder to see why.",
    )


def _relative(file: str, root: Path) -> str:
    path = Path(file)
    if path.is_absolute() and path.is_relative_to(root):
        return path.relative_to(root).as_posix()
    return file.removeprefix("./")
