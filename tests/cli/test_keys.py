"""`automation keys`, `erase`, `erasures` and `tls`: who may, what is recorded, and what can no longer be read."""

from __future__ import annotations

import json
import ssl
from pathlib import Path
from typing import Any

import pytest

from automation_scripts.governance.encryption.contexts import Context
from automation_scripts.governance.encryption.unreadable import ShreddedData
from automation_scripts.governance.opened import open_audit, open_vault
from automation_scripts.settings import load_settings
from tests.cli.conftest import ACTED_UPON, EVIL, Shell
from tests.cli.examples import run_examples
from tests.cli.identity_support import Desk, desk, prepared

__all__ = ["desk", "prepared"]

CANARY = "canary-3f9a1c77"
PLACE = Context("test", "1")
CHANGES = [
    ["keys", "rotate"],
    ["keys", "rewrap"],
    ["keys", "retire", "kek-0000000000000000"],
    ["erase", CANARY, "--reason", "test", "--yes"],
    ["erasures"],
    ["tls", "init"],
]


def sealed(shell: Shell, subject: str | None = None) -> bytes:
    shell.home.mkdir(exist_ok=True)
    return open_vault(load_settings()).seal(b"value", PLACE, subject)


def keks(shell: Shell) -> list[dict[str, Any]]:
    answer = shell("keys", "status", "--format", "json")
    found: list[dict[str, Any]] = json.loads(answer.out)
    return found


def recorded(shell: Shell) -> str:
    """The whole audit log, as text."""
    from automation_scripts.governance.audit.search import read_all

    return "\n".join(entry.raw.decode() for entry in read_all(open_audit(load_settings())))


@pytest.mark.parametrize("command", CHANGES, ids=lambda words: " ".join(words[:2]))
def test_each_is_for_administrators_with_a_code_and_recorded(desk: Desk, command: list[str]) -> None:
    for name, said in (("", "automation login"), ("ada", "may not administer"), ("boss", "--otp")):
        if name:
            desk.log_in(name)
        answer = desk(*command)
        assert (answer.code, answer.out) == (2, "")
        assert said in answer.err
        assert desk.audit()[0].text("action") == "admin.denied"
    keyring = (desk.shell.home / "keyring.json").read_bytes()
    assert not desk.audit(action="admin.intent")
    answer = desk(*command, "--otp", desk.code())
    assert answer.code == (2 if "retire" in command else 0), answer.err
    assert len(desk.audit(action="admin.intent", actor="boss")) == 1
    (outcome,) = desk.audit(action="admin.outcome", actor="boss")
    assert outcome.text("outcome") == ("failed" if "retire" in command else "succeeded")
    assert ((desk.shell.home / "keyring.json").read_bytes() == keyring) == (command != ["keys", "rotate"])
    assert CANARY not in recorded(desk.shell), "who is to be forgotten is not written down for ever"


def test_status_needs_no_permission(desk: Desk) -> None:
    answer = desk("keys", "status")
    assert answer.code == 0
    assert "current" in answer.out


def test_a_whole_rotation(shell: Shell) -> None:
    envelope = sealed(shell)
    old = keks(shell)[0]["kek_id"]
    assert shell("keys", "retire", old).code == 2, "it is current"
    assert shell("keys", "rotate").code == 0
    new = next(use["kek_id"] for use in keks(shell) if use["current"])
    assert new != old
    assert "Rewrap them first" in shell("keys", "retire", old).err
    answer = shell("keys", "rewrap")
    assert "2 data keys rewrapped" in answer.out or "1 data key rewrapped" in answer.out
    assert f"automation keys retire {old}" in answer.out
    assert shell("keys", "retire", old).code == 0
    assert [use["kek_id"] for use in keks(shell)] == [new]
    assert open_vault(load_settings()).open(envelope, PLACE) == b"value"
    text = recorded(shell)
    for action in ("keys.rotate", "keys.rewrap", "keys.retire"):
        assert action in text
    secrets = json.loads((shell.home / "keyring.json").read_text())["keys"].values()
    assert not any(secret in text for secret in secrets)


def test_a_key_that_is_not_in_the_keyring_is_rotated_where_it_is(shell: Shell, tmp_path: Path) -> None:
    import base64
    import os

    key = base64.b64encode(os.urandom(32)).decode()
    answer = shell("keys", "rotate", AUTOMATION_ENCRYPTION_KEY=key)
    assert answer.code == 2
    assert "AUTOMATION_ENCRYPTION_KEY_PREVIOUS" in answer.err
    assert key not in answer.err
    shell.config.write_text(f"log: {{path: {tmp_path / 'x.log'}}}\ngovernance: {{kms_key: alias/automation}}\n")
    assert "AWS KMS" in shell("keys", "rotate").err
    bad = shell("keys", "status", AUTOMATION_ENCRYPTION_KEY=CANARY)
    assert bad.code == 2
    assert CANARY not in bad.err


