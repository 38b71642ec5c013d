"""A whole governance with real stores in one folder, a clock that tests set, and people who work there."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyotp

from automation_scripts.governance.approvals.store import ApprovalStore
from automation_scripts.governance.audit.keys import AuditKeys
from automation_scripts.governance.audit.log import AuditLog
from automation_scripts.governance.audit.search import read_all
from automation_scripts.governance.consent import Consent, ConsentRules, Plan
from automation_scripts.governance.credentials import Presented
from automation_scripts.governance.encryption.file_keys import FileKeys
from automation_scripts.governance.encryption.key_store import KeyStore
from automation_scripts.governance.encryption.vault import Vault
from automation_scripts.governance.facts import Admission, Entry
from automation_scripts.governance.gate import Gate, Rules
from automation_scripts.governance.identification import Identification
from automation_scripts.governance.identity.passwords import Cost
from automation_scripts.governance.identity.records import Kind, PasswordCredential, RoleBinding, Scope
from automation_scripts.governance.identity.store import IdentityStore
from automation_scripts.governance.identity.totp import CLEAR
from automation_scripts.governance.payloads import Payloads
from automation_scripts.governance.policy.authorizer import Authorizer
from automation_scripts.governance.run_trail import RunTrail
from automation_scripts.governance.trail import approval_events, identity_events

START = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
PASSWORD = "lantern orbit velvet 9"
ENVIRONMENTS = ("development", "staging", "production")
CHANGE = {"resource": "/etc/shop.yaml", "action": "update", "before": "a", "after": "b", "reason": "typo"}
PLAN = Plan([CHANGE], [CHANGE])
OTHER_PLAN = Plan([{**CHANGE, "after": "c"}], [{**CHANGE, "after": "c"}])
PARAMETERS = {"config_path": "/etc", "apply_fixes": True, "version": "v2.1.0"}


@dataclass
class Clock:
    """A clock that stands until it is moved."""

    time: datetime = START

    def __call__(self) -> datetime:
        return self.time

    def move(self, **delta: float) -> None:
        self.time += timedelta(**delta)


class Office:
    """People: ada (admin), rita and ron (release-manager), otto (operator), vera (viewer), bot (service)."""

    def __init__(
        self, folder: Path, *, approvers: int = 1, policies: Path | None = None, local_use: bool = True
    ) -> None:
        self.clock = Clock()
        self.folder = folder
        self.audit = AuditLog(f"sqlite:///{folder / 'audit.db'}", signer=AuditKeys(folder / "keys"), clock=self.clock)
        url = f"sqlite:///{folder / 'governance.db'}"
        self.identity = IdentityStore(
            url,
            folder,
            clock=self.clock,
            events=identity_events(self.audit),
            sealing=CLEAR,
            cost=Cost(passes=1, memory_kib=8, lanes=1),
        )
        self.approvals = ApprovalStore(url, clock=self.clock, events=approval_events(self.audit))
        self.secrets: dict[str, str] = {}
        self.tokens: dict[str, str] = {}
        self._hire()
        self.identification = Identification(lambda: self.identity, local_use=local_use)
        self.vault = Vault(FileKeys(folder / "keyring.json"), KeyStore(url))
        self.payloads = Payloads(lambda: self.vault)
        trail = RunTrail(self.audit, self.payloads)
        authorizer = Authorizer(
            policies, ENVIRONMENTS, ("production",), True, {"config_validator": "validation", "probe": "monitoring"}
        )
        self.consent = Consent(
            ConsentRules(approvers, ("release-manager", "compliance-officer", "admin"), 4 * 3600, 3 * 86400),
            lambda: self.approvals,
            self.identification,
            authorizer,
            trail,
            self.identity.now,
        )
        rules = Rules(frozenset({"production"}), require_mfa=True, audit_reads=True)
        self.gate = Gate(rules, self.identification, authorizer, self.consent, trail, self.identity.now)

    def _hire(self) -> None:
        store = self.identity
        store.bootstrap.create_first_admin("ada", PASSWORD, secret=store.bootstrap.secret())
        for name, role in (
            ("rita", "release-manager"),
            ("ron", "release-manager"),
            ("otto", "operator"),
            ("vera", "viewer"),
        ):
            store.directory.add_user(name, by="ada", roles=[RoleBinding(role)])
            store.set_password(name, PASSWORD, by="ada")
        store.directory.add_user("bot", by="ada", kind=Kind.SERVICE, roles=[RoleBinding("service")])
        for name in ("ada", "rita", "ron", "otto"):
            uri = store.totp.begin(name, by=name).uri
            self.secrets[name] = pyotp.parse_uri(uri).secret
            store.second_factors.confirm_totp(name, self.code(name), source="test")
        self.clock.move(seconds=60)
        for name in ("ada", "rita", "ron", "otto", "vera"):
            code = self.code(name) if name in self.secrets else None
            principal = store.authenticate(PasswordCredential(name, PASSWORD, code), source="test")
            self.tokens[name] = store.login_tokens.issue(principal).text
        self.tokens["bot"] = self.service_token()
        self.clock.move(minutes=10)  # the second factor of the login is no longer fresh

    def service_token(self, *, scripts: str = "*", environments: str = "*", actions: str = "*") -> str:
        scope = Scope(frozenset({scripts}), frozenset({environments}), frozenset({actions}))
        return self.identity.service_tokens.create("bot", scope, by="ada").text

    def code(self, name: str) -> str:
        return pyotp.TOTP(self.secrets[name]).at(self.clock())

    def credential(self, name: str, *, code: bool = False) -> Presented:
        """The token of somebody; with `code`, a fresh one-time code too."""
        if code:
            self.clock.move(seconds=60)
        return Presented(token=self.tokens[name], code=self.code(name) if code else None)

    def entry(self, name: str | None = None, *, code: bool = False, **changes: Any) -> Entry:
        """A change of production by this person."""
        values: dict[str, Any] = {
            "script": "config_validator",
            "environment": "production",
            "parameters": PARAMETERS,
            "shown": PARAMETERS,
            "claimed_user": name or "",
            "credential": self.credential(name, code=code) if name else Presented(),
            "trigger": "cli",
            "by_person": True,
            "level": "automatic",
            "dry_run": False,
            "intends_changes": True,
            "execution_id": "exec_1",
        }
        return Entry(**(values | changes))

    def admit(self, entry: Entry, *, unproved_allowed: bool = True) -> Admission:
        return self.gate.admit(entry, unproved_allowed=unproved_allowed)

    def change(self, entry: Entry, plan: Plan = PLAN) -> Admission:
        """Let it in and have its plan permitted."""
        admission = self.admit(entry)
        self.gate.permit(admission, plan)
        return admission

    def approved(self, requester: str = "rita", approver: str = "ron", **changes: Any) -> str:
        """The id of an approval for the change of `entry(requester, **changes)`."""
        from automation_scripts.governance.gate import NeedsApproval

        try:
            self.change(self.entry(requester, code=True, **changes))
        except NeedsApproval as needed:
            self.consent.vote(needed.approval_id, self.credential(approver, code=True), "grant", source="cli")
            return needed.approval_id
        raise AssertionError("no approval was needed")

    def records(self) -> list[dict[str, Any]]:
        return [self.payloads.open(entry.members) for entry in read_all(self.audit)]

    def last(self) -> dict[str, Any]:
        return self.records()[-1]

    def with_approval(self, entry: Entry, approval_id: str) -> Entry:
        return dataclasses.replace(entry, approval_id=approval_id)
