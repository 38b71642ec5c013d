"""`automation audit …`: who may read, what tampering comes to, what leaves the log, and that each look leaves a trace."""

from __future__ import annotations

import json
import os
import pty
import shutil
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import update

from automation_scripts.governance import opened
from automation_scripts.governance.audit.keys import read_verifier_keys
from automation_scripts.governance.audit.log import AuditLog
from automation_scripts.governance.audit.records import AuditRecord
from automation_scripts.governance.audit.tree import leaf_hash
from automation_scripts.governance.credentials import save_session
from automation_scripts.governance.identity.models import users
from automation_scripts.governance.identity.records import Kind, RoleBinding, Scope
from automation_scripts.governance.opened import open_audit
from automation_scripts.settings import load_settings
from tests.cli.conftest import ACTED_UPON, EVIL, Shell
from tests.cli.examples import blocks, run_examples
from tests.cli.identity_support import Desk, desk, prepared
from tests.cli.policy_support import proposed
from tests.governance.audit import rfc9162

__all__ = ["desk", "prepared"]

CANARY = "canary-3f9a1c77"
STRICT = (
    '@id("careful-readers")\n@description("the audit log is read with a second factor")\n'
    'forbid (principal, action == Action::"read_audit", resource)\nunless { context.mfa && context.mfa_age_s <= 300 };\n'
)
READS = [["log"], ["export"], ["prove", "0"]]
ADMINISTRATION = [["checkpoint"], ["rotate-key", "--reason", "test"]]


def written(shell: Shell, count: int = 10, **changes: object) -> AuditLog:
    """A log of so many entries of alice's runs."""
    shell.home.mkdir(exist_ok=True)
    log = open_audit(load_settings())
    given = {"action": "run.outcome", "actor": "alice", "outcome": "succeeded", "script": "config_validator"}
    rows = [{**given, "execution_id": f"exec_{number}", **changes} for number in range(count)]
    log.append_many([AuditRecord(**row) for row in rows])  # type: ignore[arg-type]
    return log


def entries(shell: Shell, *arguments: str) -> list[dict[str, object]]:
    answer = shell("audit", "log", "--format", "json", *arguments)
    assert answer.code == 0, answer.err
    found: list[dict[str, object]] = json.loads(answer.out)
    return found


def tamper(shell: Shell, *statements: str) -> None:
    connection = sqlite3.connect(shell.home / "audit.db")
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


# Where nothing is yet


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("audit status", 0),
        ("audit log", 0),
        ("audit export", 0),
        ("audit verify", 2),
        ("audit keys", 2),
        ("audit prove 0", 2),
        ("audit rotate-key", 2),
        ("keys status", 0),
        ("erasures", 0),
    ],
)
def test_looking_at_nothing_makes_nothing(shell: Shell, command: str, code: int) -> None:
    assert shell(*command.split()).code == code
    assert not shell.home.exists()


# Who may read


def test_the_owner_reads_as_local_while_there_are_no_users_and_that_is_recorded(shell: Shell) -> None:
    written(shell, 2)
    answer = shell("audit", "log", "--actor", "alice", "--format", "json")
    assert [entry["index"] for entry in json.loads(answer.out)] == [1, 0]
    assert "automation users init" in answer.err
    (read,) = entries(shell, "--action", "audit.read")
    assert (read["authentication"], read["outcome"]) == ("local", "allowed")
    assert read["details"] == {"command": "audit log", "actor": ["alice"]}


