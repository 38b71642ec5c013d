"""`automation erase` and `erasures`: forgetting a person by destroying the keys of what was sealed for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from automation_scripts.cli.audit_common import FORMAT, OTP, AuditFormat

if TYPE_CHECKING:
    from automation_scripts.governance.encryption.key_store import Shredding


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("erase")(erase)
    app.command("erasures")(erasures)


def erase(
    subject: str = typer.Argument(..., metavar="SUBJECT", help="The id under which the person's data was sealed."),
    reason: str = typer.Option(..., "--reason", help="Why; it is kept, so do not name the person in it."),
    yes: bool = typer.Option(False, "--yes", help="Do not ask for confirmation."),
    otp: str | None = OTP,
) -> None:
    """Make all sealed data of a person unreadable for good, by destroying the keys that seal it (crypto-shredding).

    It cannot be undone, except from a copy of the keys: let backups of the database expire. The records name the person
    by a pseudonym.

    Example:

        automation erase customer-4711 --reason "request 2026-11" --yes
    """
    from automation_scripts.cli.audit_common import note
    from automation_scripts.cli.authority import authorised
    from automation_scripts.cli.console import printable
    from automation_scripts.cli.keks import require_no_missing_keyring
    from automation_scripts.cli.quantities import counted
    from automation_scripts.errors import InvalidParameters
    from automation_scripts.governance.opened import open_vault
    from automation_scripts.settings import load_settings

    if not subject.strip() or not reason.strip():
        raise InvalidParameters("erase: it needs the id of a person, and a --reason, which is kept.")
    settings = load_settings()
    require_no_missing_keyring(settings)
    if not yes and not _confirmed(subject):
        note("Nothing was erased.")
        raise typer.Exit(2)
    vault = open_vault(settings)
    person = vault.pseudonym(subject, "erasure")
    with authorised(settings, "erase", otp, resource=person, reason=reason) as work:
        done = vault.shred(subject, work.actor.name, reason)
        work.record("data.erase", person, shredding=done.id, keys=done.keys, remains=done.remains)
    if done.keys:
        typer.echo(f"{counted(done.keys, 'key')} destroyed: what was sealed for this person can never be read again.")
    else:
        typer.echo("Nothing was sealed under this id: no key was destroyed. Check its spelling.")
    typer.echo(f"Recorded as erasure {done.id}.")
    if done.remains:
        typer.echo(printable(f"Copies may still be there: {done.remains}"))


def erasures(
    subject: str | None = typer.Option(None, "--subject", metavar="ID", help="Only those of this person."),
    output_format: AuditFormat = FORMAT,
    otp: str | None = OTP,
) -> None:
    """List the erasures, newest first. People are named by a pseudonym, which `--subject` finds.

    Examples:

        automation erasures

        automation erasures --subject customer-4711 --format json
    """
    from automation_scripts.cli.audit_common import file_of
    from automation_scripts.cli.authority import authorised
    from automation_scripts.cli.console import print_json, stdout, table
    from automation_scripts.cli.keks import require_no_missing_keyring
    from automation_scripts.governance.opened import open_vault
    from automation_scripts.settings import load_settings

    settings = load_settings()
    require_no_missing_keyring(settings)
    file = file_of(settings.governance_url)
    found: list[Shredding] = []
    if file is None or file.exists():
        with authorised(settings, "erasures", otp):
            found = open_vault(settings).shreddings(subject)
    if output_format is AuditFormat.JSON:
        print_json([_erasure(done) for done in found])
    elif found:
        titles = ("erasure", "time", "by", "keys", "person", "reason")
        stdout().print(table(titles, map(_erasure_row, found), right=("keys",)))
    else:
        typer.echo("Nothing was erased yet." if subject is None else "Nothing was erased for this person.")


def _confirmed(subject: str) -> bool:
    import sys

    from automation_scripts.cli.console import one_line
    from automation_scripts.errors import InvalidParameters

    if not sys.stdin.isatty():
        raise InvalidParameters("erase: it cannot be undone. Confirm with --yes where there is no terminal to ask at.")
    question = f"Make all sealed data of {one_line(subject)} unreadable for good?"
    return typer.confirm(question, default=False, err=True)


def _erasure(done: Shredding) -> dict[str, Any]:
    return {
        "id": done.id,
        "person": done.owner,
        "at": done.at.isoformat(),
        "by": done.by,
        "reason": done.reason,
        "keys": done.keys,
    }


def _erasure_row(done: Shredding) -> tuple[str, ...]:
    from automation_scripts.cli.console import one_line
    from automation_scripts.cli.quantities import local

    return done.id, local(done.at), one_line(done.by), str(done.keys), done.owner[:16], one_line(done.reason)
