"""A state folder with users, their sessions and codes, for the tests of the identity commands."""

from __future__ import annotations

import io
import shutil
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyotp
import pytest
from sqlalchemy import select, update

from automation_scripts.governance.audit.records import Entry
from automation_scripts.governance.audit.search import search
from automation_scripts.governance.credentials import save_session
from automation_scripts.governance.identity.models import totp, users
from automation_scripts.governance.identity.passwords import Cost
from automation_scripts.governance.identity.records import Kind, Principal, RoleBinding, Scope
from automation_scripts.governance.identity.store import IdentityStore
from automation_scripts.governance.opened import open_audit, open_identity
from automation_scripts.settings import load_settings
from tests.cli.conftest import Answer, Shell

PASSWORD = "lantern orbit velvet 9"
NEW_PASSWORD = "marble tunnel rocket 4"
CHEAP = Cost(passes=1, memory_kib=8, lanes=1)
SCOPE = Scope(frozenset({"config_validator"}), frozenset({"staging"}), frozenset({"observe"}))


@dataclass(frozen=True)
class Prepared:
    """A folder to copy, the TOTP secrets of `boss` and `ada` in it, and the token of `nightly`."""

    folder: Path
    secrets: dict[str, str]
    token: str
    token_id: str


class Desk:
    """The command line of a state folder with the users boss (admin), ada (operator), vic (viewer) and nightly (service)."""

    def __init__(self, shell: Shell, patch: pytest.MonkeyPatch, prepared: Prepared) -> None:
        self.shell, self.prepared, self._patch = shell, prepared, patch
        shutil.copytree(prepared.folder, shell.home)

    def __call__(self, *arguments: str, stdin: str = "", **environment: str) -> Answer:
        with self._patch.context() as patch:
            patch.setattr(sys, "stdin", io.StringIO(stdin))
            answer = self.shell(*arguments, **environment)
        for secret in (PASSWORD, NEW_PASSWORD, *self.prepared.secrets.values()):
            assert secret not in answer.out + answer.err
        return answer

    @property
    def store(self) -> IdentityStore:
        return open_identity(load_settings())

    def token(self, name: str, mfa_at: datetime | None = None) -> str:
        """A login token of this user; without a second factor unless `mfa_at` says when."""
        with self.store.database.read() as connection:
            generation = connection.execute(select(users.c.generation).where(users.c.name == name)).scalar_one()
        proved = Principal(name, Kind.PERSON, (), (), "password", ("pwd",), mfa_at=mfa_at, generation=generation)
        return self.store.login_tokens.issue(proved).text

    def log_in(self, name: str, mfa_age_s: float | None = None) -> None:
        """Leave a session of this user, whose second factor is so old."""
        at = None if mfa_age_s is None else self.store.now() - timedelta(seconds=mfa_age_s)
        save_session(self.shell.home, self.token(name, at))

    def code(self, later: int = 0, user: str = "boss") -> str:
        """The code of a user's app now, or of the next step: both are good."""
        return pyotp.TOTP(self.prepared.secrets[user]).generate_otp(int(self.store.now().timestamp()) // 30 + later)

    def wrong_code(self) -> str:
        """Six digits that are no code of these minutes."""
        near = {self.code(later) for later in range(-3, 4)}
        return next(code for number in range(20) if (code := f"{number:06}") not in near)

    def audit(self, **filters: Any) -> list[Entry]:
        """The audit log, newest first."""
        return search(open_audit(load_settings()), limit=None, **filters)

    def actions(self) -> list[str]:
        """The actions of the commands in the audit log, oldest first."""
        found = [entry.text("action") for entry in reversed(self.audit())]
        return [action for action in found if action.startswith(("admin.", "account."))]


def prepare(folder: Path) -> Prepared:
    """Make the users in the state folder of the present settings."""
    settings = load_settings()
    store = open_identity(settings)
    store.bootstrap.create_first_admin("boss", PASSWORD, secret=store.bootstrap.secret())
    for name, role in (("ada", "operator"), ("vic", "viewer")):
        store.directory.add_user(name, by="boss", roles=[RoleBinding(role)])
        store.set_password(name, PASSWORD, by="boss")
    store.directory.add_user("nightly", by="boss", kind=Kind.SERVICE, roles=[RoleBinding("service")])
    store.directory.add_group("platform", by="boss")
    made = store.service_tokens.create("nightly", SCOPE, by="boss")
    secrets = {}
    for name in ("boss", "ada"):
        secrets[name] = store.totp.begin(name, by=name).uri.split("secret=")[1].split("&")[0]
        store.second_factors.confirm_totp(name, pyotp.TOTP(secrets[name]).now(), source="test")
    with store.database.write() as connection:
        connection.execute(update(totp).values(last_step=-1))  # the codes of this minute are good again
    store.close()
    open_audit(settings).close()
    return Prepared(folder, secrets, made.text, made.token_id)


def cheap_hashes(patch: pytest.MonkeyPatch) -> None:
    """Password hashes that cost nothing."""
    patch.setitem(IdentityStore.__init__.__kwdefaults__, "cost", CHEAP)


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """Made once: copying it saves each test the migrations."""
    folder = tmp_path_factory.mktemp("identity")
    (folder / "config.yaml").write_text(f"log: {{path: {folder / 'run.log'}}}\n")
    with pytest.MonkeyPatch.context() as patch:
        cheap_hashes(patch)
        patch.setenv("AUTOMATION_HOME", str(folder / "home"))
        patch.setenv("AUTOMATION_CONFIG_PATH", str(folder / "config.yaml"))
        return prepare(folder / "home")


@pytest.fixture
def desk(shell: Shell, monkeypatch: pytest.MonkeyPatch, prepared: Prepared) -> Desk:
    cheap_hashes(monkeypatch)
    return Desk(shell, monkeypatch, prepared)