def test_another_account_does_not_read_while_there_are_no_users(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    written(shell)
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    answer = shell("audit", "log")
    assert (answer.code, answer.out) == (2, "")
    assert "belongs to another account" in answer.err


@pytest.mark.parametrize("command", READS, ids=" ".join)
def test_reading_needs_the_right_once_users_are_set_up(desk: Desk, command: list[str]) -> None:
    desk.store.directory.add_user("sam", by="boss", roles=[RoleBinding("security-auditor")])
    desk.store.directory.add_user("reg", by="boss", roles=[RoleBinding("security-auditor", "staging")])
    for name, said in (("", "automation login"), ("vic", "may not read audit"), ("reg", "may not read audit")):
        if name:
            desk.log_in(name, mfa_age_s=5)
        answer = desk("audit", *command)
        assert (answer.code, answer.out) == (2, "")
        assert said in answer.err
        newest = desk.audit()[0]
        assert (newest.text("action"), newest.text("outcome")) == ("audit.read", "denied")
    desk.log_in("sam")
    answer = desk("audit", *command)
    assert answer.code == 0, answer.err
    assert answer.out
    newest = desk.audit()[0]
    assert (newest.text("action"), newest.text("outcome"), newest.text("actor")) == ("audit.read", "allowed", "sam")


def test_the_session_of_another_installation_and_of_a_disabled_user_is_no_right(desk: Desk) -> None:
    desk.store.directory.add_user("sam", by="boss", roles=[RoleBinding("security-auditor")])
    desk.log_in("sam")
    with desk.store.database.write() as connection:
        connection.execute(update(users).where(users.c.name == "sam").values(enabled=False))
    first = desk("audit", "log")
    save_session(desk.shell.home, "eyJhbGciOiJFZERTQSJ9." + CANARY + ".c2ln")
    second = desk("audit", "log")
    for answer in (first, second):
        assert (answer.code, answer.out) == (2, "")
        assert CANARY not in answer.err
    assert not desk.audit(action="audit.read", outcome="allowed")
    assert CANARY not in b"".join(entry.raw for entry in desk.audit()).decode()


def test_a_token_is_no_right_where_no_users_are(shell: Shell) -> None:
    written(shell)
    answer = shell("audit", "log", AUTOMATION_TOKEN=CANARY)
    assert (answer.code, answer.out) == (2, "")
    assert CANARY not in answer.err


def test_a_service_token_reads_within_its_scope_only(desk: Desk) -> None:
    desk.store.directory.add_user("siem", by="boss", kind=Kind.SERVICE, roles=[RoleBinding("security-auditor")])
    everything = frozenset({"*"})
    for actions, code in (({"observe"}, 2), ({"read_audit"}, 0)):
        token = desk.store.service_tokens.create("siem", Scope(everything, everything, frozenset(actions)), by="boss")
        assert desk("audit", "export", AUTOMATION_TOKEN=token.text).code == code


@pytest.mark.parametrize("command", ADMINISTRATION, ids=" ".join)
def test_the_keys_of_the_log_are_for_administrators_with_a_code(desk: Desk, command: list[str]) -> None:
    for name in ("", "vic"):
        if name:
            desk.log_in(name, mfa_age_s=5)
        answer = desk("audit", *command)
        assert (answer.code, answer.out) == (2, "")
        assert desk.audit()[0].text("action") == "admin.denied"
    desk.log_in("boss")
    assert "--otp" in desk("audit", *command).err
    before = len(desk.audit(action="admin.intent"))
    answer = desk("audit", *command, "--otp", desk.code())
    assert answer.code == 0, answer.err
    assert len(desk.audit(action="admin.intent")) == before + 1
    assert (desk.audit()[0].text("action"), desk.audit()[0].text("outcome")) == ("admin.outcome", "succeeded")
    assert desk("audit", "verify").code == 0


def test_what_shows_nothing_needs_no_permission(desk: Desk) -> None:
    for command in (["status"], ["verify"], ["keys"]):
        answer = desk("audit", *command)
        assert answer.code == 0
        assert "boss" not in answer.out
        assert "vic" not in answer.out
    assert not desk.audit(action="audit.read")


def test_nothing_is_read_when_the_reading_cannot_be_recorded(shell: Shell) -> None:
    written(shell, actor=CANARY)
    tamper(shell, "DELETE FROM audit_entries WHERE entry_index = 9")
    for command in READS:
        answer = shell("audit", *command)
        assert (answer.code, answer.out) == (2, "")
        assert "automation audit verify" in answer.err


# Tampering


@pytest.mark.parametrize(
    ("statement", "kind", "index"),
    [
        ("UPDATE audit_entries SET entry = replace(entry, 'alice', 'mallo') WHERE entry_index = 4", "entry_edited", 4),
        ("DELETE FROM audit_entries WHERE entry_index = 6", "entry_deleted", 6),
        ("UPDATE audit_entries SET actor = 'mallory' WHERE entry_index = 2", "column_edited", 2),
    ],
)
def test_a_change_is_named_with_its_position(shell: Shell, statement: str, kind: str, index: int) -> None:
    written(shell)
    assert shell("audit", "verify").code == 0
    tamper(shell, statement)
    answer = shell("audit", "verify", "--format", "json")
    assert answer.code == 1
    data = json.loads(answer.out)
    assert not data["ok"]
    assert (kind, index) in {(problem["kind"], problem["index"]) for problem in data["problems"]}
    text = shell("audit", "verify")
    assert text.code == 1
    assert f"{kind}: " in text.out
    assert str(index) in text.out
    assert "mallory" not in text.out


def with_anchor(shell: Shell, tmp_path: Path) -> Path:
    place = tmp_path / "elsewhere" / "checkpoints.txt"
    shell.config.write_text(f"log: {{path: {tmp_path / 'x.log'}}}\ngovernance: {{anchors: [{{file: {place}}}]}}\n")
    return place


def test_a_log_that_was_put_back_or_removed_is_told_by_the_anchor(shell: Shell, tmp_path: Path) -> None:
    with_anchor(shell, tmp_path)
    written(shell, 3).close()
    shutil.copy(shell.home / "audit.db", tmp_path / "old.db")
    written(shell, 5).close()
    assert shell("audit", "checkpoint").code == 0
    open_audit(load_settings()).close()
    for file in shell.home.glob("audit.db*"):
        file.unlink()
    gone = shell("audit", "verify", "--format", "json")
    assert gone.code == 1
    assert "log_rolled_back" in gone.out
    assert not (shell.home / "audit.db").exists(), "looking makes nothing"
    for command in ("log", "status", "export"):
        assert shell("audit", command).code == 2

    shutil.copy(tmp_path / "old.db", shell.home / "audit.db")
    back = shell("audit", "verify")
    assert back.code == 1
    assert "log_rolled_back" in back.out
    checks = {check["subject"]: check for check in json.loads(shell("doctor", "--json").out)}
    (anchor,) = (check for subject, check in checks.items() if subject.startswith("anchor "))
    assert anchor["level"] == "problem"
    assert "an earlier copy" in anchor["said"]


def test_an_anchor_that_does_not_take_the_checkpoint_is_told(shell: Shell, tmp_path: Path) -> None:
    place = with_anchor(shell, tmp_path)
    place.parent.write_text("a file where a folder should be")
    answer = shell("audit", "checkpoint")
    assert answer.code == 1
    assert "it failed" in answer.err
    assert rfc9162_size(answer.out) == 1
    verification = shell("audit", "verify")
    assert verification.code == 1
    assert "anchor_unavailable" in verification.out


def rfc9162_size(checkpoint: str) -> int:
    return int(checkpoint.split("\n")[1])


def test_the_owners_list_of_keys_shows_a_log_that_somebody_else_signed(shell: Shell, tmp_path: Path) -> None:
    written(shell).close()
    kept = tmp_path / "kept.txt"
    kept.write_text(shell("audit", "keys").out)
    assert shell("audit", "verify", "--keys", str(kept)).code == 0
    shutil.rmtree(shell.home)
    opened._audit.cache_clear()  # another process
    written(shell).close()  # a new log with a new key
    assert shell("audit", "verify").code == 0
    answer = shell("audit", "verify", "--keys", str(kept))
    assert answer.code == 1
    assert "signed by none of the known keys" in answer.out or "of another log" in answer.out


@pytest.mark.parametrize("content", ["", "# nothing\n", "no key at all\n", "0 a+b+c\n", "\x00\xff"])
def test_a_list_without_keys_verifies_nothing(shell: Shell, tmp_path: Path, content: str) -> None:
    written(shell)
    file = tmp_path / "keys.txt"
    file.write_bytes(content.encode("latin-1"))
    answer = shell("audit", "verify", "--keys", str(file))
    assert (answer.code, answer.out) == (2, "")
    assert "keys.txt" in answer.err
    assert shell("audit", "verify", "--keys", str(tmp_path / "none")).code == 2


def test_a_missing_private_key_still_lets_one_verify_and_nothing_be_written(shell: Shell) -> None:
    written(shell).close()
    (shell.home / "audit-keys" / "audit.key").unlink()
    assert shell("audit", "verify").code == 0
    answer = shell("audit", "log")
    assert (answer.code, answer.out) == (2, "")
    assert "the private key is gone" in answer.err


def test_a_log_without_any_key_is_not_verified_with_a_new_one(shell: Shell) -> None:
    written(shell).close()
    shutil.rmtree(shell.home / "audit-keys")
    for command in ("verify", "status", "keys", "log", "export", "prove 0", "checkpoint", "rotate-key"):
        answer = shell("audit", *command.split())
        assert (answer.code, answer.out) == (2, ""), command
        assert "audit-keys" in answer.err
        assert not (shell.home / "audit-keys").exists(), f"{command} made a key for a log that has another one"


def test_a_damaged_database_cannot_be_read(shell: Shell) -> None:
    written(shell, 1).close()
    for file in shell.home.glob("audit.db-*"):
        file.unlink()
    (shell.home / "audit.db").write_bytes(b"this is no database" * 500)
    for command in ("verify", "status", "log"):
        answer = shell("audit", command)
        assert (answer.code, answer.out) == (2, "")
        assert "audit.db" in answer.err


def test_intents_without_an_outcome_are_no_tampering(shell: Shell) -> None:
    written(shell, 1, action="run.intent", outcome="intent")
    answer = shell("audit", "verify")
    assert answer.code == 0
    assert "1 intent without an outcome" in answer.out
    assert json.loads(shell("audit", "verify", "--format", "json").out)["open_intents"] == [0]


# What it shows


def test_filters_and_their_union(shell: Shell) -> None:
    written(shell, 3)
    written(shell, 2, actor="bob", environment="production", outcome="denied", action="run.denied")
    assert len(entries(shell, "--actor", "alice", "--actor", "bob")) == 5
    assert [entry["index"] for entry in entries(shell, "--outcome", "denied", "-e", "production")] == [4, 3]
    assert [entry["index"] for entry in entries(shell, "--execution", "exec_2")] == [2]
    assert len(entries(shell, "--actor", "alice", "--limit", "1")) == 1
    assert entries(shell, "--until", "1d") == []
    assert len(entries(shell, "--since", "1d", "--script", "config_validator")) == 5
    assert shell("audit", "log", "--since", "soon").code == 2
    assert "No entry matches" in shell("audit", "log", "--actor", "nobody").out
    assert shell("audit", "log", "--actor", "odd\udcff").code == 0


def test_hostile_text_stays_text(shell: Shell) -> None:
    evil = EVIL + "\n999  2026-01-01 00:00:00  forged"
    log = written(shell, 1, action=evil, actor=evil, script=evil, environment=evil, outcome=evil, execution_id=evil)
    log.append(AuditRecord("x", details={"command": evil}))
    text = shell("audit", "log").out
    assert "[red]x[/red]" in text
    assert not any(character in text for character in ACTED_UPON)
    assert not any(line.lstrip().startswith("999") for line in text.splitlines())
    assert entries(shell)[-1]["actor"] == evil, "JSON escapes, and so loses nothing"
    assert not any(character in shell("audit", "log", "--format", "json").out for character in ACTED_UPON)
    assert not any(character in shell("audit", "prove", "0").out for character in ACTED_UPON)


@pytest.mark.parametrize("form", ["jsonl", "ocsf", "syslog"])
def test_an_export_to_a_terminal_acts_upon_nothing(shell: Shell, form: str) -> None:
    written(shell, 1, actor=EVIL, details={"text": EVIL})
    seen = bytearray()

    def read(descriptor: int) -> bytes:
        data = os.read(descriptor, 4096)
        seen.extend(data)
        return data

    code = pty.spawn([sys.executable, "-m", "automation_scripts.cli", "audit", "export", "--format", form], read)
    assert code == 0
    text = seen.decode().replace("\r\n", "\n")
    assert "[red]x[/red]" in text
    assert not any(character in text for character in ACTED_UPON)


def test_a_wide_log_stays_one_line_an_entry(shell: Shell) -> None:
    written(shell, 3, script="s" * 400, execution_id="e" * 400)
    lines = [line for line in shell("audit", "log", COLUMNS="80").out.splitlines() if line.strip()]
    assert len(lines) == 4


# What leaves it


def test_an_export_is_the_very_bytes_that_are_hashed(shell: Shell, tmp_path: Path) -> None:
    log = written(shell, 5, actor="zoë \u202e\x9b", details={"a": 'é "😀" \n'})
    file = tmp_path / "audit.jsonl"
    answer = shell("audit", "export", "-o", str(file))
    assert (answer.code, answer.out) == (0, "")
    assert file.stat().st_mode & 0o777 == 0o600
    lines = file.read_bytes().splitlines()
    assert len(lines) == 6, "the entries, and that they were exported"
    bundle = json.loads(shell("audit", "prove", "2").out)
    import base64

    assert base64.b64encode(leaf_hash(lines[2])).decode() == bundle["leaf_hash"]
    assert json.loads(lines[-1])["action"] == "audit.read"
    assert b"".join(line + b"\n" for line in lines[:2]) in shell("audit", "export").out.encode()
    assert log.status().size == 8


def test_each_line_of_an_export_is_whole(shell: Shell) -> None:
    written(shell, 3, details={"text": "line\nbreak \r\x85\u2028"})
    for form, check in (
        ("jsonl", lambda line: json.loads(line)["index"]),
        ("ocsf", lambda line: json.loads(line)["metadata"]["sequence"]),
        ("syslog", lambda line: int(line.split('index="')[1].split('"')[0])),
    ):
        lines = shell("audit", "export", "--format", form).out.split("\n")
        assert lines.pop() == ""
        assert [check(line) for line in lines] == list(range(len(lines)))
        if form == "syslog":
            assert all(line.startswith("<109>1 ") for line in lines)


def test_an_export_that_cannot_be_written_leaves_the_old_file(shell: Shell, tmp_path: Path) -> None:
    written(shell)
    folder = tmp_path / "file"
    folder.write_text("no folder")
    assert shell("audit", "export", "-o", str(folder / "x")).code == 2
    target = tmp_path / "old.jsonl"
    target.write_text("old")
    tamper(shell, "UPDATE audit_entries SET actor = 'x' WHERE entry_index = 9", "DELETE FROM audit_head")
    assert shell("audit", "export", "-o", str(target)).code == 2
    assert target.read_text() == "old"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--ca", "x"], "--ca"),
        (["--send", "tls://h", "-o", "x"], "choose one"),
        (["--send", "tls://h", "--format", "ocsf"], "speaks syslog"),
        (["--send", "udp://logs.example.com"], "in clear"),
        (["--send", "tls://user:" + CANARY + "@"], "not a syslog address"),
        (["--send", "tls://127.0.0.1:1", "--ca", "/nonexistent"], "cannot be used"),
    ],
)
def test_what_cannot_be_sent_is_told(shell: Shell, arguments: list[str], said: str) -> None:
    written(shell, 1)
    answer = shell("audit", "export", *arguments)
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err
    assert CANARY not in answer.err


