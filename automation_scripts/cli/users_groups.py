"""`automation users groups …`: groups, the roles that they carry, and who is in them."""

from __future__ import annotations

import typer

from automation_scripts.cli.users_common import FORMAT, OTP, ROLE, ListFormat

_GROUP = typer.Argument(..., metavar="GROUP", help="The name of the group.")
_MEMBER = typer.Argument(..., metavar="NAME", help="The name of the user.")


def register(users: typer.Typer) -> None:
    """Add the group of commands to `users`."""
    commands = typer.Typer(help="Groups, and the roles that their members have.", no_args_is_help=True)
    commands.command("list")(list_groups)
    commands.command("add")(add)
    commands.command("grant")(grant)
    commands.command("revoke")(revoke)
    commands.command("join")(join)
    commands.command("leave")(leave)
    users.add_typer(commands, name="groups")


def list_groups(output_format: ListFormat = FORMAT) -> None:
    """List all groups with their roles and members. Needs the role of an administrator.

    Examples:

        automation users groups list
    """
    from automation_scripts.cli.administration import reading
    from automation_scripts.cli.console import print_json, stdout, table
    from automation_scripts.settings import load_settings

    directory = reading(load_settings(), "users groups list").store.directory
    members = {user.name: user.groups for user in directory.users()}
    found = [
        (group, [str(role) for role in roles], [name for name, groups in members.items() if group in groups])
        for group, roles in directory.groups().items()
    ]
    if output_format is ListFormat.JSON:
        print_json([{"name": name, "roles": roles, "members": users} for name, roles, users in found])
        return
    rows = [(name, ", ".join(roles), ", ".join(users)) for name, roles, users in found]
    stdout().print(table(("GROUP", "ROLES", "MEMBERS"), rows))


def add(
    group: str = _GROUP,
    role: list[str] = typer.Option([], "--role", metavar="ROLE[@ENVIRONMENT]", help="A role; repeat for more."),
    otp: str | None = OTP,
) -> None:
    """Create a group.

    Examples:

        automation users groups add platform --role operator --role release-manager@production
    """
    from automation_scripts.cli.administration import administration
    from automation_scripts.cli.users_common import known_bindings, said
    from automation_scripts.settings import load_settings

    settings = load_settings()
    with administration(settings, "users groups add", otp, resource=group, roles=role) as admin:
        admin.store.directory.add_group(group, by=admin.by, roles=known_bindings(settings, role))
    said(f"Created the group {group}. Add members: automation users groups join {group} NAME")


def grant(group: str = _GROUP, role: str = ROLE, otp: str | None = OTP) -> None:
    """Give a role to all members of a group.

    Examples:

        automation users groups grant platform release-manager@production
    """
    from automation_scripts.cli.administration import administration
    from automation_scripts.cli.users_common import known_bindings, said
    from automation_scripts.settings import load_settings

    settings = load_settings()
    with administration(settings, "users groups grant", otp, resource=group, role=role) as admin:
        (bound,) = known_bindings(settings, [role])
        admin.store.directory.grant_group(group, bound, by=admin.by)
    said(f"The members of {group} have the role {bound}.")


def revoke(group: str = _GROUP, role: str = ROLE, otp: str | None = OTP) -> None:
    """Take a role from a group.

    Examples:

        automation users groups revoke platform release-manager@production
    """
    from automation_scripts.cli.administration import administration
    from automation_scripts.cli.users_common import binding, said
    from automation_scripts.settings import load_settings

    with administration(load_settings(), "users groups revoke", otp, resource=group, role=role) as admin:
        admin.store.directory.revoke_group(group, binding(role), by=admin.by)
    said(f"The members of {group} no longer have the role {role} through it.")


def join(group: str = _GROUP, name: str = _MEMBER, otp: str | None = OTP) -> None:
    """Make a user a member of a group.

    Examples:

        automation users groups join platform alice
    """
    from automation_scripts.cli.administration import administration
    from automation_scripts.cli.users_common import said
    from automation_scripts.settings import load_settings

    with administration(load_settings(), "users groups join", otp, resource=name, group=group) as admin:
        admin.store.directory.set_groups(name, [group], by=admin.by, among=[group])
    said(f"{name} is a member of {group}.")


def leave(group: str = _GROUP, name: str = _MEMBER, otp: str | None = OTP) -> None:
    """Take a user out of a group.

    Examples:

        automation users groups leave platform alice
    """
    from automation_scripts.cli.administration import administration
    from automation_scripts.cli.users_common import said
    from automation_scripts.errors import InvalidParameters
    from automation_scripts.settings import load_settings

    with administration(load_settings(), "users groups leave", otp, resource=name, group=group) as admin:
        if group not in admin.store.directory.get(name).groups:
            raise InvalidParameters(f"{name} is no member of {group[:80]!a}. See `automation users show {name}`.")
        admin.store.directory.set_groups(name, [], by=admin.by, among=[group])
    said(f"{name} is no longer a member of {group}.")
