"""Who may administer from the command line, and the audit of it: refusals, intent before, outcome after.

The account of the operating system proves nothing here: each command goes by the login of `automation login` or the token
in AUTOMATION_TOKEN, and by what the policies say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from automation_scripts.context import new_request_id, operating_system_user
from automation_scripts.errors import AccessDenied, AutomationError, MfaRequired
from automation_scripts.governance.policy.vocabulary import Action

if TYPE_CHECKING:
    from automation_scripts.governance.audit.log import AuditLog
    from automation_scripts.governance.facts import Actor
    from automation_scripts.governance.identity.records import Principal
    from automation_scripts.governance.identity.store import IdentityStore
    from automation_scripts.governance.policy.model import Decision
    from automation_scripts.settings import Settings

NOT_SET_UP = "No users are set up here yet. Make the first administrator with `automation users init`."
NOT_LOGGED_IN = (
    "Nothing proves who you are, and the account of the operating system does not count here. Log in with "
    "`automation login`, or give a token in AUTOMATION_TOKEN."
)
_LONGEST = 500


@dataclass(frozen=True, slots=True)
class Administration:
    """An act of administration that was allowed."""

    store: IdentityStore
    actor: Actor

    @property
    def by(self) -> str:
        """The name that goes into the records."""
        return self.actor.name


def source() -> str:
    """Where an attempt comes from, for the limits on guessing."""
    return f"cli:{operating_system_user()}"


def identity(settings: Settings) -> IdentityStore:
    """The users. Raises AccessDenied, and creates nothing, until there are some."""
    from automation_scripts.governance.opened import open_identity, users_are_set_up

    if not users_are_set_up(settings):
        raise AccessDenied(NOT_SET_UP)
    return open_identity(settings)


def authenticated(settings: Settings, store: IdentityStore) -> Principal:
    """Whose login or token this account has. Raises AccessDenied when there is none, or it is not good."""
    from automation_scripts.governance.credentials import ambient
    from automation_scripts.governance.identity.records import BearerToken

    token = ambient(settings.home).token
    if token is None:
        raise AccessDenied(NOT_LOGGED_IN)
    return store.authenticate(BearerToken(token), source=source())


def administrator(settings: Settings, otp: str | None, action: Action = Action.ADMINISTER) -> Actor:
    """Who administers, as the policies allow it now. A code is asked for at a terminal where one is needed.

    Prefer `administration`, which also writes the audit. Raises AccessDenied, or MfaRequired without a second factor.
    """
    return _Case(settings, "").admit(identity(settings), otp, action)


@contextmanager
def administration(
    settings: Settings,
    command: str,
    otp: str | None = None,
    *,
    resource: str = "",
    action: Action = Action.ADMINISTER,
    **arguments: Any,
) -> Iterator[Administration]:
    """Do something that only administrators may: refused and audited, or with its intent written before the body runs.

    Args:
        settings: the settings.
        command: such as `users add`.
        otp: a one-time or recovery code, if one was given.
        resource: whom or what it is about.
        action: what the policies are asked for.
        arguments: what the audit is to know. No secrets.

    Raises:
        AccessDenied: no good credential, or the policies do not allow it.
        MfaRequired: a second factor is missing.
        AuditUnavailable: it cannot be written down; nothing was done unless it is about the outcome.
    """
    store = identity(settings)
    case = _Case(settings, command, resource, arguments)
    with case.refusals_written():
        actor = case.admit(store, otp, action)
    with case.carried_out():
        yield Administration(store, actor)


def reading(settings: Settings, command: str, *, resource: str = "", allow_self: bool = False) -> Administration:
    """Look at what administrators may see: the role is needed, a second factor is not.

    With `allow_self`, everybody may look at the `resource` of his own name. Raises AccessDenied.
    """
    store = identity(settings)
    case = _Case(settings, command, resource)
    with case.refusals_written():
        case.actor = actor_of(authenticated(settings, store))
        if not (allow_self and case.actor.name == resource):
            case.require_role(store, Action.ADMINISTER)
    if settings.automation.security.audit_all_actions:
        case.write("admin.read", "allowed")
    return Administration(store, case.actor)


@contextmanager
def own_account(
    settings: Settings, command: str, otp: str | None, *, password_stdin: bool = False, person: str | None = None
) -> Iterator[Administration]:
    """Change one's own credentials: the login does not suffice, the password (and the code, if any) must be given again.

    Args:
        settings: the settings.
        command: such as `users password`.
        otp: a one-time or recovery code, if one was given.
        password_stdin: the next line of standard input is the present password.
        person: the name that was given, for the audit.
    """
    from automation_scripts.cli import secret_input
    from automation_scripts.governance.identity.records import Kind, PasswordCredential

    store = identity(settings)
    case = _Case(settings, command, person or "", kind="account")
    with case.refusals_written():
        principal = authenticated(settings, store)
        case.actor, case.resource = actor_of(principal), principal.name
        if principal.kind is not Kind.PERSON:
            raise AccessDenied(f"{principal.name!r} is a service account: it has neither a password nor codes.")
        given = secret_input.password(f"Present password of {principal.name}", from_stdin=password_stdin)
        if otp is None and store.directory.get(principal.name).second_factors:
            otp = secret_input.ask_code(principal.name)
        proved = store.authenticate(PasswordCredential(principal.name, given, otp), source=source())
        case.actor = actor_of(proved)
    with case.carried_out():
        yield Administration(store, case.actor)


@contextmanager
def unproved(settings: Settings, command: str, *, resource: str = "", **arguments: Any) -> Iterator[None]:
    """Audit what the owner of the state folder does while there is no administrator yet."""
    with _Case(settings, command, resource, arguments).carried_out():
        yield


def is_own(settings: Settings, name: str) -> bool:
    """Whether a command is about the account of who is logged in; False when nobody is, which is refused later."""
    store = identity(settings)
    try:
        return authenticated(settings, store).name == name
    except AccessDenied:
        return False


def actor_of(proved: Principal) -> Actor:
    """Whoever was proved, with the roles that hold everywhere: the installation is in no environment."""
    from automation_scripts.governance.facts import Actor
    from automation_scripts.governance.identity.records import Kind
    from automation_scripts.governance.policy.model import Principal as Asking
    from automation_scripts.governance.policy.vocabulary import PrincipalKind

    kind = PrincipalKind.SERVICE if proved.kind is Kind.SERVICE else PrincipalKind.USER
    asking = Asking(kind, proved.name, proved.roles_in(""), frozenset(proved.groups))
    return Actor(proved.name, proved.kind.value, proved.authentication, asking, proved, proved.mfa_at)


@dataclass(slots=True)
class _Case:
    """One command: who turned out to ask, and what is written about it."""

    settings: Settings
    command: str
    resource: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    kind: str = "admin"
    actor: Actor | None = None
    reasons: tuple[str, ...] = ()
    digest: str = ""
    request_id: str = field(default_factory=new_request_id)
    """In every record of the command, so that its outcome is found for its intent."""

    def admit(self, store: IdentityStore, otp: str | None, action: Action) -> Actor:
        """Prove, authorise, and use up the code. The role comes first: a code is not spent on what is refused anyhow."""
        from automation_scripts.cli.secret_input import ask_code

        principal = authenticated(self.settings, store)
        self.actor = actor_of(principal)
        decision = self.require_role(store, action)
        if not otp and not decision.allowed:
            otp = ask_code(principal.name) if store.directory.get(principal.name).second_factors else None
        if otp:
            factor = store.verify_second_factor(principal, otp, source())
            self.actor = replace(self.actor, mfa_at=factor.at)
            decision = self._decide(store, action)
        try:
            decision.require()
        except MfaRequired as refusal:
            raise MfaRequired(f"{refusal} {self._how_to_confirm(store)}") from None
        return self.actor

    def require_role(self, store: IdentityStore, action: Action) -> Decision:
        """The decision, unless more than a second factor is missing. Raises AccessDenied."""
        from automation_scripts.governance.policy.model import Missing

        decision = self._decide(store, action)
        if not decision.allowed and set(decision.missing) != {Missing.MFA}:
            raise AccessDenied(decision.message)
        return decision

    def _decide(self, store: IdentityStore, action: Action) -> Decision:
        from automation_scripts.governance.opened import authorizer
        from automation_scripts.governance.policy.model import AccessRequest

        assert self.actor is not None and self.actor.proved is not None
        scope = self.actor.proved.scope
        if scope is not None and not scope.allows("", "", action.value):
            raise AccessDenied(f"The service token of {self.actor.name} may not be used to {action.value}.")
        asked = AccessRequest(principal=self.actor.policy, action=action, now=store.now(), mfa_at=self.actor.mfa_at)
        decision = authorizer(self.settings).authorize(asked)
        self.reasons = tuple(f"{reason.id} ({reason.file}:{reason.line})" for reason in decision.reasons)
        self.digest = decision.digest
        return decision

    def _how_to_confirm(self, store: IdentityStore) -> str:
        assert self.actor is not None
        if store.directory.get(self.actor.name).second_factors:
            return "Give the code of your app with --otp."
        return "You have no second factor yet: set one up with `automation users totp enrol`."

    @contextmanager
    def refusals_written(self) -> Iterator[None]:
        """Write every refusal of the body before it goes on to the caller."""
        try:
            yield
        except AutomationError as refusal:
            why = getattr(refusal, "reason", "") or type(refusal).__name__
            self.write(f"{self.kind}.denied", "denied", message=str(refusal), error=why)
            raise

    @contextmanager
    def carried_out(self) -> Iterator[None]:
        """Write the intent, run the body, and write what came of it."""
        self.write(f"{self.kind}.intent", "intent")
        try:
            yield
        except BaseException as error:
            refused = isinstance(error, (AccessDenied, MfaRequired))
            # The words of other errors are not ours: they might hold anything.
            message = str(error) if isinstance(error, AutomationError) else ""
            outcome = "denied" if refused else "failed"
            self.write(f"{self.kind}.outcome", outcome, message=message, error=type(error).__name__)
            raise
        self.write(f"{self.kind}.outcome", "succeeded")

    def write(self, action: str, outcome: str, **details: Any) -> None:
        """Append a record. Raises AuditUnavailable."""
        from automation_scripts.governance.audit.records import AuditRecord

        told = {"command": self.command, "arguments": dict(self.arguments), "policies": self.digest}
        self._audit().append(
            AuditRecord(
                action,
                actor=self.actor.name if self.actor else "",
                claimed_user="" if self.actor else operating_system_user()[:_LONGEST],
                authentication=self.actor.authentication if self.actor else "none",
                outcome=outcome,
                resource=self.resource[:_LONGEST],
                request_id=self.request_id,
                reasons=self.reasons,
                details={**told, **details, "source": source()},
            )
        )

    def _audit(self) -> AuditLog:
        from automation_scripts.governance.opened import open_audit

        return open_audit(self.settings)
