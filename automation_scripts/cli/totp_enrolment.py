"""Setting up one-time codes at a terminal: the QR code, one code to confirm, and the recovery codes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from automation_scripts.governance.identity.store import IdentityStore
    from automation_scripts.governance.identity.totp import Enrolment

_TRIES = 3


def require_terminal() -> None:
    """Raises InvalidParameters where nobody could scan the code."""
    from automation_scripts.cli.secret_input import on_terminal
    from automation_scripts.errors import InvalidParameters

    if not on_terminal():
        raise InvalidParameters("One-time codes are set up at a terminal, which shows the QR code. There is none here.")


def enrol(store: IdentityStore, user: str, *, by: str, replace: bool = False) -> None:
    """Let a person at this terminal set up an app. The codes of before, if any, hold until it is confirmed.

    Raises:
        InvalidParameters: there is no terminal.
        CredentialRefused: no right code was typed.
    """
    require_terminal()
    _show(store.totp.begin(user, by=by, replace=replace))
    codes = _confirmed(store, user)
    show_recovery_codes(codes)


def show_recovery_codes(codes: Sequence[str]) -> None:
    """On stdout, alone: they may go to a file or a printer."""
    from automation_scripts.cli.users_common import said

    said("Recovery codes, good once each when the phone is lost. They are not shown again; keep them elsewhere:")
    typer.echo("\n".join(codes))


def _show(enrolment: Enrolment) -> None:
    from urllib.parse import parse_qs, urlsplit

    from automation_scripts.cli.users_common import said

    said("Scan this with an app for one-time codes:")
    typer.echo(enrolment.qr, err=True)
    (key,) = parse_qs(urlsplit(enrolment.uri).query)["secret"]
    said(f"Or type this key: {' '.join(key[at : at + 4] for at in range(0, len(key), 4))}")


def _confirmed(store: IdentityStore, user: str) -> tuple[str, ...]:
    from automation_scripts.cli.administration import source
    from automation_scripts.cli.console import complain
    from automation_scripts.cli.secret_input import ask
    from automation_scripts.governance.identity.refusal import CredentialRefused

    for left in reversed(range(_TRIES)):
        code = ask("The code that the app shows now").strip()
        try:
            return store.second_factors.confirm_totp(user, code, source=source())
        except CredentialRefused as refusal:
            if not left or refusal.reason == "locked":
                raise
            complain("That is not the code of this key. Check the clock of the phone, and type the next one.")
    raise AssertionError("unreachable: the last try returns or raises")
