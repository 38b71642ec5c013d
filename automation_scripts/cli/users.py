"""`automation users …`: people and service accounts. First start, groups and credentials are in the modules beside this."""

from __future__ import annotations

from typing import Any

import typer

from automation_scripts.cli import users_groups, users_init, users_secrets
from automation_scripts.cli.users_common import FORMAT, OTP, ROLE, ListFormat

_NAME = typer.Argument(..., metavar="NAME", help="The name of the user.")


def register(app: typer.Typer) -> None:
    """Add the group to the application."""
    group = typer.Typer(help="Users, service accounts, groups and roles.", no_args_is_help=True)
    group.command("init")(users_init.init)
    group.command("add")(add)
    group.command("list")(list_users)
    group.command("show")(show)
    group.command("grant")(grant)
    group.command("revoke")(revoke)
    group.command("disable")(disable)
    group.command("enable")(enable)
    group.command("unlock")(unlock)
    group.command("link")(link)
    group.command("unlink")(unlink)
    users_groups.register(group)
    users_secrets.register(group)
    app.add_typer(group, name="users")


def add(
    name: str = _NAME,
    service: bool = typer.Option(False, "--service", help="A service account, for schedules and pipelines."),
    display_name: str = typer.Option("", "--display-name", help="How people call the user."),
    email: str = typer.Option("", "--email", help="An address for notifications."),
    slack_id: str = typer.Option("", "--slack-id", help="The Slack member, such as U024BE7LH."),
    role: list[str] = typer.Option([], "--role", metavar="ROLE[@ENVIRONMENT]", help="A role; repeat for more."),
    group: list[str] = typer.Option([], "--group", help="A group to join; repeat for more."),
    otp: str | None = OTP,
) -> None:
    """Create a user, or with --service a service account, without a credential yet.

    Examples:

        automation users add alice --role operator --role release-manager@production --group platform

        automation users add nightly --service --role service
    """
    from automation_scripts.cli.administration import administration
    from automation_scripts.cli.users_common import known_bindings, said
    from automation_scripts.governance.identity.records import Kind
    from automation_scripts.settings import load_settings

    settings = load_settings()
    kind = Kind.SERVICE if service else Kind.PERSON
    told: dict[str, Any] = {"kind": kind.value, "roles": role, "groups": group}
    with administration(settings, "users add", otp, resource=name, **told) as admin:
        directory = admin.store.directory
        bindings = known_bindings(settings, role)
        _require_groups(set(directory.groups()), group)
        directory.add_user(
            name,
            by=admin.by,
            kind=kind,
            display_name=display_name,
            email=email,
            slack_id=slack_id,
            roles=bindings,
        )
        if group:
            directory.set_groups(name, group, by=admin.by)
    said(f"Created {kind.value} {name}.")
    if service:
        said(f"Make a token: automation token create {name} --scripts … --environments … --actions …")
    else:
        said(f"Give a first password: automation users password {name}")


def list_users(output_format: ListFormat = FORMAT) -> None:
    """List all users. Needs the role of an administrator, not a second factor.

    Examples:

        automation users list

        automation users list --format json
    """
    from automation_scripts.cli.administration import reading
    from automation_scripts.cli.console import print_json, stdout, table
    from automation_scripts.cli.users_common import user_data
    from automation_scripts.settings import load_settings

    found = reading(load_settings(), "users list").store.directory.users()
    if output_format is ListFormat.JSON:
        print_json([user_data(user) for user in found])
        return
    rows = [
        (
            user.name,
            user.kind.value,
            "enabled" if user.enabled else "disabled",
            ", ".join(map(str, user.roles)),
            ", ".join(user.groups),
            ", ".join(user.second_factors),
        )
        for user in found
    ]
    stdout().print(table(("NAME", "KIND", "STATE", "ROLES", "GROUPS", "SECOND FACTORS"), rows))


def show(name: str = _NAME, output_format: ListFormat = FORMAT) -> None:
    """Show one user. Everybody may look at the own account; others need the role of an administrator.

    Examples:

        automation users show alice
    """
    from automation_scripts.cli.administration import reading
    from automation_scripts.cli.console import print_json
    from automation_scripts.cli.users_common import print_fields, user_data
    from automation_scripts.settings import load_settings

    store = reading(load_settings(), "users show", resource=name, allow_self=True).store
    user = store.directory.get(name)
    data = user_data(user)
    groups = store.directory.groups()
    data["roles_through_groups"] = sorted({str(role) for group in user.groups for role in groups[group]})
    data["locked_until"] = store.attempts.blocked_until(name, store.now())
    if output_format is ListFormat.JSON:
        print_json(data)
    else:
        print_fields(data)


