"""Whether a file can be read at all, and findings about files as a whole."""

from __future__ import annotations

from pathlib import Path

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.input.limits import Limits
from automation_scripts.validation.input.reading import NotReadable, read_start
from automation_scripts.validation.input.text import looks_binary

_SNIFFED_BYTES = 8192


def examine(path: Path, name: str, limits: Limits) -> Finding | None:
    """Why a file will not be read, or None."""
    try:
        start = read_start(path, _SNIFFED_BYTES, limits)
    except NotReadable as error:
        return error.finding(name)
    if looks_binary(start):
        return file_finding(
            "file/binary",
            Severity.MEDIUM,
            name,
            "The file is no text, though its name is that of a configuration file; it was not read.",
            "Check what wrote it; a compressed or encrypted file needs another name.",
            tag="syntax",
        )
    return None


def file_finding(
    rule_id: str, severity: Severity, name: str, message: str, suggestion: str, *, tag: str = "invalid-value"
) -> Finding:
    return Finding(
        rule_id,
        severity,
        message,
        file=name,
        line=1,
        column=1,
        resource=name,
        suggestion=suggestion,
        tags=(tag,),
    )


def shown(name: str) -> str:
    """A file name that can be printed and written as JSON, whatever bytes it has."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
