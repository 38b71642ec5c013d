"""What a user is at this moment: read from the database each time a credential is used."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Row, select, union_all

from automation_scripts.errors import InvalidParameters
from automation_scripts.governance.identity.models import (
    group_roles,
    members,
    passkeys,
    recovery_codes,
    totp,
    user_roles,
    users,
)
from automation_scripts.governance.identity.records import Kind, Principal, RoleBinding, User
from automation_scripts.governance.names import is_name


def user_row(connection: Connection, name: str | None) -> Row[Any] | None:
    """The row of a user; None for an unknown one."""
    if name is None or not is_name(name):
        return None
    return connection.execute(select(users).where(users.c.name == name)).one_or_none()


def existing_user(connection: Connection, name: str) -> Row[Any]:
    """The row of a user, for administrators: raises InvalidParameters for an unknown one."""
    row = user_row(connection, name)
    if row is None:
        raise InvalidParameters(f"user name {name[:80]!a}: there is no such user. See `automation users list`.")
    return row


def groups_of(connection: Connection, name: str) -> tuple[str, ...]:
    """The user's groups, sorted."""
    found = select(members.c.group_name).where(members.c.user_name == name).order_by(members.c.group_name)
    return tuple(connection.execute(found).scalars())


def direct_roles(connection: Connection, name: str) -> tuple[RoleBinding, ...]:
    """The roles given to the user himself."""
    found = select(user_roles.c.role, user_roles.c.environment).where(user_roles.c.user_name == name)
    return _bindings(connection.execute(found))


def all_roles(connection: Connection, name: str) -> tuple[RoleBinding, ...]:
    """The user's own roles and those of the groups, without repetition."""
    own = select(user_roles.c.role, user_roles.c.environment).where(user_roles.c.user_name == name)
    through_groups = (
        select(group_roles.c.role, group_roles.c.environment)
        .join(members, members.c.group_name == group_roles.c.group_name)
        .where(members.c.user_name == name)
    )
    return _bindings(connection.execute(union_all(own, through_groups)))


def has_enabled_holder(connection: Connection, binding: RoleBinding) -> bool:
    """True when some enabled person has this very binding, directly or through a group."""
    wanted = {"role": binding.role, "environment": binding.environment or ""}
    own = select(user_roles.c.user_name).filter_by(**wanted)
    through_groups = (
        select(members.c.user_name)
        .join(group_roles, members.c.group_name == group_roles.c.group_name)
        .where(*(group_roles.c[column] == value for column, value in wanted.items()))
    )
    enabled = select(users.c.name).where(users.c.enabled.is_(True), users.c.kind == Kind.PERSON.value)
    return (
        connection.execute(enabled.where(users.c.name.in_(union_all(own, through_groups))).limit(1)).first() is not None
    )


def second_factors(connection: Connection, name: str) -> tuple[str, ...]:
    """Which of `totp`, `recovery` and `webauthn` the user can give."""
    has = {
        "totp": select(totp.c.user_name).where(totp.c.user_name == name, totp.c.secret.is_not(None)),
        "recovery": select(recovery_codes.c.user_name).where(
            recovery_codes.c.user_name == name, recovery_codes.c.used_at.is_(None)
        ),
        "webauthn": select(passkeys.c.user_name).where(passkeys.c.user_name == name),
    }
    return tuple(method for method, query in has.items() if connection.execute(query.limit(1)).first() is not None)


def principal_of(connection: Connection, row: Row[Any], authentication: str, **facts: Any) -> Principal:
    """The principal that this user is now."""
    return Principal(
        name=row.name,
        kind=Kind(row.kind),
        roles=all_roles(connection, row.name),
        groups=groups_of(connection, row.name),
        authentication=authentication,
        generation=row.generation,
        **facts,
    )


def user_of(connection: Connection, row: Row[Any]) -> User:
    """The user's record for administrators."""
    return User(
        name=row.name,
        kind=Kind(row.kind),
        enabled=row.enabled,
        display_name=row.display_name,
        email=row.email,
        slack_id=row.slack_id,
        groups=groups_of(connection, row.name),
        roles=direct_roles(connection, row.name),
        second_factors=second_factors(connection, row.name),
        created_at=row.created_at,
    )


def _bindings(rows: Iterable[Row[Any]]) -> tuple[RoleBinding, ...]:
    return tuple(sorted({RoleBinding(row.role, row.environment or None) for row in rows}, key=str))
