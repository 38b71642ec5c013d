"""What the commands about users share: options, roles from the command line, and users as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from automation_scripts.governance.identity.records import RoleBinding, User
    from automation_scripts.settings import Settings


class ListFormat(StrEnum):
    """How the answer is printed."""

    TEXT = "text"
    JSON = "json"


FORMAT = typer.Option(ListFormat.TEXT, "--format", help="How to print the answer.")
OTP = typer.Option(
    None, "--otp", metavar="CODE", help="A one-time or recovery code; asked for at a terminal when one is needed."
)
PASSWORD_STDIN = typer.Option(
    False, "--password-stdin", help="Read each password as a line of standard input; nothing is asked."
)
ROLE = typer.Argument(..., metavar="ROLE[@ENVIRONMENT]", help="A role of the policies; everywhere without @.")


def binding(text: str) -> RoleBinding:
    """`operator` or `operator@staging`. Its names are checked where they are stored."""
    from automation_scripts.governance.identity.records import RoleBinding

    role, at, environment = text.partition("@")
    return RoleBinding(role, environment if at else None)


def known_bindings(settings: Settings, texts: Sequence[str]) -> list[RoleBinding]:
    """Roles to be given: they must be roles of the policies, in known environments.

    Raises InvalidParameters, naming the nearest.
    """
    from automation_scripts.errors import InvalidParameters
    from automation_scripts.governance.opened import authorizer
    from automation_scripts.governance.policy.names import fault
    from automation_scripts.governance.policy.vocabulary import LOCAL_ROLE

    known = [role for role in authorizer(settings).policies().roles if role != LOCAL_ROLE] if texts else []
    bindings = [binding(text) for text in texts]
    for found in bindings:
        if wrong := fault(found.role, "role", known):
            raise InvalidParameters(f"{wrong}.")
        if found.environment is not None:
            settings.require_environment(found.environment)
    return bindings


def user_data(user: User) -> dict[str, Any]:
    """A user as JSON-ready data."""
    return {
        "name": user.name,
        "kind": user.kind.value,
        "enabled": user.enabled,
        "display_name": user.display_name,
        "email": user.email,
        "slack_id": user.slack_id,
        "groups": list(user.groups),
        "roles": [str(role) for role in user.roles],
        "second_factors": list(user.second_factors),
        "created_at": user.created_at,
    }


def said(message: str) -> None:
    """A note for people, on stderr."""
    from automation_scripts.cli.console import one_line

    typer.echo(one_line(message), err=True)


def print_fields(data: Mapping[str, Any]) -> None:
    """Names and values, one a line, for people."""
    from automation_scripts.cli.console import one_line

    width = max(map(len, data))
    for name, value in data.items():
        typer.echo(one_line(f"{name.replace('_', ' '):<{width}}  {_shown(value) or '-'}"))


def _shown(value: Any) -> str:
    from datetime import datetime

    from automation_scripts.cli.quantities import local

    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return local(value)
        case list():
            return ", ".join(map(str, value))
        case dict():
            return "; ".join(f"{part}: {_shown(values)}" for part, values in value.items())
    return str(value)


def seconds(text: str, option: str, longest_s: float) -> float:
    """A duration with its unit: `30m`, `1h30m`, `90d`. A number alone is refused: 90 could be days or seconds.

    Raises InvalidParameters, also for one that is longer than `longest_s`.
    """
    from automation_scripts.errors import InvalidParameters
    from automation_scripts.settings.values import parse_duration

    try:
        if text.strip().replace(".", "").isdecimal():
            raise ValueError
        found = parse_duration(text)
    except ValueError:
        found = 0.0
    if not 0 < found <= longest_s:
        longest = f"{longest_s / 86_400:.0f}d" if longest_s > 86_400 else f"{longest_s / 3_600:.0f}h"
        raise InvalidParameters(
            f"{option}: {text!r} cannot be used. Write a time such as 30m, 1h or {longest}, the longest."
        )
    return found
