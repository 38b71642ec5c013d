"""`automation audit export`: the log for other systems, as lines or over syslog."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from automation_scripts.cli.audit_common import OTP, OUTPUT, SINCE, UNTIL, counted_entries

if TYPE_CHECKING:
    from collections.abc import Iterable

    from automation_scripts.governance.audit.records import Entry


class ExportFormat(StrEnum):
    """One line an entry, in one of these forms."""

    JSONL = "jsonl"
    OCSF = "ocsf"
    SYSLOG = "syslog"


def export(
    output_format: ExportFormat | None = typer.Option(
        None, "--format", help="As stored (jsonl, the default), as OCSF events, or as RFC 5424 messages."
    ),
    since: str | None = SINCE,
    until: str | None = UNTIL,
    output: Path | None = OUTPUT,
    send: str | None = typer.Option(
        None, "--send", metavar="URL", help="Send as syslog to tls://host:port, or udp:// and tcp:// on this machine."
    ),
    ca: Path | None = typer.Option(None, "--ca", metavar="FILE", help="The authority of the syslog server, in PEM."),
    otp: str | None = OTP,
) -> None:
    """Write the log, oldest first, one line an entry. That it was exported is recorded as well.

    The lines of jsonl are the very bytes that are hashed, so their proofs can be checked (docs/audit.md).

    Examples:

        automation audit export --format jsonl -o audit.jsonl

        automation audit export --format ocsf --since 1d

        automation audit export --send tls://logs.example.com:6514 --ca ca.pem --since 1h
    """
    from automation_scripts.cli.audit_common import chosen, existing_log, log_exists, note, write_lines
    from automation_scripts.cli.authority import reader
    from automation_scripts.cli.quantities import moment
    from automation_scripts.governance.audit.export import export as lines_of
    from automation_scripts.governance.audit.search import read_all
    from automation_scripts.governance.audit.syslog import SyslogSender, without_user
    from automation_scripts.settings import load_settings

    form = _checked(output_format, output, send, ca)
    sender = SyslogSender(send, ca_file=ca) if send is not None else None
    begin = moment(since, "--since") if since is not None else None
    end = moment(until, "--until") if until is not None else None
    settings = load_settings()
    entries: Iterable[Entry] = ()
    if log_exists(settings):
        audit = existing_log(settings)
        asked = {"format": form.value, "since": begin, "until": end, "send": send and without_user(send)}
        reader(settings, audit, otp, {"command": "audit export", **chosen(asked)})
        entries = read_all(audit, since=begin, until=end)
    if sender is not None:
        with sender:
            count = sender.send(entries)
        where = f"sent to {sender.scheme}://{sender.host}:{sender.port}"
    else:
        count = write_lines(lines_of(entries, form.value), output)
        where = f"written to {output}" if output is not None else "written"
    note(f"{counted_entries(count)} {where}")


def _checked(form: ExportFormat | None, output: Path | None, send: str | None, ca: Path | None) -> ExportFormat:
    """The form to write. Raises InvalidParameters for options that contradict each other."""
    from automation_scripts.errors import InvalidParameters

    if send is None:
        if ca is not None:
            raise InvalidParameters("--ca: it is for --send; where to?")
        return form or ExportFormat.JSONL
    if output is not None:
        raise InvalidParameters("--send and --output: choose one; export twice to have both.")
    if form not in (None, ExportFormat.SYSLOG):
        raise InvalidParameters(f"--format {form.value}: --send speaks syslog. Leave --format out.")
    return ExportFormat.SYSLOG
