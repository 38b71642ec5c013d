"""`automation token …`: tokens of service accounts, and the key that signs logins."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import typer

from automation_scripts.cli.users_common import FORMAT, OTP, ListFormat

if TYPE_CHECKING:
    from automation_scripts.governance.identity.records import Scope
    from automation_scripts.governance.identity.service_tokens import NewServiceToken, ServiceToken
    from automation_scripts.governance.identity.store import IdentityStore
    from automation_scripts.settings import Settings

_ID = typer.Argument(..., metavar="ID", help="The identifier of the token: see `automation token list`.")
_EXPIRES = typer.Option("90d", "--expires", metavar="TIME", help="How long it holds: 12h, 90d, up to 366d.")

_LONGEST_ID = 64


def register(app: typer.Typer) -> None:
    """Add the group to the application."""
    group = typer.Typer(help="Tokens of service accounts, for schedules, alerts and pipelines.", no_args_is_help=True)
    group.command("create")(create)
    group.command("list")(list_tokens)
    group.command("revoke")(revoke)
    group.command("rotate")(rotate)
    group.command("rotate-key")(rotate_key)
    group.command("end-logins")(end_logins)
    app.add_typer(group, name="token")


def create(
    service: str = typer.Argument(
        ..., metavar="SERVICE", help="A service account: automation users add NAME --service."
    ),
    scripts: list[str] = typer.Option(..., "--scripts", metavar="NAME,…", help="Scripts that it is for; '*' for all."),
    environments: list[str] = typer.Option(
        ..., "--environments", metavar="NAME,…", help="Environments that it is for; '*' for all."
    ),
    actions: list[str] = typer.Option(
        ..., "--actions", metavar="NAME,…", help="What it is for, such as observe,change; '*' for all."
    ),
    label: str = typer.Option("", "--label", help="What it is used for, so that it is recognised later."),
    expires: str = _EXPIRES,
    otp: str | None = OTP,
) -> None:
    """Make a token, which is printed once, alone on stdout. It can do what the account's roles and its scope both allow.

    Examples:

        automation token create nightly --scripts config_validator --environments staging --actions observe

        automation token create nightly --scripts '*' --environments staging,test --actions observe,change --expires 30d
    """
    from automation_scripts.cli.administration import administration
    from automation_scripts.settings import load_settings

    settings = load_settings()
    scope = _scope(settings, scripts, environments, actions)
    ttl_s = _expiry_s(expires)
    told: dict[str, Any] = {part: sorted(getattr(scope, part)) for part in ("scripts", "environments", "actions")}
    with administration(settings, "token create", otp, resource=service, label=label, expires=expires, **told) as admin:
        made = admin.store.service_tokens.create(service, scope, by=admin.by, label=label, ttl_s=ttl_s)
        _hand_over(admin.store, made, admin.by)


def list_tokens(
    service: str | None = typer.Argument(None, metavar="[SERVICE]", help="Of one service account only."),
    all_tokens: bool = typer.Option(False, "--all", help="Those that were revoked or have expired too."),
    output_format: ListFormat = FORMAT,
) -> None:
    """List tokens: what each may do, until when, and when it was last used. The tokens themselves are stored nowhere.

    Examples:

        automation token list

        automation token list nightly --all --format json
    """
    from automation_scripts.cli.administration import reading
    from automation_scripts.cli.console import print_json, stdout, table
    from automation_scripts.cli.quantities import local
    from automation_scripts.settings import load_settings

    store = reading(load_settings(), "token list", resource=service or "").store
    if service is not None:
        store.directory.get(service)
    now = store.now()
    found = [(token, _state(token, now)) for token in store.service_tokens.list(service)]
    if not all_tokens:
        found = [(token, state) for token, state in found if state == "good"]
    if output_format is ListFormat.JSON:
        print_json([_token_data(token, state) for token, state in found])
        return
    rows = [
        (
            token.token_id,
            token.user,
            token.label,
            ", ".join(sorted(token.scope.scripts)),
            ", ".join(sorted(token.scope.environments)),
            ", ".join(sorted(token.scope.actions)),
            state if state != "good" else f"until {local(token.expires_at)}",
            local(token.last_used_at) if token.last_used_at else "never",
        )
        for token, state in found
    ]
    titles = ("ID", "SERVICE", "LABEL", "SCRIPTS", "ENVIRONMENTS", "ACTIONS", "GOOD", "LAST USED")
    stdout().print(table(titles, rows))


def revoke(token_id: str = _ID, otp: str | None = OTP) -> None:
    """Accept a token no more, at once.

    Examples:

        automation token revoke 4fT9kQ2xLm
    """
    from automation_scripts.cli.administration import administration
    from automation_scripts.cli.users_common import said
    from automation_scripts.settings import load_settings

    token_id = _id_alone(token_id)
    with administration(load_settings(), "token revoke", otp, resource=token_id) as admin:
        admin.store.service_tokens.revoke(token_id, by=admin.by)
    said(f"{token_id} is revoked.")


def rotate(
    token_id: str = _ID,
    overlap: str = typer.Option(
        "1d", "--overlap", metavar="TIME", help="How long the old one still holds; 0: not at all."
    ),
    expires: str = _EXPIRES,
    otp: str | None = OTP,
) -> None:
    """Make a new token with the scope of an old one, which ends after --overlap. The new one is printed once, on stdout.

    Examples:

        automation token rotate 4fT9kQ2xLm --overlap 2h
    """
    from automation_scripts.cli.administration import administration
    from automation_scripts.settings import load_settings

    token_id, overlap_s, ttl_s = _id_alone(token_id), _overlap_s(overlap), _expiry_s(expires)
    told: dict[str, Any] = {"overlap": overlap, "expires": expires}
    with administration(load_settings(), "token rotate", otp, resource=token_id, **told) as admin:
        made = admin.store.service_tokens.rotate(token_id, by=admin.by, overlap_s=overlap_s, ttl_s=ttl_s)
        _hand_over(admin.store, made, admin.by)


def rotate_key(
    overlap: str = typer.Option(
        "12h", "--overlap", metavar="TIME", help="How long logins of the old key still hold; 0 ends them at once."
    ),
    otp: str | None = OTP,
) -> None:
    """Sign logins with a new key from now on. When the old one may be known to others, use --overlap 0.

    Examples:

        automation token rotate-key

        automation token rotate-key --overlap 0
    """
    from automation_scripts.cli.administration import administration
    from automation_scripts.cli.users_common import said
    from automation_scripts.settings import load_settings

    overlap_s = _overlap_s(overlap)
    with administration(load_settings(), "token rotate-key", otp, overlap=overlap) as admin:
        kid = admin.store.login_tokens.keys.rotate(by=admin.by, overlap_s=overlap_s)
    said(f"Logins are signed with the key {kid} from now on.")


def end_logins(
    name: str = typer.Argument(..., metavar="NAME", help="The name of the user."), otp: str | None = OTP
) -> None:
    """End all logins of a user, on every machine: a session was stolen. Service tokens are not logins.

    Examples:

        automation token end-logins alice
    """
    from automation_scripts.cli.administration import administration
    from automation_scripts.cli.users_common import said
    from automation_scripts.settings import load_settings

    with administration(load_settings(), "token end-logins", otp, resource=name) as admin:
        admin.store.login_tokens.revoke_all(name, by=admin.by)
    said(f"All logins of {name} have ended.")


def _scope(settings: Settings, scripts: list[str], environments: list[str], actions: list[str]) -> Scope:
    from automation_scripts.catalog import SCRIPTS
    from automation_scripts.governance.identity.records import Scope
    from automation_scripts.governance.policy.vocabulary import Action

    return Scope(
        _names("--scripts", "script", scripts, list(SCRIPTS)),
        _names("--environments", "environment", environments, settings.environments),
        _names("--actions", "action", actions, [action.value for action in Action]),
    )


def _names(option: str, what: str, given: list[str], known: Collection[str]) -> frozenset[str]:
    """The names in `a,b` and repeated options. Raises InvalidParameters for none, and for unknown ones."""
    from automation_scripts.errors import InvalidParameters
    from automation_scripts.governance.identity.records import ANY
    from automation_scripts.governance.policy.names import fault

    names = [name.strip() for text in given for name in text.split(",") if name.strip()]
    if not names:
        raise InvalidParameters(f"{option}: names nothing. Name each {what}, or write '*' for all.")
    for name in names:
        if name != ANY and (wrong := fault(name, what, known)):
            raise InvalidParameters(f"{option}: {wrong}. '*' stands for all.")
    return frozenset(names)


def _expiry_s(text: str) -> float:
    from automation_scripts.cli.users_common import seconds
    from automation_scripts.governance.identity.service_tokens import LONGEST_S

    return seconds(text, "--expires", LONGEST_S)


def _overlap_s(text: str) -> float:
    from automation_scripts.cli.users_common import seconds
    from automation_scripts.governance.identity.service_tokens import LONGEST_S

    return 0.0 if text.strip() == "0" else seconds(text, "--overlap", LONGEST_S)


def _id_alone(text: str) -> str:
    """The identifier, also of a token that was given whole: a token must get into neither messages nor the audit.

    Raises InvalidParameters, without quoting what may be the token of a login.
    """
    from automation_scripts.errors import InvalidParameters
    from automation_scripts.governance.identity.service_tokens import PREFIX

    token_id = text.removeprefix(PREFIX).partition("_")[0] if text.startswith(PREFIX) else text
    if not (token_id.isascii() and token_id.isalnum() and len(token_id) <= _LONGEST_ID):
        raise InvalidParameters("ID: what was given is not the identifier of a token. See `automation token list`.")
    return token_id


def _hand_over(store: IdentityStore, made: NewServiceToken, by: str) -> None:
    """Print the token; one that nobody could read is not left behind."""
    import sys

    from automation_scripts.cli.quantities import local
    from automation_scripts.cli.users_common import said

    try:
        sys.stdout.write(made.text + "\n")
        sys.stdout.flush()
    except OSError:
        store.service_tokens.revoke(made.token_id, by=by)
        raise
    said(f"Token {made.token_id} of {made.user}, good until {local(made.expires_at)}. It is not shown again.")


def _state(token: ServiceToken, now: Any) -> str:
    if token.revoked_at is not None:
        return "revoked"
    return "expired" if token.expires_at <= now else "good"


def _token_data(token: ServiceToken, state: str) -> dict[str, Any]:
    return {
        "id": token.token_id,
        "service": token.user,
        "label": token.label,
        "scripts": sorted(token.scope.scripts),
        "environments": sorted(token.scope.environments),
        "actions": sorted(token.scope.actions),
        "state": state,
        "created_at": token.created_at,
        "created_by": token.created_by,
        "expires_at": token.expires_at,
        "revoked_at": token.revoked_at,
        "last_used_at": token.last_used_at,
    }