def test_a_proof_holds_for_a_verifier_that_knows_nothing_of_this_program(shell: Shell, tmp_path: Path) -> None:
    written(shell, 7)
    assert shell("audit", "checkpoint").code == 0
    key = shell("audit", "keys").out.split()[1]
    assert rfc9162.bundle_holds(shell("audit", "prove", "3").out, key)
    assert rfc9162.bundle_holds(shell("audit", "prove", "3", "--size", "8").out, key)
    written(shell, 3)
    assert shell("audit", "checkpoint").code == 0
    sizes = [row[0] for row in sqlite3.connect(shell.home / "audit.db").execute("SELECT size FROM audit_checkpoints")]
    out = tmp_path / "growth.json"
    assert shell("audit", "prove", "--consistency", *map(str, sizes[:2]), "-o", str(out)).code == 0
    assert rfc9162.bundle_holds(out.read_text(), key)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["0", "--consistency", "1", "1"],
        ["--consistency", "1", "1", "--size", "3"],
        ["99"],
        ["-1"],
        ["0", "--size", "99"],
    ],
)
def test_what_cannot_be_proved_is_refused(shell: Shell, arguments: list[str]) -> None:
    written(shell)
    answer = shell("audit", "prove", *arguments)
    assert (answer.code, answer.out) == (2, "")


