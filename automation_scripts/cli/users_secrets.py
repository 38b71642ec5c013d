"""`automation users password|totp|recovery-codes`: credentials, one's own or, for administrators, those of others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from automation_scripts.cli.users_common import OTP, PASSWORD_STDIN

if TYPE_CHECKING:
    from automation_scripts.governance.identity.store import IdentityStore
    from automation_scripts.settings import Settings

_WHO = typer.Argument(None, metavar="[NAME]", help="Whose; your own if left out. Others' need an administrator.")


def register(users: typer.Typer) -> None:
    """Add the commands to `users`."""
    users.command("password")(password)
    users.command("recovery-codes")(recovery_codes)
    totp = typer.Typer(help="One-time codes of an app (TOTP).", no_args_is_help=True)
    totp.command("enrol")(enrol)
    totp.command("remove")(remove)
    users.add_typer(totp, name="totp")


def password(name: str | None = _WHO, password_stdin: bool = PASSWORD_STDIN, otp: str | None = OTP) -> None:
    """Set a password; all logins of the user end. Your own needs the present one, and a code where codes are set up.

    With --password-stdin, your own takes two lines: the present password and the new one. Somebody else's takes one.

    Examples:

        automation users password

        automation users password alice
    """
    from automation_scripts.cli.secret_input import new_password
    from automation_scripts.cli.users_common import said
    from automation_scripts.settings import load_settings

    settings = load_settings()
    with _account(settings, "users password", name, otp, password_stdin) as (store, user, by):
        store.set_password(user, new_password(user, from_stdin=password_stdin), by=by)
    _ended(settings, user, user == by)
    said(f"The password of {user} was set; all logins of {user} have ended.")


def enrol(name: str | None = _WHO, password_stdin: bool = PASSWORD_STDIN, otp: str | None = OTP) -> None:
    """Set up one-time codes, or replace them: scan the QR code, type one code, keep the recovery codes.

    Your own needs the password, and a code of before where there is one.

    Examples:

        automation users totp enrol
    """
    from automation_scripts.cli import totp_enrolment
    from automation_scripts.settings import load_settings

    settings = load_settings()
    totp_enrolment.require_terminal()
    with _account(settings, "users totp enrol", name, otp, password_stdin) as (store, user, by):
        totp_enrolment.enrol(store, user, by=by, replace=True)


def remove(name: str | None = _WHO, password_stdin: bool = PASSWORD_STDIN, otp: str | None = OTP) -> None:
    """Remove one-time codes and recovery codes, for a lost phone; all logins of the user end.

    Your own needs the password and a code: without the phone, a recovery code.

    Examples:

        automation users totp remove alice
    """
    from automation_scripts.cli.users_common import said
    from automation_scripts.settings import load_settings

    settings = load_settings()
    with _account(settings, "users totp remove", name, otp, password_stdin) as (store, user, by):
        store.totp.remove(user, by=by)
    _ended(settings, user, user == by)
    said(f"{user} has no one-time codes now; all logins of {user} have ended.")


def recovery_codes(password_stdin: bool = PASSWORD_STDIN, otp: str | None = OTP) -> None:
    """Make ten new recovery codes for your own account, which take the place of the old ones. They go to stdout, once.

    Examples:

        automation users recovery-codes > recovery-codes.txt
    """
    from automation_scripts.cli.administration import own_account
    from automation_scripts.cli.totp_enrolment import show_recovery_codes
    from automation_scripts.settings import load_settings

    with own_account(load_settings(), "users recovery-codes", otp, password_stdin=password_stdin) as account:
        show_recovery_codes(account.store.second_factors.renew_recovery_codes(account.by, by=account.by))


@contextmanager
def _account(
    settings: Settings, command: str, name: str | None, otp: str | None, password_stdin: bool
) -> Iterator[tuple[IdentityStore, str, str]]:
    """The store, whose credentials they are and who changes them: the own account after proof, others' as an administrator."""
    from automation_scripts.cli.administration import administration, is_own, own_account

    if name is None or is_own(settings, name):
        with own_account(settings, command, otp, password_stdin=password_stdin, person=name) as own:
            yield own.store, own.by, own.by
    else:
        with administration(settings, command, otp, resource=name) as admin:
            admin.store.directory.get(name)  # before anything is asked
            yield admin.store, name, admin.by


def _ended(settings: Settings, user: str, own: bool) -> None:
    """The saved session is worth nothing any more."""
    from automation_scripts.cli.users_common import said
    from automation_scripts.governance.credentials import forget_session

    if own and forget_session(settings.home):
        said(f"Log in again: automation login {user}")
