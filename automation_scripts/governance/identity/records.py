"""The words of identity: users, roles, scopes, principals, credentials and events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

DEFAULT_ROLES = (
    "viewer",
    "operator",
    "release-manager",
    "security-auditor",
    "compliance-officer",
    "admin",
    "service",
)
"""The roles of the shipped policies. Any other name may be used too."""

ANY = "*"


class Kind(StrEnum):
    """What a user is."""

    PERSON = "person"
    SERVICE = "service"


@dataclass(frozen=True, slots=True, order=True)
class RoleBinding:
    """A role, in one environment or (None) in all of them. Written `role` or `role@environment`."""

    role: str
    environment: str | None = None

    def __str__(self) -> str:
        return self.role if self.environment is None else f"{self.role}@{self.environment}"


def roles_in(bindings: Iterable[RoleBinding], environment: str) -> frozenset[str]:
    """The roles that hold in this environment."""
    return frozenset(binding.role for binding in bindings if binding.environment in (None, environment))


@dataclass(frozen=True, slots=True)
class User:
    """A person or a service account. `roles` are those given directly; `groups` carry more."""

    name: str
    kind: Kind
    enabled: bool
    display_name: str = ""
    email: str = ""
    slack_id: str = ""
    groups: tuple[str, ...] = ()
    roles: tuple[RoleBinding, ...] = ()
    second_factors: tuple[str, ...] = ()
    """Which of `totp`, `recovery` and `webauthn` are set up."""
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """What a service token may be used for, beyond what the roles allow. `*` in a set means all, and must be written.

    An empty set allows nothing.
    """

    scripts: frozenset[str]
    environments: frozenset[str]
    actions: frozenset[str]

    def allows(self, script: str, environment: str, action: str) -> bool:
        """True when all three are inside."""
        asked = ((self.scripts, script), (self.environments, environment), (self.actions, action))
        return all(ANY in allowed or value in allowed for allowed, value in asked)


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody whose credential was good a moment ago, with the roles as they are now.

    A role that is bound to no environment holds in all of them; `roles_in` gives the ones of one environment.
    """

    name: str
    kind: Kind
    roles: tuple[RoleBinding, ...]
    groups: tuple[str, ...]
    authentication: str
    """`password`, `password+totp`, `password+recovery`, `webauthn`, `oidc`, `login_token`, `service_token` or `ticket`."""
    methods: tuple[str, ...] = ()
    """Authentication method references (RFC 8176) of the login: `pwd`, `otp`, `hwk`, `user`, `mfa`, `kba`, `fed`."""
    mfa_at: datetime | None = None
    """When a second factor was last given; None: never."""
    token_id: str | None = None
    scope: Scope | None = None
    """None: not limited beyond the roles."""
    generation: int = 0
    """The state of the user's credentials; what was issued under an older one is refused."""

    def roles_in(self, environment: str) -> frozenset[str]:
        """The names of the roles that hold in this environment."""
        return roles_in(self.roles, environment)


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """A second factor that was good: `totp`, `recovery` or `webauthn`, and when."""

    method: str
    at: datetime


@dataclass(frozen=True, slots=True)
class PasswordCredential:
    """A name and a password; `code` is a one-time or a recovery code, where one is set up."""

    user: str
    password: str = field(repr=False)
    code: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class BearerToken:
    """A login token (JWT) or a service token (`ast_…`)."""

    text: str = field(repr=False)


Credential = PasswordCredential | BearerToken


@dataclass(frozen=True, slots=True)
class IdentityEvent:
    """Something that the audit must know. It never holds a secret."""

    kind: str
    """For example `login.succeeded`, `login.failed`, `account.locked`, `token.revoked`, `role.granted`."""
    at: datetime
    user: str
    """Whom it is about: a known user's name, or the name that was claimed."""
    by: str = ""
    """Who did it; empty for the user's own attempts to log in."""
    source: str = ""
    """Where an attempt came from."""
    detail: Mapping[str, str] = field(default_factory=dict)


EventHook = Callable[[IdentityEvent], None]


def ignore_event(_event: IdentityEvent) -> None:
    """The hook of who needs none."""