def test_a_change_of_key_stays_verifiable_with_the_list_from_before_and_after(shell: Shell, tmp_path: Path) -> None:
    written(shell)
    before = tmp_path / "before.txt"
    before.write_text(shell("audit", "keys").out)
    assert shell("audit", "rotate-key", "--reason", "yearly").code == 0
    keys = read_verifier_keys(shell("audit", "keys").out)
    assert len(keys) == 2
    assert shell("audit", "verify").code == 0
    (change,) = entries(shell, "--action", "audit.key_change")
    assert change["details"]["reason"] == "yearly"  # type: ignore[index]
    assert str(keys[1]) == change["details"]["new"]  # type: ignore[index]


def test_status_tells_how_far_it_reaches(shell: Shell, tmp_path: Path) -> None:
    with_anchor(shell, tmp_path)
    written(shell, 4)
    assert shell("audit", "checkpoint").code == 0
    data = json.loads(shell("audit", "status", "--format", "json").out)
    assert data["size"] == 6
    assert data["checkpoint_size"] == 5
    (anchor,) = data["anchors"]
    assert (anchor["published_size"], anchor["behind"]) == (5, 0)
    text = shell("audit", "status").out
    assert data["root"] in text
    assert "checkpoints.txt: 5 entries" in text


# The document


