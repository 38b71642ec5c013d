"""What the doctor says of policies, users, the audit log, its anchors, the keys, reviews and communications."""

from __future__ import annotations

import json
import shutil
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from automation_scripts.governance import opened
from automation_scripts.governance.approvals.binding import binding_hash
from automation_scripts.governance.approvals.records import Approver, Content
from automation_scripts.governance.approvals.store import ApprovalStore
from automation_scripts.governance.audit.records import AuditRecord
from automation_scripts.governance.opened import open_audit
from automation_scripts.settings import load_settings
from tests.cli.conftest import EVIL, Shell
from tests.cli.identity_support import Desk, desk, prepared
from tests.cli.policy_support import proposed

__all__ = ["desk", "prepared"]


def checks(shell: Shell, code: int | None = None) -> dict[str, dict[str, Any]]:
    answer = shell("doctor", "--json")
    assert code is None or answer.code == code, answer.out
    return {check["subject"]: check for check in json.loads(answer.out)}


def record(shell: Shell, count: int = 3) -> None:
    shell.home.mkdir(exist_ok=True)
    log = open_audit(load_settings())
    for number in range(count):
        log.append(AuditRecord("run.outcome", actor="alice", details={"number": number}))


def configured(shell: Shell, text: str) -> None:
    shell.config.write_text(f"log: {{path: {shell.config.parent / 'run.log'}}}\n{text}\n")


def test_a_new_installation_is_told_what_to_set_up(shell: Shell) -> None:
    found = checks(shell, 0)
    assert found["policies"]["level"] == "ok"
    assert (found["users"]["level"], found["users"]["remedy"]) == ("note", "automation users init")
    assert "made at the first run" in found["audit log"]["said"]
    assert found["communications"]["level"] == "ok"
    assert not shell.home.exists(), "looking must not change anything"


def test_users_and_administrators(desk: Desk) -> None:
    found = checks(desk.shell, 0)
    assert "4 enabled users" in found["users"]["said"]
    assert found["administrators"]["said"] == "1, each with a second factor"
    assert found["audit key"]["level"] == found["audit log"]["level"] == found["encryption keys"]["level"] == "ok"
    desk.store.totp.remove("boss", by="boss")
    administrators = checks(desk.shell, 1)["administrators"]
    assert (administrators["level"], "boss" in administrators["said"]) == ("problem", True)
    assert administrators["remedy"] == "automation users totp enrol boss"


def test_broken_policies_are_told_with_their_place(shell: Shell, tmp_path: Path) -> None:
    folder = proposed(tmp_path, broken_cedar="permit (principal, action, resource)\nwhen { context.nothing };\n")
    configured(shell, f"governance: {{policies: {folder}}}")
    policies = checks(shell, 1)["policies"]
    assert policies["level"] == "problem"
    assert "broken.cedar:" in policies["said"]


def test_an_audit_log_whose_end_was_changed(shell: Shell) -> None:
    record(shell)
    assert checks(shell, 0)["audit log"]["said"].endswith("3 entries, and its end is what was signed")
    connection = sqlite3.connect(shell.home / "audit.db")
    with connection:
        connection.execute("DELETE FROM audit_entries WHERE entry_index = 2")
    connection.close()
    log = checks(shell, 1)["audit log"]
    assert log["level"] == "problem"
    assert "automation audit verify" in log["remedy"]


def test_a_signing_key_that_others_can_read(shell: Shell) -> None:
    record(shell)
    key = shell.home / "audit-keys" / "audit.key"
    key.chmod(0o644)
    found = checks(shell, 1)["audit key"]
    assert f"`chmod 600 {key}`" in found["said"]
    key.unlink()
    assert "the private key is gone" in checks(shell, 1)["audit key"]["said"]
    shutil.rmtree(key.parent)
    assert checks(shell, 1)["audit key"]["level"] == "problem"
    assert not key.parent.exists(), "looking must not make a new one"


