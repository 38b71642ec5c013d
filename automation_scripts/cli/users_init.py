"""`automation users init`: the first administrator, by whoever owns the state folder. There is no default password."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from automation_scripts.cli.users_common import PASSWORD_STDIN

if TYPE_CHECKING:
    from automation_scripts.governance.identity.store import IdentityStore
    from automation_scripts.settings import Settings

SECRET_VARIABLE = "AUTOMATION_BOOTSTRAP_SECRET"  # noqa: S105 - the name of a variable


def init(
    name: str | None = typer.Argument(None, metavar="[NAME]", help="The name of the administrator."),
    make_secret: bool = typer.Option(
        False, "--make-secret", help="Only write a one-time secret into a file, for a later `init` without a terminal."
    ),
    secret_file: Path | None = typer.Option(
        None, "--secret-file", help=f"The file with the one-time secret; or give it in {SECRET_VARIABLE}."
    ),
    password_stdin: bool = PASSWORD_STDIN,
    no_totp: bool = typer.Option(False, "--no-totp", help="Do not set up one-time codes now."),
) -> None:
    """Make the first administrator. It can be done once; from then on every run and command says who asks.

    At a terminal, name and password are asked for. Without one, a one-time secret is needed: --make-secret writes it.

    Examples:

        automation users init

        automation users init --make-secret

        automation users init alice --password-stdin --secret-file ~/.automation/bootstrap-secret < password.txt
    """
    from automation_scripts.cli.administration import unproved
    from automation_scripts.cli.users_common import said
    from automation_scripts.governance.opened import open_identity
    from automation_scripts.settings import load_settings

    settings = load_settings()
    secret = _checked_options(name, make_secret, secret_file, password_stdin)
    store = open_identity(settings)
    _require_none(store)
    if make_secret:
        with unproved(settings, "users init --make-secret"):
            store.bootstrap.secret()
        said(f"The one-time secret is in {store.bootstrap.path}, which only this account can read. Then:")
        said(f"automation users init NAME --password-stdin --secret-file {store.bootstrap.path} < password.txt")
        return
    made = _make(settings, store, name, secret, password_stdin)
    _next_steps(settings, store, made, no_totp)


def _checked_options(name: str | None, make_secret: bool, secret_file: Path | None, password_stdin: bool) -> str | None:
    """The one-time secret, if one was given. Raises InvalidParameters before anything is opened."""
    from automation_scripts.cli.secret_input import on_terminal
    from automation_scripts.errors import InvalidParameters

    if make_secret:
        if name is not None or secret_file is not None or password_stdin:
            raise InvalidParameters("--make-secret only writes the secret: leave out everything else.")
        return None
    secret = _given_secret(secret_file)
    if secret is None and (password_stdin or not on_terminal()):
        raise InvalidParameters(
            "Without a terminal the first administrator needs a one-time secret. Write it with `automation users init "
            f"--make-secret`, and give --secret-file or {SECRET_VARIABLE}."
        )
    if name is None and not on_terminal():
        raise InvalidParameters("Without a terminal, name the administrator: automation users init NAME …")
    return secret


def _given_secret(path: Path | None) -> str | None:
    import os

    from automation_scripts.errors import InvalidParameters
    from automation_scripts.storage.private_files import read_private

    if path is None:
        return os.environ.get(SECRET_VARIABLE, "").strip() or None
    try:
        return read_private(path.resolve(), "secret file").decode("ascii", "replace").strip()
    except FileNotFoundError:
        raise InvalidParameters(f"--secret-file {path}: there is no such file. See --make-secret.") from None
    except IsADirectoryError:
        raise InvalidParameters(f"--secret-file {path}: is a folder. Name the file.") from None


def _require_none(store: IdentityStore) -> None:
    from automation_scripts.errors import AccessDenied

    if not store.bootstrap.needed():
        raise AccessDenied(
            "There is an administrator already. Log in with `automation login`, or ask an administrator for an account."
        )


def _make(settings: Settings, store: IdentityStore, name: str | None, secret: str | None, password_stdin: bool) -> str:
    from automation_scripts.cli.administration import unproved
    from automation_scripts.cli.secret_input import new_password
    from automation_scripts.cli.users_common import said
    from automation_scripts.governance.names import checked_name

    chosen = checked_name(name if name is not None else _asked_name())
    password = new_password(chosen, from_stdin=password_stdin)
    with unproved(settings, "users init", resource=chosen):
        # Whoever may write to the state folder and the database owns this installation, and could read the secret there.
        store.bootstrap.create_first_admin(chosen, password, secret=secret or store.bootstrap.secret())
    said(f"{chosen} is the first administrator.")
    return chosen


def _asked_name() -> str:
    from automation_scripts.cli.secret_input import ask_name
    from automation_scripts.context import operating_system_user
    from automation_scripts.governance.names import meant

    return ask_name("Name of the administrator", meant(operating_system_user()))


def _next_steps(settings: Settings, store: IdentityStore, name: str, no_totp: bool) -> None:
    from automation_scripts.cli.secret_input import confirmed, on_terminal
    from automation_scripts.cli.totp_enrolment import enrol
    from automation_scripts.cli.users_common import said

    if not no_totp and on_terminal() and confirmed("Set up one-time codes now?"):
        enrol(store, name, by=name)
        said(f"Next: automation login {name}")
        return
    said(f"Next: automation login {name}, and then: automation users totp enrol")
    if settings.automation.security.require_mfa:
        said("Until then nobody can administer users: `automation.security.require_mfa` asks for a second factor.")
