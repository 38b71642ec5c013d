"""The governance of these settings, opened once in each process.

Everything in here that opens something raises ConfigurationError where an address of the settings is not encrypted: see
`communications`.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from automation_scripts import catalog
from automation_scripts.governance.communications import check_communications

if TYPE_CHECKING:
    from automation_scripts.governance.approvals.store import ApprovalStore
    from automation_scripts.governance.audit.anchors import Anchor
    from automation_scripts.governance.audit.log import AuditLog
    from automation_scripts.governance.encryption.vault import Vault
    from automation_scripts.governance.gate import Gate
    from automation_scripts.governance.identity.store import IdentityStore
    from automation_scripts.governance.payloads import Payloads
    from automation_scripts.governance.policy.authorizer import Authorizer
    from automation_scripts.history.store import HistoryStore
    from automation_scripts.settings import Settings
    from automation_scripts.settings.model import AnchorSettings

AUDIT_KEYS = "audit-keys"
_lock = threading.Lock()


def open_gate(settings: Settings) -> Gate:
    """The gate that every run of these settings passes.

    Raises:
        AuditUnavailable: the audit log cannot be used.
        ConfigurationError: another store cannot be used.
    """
    check_communications(settings)
    with _lock:  # the first runs of a process may come at once
        return _gate(_Key.of(settings), os.getpid())


def open_store(settings: Settings) -> HistoryStore:
    """The run history, created or upgraded when need be, with its results sealed.

    Raises:
        HistoryUnavailable: the database cannot be used; the message says where it is and what to do.
    """
    check_communications(settings)
    return _history(_Key.of(settings), os.getpid())


def open_audit(settings: Settings) -> AuditLog:
    """The audit log, created when need be. Raises AuditUnavailable."""
    check_communications(settings)
    return _audit(settings.audit_url, settings.home, settings.governance.anchors, os.getpid())


def open_vault(settings: Settings) -> Vault:
    """The keys that seal what is stored. Raises ConfigurationError."""
    from automation_scripts.governance.encryption.opened import open_vault as opened

    check_communications(settings)
    return opened(settings.home, url=settings.governance_url, kms_key=settings.governance.kms_key or "")


def open_payloads(settings: Settings) -> Payloads:
    """Seals and opens the words in the audit log."""
    from automation_scripts.governance.payloads import Payloads

    return Payloads(lambda: open_vault(settings))


def open_approvals(settings: Settings) -> ApprovalStore:
    """Requests for approval, and what was answered. Raises ConfigurationError."""
    check_communications(settings)
    return _approvals(_Key.of(settings), os.getpid())


def open_identity(settings: Settings) -> IdentityStore:
    """Users and their credentials, created when need be. Raises ConfigurationError."""
    check_communications(settings)
    return _identity(_Key.of(settings), os.getpid())


def users_are_set_up(settings: Settings) -> bool:
    """Whether there ever was a first administrator. Looking creates nothing."""
    if settings.governance_url.startswith("sqlite:") and not Path(settings.governance_url[10:]).exists():
        return False
    return not open_identity(settings).bootstrap.needed()


def steady_clock(settings: Settings) -> Callable[[], datetime]:
    """The time that policies decide by. Once users are set up it does not go back: see `IdentityStore.now`.

    So a freeze or a window that is over, and a second factor that is too old, are not brought back by setting the clock.
    """
    from automation_scripts.storage.times import now

    set_up = False

    def clock() -> datetime:
        nonlocal set_up
        set_up = set_up or users_are_set_up(settings)  # there is no way back from it
        return open_identity(settings).now() if set_up else now()

    return clock


def authorizer(settings: Settings) -> Authorizer:
    """The policies of these settings."""
    from automation_scripts.governance.policy.authorizer import Authorizer

    return Authorizer(
        settings.policy_folder,
        settings.environments,
        settings.automation.require_approval_for,
        settings.automation.security.require_mfa,
        {name: script.category.value for name, script in catalog.SCRIPTS.items()},
    )


class _Key:
    """Settings as a key of a cache: equal while they are equal, without their being hashable."""

    __slots__ = ("settings", "text")

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.text = settings.model_dump_json() + settings.governance_url + settings.audit_url

    @classmethod
    def of(cls, settings: Settings) -> _Key:
        return cls(settings)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)


# By process too: a connection must not be shared with a forked child.
@functools.lru_cache(maxsize=8)
def _gate(key: _Key, pid: int) -> Gate:
    from automation_scripts.governance.consent import Consent, ConsentRules
    from automation_scripts.governance.gate import Gate, Rules
    from automation_scripts.governance.identification import Identification
    from automation_scripts.governance.run_trail import RunTrail

    settings = key.settings
    wanted = settings.governance.approvals
    identification = Identification(
        lambda: open_identity(settings) if users_are_set_up(settings) else None,
        local_use=settings.governance.local_use,
    )
    policies, trail, clock = (
        authorizer(settings),
        RunTrail(open_audit(settings), open_payloads(settings)),
        steady_clock(settings),
    )
    consent = Consent(
        ConsentRules(wanted.required, wanted.roles, wanted.expires_after, wanted.review_within),
        lambda: open_approvals(settings),
        identification,
        policies,
        trail,
        clock,
    )
    rules = Rules(
        protected=frozenset(settings.automation.require_approval_for),
        require_mfa=settings.automation.security.require_mfa,
        audit_reads=settings.automation.security.audit_all_actions,
    )
    return Gate(rules, identification, policies, consent, trail, clock)


@functools.lru_cache(maxsize=8)
def _history(key: _Key, pid: int) -> HistoryStore:
    from automation_scripts.governance.encryption.run_sealing import RunSealing
    from automation_scripts.history.store import HistoryStore

    return HistoryStore(key.settings.history_url, sealing=RunSealing(lambda: open_vault(key.settings)))


@functools.lru_cache(maxsize=8)
def _audit(url: str, home: Path, anchors: tuple[AnchorSettings, ...], pid: int) -> AuditLog:
    from automation_scripts.governance.audit.keys import AuditKeys
    from automation_scripts.governance.audit.log import AuditLog

    return AuditLog(url, signer=AuditKeys(home / AUDIT_KEYS), anchors=[anchor_of(anchor) for anchor in anchors])


def anchor_of(wanted: AnchorSettings) -> Anchor:
    """One of `governance.anchors`. Nothing is written or connected to yet."""
    if wanted.file is not None:
        from automation_scripts.governance.audit.anchors import FileAnchor

        return FileAnchor(wanted.file, required=wanted.required)
    from automation_scripts.governance.audit.s3_anchor import S3Anchor

    assert wanted.s3 is not None
    bucket, _, prefix = wanted.s3.partition("/")
    return S3Anchor(bucket, prefix, retention=timedelta(seconds=wanted.retain), required=wanted.required)


@functools.lru_cache(maxsize=8)
def _approvals(key: _Key, pid: int) -> ApprovalStore:
    from automation_scripts.governance.approvals.store import ApprovalStore
    from automation_scripts.governance.trail import approval_events

    return ApprovalStore(key.settings.governance_url, events=approval_events(open_audit(key.settings)))


@functools.lru_cache(maxsize=8)
def _identity(key: _Key, pid: int) -> IdentityStore:
    from automation_scripts.governance.identity.store import IdentityStore
    from automation_scripts.governance.identity.totp import Sealing
    from automation_scripts.governance.trail import identity_events

    vault = open_vault(key.settings)
    from automation_scripts.governance.encryption.contexts import Context

    sealing = Sealing(
        lambda data, place: vault.seal(data, Context("identity.factor", place.hex())),
        lambda data, place: vault.open(data, Context("identity.factor", place.hex())),
    )
    return IdentityStore(
        key.settings.governance_url,
        key.settings.home,
        events=identity_events(open_audit(key.settings)),
        sealing=sealing,
    )