def grant(name: str = _NAME, role: str = ROLE, otp: str | None = OTP) -> None:
    """Give a user a role, everywhere or in one environment.

    Examples:

        automation users grant alice release-manager@production
    """
    from automation_scripts.cli.administration import administration
    from automation_scripts.cli.users_common import known_bindings, said
    from automation_scripts.settings import load_settings

    settings = load_settings()
    with administration(settings, "users grant", otp, resource=name, role=role) as admin:
        (bound,) = known_bindings(settings, [role])
        admin.store.directory.grant(name, bound, by=admin.by)
    said(f"{name} has the role {bound}.")


def revoke(name: str = _NAME, role: str = ROLE, otp: str | None = OTP) -> None:
    """Take a role from a user that was given directly. It counts from the next question on.

    Examples:

        automation users revoke alice release-manager@production
    """
    from automation_scripts.cli.administration import administration
    from automation_scripts.cli.users_common import binding, said
    from automation_scripts.settings import load_settings

    with administration(load_settings(), "users revoke", otp, resource=name, role=role) as admin:
        admin.store.directory.revoke(name, binding(role), by=admin.by)
    said(f"{name} no longer has the role {role}.")


def disable(name: str = _NAME, otp: str | None = OTP) -> None:
    """Let a user in no more: all logins and tokens end at once. Users are never deleted, since the audit names them.

    Examples:

        automation users disable alice
    """
    from automation_scripts.cli.administration import administration
    from automation_scripts.cli.users_common import said
    from automation_scripts.settings import load_settings

    with administration(load_settings(), "users disable", otp, resource=name) as admin:
        admin.store.directory.disable(name, by=admin.by)
    said(f"{name} is disabled; all logins and tokens have ended.")


def enable(name: str = _NAME, otp: str | None = OTP) -> None:
    """Let a disabled user in again. Tokens that ended stay ended.

    Examples:

        automation users enable alice
    """
    from automation_scripts.cli.administration import administration
    from automation_scripts.cli.users_common import said
    from automation_scripts.settings import load_settings

    with administration(load_settings(), "users enable", otp, resource=name) as admin:
        admin.store.directory.enable(name, by=admin.by)
    said(f"{name} is enabled.")


def unlock(name: str = _NAME, otp: str | None = OTP) -> None:
    """Forget the failed attempts of a user, who may then try again at once.

    Examples:

        automation users unlock alice
    """
    from automation_scripts.cli.administration import administration
    from automation_scripts.cli.users_common import said
    from automation_scripts.settings import load_settings

    with administration(load_settings(), "users unlock", otp, resource=name) as admin:
        admin.store.unlock(name, by=admin.by)
    said(f"{name} may try again.")


def link(
    name: str = _NAME,
    subject: str = typer.Argument(..., metavar="SUBJECT", help="The `sub` claim of the person at the provider."),
    issuer: str = typer.Option(..., "--issuer", help="The provider, exactly as it names itself."),
    otp: str | None = OTP,
) -> None:
    """Let an identity of a single sign-on provider log in as this user.

    Examples:

        automation users link alice 248289761001 --issuer https://login.example.com
    """
    from automation_scripts.cli.administration import administration
    from automation_scripts.cli.users_common import said
    from automation_scripts.settings import load_settings

    told: dict[str, Any] = {"issuer": issuer, "subject": subject}
    with administration(load_settings(), "users link", otp, resource=name, **told) as admin:
        admin.store.external.link(name, issuer, subject, by=admin.by)
    said(f"{name} can log in with `automation login --oidc`.")


def unlink(
    name: str = _NAME,
    issuer: str = typer.Option(..., "--issuer", help="The provider, exactly as it names itself."),
    otp: str | None = OTP,
) -> None:
    """Let the identity of this provider log in as this user no more.

    Examples:

        automation users unlink alice --issuer https://login.example.com
    """
    from automation_scripts.cli.administration import administration
    from automation_scripts.cli.users_common import said
    from automation_scripts.settings import load_settings

    with administration(load_settings(), "users unlink", otp, resource=name, issuer=issuer) as admin:
        admin.store.external.unlink(name, issuer, by=admin.by)
    said(f"{name} can no longer log in by {issuer}.")


def _require_groups(known: set[str], wanted: list[str]) -> None:
    """Before the user is made: there is no half of it."""
    from automation_scripts.errors import InvalidParameters
    from automation_scripts.governance.policy.names import fault

    for name in wanted:
        if wrong := fault(name, "group", sorted(known)):
            raise InvalidParameters(f"{wrong}. Make one with `automation users groups add`.")