def test_the_examples_of_the_document_work_in_their_order(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_examples(shell, "audit.md", tmp_path) > 10
    proof = json.loads((tmp_path / "proof.json").read_text())

    def check() -> int:
        command = [sys.executable, "check_proof.py", "proof.json", "audit-keys.txt"]
        return subprocess.run(command, capture_output=True, check=False).returncode

    assert check() == 0
    for change in ({"entry": "{}"}, {"index": 1}, {"tree_size": 2}, {"hashes": []}):
        (tmp_path / "proof.json").write_text(json.dumps(proof | change))
        assert check() != 0, change


def test_the_settings_of_the_document_are_settings(shell: Shell) -> None:
    (text,) = blocks("audit.md", "yaml")
    shell.config.write_text(text)
    anchors = load_settings().governance.anchors
    assert [bool(anchor.file) for anchor in anchors] == [True, False]
    assert anchors[1].required


# Elsewhere


def test_entries_are_sent_as_syslog(shell: Shell) -> None:
    written(shell, 2)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        address = f"udp://127.0.0.1:{receiver.getsockname()[1]}"
        answer = shell("audit", "export", "--send", address)
        assert (answer.code, answer.out) == (0, "")
        assert f"3 entries sent to {address}" in answer.err
        messages = [receiver.recv(65536).decode() for _ in range(3)]
    assert all(message.startswith("<109>1 ") for message in messages)
    assert f'"send":"{address}"' in messages[-1], "where it went is recorded"


def test_a_policy_may_ask_readers_for_a_second_factor(desk: Desk) -> None:
    folder = proposed(desk.shell.home.parent, strict_cedar=STRICT)
    shutil.copytree(folder, desk.shell.home / "policies")
    desk.log_in("boss")
    assert "--otp" in desk("audit", "log").err
    assert desk("audit", "log", "--otp", desk.wrong_code()).code == 2
    code = desk.code()
    assert desk("audit", "log", "--otp", code).code == 0
    assert desk("audit", "log", "--otp", code).code == 2, "a code is good once"
    outcomes = [entry.text("outcome") for entry in desk.audit(action="audit.read")]
    assert outcomes == ["denied", "allowed", "denied", "denied"]


def test_a_reader_that_is_gone_at_once_is_no_error(shell: Shell) -> None:
    written(shell, 3000)
    done = shell.process("automation audit export | head -n 1")
    assert json.loads(done.stdout)["index"] == 0


def test_everything_on_a_database_server(shell: Shell, tmp_path: Path, postgres_url: str) -> None:
    shell.config.write_text(
        f"log: {{path: {tmp_path / 'x.log'}}}\ngovernance: {{url: '{postgres_url}', audit_url: '{postgres_url}'}}\n"
    )
    assert shell("audit", "checkpoint").code == 0
    for command in ("audit status", "audit verify", "audit keys", "audit log", "audit export", "audit prove 0"):
        answer = shell(*command.split())
        assert answer.code == 0, (command, answer.err)
        assert answer.out, command
    assert shell("keys", "rotate").code == 0
    assert shell("keys", "rewrap").code == 0
    erased = shell("erase", "bob", "--reason", "r", "--yes")
    assert erased.code == 0
    assert "VACUUM" in erased.out
    assert len(json.loads(shell("erasures", "--format", "json").out)) == 1
    assert shell("keys", "status").code == 0
    assert shell("audit", "verify").code == 0
    levels = {check["subject"]: check["level"] for check in json.loads(shell("doctor", "--json").out)}
    assert "problem" not in levels.values(), levels
    assert {levels["audit log"], levels["audit key"], levels["encryption keys"]} == {"ok"}
