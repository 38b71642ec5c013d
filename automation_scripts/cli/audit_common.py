"""What the commands of the audit log share: the log of the settings, and where their output goes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from automation_scripts.governance.audit.log import AuditLog
    from automation_scripts.settings import Settings


class AuditFormat(StrEnum):
    """How the answer is printed."""

    TEXT = "text"
    JSON = "json"


FORMAT = typer.Option(AuditFormat.TEXT, "--format", help="How to print the answer.")
OTP = typer.Option(None, "--otp", metavar="CODE", help="One-time or recovery code, where one is needed.")
OUTPUT = typer.Option(None, "--output", "-o", metavar="FILE", help="Write to this file (mode 0600), not to stdout.")
SINCE = typer.Option(None, "--since", help="Only entries since: 2d, 1h, or an ISO date.")
UNTIL = typer.Option(None, "--until", help="Only entries before: 2d, 1h, or an ISO date.")


def file_of(url: str) -> Path | None:
    """The file of a SQLite database; None for a server."""
    from sqlalchemy import make_url

    parsed = make_url(url)
    return Path(parsed.database or "") if parsed.get_backend_name() == "sqlite" else None


def key_folder(settings: Settings) -> Path:
    """Where the signing keys of the audit log are."""
    from automation_scripts.governance.opened import AUDIT_KEYS

    return settings.home / AUDIT_KEYS


def log_exists(settings: Settings) -> bool:
    """Whether there is an audit log; a database server is taken to have one. Opening it would create it.

    Raises AuditUnavailable when its signing key is there and the log itself is not: it was removed.
    """
    from automation_scripts.errors import AuditUnavailable

    file = file_of(settings.audit_url)
    if file is None or file.exists():
        return True
    if (key_folder(settings) / "audit.key").exists():  # made after the log
        raise AuditUnavailable(
            f"The audit log {file} is gone, and its signing key {key_folder(settings) / 'audit.key'} is still here. Restore the "
            "log from a backup, or correct `governance.audit_url`. `automation audit verify` tells what the anchors still hold."
        )
    return False


def existing_log(settings: Settings) -> AuditLog:
    """The audit log. Raises AuditUnavailable when there is none yet, and creates none."""
    from automation_scripts.errors import AuditUnavailable
    from automation_scripts.governance.opened import open_audit

    if not log_exists(settings):
        raise AuditUnavailable(
            f"There is no audit log yet at {file_of(settings.audit_url)}: nothing was recorded. The first run begins it, or "
            "`automation audit checkpoint`."
        )
    return open_audit(settings)


def chosen(filters: Mapping[str, Any]) -> dict[str, Any]:
    """The filters that were given, as the log records them."""
    from datetime import datetime

    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in filters.items()
        if value is not None and value != []
    }


def counted_entries(count: int) -> str:
    """`1 entry`, `2 entries`."""
    return "1 entry" if count == 1 else f"{count} entries"


def note(text: str) -> None:
    """Say something on stderr. It may hold anything: it is not read as markup."""
    from automation_scripts.cli.console import printable, stderr

    stderr().print(printable(text), markup=False, soft_wrap=True)


def write_lines(lines: Iterable[str], output: Path | None) -> int:
    """Write lines of UTF-8 to a file, whole or not at all, or to stdout; returns how many.

    They are written byte by byte as they are, since they may be hashed; on a terminal without what it might act upon.

    Raises ConfigurationError when the file cannot be written.
    """
    import sys

    if output is not None:
        from automation_scripts.storage.private_files import new_private

        with new_private(output) as file:
            return _write(lines, file)
    if sys.stdout.isatty():
        from automation_scripts.cli.console import one_line

        lines = map(one_line, lines)
    sys.stdout.flush()
    count = _write(lines, sys.stdout.buffer)
    sys.stdout.buffer.flush()
    return count


def _write(lines: Iterable[str], file: Any) -> int:
    count = 0
    for line in lines:
        file.write(line.encode("utf-8", "replace") + b"\n")
        count += 1
    return count
