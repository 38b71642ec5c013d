"""Whom the policy commands speak of: users of the identity store, or roles where no users are set up. Only reads."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from automation_scripts.governance.identity.directory import Directory
    from automation_scripts.governance.policy import PolicySet, Principal
    from automation_scripts.settings import Settings

NO_USERS = "no users are set up yet (automation users init)"
SOMEBODY = "somebody"
"""The name of whom only the roles are known."""


@dataclass(frozen=True, slots=True)
class Person:
    """A principal as policies see it, and what a reader has to know about it."""

    principal: Principal
    note: str = ""


class People:
    """The users of these settings. Looking at them creates neither a database nor a table.

    Raises ConfigurationError when there is a database of users that cannot be read.
    """

    def __init__(self, settings: Settings, policies: PolicySet) -> None:
        self.policies = policies
        self._directory, self.set_up = existing_directory(settings)

    def find(self, name: str, environment: str) -> Person | None:
        """The user with the roles that hold in this environment (empty: everywhere); None when there is no such user."""
        from automation_scripts.errors import InvalidParameters
        from automation_scripts.governance.identity.records import Kind
        from automation_scripts.governance.policy import Principal, PrincipalKind
        from automation_scripts.storage.encoding import clean_text

        if self._directory is None or clean_text(name) != name:  # no database takes what is no text
            return None
        try:
            user = self._directory.get(name)
            roles = self._directory.effective_roles(name, environment)
        except InvalidParameters:
            return None
        kind = PrincipalKind.SERVICE if user.kind is Kind.SERVICE else PrincipalKind.USER
        note = "" if user.enabled else "the user is disabled and has no role"
        return Person(Principal(kind, user.name, roles, frozenset(user.groups)), note)

    def of_role_name(self, name: str) -> Person | None:
        """While no users are set up, whoever is called like a role is shown as somebody who has it."""
        if self.set_up or name not in self.policies.roles:
            return None
        return Person(with_roles(name, (name,)), f"{NO_USERS}; shown for the role '{name}'")

    def require(self, user: str | None, roles: Sequence[str], environment: str) -> Person:
        """The one that the command line names, by `--user` or by `--role`.

        Raises:
            InvalidParameters: neither or both are given, or there is no such user or role.
        """
        from automation_scripts.errors import InvalidParameters

        if (user is None) == (not roles):
            raise InvalidParameters("name one of the two: a user with --user, or roles with --role.")
        if user is None:
            return Person(with_roles(SOMEBODY, self.known_roles(roles, "--role")))
        if found := self.find(user, environment) or self.of_role_name(user):
            return found
        if self.set_up:
            raise InvalidParameters(f"--user: there is no user {user[:80]!a}. See `automation users list`.")
        raise InvalidParameters(
            f"--user: there is no user {user[:80]!a}: {NO_USERS}. Until then, name a role: "
            f"{', '.join(self.policies.roles)}."
        )

    def known_roles(self, roles: Sequence[str], option: str, known: Collection[str] = ()) -> tuple[str, ...]:
        """The roles, when all of them are `known` (the policies define them). Raises InvalidParameters."""
        from automation_scripts.errors import InvalidParameters
        from automation_scripts.governance.policy.names import fault

        for role in roles:
            if wrong := fault(role, "role", known or self.policies.roles):
                raise InvalidParameters(f"{option}: {wrong}.")
        return tuple(roles)


def described(person: Person) -> str:
    """`User alice with the roles operator, viewer`."""
    from automation_scripts.cli.console import one_line

    principal = person.principal
    words = {"User": "User", "Service": "Service", "Local": "Local user"}
    roles = sorted(principal.roles)
    which = f"the role{'s' if len(roles) > 1 else ''} {', '.join(roles)}" if roles else "no role"
    return one_line(f"{words[principal.kind.value]} {principal.name} with {which}")


def with_roles(name: str, roles: Sequence[str]) -> Principal:
    """Somebody who has these roles: a service or a local user when that is all they have."""
    from automation_scripts.governance.policy import Principal, PrincipalKind
    from automation_scripts.governance.policy.vocabulary import LOCAL_ROLE

    given = frozenset(roles)
    kind = PrincipalKind.USER
    if given == {"service"}:
        kind = PrincipalKind.SERVICE
    elif given == {LOCAL_ROLE}:
        kind = PrincipalKind.LOCAL
    return Principal(kind, name, given)


def existing_directory(settings: Settings) -> tuple[Directory | None, bool]:
    """The directory of users, if there is one, and whether the first administrator was made."""
    from pathlib import Path

    from automation_scripts.governance.communications import check_communications
    from automation_scripts.governance.identity.bootstrap import Bootstrap
    from automation_scripts.governance.identity.core import Core
    from automation_scripts.governance.identity.directory import Directory
    from automation_scripts.governance.identity.passwords import Cost, PasswordHashing
    from automation_scripts.governance.identity.records import ignore_event
    from automation_scripts.governance.identity.schema import SCHEMA, SUBJECT
    from automation_scripts.storage.database import Database, parse_url
    from automation_scripts.storage.times import now

    check_communications(settings)
    url = parse_url(settings.governance_url, SUBJECT)
    if url.get_backend_name() == "sqlite" and not Path(str(url.database)).exists():
        return None, False  # opening it would create it
    database = Database(settings.governance_url, SUBJECT, durable=True)
    with database.read() as connection:
        if SCHEMA.version(connection) is None:
            return None, False  # other parts share the database, and came first
    SCHEMA.ensure(database)
    core = Core(database, now, ignore_event)
    needed = Bootstrap(core, settings.home, PasswordHashing(Cost())).needed()
    return Directory(core), not needed
