"""`automation login|logout|whoami`: the session of this account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from automation_scripts.cli.users_common import FORMAT, PASSWORD_STDIN, ListFormat

if TYPE_CHECKING:
    from automation_scripts.governance.identity.login_tokens import LoginToken
    from automation_scripts.governance.identity.records import Principal
    from automation_scripts.governance.identity.store import IdentityStore
    from automation_scripts.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("login")(login)
    app.command("logout")(logout)
    app.command("whoami")(whoami)


def login(
    name: str | None = typer.Argument(None, metavar="[NAME]", help="Who you are; asked for at a terminal if left out."),
    otp: str | None = typer.Option(None, "--otp", metavar="CODE", help="A one-time or recovery code."),
    password_stdin: bool = PASSWORD_STDIN,
    oidc: bool = typer.Option(False, "--oidc", help="Log in at the provider of `governance.oidc`, with a browser."),
    lifetime: str | None = typer.Option(
        None,
        "--lifetime",
        metavar="TIME",
        help="How long it holds: 30m, 1h, up to 12h. Default: governance.login_lifetime.",
    ),
) -> None:
    """Log in: runs and commands of this account are yours from then on, until the login expires.

    A code that was given counts as the second factor for the next five minutes.

    Examples:

        automation login alice

        automation login --oidc

        automation login alice --otp 123456 --password-stdin --lifetime 8h < password.txt
    """
    from automation_scripts.cli.administration import identity
    from automation_scripts.cli.oidc import proved_by_provider
    from automation_scripts.settings import load_settings

    settings = load_settings()
    ttl_s = _lifetime_s(settings, lifetime)
    if oidc:
        _nothing_else(name, otp, password_stdin)
    store = identity(settings)
    proved = proved_by_provider(settings, store) if oidc else _by_password(store, name, otp, password_stdin)
    token = store.login_tokens.issue(proved, ttl_s=ttl_s)
    _keep(settings, store, token)
    _greet(settings, store, proved, token)


def logout() -> None:
    """Log out: the session is revoked and forgotten.

    Examples:

        automation logout
    """
    import os

    from automation_scripts.cli.users_common import said
    from automation_scripts.governance.credentials import TOKEN_VARIABLE, forget_session, saved_session
    from automation_scripts.governance.opened import open_identity, users_are_set_up
    from automation_scripts.settings import load_settings

    settings = load_settings()
    try:
        if users_are_set_up(settings):
            _revoke(open_identity(settings), saved_session(settings.home))
    finally:
        was_there = forget_session(settings.home)  # whatever became of the rest
    said("Logged out." if was_there else "Nobody was logged in.")
    if os.environ.get(TOKEN_VARIABLE):
        said(f"{TOKEN_VARIABLE} is set and still counts: unset it too.")


def whoami(output_format: ListFormat = FORMAT) -> None:
    """Tell as whom this account acts, and until when. Exit code 2 when its login or token is not good any more.

    Examples:

        automation whoami

        automation whoami --format json
    """
    from automation_scripts.cli.console import print_json
    from automation_scripts.cli.users_common import print_fields
    from automation_scripts.settings import load_settings

    data = _identity_data(load_settings())
    if output_format is ListFormat.JSON:
        print_json(data)
    else:
        print_fields({name: value for name, value in data.items() if value is not None})


def _nothing_else(name: str | None, otp: str | None, password_stdin: bool) -> None:
    from automation_scripts.errors import InvalidParameters

    if name is not None or otp is not None or password_stdin:
        raise InvalidParameters(
            "--oidc: the provider says who you are. Leave out the name, --otp and --password-stdin."
        )


def _lifetime_s(settings: Settings, text: str | None) -> float:
    """Before a code is used up for nothing. Raises InvalidParameters."""
    from automation_scripts.cli.users_common import seconds
    from automation_scripts.governance.identity.login_tokens import LONGEST_S

    if text is None:
        return min(settings.governance.login_lifetime, LONGEST_S)
    return seconds(text, "--lifetime", LONGEST_S)


def _by_password(store: IdentityStore, name: str | None, otp: str | None, password_stdin: bool) -> Principal:
    from automation_scripts.cli import secret_input
    from automation_scripts.cli.administration import source
    from automation_scripts.governance.identity.records import PasswordCredential

    user = name if name is not None else _asked_name()
    given = secret_input.password(f"Password of {user}", from_stdin=password_stdin)
    if otp is None and not password_stdin:
        # Of everybody, so that the question does not tell who has one.
        otp = secret_input.ask_code(user, optional=True)
    return store.authenticate(PasswordCredential(user, given, otp), source=source())


def _asked_name() -> str:
    from automation_scripts.cli.secret_input import ask_name, on_terminal
    from automation_scripts.context import operating_system_user
    from automation_scripts.errors import InvalidParameters

    if not on_terminal():
        raise InvalidParameters("There is no terminal to ask on: name yourself, automation login NAME --password-stdin")
    return ask_name("Name", operating_system_user())


def _keep(settings: Settings, store: IdentityStore, token: LoginToken) -> None:
    """Save the new session and end the old one; a token that cannot be saved is not left behind."""
    from automation_scripts.errors import ConfigurationError
    from automation_scripts.governance.credentials import save_session, saved_session

    try:
        before = saved_session(settings.home)
    except ConfigurationError:
        before = ""  # others could read it; it is replaced
    try:
        save_session(settings.home, token.text)
    except BaseException:
        store.login_tokens.revoke(token.token_id, by=token.user, expires_at=token.expires_at)
        raise
    _revoke(store, before)


def _revoke(store: IdentityStore, text: str) -> None:
    from automation_scripts.governance.identity.refusal import CredentialRefused

    if not text:
        return
    try:
        claims = store.login_tokens.check(text, store.now())
    except CredentialRefused:
        return  # it is worth nothing as it is
    store.login_tokens.revoke(claims.token_id, by=claims.user, expires_at=claims.expires_at)


def _greet(settings: Settings, store: IdentityStore, proved: Principal, token: LoginToken) -> None:
    import os

    from automation_scripts.cli.quantities import local
    from automation_scripts.cli.users_common import said
    from automation_scripts.governance.credentials import TOKEN_VARIABLE

    roles = ", ".join(map(str, proved.roles)) or "none"
    said(f"Logged in as {proved.name} until {local(token.expires_at)}. Roles: {roles}.")
    if os.environ.get(TOKEN_VARIABLE):
        said(f"{TOKEN_VARIABLE} is set and counts instead of this login: unset it.")
    factors = store.directory.get(proved.name).second_factors
    if not factors and settings.automation.security.require_mfa:
        said("What is critical needs a second factor, and you have none yet: automation users totp enrol")
    elif factors == ("totp",):
        said("Your recovery codes are used up: automation users recovery-codes")


def _identity_data(settings: Settings) -> dict[str, Any]:
    from automation_scripts.cli.administration import authenticated
    from automation_scripts.context import operating_system_user
    from automation_scripts.governance.credentials import ambient
    from automation_scripts.governance.opened import open_identity, users_are_set_up

    given = ambient(settings.home)
    if given.token is None or not users_are_set_up(settings):
        return _nobody(operating_system_user(), given.token is not None, settings.governance.local_use)
    store = open_identity(settings)
    proved = authenticated(settings, store)
    scope = proved.scope
    return {
        "name": proved.name,
        "proved": True,
        "kind": proved.kind.value,
        "authentication": proved.authentication,
        "roles": list(map(str, proved.roles)),
        "groups": list(proved.groups),
        "scope": None
        if scope is None
        else {part: sorted(getattr(scope, part)) for part in ("scripts", "environments", "actions")},
        "second_factor_at": proved.mfa_at,
        "expires_at": _expiry(store, proved, given.token),
        "token_id": proved.token_id,
    }


def _nobody(name: str, with_token: bool, local_use: bool) -> dict[str, Any]:
    """Who acts while nothing proves it."""
    from automation_scripts.errors import AccessDenied

    if with_token:
        raise AccessDenied("There is a token, and no users are set up here: it belongs to another state folder.")
    return {
        "name": name,
        "proved": False,
        "kind": "local",
        "authentication": "local",
        "roles": ["local"] if local_use else [],
    }


def _expiry(store: IdentityStore, proved: Principal, token: str) -> Any:
    if proved.authentication == "login_token":
        return store.login_tokens.check(token, store.now()).expires_at
    ends = {known.token_id: known.expires_at for known in store.service_tokens.list(proved.name)}
    return ends.get(proved.token_id or "")
