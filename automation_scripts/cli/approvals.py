"""`automation approvals …`: ask for approvals, give and refuse them, look at them. `request` is in a module of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

from automation_scripts.cli import approvals_request
from automation_scripts.cli.users_common import FORMAT, OTP, ListFormat

if TYPE_CHECKING:
    from automation_scripts.governance.approvals.records import ApprovalRequest
    from automation_scripts.governance.consent import Consent
    from automation_scripts.governance.credentials import Presented

_ID = typer.Argument(..., metavar="ID", help="An approval's id, or the beginning of one.")


def register(app: typer.Typer) -> None:
    """Add the group to the application."""
    group = typer.Typer(help="Approvals: who asked for what, and who said yes.", no_args_is_help=True)
    group.command("list")(list_approvals)
    group.command("show")(show)
    group.command("request")(approvals_request.request)
    group.command("grant")(grant)
    group.command("deny")(deny)
    group.command("withdraw")(withdraw)
    group.command("review")(review)
    group.command("overdue")(overdue)
    app.add_typer(group, name="approvals")


def list_approvals(
    status: str | None = typer.Option(
        None, "--status", help="Only these: pending, approved, denied, expired, used or withdrawn."
    ),
    script: str | None = typer.Option(None, "--script", help="Only for this script."),
    environment: str | None = typer.Option(None, "--environment", "-e", help="Only for this environment."),
    mine: bool = typer.Option(False, "--mine", help="Only what you asked for yourself."),
    limit: int = typer.Option(20, "--limit", min=1, max=100_000, help="At most so many, newest first."),
    output_format: ListFormat = FORMAT,
) -> None:
    """List requests for approval that you may see, newest first.

    Once users are set up this needs a login, and the policies must allow you to `read_history` there.

    Examples:

        automation approvals list --status pending

        automation approvals list --script config_validator -e production --format json
    """
    from automation_scripts import catalog
    from automation_scripts.cli.approvals_access import reader
    from automation_scripts.cli.approvals_view import print_requests
    from automation_scripts.settings import load_settings

    settings = load_settings()
    if script is not None:
        catalog.get(script)
    if environment is not None:
        settings.require_environment(environment)
    _require_status(status)
    with reader(settings, "approvals list") as reading:
        found = reading.list(limit, mine=mine, status=status, script=script, environment=environment)
    print_requests(found, output_format)


def show(approval: str = _ID, output_format: ListFormat = FORMAT) -> None:
    """Show one request: what exactly is to happen, who asked, who said what, until when, and what is missing.

    Examples:

        automation approvals show approval_1f3a

        automation approvals show approval_1f3a --format json
    """
    from automation_scripts.cli.approvals_access import reader
    from automation_scripts.cli.approvals_view import print_request
    from automation_scripts.settings import load_settings

    settings = load_settings()
    with reader(settings, "approvals show", resource=approval) as reading:
        request = reading.get(approval)
    print_request(request, reading.standing(request), output_format)


def overdue(output_format: ListFormat = FORMAT) -> None:
    """List broken glasses that nobody reviewed in time, oldest first. Until they are, nobody may break another.

    Examples:

        automation approvals overdue
    """
    from automation_scripts.cli.approvals_access import reader
    from automation_scripts.cli.approvals_view import print_requests
    from automation_scripts.settings import load_settings

    settings = load_settings()
    with reader(settings, "approvals overdue") as reading:
        found = reading.overdue()
    print_requests(found, output_format)


def grant(
    approval: str = _ID,
    reason: str = typer.Option("", "--reason", help="Why, or under which conditions."),
    otp: str | None = OTP,
) -> None:
    """Say yes to one exact plan. Look at it with `approvals show` before.

    Examples:

        automation approvals grant approval_1f3a --otp 123456
    """
    _act(approval, otp, lambda consent, key, given: consent.vote(key, given, "grant", reason, source="cli"))


def deny(
    approval: str = _ID,
    reason: str = typer.Option(..., "--reason", help="What would have to be different."),
    otp: str | None = OTP,
) -> None:
    """Say no. One denial ends a request, also when others have granted it and it is not used yet.

    Examples:

        automation approvals deny approval_1f3a --reason "after the release, please"
    """
    _require_text(reason, "--reason", "so that the requester knows what to change")
    _act(approval, otp, lambda consent, key, given: consent.vote(key, given, "deny", reason, source="cli"))


def withdraw(
    approval: str = _ID,
    reason: str = typer.Option("", "--reason", help="Why."),
) -> None:
    """Take back your own request; an administrator may take back any.

    Examples:

        automation approvals withdraw approval_1f3a --reason "the wrong folder"
    """
    _act(approval, None, lambda consent, key, given: consent.withdraw(key, given, reason, source="cli"))


def review(
    approval: str = _ID,
    note: str = typer.Option(..., "--note", help="What was found."),
    otp: str | None = OTP,
) -> None:
    """Review a broken glass after its use, as another person than the one who broke it.

    Examples:

        automation approvals review approval_1f3a --note "the outage was real, the change was right"
    """
    _require_text(note, "--note", "what was found")
    _act(approval, otp, lambda consent, key, given: consent.review(key, given, note, source="cli"))


def _act(approval: str, otp: str | None, deed: Callable[[Consent, str, Presented], ApprovalRequest]) -> None:
    """Do it as whoever is logged in, and say how the request stands then."""
    from automation_scripts.cli.administration import identity
    from automation_scripts.cli.approvals_access import Standing, with_second_factor
    from automation_scripts.cli.approvals_view import headline
    from automation_scripts.cli.users_common import said
    from automation_scripts.governance.opened import open_gate
    from automation_scripts.settings import load_settings

    settings = load_settings()
    identity(settings)
    gate = open_gate(settings)
    key = gate.consent.get(approval).id
    request = with_second_factor(settings, otp, lambda given: deed(gate.consent, key, given))
    said(headline(request, Standing.of(request, gate, settings)))


def _require_status(text: str | None) -> None:
    from automation_scripts.errors import InvalidParameters
    from automation_scripts.governance.approvals.records import Status
    from automation_scripts.suggest import nearest

    if text is not None and text not in list(Status):
        guess = nearest(text, list(Status))
        hint = f" Did you mean '{guess}'?" if guess else ""
        raise InvalidParameters(f"--status: there is no status {text[:40]!a}.{hint} Known: {', '.join(Status)}.")


def _require_text(text: str, option: str, why: str) -> None:
    """Before a code is asked for and used up."""
    from automation_scripts.errors import InvalidParameters

    if not text.strip():
        raise InvalidParameters(f"{option}: say {why}." if option == "--note" else f"{option}: say why, {why}.")