def test_an_audit_log_that_was_removed(shell: Shell) -> None:
    record(shell)
    open_audit(load_settings()).close()
    for file in shell.home.glob("audit.db*"):
        file.unlink()
    found = checks(shell, 1)["audit log"]
    assert "is gone" in found["said"]
    assert not (shell.home / "audit.db").exists()


@pytest.mark.parametrize("required", [False, True])
def test_anchors(shell: Shell, tmp_path: Path, required: bool) -> None:
    place = tmp_path / "elsewhere" / "checkpoints.txt"
    configured(shell, f"governance: {{anchors: [{{file: {place}, required: {str(required).lower()}}}]}}")
    name = f"anchor file:{place}"
    record(shell)
    assert (checks(shell, 0)[name]["level"], checks(shell)[name]["remedy"]) == ("note", "automation audit checkpoint")
    assert shell("audit", "checkpoint").code == 0
    assert checks(shell, 0)[name]["said"].startswith("its newest checkpoint covers 4 entries, the last one of ")

    kept = place.read_text()
    place.write_text("")
    assert "has lost checkpoints" in checks(shell, 1)[name]["said"]
    place.unlink()
    place.mkdir()
    found = checks(shell, 1 if required else 0)[name]
    assert "cannot be read" in found["said"]
    place.rmdir()
    place.write_text(kept)
    opened._audit.cache_clear()
    assert checks(shell, 0)[name]["level"] == "ok"


def test_a_broken_glass_that_nobody_reviewed(shell: Shell) -> None:
    shell.home.mkdir()
    past = datetime.now(UTC) - timedelta(days=9)
    content = Content("config_validator" + EVIL[:8], "production", {}, ())
    with ApprovalStore(f"sqlite:///{shell.home / 'governance.db'}", clock=lambda: past) as store:
        opened_by = Approver("mallory", "person", frozenset({"admin"}), "login_token", past)
        asked = store.open_break_glass(
            content,
            binding_hash("config_validator", "production", {}, []),
            requester=opened_by,
            reason="fire",
            roles=["admin"],
        )
    review = checks(shell, 1)["break-glass review"]
    assert review["level"] == "problem"
    assert f"automation approvals review {asked.id}" in review["remedy"]
    configured(shell, "governance: {approvals: {review_within: 30d}}")
    assert checks(shell, 0)["break-glass review"]["level"] == "ok"


@pytest.mark.parametrize(
    ("settings", "level", "said"),
    [
        ("prefect: {api_url: 'http://prefect.invalid:1/api'}", "problem", "prefect.api_url"),
        ("prefect: {api_url: 'https://prefect.invalid:1/api'}", "ok", "encrypted"),
        ("prefect: {api_url: 'http://127.0.0.1:1/api'}", "ok", "encrypted"),
        ("history: {url: 'postgresql://db.invalid:1/x'}", "problem", "history.url"),
        ("governance: {audit_url: 'postgresql://db.invalid:1/x'}", "problem", "governance.audit_url"),
        ("automation: {security: {encrypt_communications: false}}", "note", "off"),
    ],
)
def test_what_would_leave_this_machine_in_clear(shell: Shell, settings: str, level: str, said: str) -> None:
    configured(shell, settings)
    found = checks(shell)["communications"]
    assert found["level"] == level
    assert said in found["said"]
    assert found["level"] != "problem" or "encrypt_communications: false" in found["remedy"]


@pytest.mark.parametrize(
    "command", [["history"], ["approvals", "list"], ["keys", "status"], ["audit", "checkpoint"], ["users", "list"]]
)
def test_what_would_leave_it_in_clear_is_not_done(shell: Shell, command: list[str]) -> None:
    configured(shell, "governance: {url: 'postgresql://db.invalid:1/x'}")
    answer = shell(*command)
    assert (answer.code, answer.out) == (2, "")
    assert "governance.url" in answer.err
    assert "?sslmode=verify-full" in answer.err
    assert not shell.home.exists()
