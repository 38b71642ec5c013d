"""People with logins and one-time codes in a state folder, for the tests of the approval commands."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path
from typing import Any

import pyotp

from automation_scripts.governance.audit.search import read_all
from automation_scripts.governance.encryption.contexts import Context
from automation_scripts.governance.identity.passwords import Cost
from automation_scripts.governance.identity.records import Kind, PasswordCredential, RoleBinding, Scope
from automation_scripts.governance.identity.store import IdentityStore
from automation_scripts.governance.identity.totp import Sealing
from automation_scripts.governance.opened import open_audit, open_vault
from automation_scripts.governance.trail import identity_events
from automation_scripts.settings import Settings
from automation_scripts.storage.times import now

PASSWORD = "lantern orbit velvet 9"
ROLES = {
    "rita": RoleBinding("release-manager"),
    "ron": RoleBinding("release-manager"),
    "rex": RoleBinding("release-manager", "staging"),
    "otto": RoleBinding("operator"),
    "vera": RoleBinding("viewer"),
    "nora": None,
}


class Staff:
    """ada (admin), those of ROLES, and bot (service). All but vera and nora have one-time codes; no login has used one."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.identity = _identity(settings)
        self.tokens: dict[str, str] = {}
        self._codes: dict[str, list[str]] = {}
        bootstrap = self.identity.bootstrap
        bootstrap.create_first_admin("ada", PASSWORD, secret=bootstrap.secret())
        for name, role in ROLES.items():
            self.identity.directory.add_user(name, by="ada", roles=[role] if role else [])
            self.identity.set_password(name, PASSWORD, by="ada")
        for name in ("ada", *ROLES):
            proved = self.identity.authenticate(PasswordCredential(name, PASSWORD), source="test")
            self.tokens[name] = self.identity.login_tokens.issue(proved).text
            if name not in ("vera", "nora"):
                self._enrol(name)
        self.identity.directory.add_user("bot", by="ada", kind=Kind.SERVICE, roles=[RoleBinding("service")])
        scope = Scope(frozenset({"*"}), frozenset({"staging"}), frozenset({"*"}))
        self.tokens["bot"] = self.identity.service_tokens.create("bot", scope, by="ada").text

    def moved(self, settings: Settings) -> Staff:
        """The same people in a copy of the state folder."""
        shutil.copytree(self.settings.home, settings.home)
        copied = copy.copy(self)
        copied.settings, copied.identity = settings, _identity(settings)
        copied._codes = {name: list(codes) for name, codes in self._codes.items()}
        return copied

    def _enrol(self, name: str) -> None:
        totp = pyotp.parse_uri(self.identity.totp.begin(name, by=name).uri)
        assert isinstance(totp, pyotp.TOTP)
        self._codes[name] = list(self.identity.second_factors.confirm_totp(name, totp.at(now()), source="test"))

    def code(self, name: str) -> str:
        """A code that was not used yet. A recovery code: there are ten of them at once."""
        return self._codes[name].pop()

    def environment(self, name: str) -> dict[str, str]:
        """The variables of somebody who is logged in."""
        return {"AUTOMATION_TOKEN": self.tokens[name]}

    def records(self, *actions: str) -> list[dict[str, Any]]:
        """What the audit log has of these actions, oldest first."""
        found = [dict(entry.members) for entry in read_all(open_audit(self.settings))]
        return [record for record in found if record["action"] in actions]


def _identity(settings: Settings) -> IdentityStore:
    vault = open_vault(settings)
    return IdentityStore(
        settings.governance_url,
        settings.home,
        events=identity_events(open_audit(settings)),
        sealing=Sealing(
            lambda data, place: vault.seal(data, Context("identity.factor", place.hex())),
            lambda data, place: vault.open(data, Context("identity.factor", place.hex())),
        ),
        cost=Cost(passes=1, memory_kib=8, lanes=1),
    )


def blocks(document: Path, language: str) -> list[str]:
    """The examples of a document in this language."""
    parts = document.read_text(encoding="utf-8").split("```")
    return [part.removeprefix(f"{language}\n") for part in parts[1::2] if part.startswith(f"{language}\n")]
