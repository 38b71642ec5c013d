"""Users, groups and roles: what administrators change."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, exc, insert, select, update

from automation_scripts.errors import InvalidParameters
from automation_scripts.governance.identity import standing
from automation_scripts.governance.identity.core import DIRECTORY_LOCK, Core
from automation_scripts.governance.identity.models import (
    facts,
    group_roles,
    groups,
    members,
    service_tokens,
    user_roles,
    users,
)
from automation_scripts.governance.identity.records import Kind, RoleBinding, User, roles_in
from automation_scripts.governance.names import checked_environment, checked_name, is_name, is_plain

ADMIN = RoleBinding("admin")
FIRST_ADMIN = "first_admin"
"""The fact that is written once, with the name of the first administrator."""


class Directory:
    """Who there is and which roles they have. Users are disabled, never deleted: the audit speaks of them for years.

    All methods that change something take `by`, the administrator who asked, and tell the event hook. They do not decide
    whether he may: that is the gate's work. Every method raises InvalidParameters for unknown users and groups.
    """

    def __init__(self, core: Core) -> None:
        self._core = core

    def add_user(
        self,
        name: str,
        *,
        by: str,
        kind: Kind = Kind.PERSON,
        display_name: str = "",
        email: str = "",
        slack_id: str = "",
        roles: Iterable[RoleBinding] = (),
    ) -> User:
        """Create a user without any credential. Raises InvalidParameters for a bad name, or one that is taken."""
        bindings = [_checked(binding) for binding in roles]
        now = self._core.now()
        try:
            with self._core.database.write(lock=DIRECTORY_LOCK) as connection:
                insert_user(connection, name, now, kind=kind, display_name=display_name, email=email, slack_id=slack_id)
                for binding in bindings:
                    _grant(connection, user_roles, {"user_name": name}, binding)
        except exc.IntegrityError as error:
            raise InvalidParameters(
                f"user name {name!r}, Slack id {slack_id!r}: one of them is taken. Choose another."
            ) from error
        self._core.report("user.created", now, name, by=by, user_kind=kind.value, roles=_listed(bindings))
        return self.get(name)

    def get(self, name: str) -> User:
        """The user of that name."""
        with self._core.database.read() as connection:
            return standing.user_of(connection, standing.existing_user(connection, name))

    def of_slack_id(self, slack_id: str) -> User | None:
        """The user with this Slack id; None when nobody has it."""
        if not is_plain(slack_id):
            return None
        with self._core.database.read() as connection:
            found = select(users).where(users.c.slack_id == slack_id, users.c.slack_id != "")
            row = connection.execute(found).one_or_none()
            return standing.user_of(connection, row) if row is not None else None

    def users(self) -> list[User]:
        """All users by name."""
        with self._core.database.read() as connection:
            rows = connection.execute(select(users).order_by(users.c.name)).all()
            return [standing.user_of(connection, row) for row in rows]

    def effective_roles(self, name: str, environment: str) -> frozenset[str]:
        """The roles that the user has there now, through groups too. None for a disabled user."""
        with self._core.database.read() as connection:
            row = standing.existing_user(connection, name)
            return roles_in(standing.all_roles(connection, name), environment) if row.enabled else frozenset()

    def set_details(
        self,
        name: str,
        *,
        by: str,
        display_name: str | None = None,
        email: str | None = None,
        slack_id: str | None = None,
    ) -> User:
        """Change what is given; None leaves a detail, an empty text removes it."""
        given = {"display_name": display_name, "email": email, "slack_id": slack_id}
        changes = {key: value for key, value in given.items() if value is not None}
        try:
            with self._core.database.write() as connection:
                standing.existing_user(connection, name)
                if changes:
                    connection.execute(update(users).where(users.c.name == name).values(**changes))
        except exc.IntegrityError as error:
            raise InvalidParameters(f"Slack id {slack_id!r}: another user has it. Remove it there first.") from error
        self._core.report("user.changed", self._core.now(), name, by=by, fields=", ".join(sorted(changes)))
        return self.get(name)

    def disable(self, name: str, *, by: str) -> None:
        """Let the user in no more. Login tokens end, service tokens are revoked; enabling does not bring them back.

        Raises InvalidParameters for the last administrator.
        """
        now = self._core.now()
        with self._core.database.write(lock=DIRECTORY_LOCK) as connection:
            standing.existing_user(connection, name)
            connection.execute(
                update(users).where(users.c.name == name).values(enabled=False, generation=users.c.generation + 1)
            )
            connection.execute(
                update(service_tokens)
                .where(service_tokens.c.user_name == name, service_tokens.c.revoked_at.is_(None))
                .values(revoked_at=now)
            )
            _require_an_admin(connection, f"user {name!r} is the last administrator")
        self._core.report("user.disabled", now, name, by=by)

    def enable(self, name: str, *, by: str) -> None:
        """Let the user in again, by password or a new token."""
        with self._core.database.write(lock=DIRECTORY_LOCK) as connection:
            standing.existing_user(connection, name)
            connection.execute(update(users).where(users.c.name == name).values(enabled=True))
        self._core.report("user.enabled", self._core.now(), name, by=by)

    def grant(self, name: str, binding: RoleBinding, *, by: str) -> None:
        """Give the user a role. Giving it twice is once."""
        _checked(binding)
        with self._core.database.write(lock=DIRECTORY_LOCK) as connection:
            standing.existing_user(connection, name)
            _grant(connection, user_roles, {"user_name": name}, binding)
        self._core.report("role.granted", self._core.now(), name, by=by, role=str(binding))

    def revoke(self, name: str, binding: RoleBinding, *, by: str) -> None:
        """Take a directly given role. Raises InvalidParameters when the user does not have it so, or is the last administrator."""
        with self._core.database.write(lock=DIRECTORY_LOCK) as connection:
            standing.existing_user(connection, name)
            if not _revoke(connection, user_roles, {"user_name": name}, binding):
                raise InvalidParameters(
                    f"role {binding}: user {name!r} was not given it directly. See `automation users show`."
                )
            _require_an_admin(connection, f"user {name!r} is the last administrator")
        self._core.report("role.revoked", self._core.now(), name, by=by, role=str(binding))

    def add_group(self, group: str, *, by: str, roles: Iterable[RoleBinding] = ()) -> None:
        """Create a group. Raises InvalidParameters when the name is bad or taken."""
        checked_name(group, "group name")
        bindings = [_checked(binding) for binding in roles]
        now = self._core.now()
        try:
            with self._core.database.write(lock=DIRECTORY_LOCK) as connection:
                connection.execute(insert(groups).values(name=group, created_at=now))
                for binding in bindings:
                    _grant(connection, group_roles, {"group_name": group}, binding)
        except exc.IntegrityError as error:
            raise InvalidParameters(f"group name {group!r}: there is such a group already.") from error
        self._core.report("group.created", now, "", by=by, group=group, roles=_listed(bindings))

    def groups(self) -> dict[str, tuple[RoleBinding, ...]]:
        """All groups and the roles that they carry."""
        with self._core.database.read() as connection:
            found: dict[str, list[RoleBinding]] = {
                name: [] for name in connection.execute(select(groups.c.name).order_by(groups.c.name)).scalars()
            }
            for row in connection.execute(select(group_roles).order_by(group_roles.c.role, group_roles.c.environment)):
                found[row.group_name].append(RoleBinding(row.role, row.environment or None))
        return {name: tuple(bindings) for name, bindings in found.items()}

    def grant_group(self, group: str, binding: RoleBinding, *, by: str) -> None:
        """Give a role to all members of a group."""
        _checked(binding)
        with self._core.database.write(lock=DIRECTORY_LOCK) as connection:
            _existing_group(connection, group)
            _grant(connection, group_roles, {"group_name": group}, binding)
        self._core.report("role.granted", self._core.now(), "", by=by, group=group, role=str(binding))

    def revoke_group(self, group: str, binding: RoleBinding, *, by: str) -> None:
        """Take a role from a group. Raises InvalidParameters when it has none such, or if no administrator would be left."""
        with self._core.database.write(lock=DIRECTORY_LOCK) as connection:
            _existing_group(connection, group)
            if not _revoke(connection, group_roles, {"group_name": group}, binding):
                raise InvalidParameters(f"role {binding}: group {group!r} does not carry it.")
            _require_an_admin(connection, f"group {group!r} makes the last administrator one")
        self._core.report("role.revoked", self._core.now(), "", by=by, group=group, role=str(binding))

    def set_groups(self, name: str, wanted: Iterable[str], *, by: str, among: Iterable[str] | None = None) -> None:
        """Make the user a member of exactly these groups; of `among`, when given, the others are left as they are."""
        target = set(wanted)
        with self._core.database.write(lock=DIRECTORY_LOCK) as connection:
            standing.existing_user(connection, name)
            for group in target:
                _existing_group(connection, group)
            present = set(standing.groups_of(connection, name))
            managed = present | target if among is None else set(among)
            gone, new = (present & managed) - target, target - present
            connection.execute(delete(members).where(members.c.user_name == name, members.c.group_name.in_(gone)))
            if new:
                connection.execute(insert(members), [{"user_name": name, "group_name": group} for group in sorted(new)])
            _require_an_admin(connection, f"user {name!r} is the last administrator")
        if gone or new:
            at = self._core.now()
            changes = {"joined": ", ".join(sorted(new)), "left": ", ".join(sorted(gone))}
            self._core.report("user.groups_changed", at, name, by=by, **changes)


def insert_user(
    connection: Connection,
    name: str,
    now: datetime,
    *,
    kind: Kind = Kind.PERSON,
    display_name: str = "",
    email: str = "",
    slack_id: str = "",
    password_hash: str | None = None,
) -> None:
    """Write a new user. Raises InvalidParameters for a bad name, IntegrityError for one that is taken."""
    connection.execute(
        insert(users).values(
            name=checked_name(name),
            kind=kind.value,
            enabled=True,
            display_name=display_name,
            email=email,
            slack_id=slack_id,
            password_hash=password_hash,
            generation=1,
            created_at=now,
        )
    )


def _checked(binding: RoleBinding) -> RoleBinding:
    checked_name(binding.role, "role name")
    if binding.environment is not None:
        checked_environment(binding.environment)
    return binding


def _listed(bindings: Iterable[RoleBinding]) -> str:
    return ", ".join(map(str, bindings))


def _existing_group(connection: Connection, group: str) -> None:
    known = is_name(group) and connection.execute(select(groups.c.name).where(groups.c.name == group)).first()
    if not known:
        raise InvalidParameters(
            f"group name {group[:80]!a}: there is no such group. See `automation users groups list`."
        )


def _values(owner: dict[str, str], binding: RoleBinding) -> dict[str, str]:
    return owner | {"role": binding.role, "environment": binding.environment or ""}


def _grant(connection: Connection, table: Any, owner: dict[str, str], binding: RoleBinding) -> None:
    values = _values(owner, binding)
    if connection.execute(select(table.c.role).filter_by(**values)).first() is None:
        connection.execute(insert(table).values(**values))


def _revoke(connection: Connection, table: Any, owner: dict[str, str], binding: RoleBinding) -> bool:
    conditions = [table.c[column] == value for column, value in _values(owner, binding).items()]
    return connection.execute(delete(table).where(*conditions)).rowcount == 1


def _require_an_admin(connection: Connection, fault: str) -> None:
    """Refuse a change after which nobody could administer any more, once there has been a first administrator.

    Runs in the transaction of the change, under the directory's lock: two administrators cannot remove each other.
    """
    if connection.execute(select(facts.c.value).where(facts.c.name == FIRST_ADMIN)).first() is None:
        return
    if not standing.has_enabled_holder(connection, ADMIN):
        raise InvalidParameters(f"{fault}. Make somebody else one first.")