def test_a_keyring_that_is_gone_is_told_and_not_replaced(shell: Shell) -> None:
    sealed(shell)
    keyring = shell.home / "keyring.json"
    kept = keyring.read_bytes()
    keyring.unlink()
    (use,) = keks(shell)
    assert not use["available"]
    assert shell("keys", "status").code == 1
    for command in (["keys", "rotate"], ["keys", "rewrap"], ["erase", "bob", "--reason", "r", "--yes"], ["erasures"]):
        answer = shell(*command)
        assert answer.code == 2
        assert use["kek_id"] in answer.err
    checks = json.loads(shell("doctor", "--json").out)
    said = [check for check in checks if check["subject"] == "encryption keys"]
    assert [check["level"] for check in said] == ["problem"]
    assert not keyring.exists()
    keyring.write_bytes(kept)
    keyring.chmod(0o644)
    answer = shell("keys", "status")
    assert answer.code == 2
    assert f"chmod 600 {keyring}" in answer.err


def test_erasing_makes_the_data_of_one_person_unreadable(shell: Shell) -> None:
    mine, other = sealed(shell, "bob"), sealed(shell, "alice")
    answer = shell("erase", "bob", "--reason", "request 17", "--yes")
    assert answer.code == 0
    assert "1 key destroyed" in answer.out
    vault = open_vault(load_settings())
    with pytest.raises(ShreddedData):
        vault.open(mine, PLACE)
    assert vault.open(other, PLACE) == b"value"
    (done,) = json.loads(shell("erasures", "--subject", "bob", "--format", "json").out)
    assert (done["reason"], done["keys"]) == ("request 17", 1)
    assert json.loads(shell("erasures", "--subject", "alice", "--format", "json").out) == []
    assert done["id"] in shell("erasures").out
    assert done["id"] in recorded(shell)
    again = shell("erase", "bob", "--reason", "once more", "--yes")
    assert again.code == 0
    assert "no key was destroyed" in again.out


@pytest.mark.parametrize("words", [["bob"], [" ", "--reason", "r"], ["bob", "--reason", " "], ["bob", "--reason", "r"]])
def test_an_erasure_needs_a_person_a_reason_and_a_yes(shell: Shell, words: list[str]) -> None:
    envelope = sealed(shell, "bob")
    yes = ["--yes"] if words != ["bob", "--reason", "r"] else []
    answer = shell("erase", *words, *yes)
    assert (answer.code, answer.out) == (2, "")
    assert open_vault(load_settings()).open(envelope, PLACE) == b"value"


def test_on_a_terminal_it_asks_first(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    import io
    import sys

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    envelope = sealed(shell, "bob")
    for said, code in (("n\n", 2), ("\n", 2), ("y\n", 0)):
        assert open_vault(load_settings()).open(envelope, PLACE) == b"value"
        monkeypatch.setattr(sys, "stdin", Terminal(said))
        answer = shell("erase", "bob", "--reason", "r")
        assert answer.code == code
        assert "unreadable for good?" in answer.err
        assert ("data.erase" in recorded(shell)) == (code == 0)


def test_hostile_reasons_stay_text(shell: Shell) -> None:
    sealed(shell, "bob")
    assert shell("erase", "bob", "--reason", EVIL + "\nforged", "--yes").code == 0
    text = shell("erasures").out
    assert "[red]x[/red]" in text
    assert not any(character in text for character in ACTED_UPON)
    assert len([line for line in text.splitlines() if line.strip()]) == 2


def test_a_certificate_for_this_machine(shell: Shell) -> None:
    answer = shell("tls", "init")
    assert answer.code == 0
    ca, server = shell.home / "tls" / "ca.pem", shell.home / "tls" / "server.pem"
    assert str(ca) in answer.out
    assert server.stat().st_mode & 0o077 == 0
    context = ssl.create_default_context(cafile=str(ca))
    assert context.cert_store_stats()["x509_ca"] == 1
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(server)
    before = server.read_bytes()
    assert shell("tls", "init").code == 0
    assert server.read_bytes() == before, "it is renewed when it is due"
    assert "PRIVATE KEY" not in answer.out + recorded(shell)


def test_the_examples_of_the_document_work_in_their_order(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_examples(shell, "encryption.md", tmp_path) > 7
