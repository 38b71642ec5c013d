"""`automation audit`: reading the audit log, its checkpoints and keys. Proofs and exports are in the modules beside this."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import typer

from automation_scripts.cli import audit_export, audit_verify
from automation_scripts.cli.audit_common import FORMAT, OTP, SINCE, UNTIL, AuditFormat, counted_entries

if TYPE_CHECKING:
    from automation_scripts.governance.audit.log import LogStatus
    from automation_scripts.governance.audit.publishing import AnchorStatus
    from automation_scripts.governance.audit.records import Entry


def register(app: typer.Typer) -> None:
    """Add the group to the application."""
    group = typer.Typer(
        help="Who did what, when and by which right; and the proof that nobody changed it.", no_args_is_help=True
    )
    group.command("log")(log)
    group.command("verify")(audit_verify.verify)
    group.command("prove")(audit_verify.prove)
    group.command("status")(status)
    group.command("checkpoint")(checkpoint)
    group.command("keys")(keys)
    group.command("rotate-key")(rotate_key)
    group.command("export")(audit_export.export)
    app.add_typer(group, name="audit")


def log(
    action: list[str] = typer.Option([], "--action", help="Only this action, such as run.denied; repeat for more."),
    actor: list[str] = typer.Option([], "--actor", help="Only what this user did; repeat for more."),
    script: list[str] = typer.Option([], "--script", help="Only this script; repeat for more."),
    environment: list[str] = typer.Option([], "--environment", "-e", help="Only there; repeat for more."),
    outcome: list[str] = typer.Option([], "--outcome", help="Only this outcome, such as denied; repeat for more."),
    execution: list[str] = typer.Option([], "--execution", metavar="ID", help="Only this run; repeat for more."),
    since: str | None = SINCE,
    until: str | None = UNTIL,
    limit: int = typer.Option(50, "--limit", min=1, max=100_000, help="At most so many, newest first."),
    output_format: AuditFormat = FORMAT,
    otp: str | None = OTP,
) -> None:
    """List what was recorded, newest first. That you read it is recorded as well.

    Examples:

        automation audit log --since 1d

        automation audit log --outcome denied --format json

        automation audit log --actor alice --action change.intent -e production
    """
    from automation_scripts.cli.audit_common import chosen, existing_log, log_exists
    from automation_scripts.cli.authority import reader
    from automation_scripts.cli.console import print_json
    from automation_scripts.cli.quantities import moment
    from automation_scripts.governance.audit.search import search
    from automation_scripts.governance.opened import open_payloads
    from automation_scripts.settings import load_settings
    from automation_scripts.storage.encoding import clean_text

    filters = {
        name: [clean_text(value) for value in values]
        for name, values in {
            "action": action,
            "actor": actor,
            "script": script,
            "environment": environment,
            "outcome": outcome,
            "execution_id": execution,
        }.items()
        if values
    }
    begin = moment(since, "--since") if since is not None else None
    end = moment(until, "--until") if until is not None else None
    settings = load_settings()
    found: list[Entry] = []
    if log_exists(settings):
        audit = existing_log(settings)
        found = search(audit, **filters, since=begin, until=end, limit=limit)
        # Before anything is shown.
        reader(settings, audit, otp, {"command": "audit log", **chosen({**filters, "since": begin, "until": end})})
    if output_format is AuditFormat.JSON:
        payloads = open_payloads(settings)
        print_json([{**payloads.open(entry.members), "index": entry.index} for entry in found])
    elif found:
        _print_entries(found)
    else:
        typer.echo("No entry matches." if filters or begin or end else "Nothing was recorded yet.")


def status(output_format: AuditFormat = FORMAT) -> None:
    """Tell how long the log is, and how far its checkpoints and anchors reach. Shows nothing of what was recorded.

    Examples:

        automation audit status

        automation audit status --format json
    """
    from dataclasses import asdict

    from automation_scripts.cli.audit_common import existing_log, file_of, log_exists
    from automation_scripts.cli.console import print_json
    from automation_scripts.settings import load_settings

    settings = load_settings()
    found = existing_log(settings).status() if log_exists(settings) else None
    if output_format is AuditFormat.JSON:
        print_json(asdict(found) if found else {"size": 0})
    elif found:
        _print_status(found)
    else:
        typer.echo(f"There is no audit log yet at {file_of(settings.audit_url)}; the first run begins it.")


def checkpoint(otp: str | None = OTP) -> None:
    """Sign a checkpoint over the whole log, bring it to all anchors, and print it.

    Keep what it prints where nobody who can change the log can change it: in a ticket, a mail, on paper. Exit code 1
    when an anchor did not take it.

    Examples:

        automation audit checkpoint

        automation audit checkpoint --otp 123456 > checkpoint.txt
    """
    from automation_scripts.cli.audit_common import log_exists, note
    from automation_scripts.cli.authority import authorised
    from automation_scripts.governance.opened import open_audit
    from automation_scripts.settings import load_settings

    settings = load_settings()
    log_exists(settings)
    audit = open_audit(settings)
    with authorised(settings, "audit checkpoint", otp):
        signed = audit.checkpoint()
        anchors = audit.status().anchors
    typer.echo(signed, nl=False)
    late = [anchor for anchor in anchors if anchor.behind]
    for anchor in anchors:
        note(_anchor_line(anchor))
    if not anchors:
        note("note: no anchor is configured (governance.anchors): keep this checkpoint yourself, outside this machine.")
    if late:
        raise typer.Exit(1)


def keys() -> None:
    """Print the public keys that the log was signed with, for whoever verifies it.

    Keep them elsewhere: who can change the log on this machine can change the list on this machine too.

    Example:

        automation audit keys > audit-keys.txt
    """
    from automation_scripts.cli.audit_common import existing_log, note
    from automation_scripts.settings import load_settings

    audit = existing_log(load_settings())
    assert audit.signer is not None
    audit.status()  # which says so when the keys of the log are gone, and makes no others
    signer = audit.signer
    for key in signer.verifier_keys():
        typer.echo(f"{key.from_size} {key}")
    note("note: keep this list elsewhere, and verify with it: automation audit verify --keys FILE")


def rotate_key(
    reason: str = typer.Option("", "--reason", help="Why; it is recorded."),
    otp: str | None = OTP,
) -> None:
    """Sign with a new key from now on. The old private key is deleted; its public key stays in the list.

    The checkpoint over the change is signed by both keys, so who trusts the old one can trust the new one.

    Example:

        automation audit rotate-key --reason "yearly change" --otp 123456
    """
    from automation_scripts.cli.audit_common import existing_log
    from automation_scripts.cli.authority import authorised
    from automation_scripts.cli.console import printable
    from automation_scripts.governance.audit.log import KEY_CHANGE
    from automation_scripts.governance.audit.records import AuditRecord
    from automation_scripts.settings import load_settings

    settings = load_settings()
    audit = existing_log(settings)
    assert audit.signer is not None
    with authorised(settings, "audit rotate-key", otp, reason=reason) as work:
        actor = work.actor
        record = AuditRecord(
            KEY_CHANGE,
            actor=actor.name,
            authentication=actor.authentication,
            outcome="succeeded",
            details={"reason": reason},
        )
        written = audit.rotate_key(record)
        new = audit.signer.current().verifier
    typer.echo(printable(f"Entry {written.index} records the change; from it on {new} signs."))
    typer.echo("Give the new list to those who verify: automation audit keys")


def _print_status(found: LogStatus) -> None:
    from automation_scripts.cli.console import printable
    from automation_scripts.cli.quantities import local

    last = f", the last one at {local(found.last_time)}" if found.last_time else ""
    typer.echo(f"{counted_entries(found.size)}{last}")
    typer.echo(f"root        {found.root}")
    typer.echo(printable(f"signed as   {found.origin}"))
    typer.echo(f"checkpoint  {_covers(found.checkpoint_size)}")
    for anchor in found.anchors:
        typer.echo(printable(f"anchor      {_anchor_line(anchor)}"))
    if not found.anchors:
        typer.echo("anchor      none: if the whole log is replaced, nobody will know (governance.anchors)")


def _covers(size: int) -> str:
    return f"the newest one that is kept covers {counted_entries(size)}" if size else "none is kept yet"


def _anchor_line(anchor: AnchorStatus) -> str:
    from automation_scripts.cli.console import one_line

    said = f"{anchor.name}: {counted_entries(anchor.published_size)}"
    if anchor.behind:
        said += f", {anchor.behind} behind the newest checkpoint"
    if anchor.error:
        said += f"; it failed: {anchor.error}"
    return one_line(said + (" (required)" if anchor.required else ""))


def _print_entries(found: Sequence[Entry]) -> None:
    from automation_scripts.cli.console import stdout, table

    made = table(("#", "time", "action", "by", "outcome", "on", "run"), map(_cells, found), right=("#",))
    for column in made.columns:
        column.no_wrap, column.overflow = True, "ellipsis"
    made.columns[0].min_width = len(str(found[0].index))
    stdout().print(made)


def _cells(entry: Entry) -> tuple[Any, ...]:
    from rich.text import Text

    from automation_scripts.cli.console import STATUS_STYLES, one_line

    def text(value: str) -> Text:
        return Text(one_line(value))

    claimed = entry.text("claimed_user")
    who = entry.text("actor") or (f"({claimed})" if claimed else "")
    where = " in ".join(filter(None, (entry.text("script"), entry.text("environment"))))
    outcome = one_line(entry.text("outcome"))
    return (
        str(entry.index),
        text(entry.text("time").replace("T", " ").partition(".")[0]),
        text(entry.text("action")),
        text(who),
        Text(outcome, style=STATUS_STYLES.get(outcome, "")),
        text(where or entry.text("resource") or _command(entry)),
        text(entry.text("execution_id")),
    )


def _command(entry: Entry) -> str:
    """The command of an administrative act, or that read the log."""
    details = entry.members.get("details")
    command = details.get("command") if isinstance(details, dict) else None
    return command if isinstance(command, str) else ""
