"""From what a caller brought to who it is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from automation_scripts.context import operating_system_user
from automation_scripts.errors import AccessDenied, InvalidParameters
from automation_scripts.governance.facts import LOCAL, Actor, Entry
from automation_scripts.governance.identity.records import BearerToken, Kind, SecondFactor
from automation_scripts.governance.identity.records import Principal as Proved
from automation_scripts.governance.identity.refusal import CredentialRefused
from automation_scripts.governance.identity.store import IdentityStore
from automation_scripts.governance.names import as_seen, meant
from automation_scripts.governance.policy.model import Principal
from automation_scripts.governance.policy.vocabulary import PrincipalKind

REMOTE_CALLERS = ("api", "ui", "schedule", "alert", "healing")
"""Triggers of runs that are not started by this account's own process: its name says nothing about who asked."""


class Identification:
    """Proves who asks.

    Args:
        store: opens the identity store; None while no user was ever set up.
        local_use: whether somebody whom nothing identifies may do what is not critical.
    """

    def __init__(self, store: Callable[[], IdentityStore | None], *, local_use: bool) -> None:
        self._store = store
        self._local_use = local_use

    def identify(self, entry: Entry, *, unproved_allowed: bool) -> Actor:
        """Who asks, with the roles that hold in the environment now, and the second factor if a code was given.

        Raises:
            AccessDenied: the credential is not good, or belongs to somebody else than the run claims to be of, or there
                is none where one is needed.
        """
        if entry.credential.proves_nothing:
            return self._local(entry, unproved_allowed)
        store = self._store()
        if store is None:
            raise AccessDenied(
                "A credential was given, and no users are set up here. Set them up with `automation users init`, or use the "
                "state folder (AUTOMATION_HOME) and the `governance.url` that the credential belongs to."
            )
        proved, mfa_at = self._prove(store, entry)
        if entry.claimed_user and meant(entry.claimed_user) != proved.name and not _is_default(entry):
            raise _ClaimRefused(
                f"The credential is not one of {entry.claimed_user!r}. Leave the user out, or log in as that user.",
                "claimed_other_user",
            )
        kind = PrincipalKind.SERVICE if proved.kind == Kind.SERVICE else PrincipalKind.USER
        roles = proved.roles_in(entry.environment)
        return Actor(
            proved.name,
            proved.kind.value,
            proved.authentication,
            Principal(kind, proved.name, roles, frozenset(proved.groups)),
            proved,
            mfa_at or proved.mfa_at,
        )

    def users_exist(self) -> bool:
        """Whether users were ever set up."""
        return self._store() is not None

    def ticket(self, entry: Entry) -> str:
        """A run ticket for exactly this request, for who the credential proves. Raises AccessDenied."""
        actor, store = self.identify(entry, unproved_allowed=False), self._store()
        assert store is not None and actor.proved is not None
        factor = SecondFactor("totp", actor.mfa_at) if actor.mfa_at else None
        return store.tickets.issue(actor.proved, factor, request_hash(entry))

    def confirm(self, actor: Actor, entry: Entry) -> Actor:
        """The actor with a fresh second factor; for the local user, whoever the user and the code prove.

        Raises:
            AccessDenied: the code is not good.
        """
        store, code = self._store(), entry.credential.code
        if store is None or not code:
            raise _ClaimRefused("No users are set up here: `automation users init` does it.", "no_users")
        if actor.proved is None:
            return self.identify(entry, unproved_allowed=False)
        factor = store.verify_second_factor(actor.proved, code, _source(entry))
        return replace(actor, mfa_at=factor.at)

    def roles_of(self, name: str, environment: str) -> frozenset[str] | None:
        """The roles of this user there, as they are now; None when there is no such user or it is disabled."""
        store = self._store()
        if store is None:
            return None
        try:
            user = store.directory.get(name)
        except InvalidParameters:
            return None
        return store.directory.effective_roles(name, environment) if user.enabled else None

    def _prove(self, store: IdentityStore, entry: Entry) -> tuple[Proved, datetime | None]:
        given, source = entry.credential, _source(entry)
        if given.ticket:
            return store.tickets.redeem(given.ticket, request_hash(entry)), None
        if given.token:
            proved = store.authenticate(BearerToken(given.token), source=source)
            if not given.code:
                return proved, None
            return proved, store.verify_second_factor(proved, given.code, source).at
        assert given.code is not None
        proved = store.authenticate_code(given.user, given.code, source=source)
        return proved, proved.mfa_at

    def _local(self, entry: Entry, unproved_allowed: bool) -> Actor:
        if not self._local_use or not unproved_allowed:
            where = "here (`governance.local_use` is off)" if unproved_allowed else "on this path"
            raise _ClaimRefused(
                f"Nothing proves who asks for this run, and that is needed {where}. Log in with `automation login`, or give a "
                "token in AUTOMATION_TOKEN; a deployment refers to one in its parameter `context.credential`.",
                "no_credential",
            )
        store = self._store()
        claimed = as_seen(entry.claimed_user)
        if (
            store is not None
            and claimed
            and not _is_default(entry)
            and any(user.name == claimed for user in store.directory.users())
        ):
            raise _ClaimRefused(
                f"{entry.claimed_user!r} is a user here, and nothing proves that it is you. Log in with `automation login "
                f"{claimed}`, or leave the user out.",
                "unproved_claim",
            )
        name = "loopback" if entry.trigger in REMOTE_CALLERS else operating_system_user()
        return Actor(name, LOCAL, LOCAL, Principal(PrincipalKind.LOCAL, name))


class _ClaimRefused(CredentialRefused):
    """The words are for the caller; the reason is for the audit log."""


def _source(entry: Entry) -> str:
    """Where an attempt comes from, for the limits on guessing."""
    return f"{entry.trigger}:{operating_system_user()}"


def _is_default(entry: Entry) -> bool:
    """The account's name is filled in when no user was given; it is no claim."""
    return entry.claimed_user == operating_system_user()


def request_hash(entry: Entry) -> str:
    """What a run ticket is bound to: script, environment, parameters, and whether it is a dry run."""
    said = [entry.script, entry.environment, entry.dry_run, entry.approval_id or "", entry.break_glass]
    body = json.dumps([said, entry.parameters], sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(b"automation run ticket 1\0" + body.encode()).hexdigest()
